"""What every request passes: a host of ours, a person, and for acts a form that was made for them."""

import asyncio
from http import HTTPStatus
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.console.access.keepers import Keeper, Known
from connector.console.access.places import is_same_origin, is_token, safe_path
from connector.errors import ConnectorError

OPEN = ("/static", "/login")
"""Paths that need no person. Whatever acts there looks after itself."""

TOKEN_FIELD = "form_token"  # noqa: S105 a name
TOKEN_HEADER = "x-form-token"  # noqa: S105 a name
LARGEST_BODY = 2 * 1024 * 1024
BODY_SECONDS = 15.0
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_STRICT_TRANSPORT = "max-age=31536000"


class Guard:
    """Lets requests through to pages, with a `Person` in their state."""

    def __init__(self, app: ASGIApp, *, keeper: Keeper, is_secure: bool = False) -> None:
        self._app = app
        self._keeper = keeper
        self._is_secure = is_secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and self._is_secure:
                MutableHeaders(scope=message)["Strict-Transport-Security"] = _STRICT_TRANSPORT
            await send(message)

        refused, receive = await self._judge(scope, receive)
        await (refused or self._app)(scope, receive, send_on)

    async def _judge(self, scope: Scope, receive: Receive) -> tuple[Response | None, Receive]:
        """Give why not, and what is left to be read of the request."""
        request = Request(scope, receive)
        origins = self._keeper.origins(request)
        if not origins:
            return _refuse(HTTPStatus.MISDIRECTED_REQUEST, "this console has another address"), receive
        is_act = request.method not in _SAFE
        if is_act and not is_same_origin(request.headers, origins):
            return _refuse(HTTPStatus.FORBIDDEN, "another site sent this form: nothing was done"), receive
        known: Known | None = None
        if not _is_open(request.url.path):
            try:
                known = await run_in_threadpool(self._keeper.known, request)
            except ConnectorError as error:
                return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, error.message), receive
            if known is None:
                return _to_login(request), receive
            scope.setdefault("state", {})["person"] = known.person
        return await _read_form(scope, receive, known) if is_act else (None, receive)


async def _read_form(scope: Scope, receive: Receive, known: Known | None) -> tuple[Response | None, Receive]:
    """Read what was sent, within limits; and refuse a form that was not made for who sent it."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(Request(scope, receive))
    except (TimeoutError, ClientDisconnect):
        return _refuse(HTTPStatus.REQUEST_TIMEOUT, "it came too slowly"), receive
    if body is None:
        return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "that is too much for a form"), receive
    if known is not None:
        shown = Headers(scope=scope).get(TOKEN_HEADER) or await _token_in(Request(scope, _again(body)))
        if not is_token(shown, known.secret):
            words = "this form is not of your session: go back, load the page anew and send it again"
            return _refuse(HTTPStatus.FORBIDDEN, words), receive
    return None, _again(body)


def _is_open(path: str) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in OPEN)


async def _token_in(request: Request) -> str | None:
    try:
        async with request.form(max_files=0) as form:
            shown = form.get(TOKEN_FIELD)
    except HTTPException:
        return None
    return shown if isinstance(shown, str) else None


async def _body(request: Request) -> bytes | None:
    """Read it; None as soon as it is known to be too large."""
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > LARGEST_BODY:
            return None
    return bytes(chunks)


def _again(body: bytes) -> Receive:
    """Let a body that was read be read once more."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        return {"type": "http.disconnect"}

    return receive


def _to_login(request: Request) -> Response:
    if request.method not in _SAFE:
        return _refuse(HTTPStatus.UNAUTHORIZED, "your session is over: log in, and do it again")
    wanted = (
        request.headers.get("hx-current-url", "") if "hx-request" in request.headers else str(request.url)
    )
    path = safe_path("/" + wanted.partition("://")[2].partition("/")[2])
    address = f"/login?{urlencode({'next': path})}"
    if "hx-request" in request.headers:
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)


def _refuse(status: HTTPStatus, words: str) -> Response:
    # Whoever is refused may go on sending: nobody listens any more.
    return PlainTextResponse(f"{words}\n", status_code=status, headers={"Connection": "close"})
