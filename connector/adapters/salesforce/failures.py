"""From a refusal of Salesforce to an error of our tree: of a whole call, of one record, of a login. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from connector.adapters.salesforce.faults import APP_REMEDY, Fault, Kind, read_faults, rule_for
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
)

_LONG_WAIT = timedelta(minutes=15)  # a daily quota is a rolling day: a few calls come free all the time
_SHORT_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(days=1)


def call_error(
    status: int, body: object, *, wrote: bool, now: datetime, retry_after: str | None = None
) -> ConnectorError:
    """Give the error for an answer that refuses a whole call.

    A write that failed with 5xx or unreadable text may have been committed; a read never was anything.
    """
    fault = read_faults(status, body)[0]
    kind = rule_for(fault).kind
    waits = kind in {Kind.LONG_WAIT, Kind.SHORT_WAIT} or status == 429  # noqa: PLR2004 Too Many Requests
    if waits or (status == 503 and retry_after):  # noqa: PLR2004 with a time to come back it is throttling
        until = _until(retry_after, now, _LONG_WAIT if kind is Kind.LONG_WAIT else _SHORT_WAIT)
        return ThrottledError(f"Salesforce asks to wait: {fault}", until=until, remote=fault.remote)
    if 300 <= status < 400:  # noqa: PLR2004 redirects
        return UnexpectedResponseError(
            f"Salesforce answered with a redirect (HTTP {status}), which is never followed",
            remedy="Set domain, login_url or instance_url to the org's present address.",
            remote=fault.remote,
        )
    if status >= 500 or status == 420:  # noqa: PLR2004 the edge says 420 when it cannot reach the org
        failed = OutcomeUnknownError if wrote else UnavailableError
        return failed(f"Salesforce failed: {fault}", remote=fault.remote)
    if status in {401, 403, 404, 405, 410} or kind is Kind.ACCESS:
        remedy = rule_for(fault).remedy if kind is Kind.ACCESS else _CALL_REMEDIES.get(status, "")
        return AccessRefusedError(f"Salesforce refused the call: {fault}", remedy=remedy, remote=fault.remote)
    if kind in _PASSING:
        return UnavailableError(f"Salesforce did not take the call: {fault}", remote=fault.remote)
    return RejectedError(
        f"Salesforce refused the call: {fault}", remedy=rule_for(fault).remedy, remote=fault.remote
    )


_PASSING = frozenset({Kind.TRANSIENT, Kind.LOCK})

_CALL_REMEDIES: Mapping[int, str] = {
    401: APP_REMEDY,
    403: "Give the integration user the rights that docs/salesforce.md lists.",
    404: "Check instance_url and api_version: Salesforce does not know this address.",
    405: "Check instance_url and api_version: Salesforce does not offer this call.",
    410: "Set api_version to one that Salesforce still offers.",
}


def record_error(faults: Mapping[str, Fault], *, now: datetime) -> ConnectorError:
    """Give the error for one record, from its culprits by place ("Invoice__c", "Invoice_Line__c line 2").

    Nothing of the record was committed: a graph is one transaction. So a fault that may pass is
    `UnavailableError`, never "outcome unknown". Of several, the one that no waiting cures decides.
    """
    kind, first = max(
        ((_node_kind(fault), fault) for fault in faults.values()), key=lambda pair: _GRAVITY.index(pair[0])
    )
    words = "; ".join(f"{place}: {_words(fault)}" for place, fault in faults.items())
    remedy = rule_for(first).remedy
    match kind:
        case Kind.TRANSIENT | Kind.LOCK | Kind.SHRINK:
            return UnavailableError(f"Salesforce could not take it now: {words}", remote=first.remote)
        case Kind.SHORT_WAIT | Kind.LONG_WAIT:
            wait = _LONG_WAIT if kind is Kind.LONG_WAIT else _SHORT_WAIT
            return ThrottledError(f"Salesforce asks to wait: {words}", until=now + wait, remote=first.remote)
        case Kind.ACCESS:
            return AccessRefusedError(
                f"Salesforce refused access: {words}", remedy=remedy, remote=first.remote
            )
        case Kind.CONFIG:
            return ConfigError(
                f"Salesforce does not know what the mapping writes: {words}",
                remedy=remedy,
                remote=first.remote,
            )
        case _:
            return RejectedError(
                f"Salesforce refused {words}", remedy=_node_remedy(first), remote=first.remote
            )


_GRAVITY = (
    Kind.LOCK,
    Kind.SHRINK,
    Kind.TRANSIENT,
    Kind.SHORT_WAIT,
    Kind.LONG_WAIT,
    Kind.GOVERNOR,
    Kind.DUPLICATE,
    Kind.RIGHTS,
    Kind.UNKNOWN,
    Kind.REJECTED,
    Kind.CONFIG,
    Kind.ACCESS,
)


def _node_kind(fault: Fault) -> Kind:
    kind = rule_for(fault).kind
    return Kind.TRANSIENT if fault.status >= 500 and kind is Kind.UNKNOWN else kind  # noqa: PLR2004 server errors


def _words(fault: Fault) -> str:
    is_unknown = _node_kind(fault) is Kind.UNKNOWN
    matches = f", found {', '.join(fault.matches)}" if fault.matches else ""
    return f"{fault}{matches}" + (f", in whole: {fault.entry}" if is_unknown and fault.entry else "")


def _node_remedy(fault: Fault) -> str:
    if fault.status == 300:  # noqa: PLR2004 several records have the key
        return "Several records have this key: delete all but one and mark the key field Unique."
    return rule_for(fault).remedy


def login_error(status: int, body: object, *, now: datetime, retry_after: str | None) -> ConnectorError:
    """Give the error for a login that gave no token. Nothing was written, so nothing is in doubt."""
    fault = read_faults(status, body)[0]
    if status == 429 or rule_for(fault).kind is Kind.SHORT_WAIT:  # noqa: PLR2004 Too Many Requests
        until = _until(retry_after, now, _SHORT_WAIT)
        return ThrottledError(
            f"Salesforce asks to wait before logging in: {fault}", until=until, remote=fault.remote
        )
    if status >= 500 or status == 420 or fault.code in _PASSING_LOGIN_CODES:  # noqa: PLR2004 the edge's own 420
        return UnavailableError(f"Salesforce cannot log anyone in now: {fault}", remote=fault.remote)
    if fault.code is None:
        return AccessRefusedError(
            f"the login address did not answer with a token (HTTP {status})",
            remedy="Set domain or login_url to the org's own My Domain; redirects are not followed.",
            remote=fault.remote,
        )
    remedy = next((text for pattern, text in _LOGIN_REMEDIES if re.search(pattern, str(fault))), APP_REMEDY)
    return AccessRefusedError(f"Salesforce refused the login: {fault}", remedy=remedy, remote=fault.remote)


_PASSING_LOGIN_CODES = frozenset({"unknown_error", "server_error", "temporarily_unavailable"})

_LOGIN_REMEDIES = (
    ("invalid_client", "Check consumer_key and consumer_secret against the External Client App."),
    ("not supported on this domain", "Set domain to the org's own My Domain, such as acme.my."),
    ("no client credentials user", "Choose a run-as user in the app's client credentials flow."),
    ("hasn't approved", "Pre-authorise the user for the app: its policies, admin-approved users."),
    ("audience", "Set audience to the address that the org expects, mostly its My Domain."),
    ("inactive user|user is inactive", "Activate the user, or choose another."),
)


def _until(retry_after: str | None, now: datetime, default: timedelta) -> datetime:
    wait = _told_wait(retry_after or "", now)
    return now + (default if wait is None else min(max(wait, timedelta()), _LONGEST_WAIT))


def _told_wait(retry_after: str, now: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds, or a date; None for anything else."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after.strip()):
        return timedelta(seconds=int(retry_after))
    try:
        told = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)) - now
