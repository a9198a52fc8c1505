"""Asking an ERP what it has under a key: every place in order, and a comparison before a match counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from connector.adapters.soap.erp import Erp
from connector.adapters.soap.failures import call_error
from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.outcome import Verdict
from connector.adapters.soap.profile import Comparison, Lookup
from connector.adapters.soap.reply import Reply, XPath
from connector.adapters.soap.template import Absent, Scope, Value
from connector.adapters.soap.wire import NoAnswer, Wire
from connector.clock import Clock
from connector.errors import ConnectorError, OutcomeUnknownError, RejectedError, RemoteAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The ERP has the record."""

    record_id: str
    captured: Mapping[str, str]
    resume: int | None  # the step that it still lacks


def look_up(erp: Erp, wire: Wire, scope: Scope, clock: Clock) -> Held | None:
    """Give what the ERP has under the key; None when every place says that it has nothing.

    Raises: OutcomeUnknownError for a conflict that a person must see, several records or another one;
        any other `ConnectorError` when the ERP cannot tell.
    """
    for place in erp.profile.lookups:
        held = _look_in(erp, wire, place, scope, clock)
        if held is not None:
            return held
    return None


def differences(comparisons: Sequence[Comparison], reply: Reply, scope: Scope) -> list[str]:
    """Give what an answer holds otherwise than expected: where, what is there, what is right.

    Values may be confidential, so only those are shown that a person needs to decide: both sides, briefly.
    """
    found: list[str] = []
    for each in comparisons:
        expected = each.expected if isinstance(each.expected, str) else each.expected.value(scope)
        if isinstance(expected, Absent) or expected is None:
            continue
        there = reply.text(each.xpath)
        if not is_same(there, expected):
            found.append(f"{each.text} is {_brief(there)}, expected {_brief(_shown(expected))}")
    return found


def is_same(there: str, expected: Value) -> bool:
    """Tell whether a text of an answer is this value: numbers as numbers, days as days."""
    match expected:
        case bool():
            return there.lower() in ({"true", "1"} if expected else {"false", "0", ""})
        case int() | Decimal():
            try:
                return Decimal(there) == Decimal(expected)
            except InvalidOperation:
                return False
        case datetime():
            return there[:19] == expected.isoformat()[:19]
        case date():
            return there[:10] == expected.isoformat()
        case _:
            return there.strip() == str(expected).strip()


def record_id(xpaths: Sequence[XPath], reply: Reply) -> str:
    """Give the id of a record; empty when a part of it is missing."""
    parts = [reply.text(xpath) for xpath in xpaths]
    return "/".join(parts) if all(parts) else ""


def _look_in(erp: Erp, wire: Wire, place: Lookup, scope: Scope, clock: Clock) -> Held | None:
    name = place.call.operation
    try:
        reply = erp.call(wire, place.call, scope).reply
    except RejectedError as error:
        # A value that the lookup cannot carry says nothing about what the ERP has.
        raise OutcomeUnknownError(f"cannot look: {error.message}", remedy=error.remedy) from error
    if isinstance(reply, NoAnswer):
        raise call_error(name, reply, wrote=False)
    if place.many is not None and place.many.holds(reply):
        raise _conflict(name, "finds several records under the key", reply)
    if place.found.holds(reply):
        return _held(place, reply, scope)
    if place.not_found.holds(reply):
        return None
    raise _cannot_tell(name, place.call.judge.judge(reply), erp, clock)


def _held(place: Lookup, reply: Reply, scope: Scope) -> Held:
    name = place.call.operation
    try:
        wrong = differences(place.compare, reply, scope)
    except UnfitValueError as error:
        raise OutcomeUnknownError(f"{name}: the record found cannot be compared: {error}") from error
    if wrong:
        raise _conflict(name, f"finds a record that is another: {'; '.join(wrong)}", reply)
    found_id = record_id(place.record_id, reply)
    if not found_id:
        raise _conflict(name, "finds a record without an id", reply)
    captured = {key: reply.text(xpath) for key, xpath in place.capture.items()}
    return Held(record_id=found_id, captured=captured, resume=place.resume)


def _conflict(name: str, what: str, reply: Reply) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{name} {what}",
        remedy="Look into the ERP, then link the delivery to the right record, send it, or dismiss it.",
        remote=RemoteAnswer(status=reply.status),
    )


def _cannot_tell(name: str, verdict: Verdict, erp: Erp, clock: Clock) -> ConnectorError:
    error = call_error(name, verdict, wrote=False, now=clock(), pause=erp.pace.pause(verdict))
    if isinstance(error, RejectedError):
        return OutcomeUnknownError(f"cannot look: {error.message}", remedy=error.remedy, remote=error.remote)
    return error


def _shown(value: Value) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _brief(text: str) -> str:
    return f'"{text[:40]}"' if text else "empty"
