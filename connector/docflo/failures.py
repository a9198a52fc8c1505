"""From an error answer to the error that says what to do next. Pure."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from connector.docflo.jsontext import read_json
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


def is_success(status: int) -> bool:
    """Tell whether an answer is one of success: 200, 201, and what a server may use in their place."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def read_failure(
    status: int, headers: Mapping[str, str], body: bytes, *, path: str, repeatable: bool, now: datetime
) -> ConnectorError:
    """Give the error for an answer that is not a success. `headers` have lower-case names.

    `repeatable`: sending the request again does no harm, so an unknown outcome is not a danger.
    Source: Docflo API, "Error Handling" and "Rate Limits"; 429 is not listed there, limits are.
    """
    remote = read_error_body(status, body)
    service = "/" + path.strip("/").split("/")[0]
    if _is_throttled(status, headers, now):
        until = wait_until(headers, now)
        return ThrottledError("Docflo's request limit is spent", until=until, remote=remote)
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
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _server_failed(status, remote, repeatable=repeatable)
    return RejectedError(_said(f"Docflo refused the request ({status})", remote), remote=remote)


def read_error_body(status: int, body: bytes) -> RemoteAnswer:
    """Read code, message and details from an error body of any known form; HTML gives none."""
    try:
        value = read_json(body)
    except UnexpectedResponseError:
        return RemoteAnswer(status=status)
    match value:
        case {"error": {**inner}}:
            return _remote(status, inner.get("code"), inner.get("message"), inner.get("details"))
        case {"error": error, "message": message, **rest}:
            return _remote(status, rest.get("code", error), message, rest.get("details"))
        case {"error": error}:
            return _remote(status, None, error, None)
        case {"message": message, **rest}:
            return _remote(status, rest.get("code"), message, rest.get("details"))
        case _:
            return RemoteAnswer(status=status)


def _remote(status: int, code: object, message: object, details: object) -> RemoteAnswer:
    return RemoteAnswer(status=status, code=_words(code), message=_words(message), details=_words(details))


def _words(value: object) -> str | None:
    match value:
        case None | "":
            return None
        case str():
            return " ".join(value.split())[:MAX_WORDS]
        case list():
            return "; ".join(filter(None, (_words(inner) for inner in value[:10])))[:MAX_WORDS] or None
        case bool() | int():
            return str(value)
        case _:
            return None


def _is_throttled(status: int, headers: Mapping[str, str], now: datetime) -> bool:
    limit = read_rate_limit(headers, now)
    spent = limit is not None and not limit
    return (
        status == HTTPStatus.TOO_MANY_REQUESTS
        or (status == HTTPStatus.SERVICE_UNAVAILABLE and ("retry-after" in headers or spent))
        or (status in {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST} and spent)
    )


def _redirected(status: int, headers: Mapping[str, str], remote: RemoteAnswer) -> ConnectorError:
    # The host alone: the rest of an address may carry a token.
    host = urlsplit(headers.get("location", "")).hostname or "nowhere"
    return UnexpectedResponseError(
        f"Docflo answered {status}, a redirect to {host}; it is not followed: the key must not travel",
        remedy="set docflo.base_url to the final address",
        remote=remote,
    )


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
    return f"{message}: {words}" if words else message
