"""Scripted faults between a sandbox and its caller, and the record of every request. Any ASGI application."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.sandbox.connection import Answer, Connection
from connector.sandbox.journal import ANSWER_BYTES, Journal, Request
from connector.sandbox.schedule import Schedule

Kind: TypeAlias = Literal[
    "status",  # answered by a gateway: the application never saw the request
    "html",  # the same, with a web page
    "redirect",  # the same, to `location`
    "body",  # the application ran; `body`, and `status` and `headers` if given, replace its answer
    "edit",  # the application ran; `edit` makes the body that is sent of the real one
    "drop_before",  # closed without an answer; the application never saw the request
    "drop_after",  # the application ran, with its effects; closed without an answer
    "truncate",  # full content-length, half of the body, closed
    "slow",  # one byte every `seconds`
    "delay",  # the application ran; the answer comes after `seconds`
    "slow_headers",  # the same, with the status line and headers byte by byte, one every `seconds`
]

ANY = "*"
UNKNOWN = "unknown"
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, for which requests, and how often.

    `after` matching requests pass before the first one is hit; `times=None` hits for ever.
    """

    kind: Kind
    operation: str = ANY  # the endpoint's name, as in the journal
    method: str = ANY
    path: str = ""  # only requests with this text in the path, decoded
    containing: str = ""  # only requests with this text in path, query or body
    times: int | None = 1
    after: int = 0
    status: int | None = None  # None: 503 for "status", 200 for "html", 302 for "redirect", else the real one
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    seconds: float = 0.05
    reset: bool = False  # drops end with a TCP reset instead of an orderly close
    edit: Callable[[bytes], bytes] | None = None  # for "edit": the real answer's body to the one sent

    def fits(self, operation: str, text: str, method: str = "") -> bool:
        """Tell whether a request is one of those meant. `text` is its path, query and body, a line each."""
        return (
            self.operation in (ANY, operation)
            and self.method in (ANY, method)
            and self.path in text.partition("\n")[0]
            and self.containing in text
        )


class Faults(Schedule[Fault]):
    """The faults of one sandbox that are still to come."""

    def take(self, operation: str, text: str = "", *, method: str = "") -> Fault | None:
        """Give the fault that hits this request, and count it as used."""
        return self.next_hit(lambda fault: fault.fits(operation, text, method))


def route_names(routes: Sequence[BaseRoute]) -> Callable[[Scope], str]:
    """Give a function from a request's scope to the name of the route that will answer it."""

    def operation_of(scope: Scope) -> str:
        for route in routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return str(getattr(route, "name", UNKNOWN))
        return UNKNOWN

    return operation_of


class FaultMiddleware:
    """Runs the application, plays the planned fault, and records each request before its answer is sent.

    Requests and answers are held whole, so an answer can be cut at any byte. A request without an
    answer is recorded with status 0.
    """

    def __init__(
        self, app: ASGIApp, *, faults: Faults, journal: Journal, operation_of: Callable[[Scope], str]
    ) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal
        self._operation_of = operation_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail to, as planned."""
        body = await _whole_body(receive)
        if body is None:
            return
        operation = self._operation_of(scope)
        fault = self._faults.take(operation, _searched_text(scope, body), method=scope["method"])
        answer = await self._answer(fault, scope, body)
        self._journal.request(_entry(scope, body, operation, answer))
        await _play(fault, answer, Connection(scope, receive, send))

    async def _answer(self, fault: Fault | None, scope: Scope, body: bytes) -> Answer | None:
        match fault:
            case Fault(kind="drop_before"):
                return None
            case Fault(kind="status" | "html" | "redirect"):
                return _gateway_answer(fault)
        answer = await _run(self._app, scope, body)
        match fault:
            case Fault(kind="drop_after"):
                return None
            case Fault(kind="body"):
                return _replaced(answer, fault, fault.body)
            case Fault(kind="edit", edit=edit) if edit is not None:
                return _replaced(answer, fault, edit(answer.body))
        return answer


async def _whole_body(receive: Receive) -> bytes | None:
    """Give the request's body; None when the caller left before its end."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _run(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    sent: list[Message] = []
    to_receive: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if to_receive:
            return to_receive.pop()
        return await asyncio.Future()  # a streaming response listens for a disconnect that never comes

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    whole = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(status=sent[0]["status"], body=whole, headers=tuple(sent[0].get("headers", ())))


def _gateway_answer(fault: Fault) -> Answer:
    if fault.kind == "html":
        page = {"content-type": "text/html; charset=utf-8"}
        return Answer(
            status=fault.status or 200, body=fault.body or PAGE, headers=_raw({**page, **fault.headers})
        )
    if fault.kind == "redirect":
        target = {"location": fault.location}
        return Answer(status=fault.status or 302, body=fault.body, headers=_raw({**target, **fault.headers}))
    return Answer(status=fault.status or 503, body=fault.body, headers=_raw(fault.headers))


def _replaced(answer: Answer, fault: Fault, body: bytes) -> Answer:
    given = _raw(fault.headers)
    names = {name for name, _ in given}
    kept = tuple(header for header in answer.headers if header[0].lower() not in names)
    return Answer(status=fault.status or answer.status, body=body, headers=kept + given)


def _raw(headers: Mapping[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers.items())


async def _play(fault: Fault | None, answer: Answer | None, connection: Connection) -> None:
    if answer is None:
        await connection.drop(reset=fault is not None and fault.reset)
        return
    match fault:
        case Fault(kind="delay"):
            if await connection.stays_for(fault.seconds):
                await connection.answer(answer)
        case Fault(kind="slow_headers"):
            await connection.drip_headers(answer, fault.seconds)
        case Fault(kind="slow"):
            await connection.drip(answer, fault.seconds)
        case Fault(kind="truncate"):
            await connection.answer_half(answer)
        case _:
            await connection.answer(answer)


def _searched_text(scope: Scope, body: bytes) -> str:
    query: bytes = scope["query_string"]
    return "\n".join((scope["path"], query.decode("latin-1"), body.decode("utf-8", "replace")))


def _entry(scope: Scope, body: bytes, operation: str, answer: Answer | None) -> Request:
    query: bytes = scope["query_string"]
    return Request(
        method=scope["method"],
        path=scope["path"],
        operation=operation,
        status=answer.status if answer else 0,
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)),
        headers={name.decode("latin-1").lower(): text.decode("latin-1") for name, text in scope["headers"]},
        body=body,
        answer=answer.body[:ANSWER_BYTES] if answer else b"",
    )
