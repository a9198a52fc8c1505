"""Docflo's webhooks: known by their caller, stored before they are answered, and only a hint.

Whatever a call says of a document, the copy that the API gives is what counts.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connector.errors import ConnectorError
from connector.web_settings import BasicAuth, BearerAuth, HeaderAuth, SignatureSettings, WebhookSettings

log = structlog.get_logger(__name__)

BODY_SECONDS = 10.0  # for a whole body, however slowly it comes
LONGEST_ID = 200
_IDS = ("documentId", "document_id", "_id", "id")  # A12 in docs/assumptions.md
_INSIDE = ("document", "data", "payload")


def webhook_route(
    settings: WebhookSettings, *, store: Callable[[str | None], None], count: Callable[[str], None]
) -> Route:
    """Give the route. `store` keeps a document's id, None for "some document", before it returns."""

    async def receive(request: Request) -> Response:
        status, outcome = await _receive(request, settings, store)
        count(outcome)
        # Whoever is refused may go on sending: nobody listens any more.
        headers = {} if status == HTTPStatus.ACCEPTED else {"Connection": "close"}
        return PlainTextResponse(f"{outcome}\n", status_code=status, headers=headers)

    return Route(settings.path, receive, methods=["POST"])


async def _receive(
    request: Request, settings: WebhookSettings, store: Callable[[str | None], None]
) -> tuple[int, str]:
    # In the order of cost: nothing is read of a caller who is not known.
    if not is_known(settings, request.headers):
        return 401, "refused"
    if settings.signature is not None and settings.signature.header not in request.headers:
        return 401, "refused"
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(request, settings.max_kilobytes * 1024)
    except (TimeoutError, ClientDisconnect):
        return 408, "too slow"
    if body is None:
        return 413, "too large"
    if settings.signature is not None and not is_signed(settings.signature, request.headers, body):
        return 401, "refused"
    try:
        await run_in_threadpool(store, document_id_of(body))
    except ConnectorError as error:
        log.warning("webhook.not_stored", reason=error.message)
        return 503, "not stored"
    return 202, "accepted"


async def _body(request: Request, most: int) -> bytes | None:
    """Read the body; None as soon as it is known to be too large."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        return None
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > most:
            return None
    return bytes(chunks)


def is_known(settings: WebhookSettings, headers: Mapping[str, str]) -> bool:
    """Tell whether the caller shows the credentials. Takes the same time whatever is wrong with them."""
    match settings.auth:
        case BasicAuth(user=user, password=password):
            pair = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
            return _is_authorized(headers, "basic", pair)
        case BearerAuth(token=token):
            return _is_authorized(headers, "bearer", token.reveal())
        case HeaderAuth(name=name, value=value):
            return _is_same(headers.get(name, ""), value.reveal())
        case _:
            return True


def is_signed(settings: SignatureSettings, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether the signature is that of this body."""
    shown = headers.get(settings.header, "").strip()
    if not shown.startswith(settings.prefix):
        return False
    expected = hmac.digest(settings.secret.reveal().encode(), body, getattr(hashlib, settings.algorithm))
    text = shown.removeprefix(settings.prefix)
    try:
        given = bytes.fromhex(text) if settings.encoding == "hex" else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(given, expected)


def document_id_of(body: bytes) -> str | None:
    """Find the id of the document that a call is about; None where it names none that we know."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    return _id_in(value)


def _id_in(value: object) -> str | None:
    if isinstance(value, list) and value:
        return _id_in(value[0])
    if not isinstance(value, dict):
        return None
    # An id inside a document is surer than one beside it, which may be that of the event.
    for name in _INSIDE:
        inner = _id_in(value.get(name))
        if inner is not None:
            return inner
    for name in _IDS:
        found = value.get(name)
        if isinstance(found, str | int) and not isinstance(found, bool) and 0 < len(str(found)) <= LONGEST_ID:
            return str(found)
    return None


def _is_authorized(headers: Mapping[str, str], scheme: str, expected: str) -> bool:
    given, _, value = headers.get("authorization", "").partition(" ")
    return _is_same(value.strip(), expected) and given.lower() == scheme


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
