"""From an error answer to the error that says what to do next. Pure."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from connector.docflo.jsontext import is_html, read_json, write_json
from connector.docflo.ratelimit import read_rate_limit, wait_until
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    RemoteAnswer,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
)

MAX_WORDS = 500  # characters of a remote message that are kept
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})


def is_success(status: int) -> bool:
    """Tell whether an answer is one of success: 200, 201, and what a server may use in their place."""
    return 200 <= status < 300  # noqa: PLR2004 as everybody knows them; members of an enum cost a call each


def read_failure(
    status: int, headers: Mapping[str, str], body: bytes, *, path: str, repeatable: bool, now: datetime
) -> ConnectorError:
    """Give the error for an answer that is not a success. `headers` have lower-case names.

    `path`: without what base_url puts before it. `repeatable`: sending the request again does no harm, so
    an unknown outcome is not a danger.
    Source: Docflo API, "Error Handling" and "Rate Limits"; 429 is not listed there, limits are.
    """
    remote = read_error_body(status, body)
    service = "/" + path.strip("/").split("/")[0]
    if _is_throttled(status, headers, now):
        until = wait_until(headers, now)
        return ThrottledError(
            _said(f"Docflo asks to wait until {until:%H:%M:%S} UTC ({status})", remote),
            until=until,
            remote=remote,
        )
    if status < HTTPStatus.BAD_REQUEST:
        return _redirected(status, headers, remote)
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessRefusedError(
            _said("Docflo refused the API key", remote),
            remedy="check docflo.api_key and docflo.tenant_id: both are on Docflo's Integrations page",
            remote=remote,
        )
    if status == HTTPStatus.FORBIDDEN:
        return AccessRefusedError(
            _said(f"the API key has no right to Docflo's {service} service", remote),
            remedy=f"give the key the permission for {service} on Docflo's Integrations page",
            remote=remote,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        return _server_failed(status, remote, repeatable=repeatable)
    if is_html(body):
        return UnexpectedResponseError(
            f"Docflo answered {status} with HTML, so this is not its API",
            remedy="is docflo.base_url the address of the API? A proxy or a login page may be in between",
            remote=remote,
        )
    return _rejected(status, path, remote)


def refused_inside(body: bytes, *, repeatable: bool) -> ConnectorError | None:
    """Give the error that an answer of success carries in its body; None when it carries none.

    Only for requests whose answer means nothing else: it may be empty, or anything.
    """
    if is_html(body):
        # Whoever answered in Docflo's place may be gone in a minute, so the document is not given up.
        lost = UnavailableError if repeatable else OutcomeUnknownError
        return lost(
            "Docflo answered with HTML, so nothing says that the change was made",
            remedy="is docflo.base_url the address of the API? A proxy or a login page may be in between",
        )
    try:
        value = read_json(body)
    except UnexpectedResponseError:
        return None
    if not isinstance(value, Mapping) or not (value.get("error") or value.get("success") is False):
        return None
    remote = read_error_body(HTTPStatus.OK, body)
    return RejectedError(_said("Docflo answered 200, but with an error", remote), remote=remote)


def read_error_body(status: int, body: bytes) -> RemoteAnswer:
    """Read code, message and details from an error body of any known form; HTML gives none."""
    try:
        value = read_json(body)
    except UnexpectedResponseError:
        text = None if is_html(body) else body[: 4 * MAX_WORDS].decode(errors="replace")
        return _remote(int(status), None, text, None)
    match value:
        case {"error": {**inner}}:
            message = inner.get("message", inner.get("description"))
            return _remote(status, inner.get("code"), message, inner.get("details"))
        case {"errors": [*errors]}:
            return _remote(status, value.get("code"), value.get("message") or errors, errors)
        case {"error": error, "message": message, **rest}:
            return _remote(status, rest.get("code", error), message, rest.get("details"))
        case {"error": error}:
            return _remote(status, None, error, None)
        case {"message": message, **rest}:
            return _remote(status, rest.get("code"), message, rest.get("details"))
        case str() | list():
            return _remote(status, None, value, None)
        case _:
            return RemoteAnswer(status=int(status))


def _remote(status: int, code: object, message: object, details: object) -> RemoteAnswer:
    return RemoteAnswer(
        status=int(status), code=_words(code), message=_words(message), details=_words(details)
    )


def _words(value: object) -> str | None:
    match value:
        case None | "":
            return None
        case str():
            return " ".join(value.split())[:MAX_WORDS]
        case list():
            return "; ".join(filter(None, (_words(inner) for inner in value[:10])))[:MAX_WORDS] or None
        case Mapping() if isinstance(value.get("message"), str):
            return _words(value["message"])
        case Mapping():
            return _words(write_json(value).decode())
        case _:
            return str(value)[:MAX_WORDS]


def _is_throttled(status: int, headers: Mapping[str, str], now: datetime) -> bool:
    limit = read_rate_limit(headers, now)
    spent = limit is not None and not limit
    return (
        status == HTTPStatus.TOO_MANY_REQUESTS
        or (status == HTTPStatus.SERVICE_UNAVAILABLE and ("retry-after" in headers or spent))
        or (status == HTTPStatus.FORBIDDEN and spent)
    )


def _redirected(status: int, headers: Mapping[str, str], remote: RemoteAnswer) -> ConnectorError:
    # The host alone: the rest of an address may carry a token.
    try:
        host = urlsplit(headers.get("location", "")).hostname or "another path of the same host"
    except ValueError:
        host = "something that is no address"
    return UnexpectedResponseError(
        f"Docflo answered {status}, a redirect to {host}; it is not followed: the key must not travel",
        remedy="set docflo.base_url to the final address",
        remote=remote,
    )


def _rejected(status: int, path: str, remote: RemoteAnswer) -> ConnectorError:
    if status == HTTPStatus.NOT_FOUND and path.endswith("/email"):
        return RejectedError(
            _said("Docflo has no e-mail for this document (404)", remote),
            remedy="only documents that came from a mailbox have one",
            remote=remote,
        )
    return RejectedError(_said(f"Docflo refused the request ({status})", remote), remote=remote)


def _server_failed(status: int, remote: RemoteAnswer, *, repeatable: bool) -> ConnectorError:
    if repeatable:
        return UnavailableError(_said(f"Docflo could not answer ({status})", remote), remote=remote)
    return OutcomeUnknownError(
        _said(f"Docflo failed ({status}) and may or may not have done what was asked", remote),
        remedy="look in Docflo before sending it again",
        remote=remote,
    )


def _said(message: str, remote: RemoteAnswer) -> str:
    words = ": ".join(part for part in (remote.code, remote.message) if part)
    if remote.details and remote.details not in words:
        words += f" ({remote.details})" if words else remote.details
    return f"{message}: {words}" if words else message
