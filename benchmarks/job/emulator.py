"""HTTP for an emulator: as little work a request as asyncio allows, so that it is not what is measured.

An emulator answers everything from memory, after `latency`, and tells under `/bench` what it saw. It is no
sandbox: it checks nothing that the connector would not be measured by.
"""

import asyncio
import multiprocessing
import re
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Protocol, cast

import msgspec

decode = msgspec.json.Decoder().decode
encode = msgspec.json.Encoder(decimal_format="number").encode

STATE = b"/bench"
CONTENTS = b"/bench/contents"
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:\s*close", re.IGNORECASE)


class Handler(Protocol):
    """What an emulator does with a request, and what it tells at the end."""

    def answer(self, method: bytes, target: bytes, body: bytes) -> tuple[str, bytes]:
        """Give what kind of request it was, and the JSON of its answer."""
        ...

    def report(self) -> Mapping[str, Any]:
        """Give how far it is."""
        ...

    def contents(self) -> Mapping[str, Any]:
        """Give what it holds of each document."""
        ...


@dataclass(slots=True)
class Seen:
    """What came so far."""

    requests: Counter[str] = field(default_factory=Counter)
    first: float = 0.0  # of time.monotonic, which all processes of a machine share
    last: float = 0.0

    def note(self, kind: str) -> None:
        """Count a request."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.requests[kind] += 1


class _Http(asyncio.Protocol):
    def __init__(self, handler: Handler, seen: Seen, latency: float) -> None:
        self._handler, self._seen, self._latency = handler, seen, latency
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        end = self._received.find(b"\r\n\r\n")
        while end >= 0:
            head = self._received[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            self._take(head, body)
            end = self._received.find(b"\r\n\r\n")

    def _take(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b"\r\n", 1)[0].split(b" ")
        if target.startswith(STATE):
            told = self._handler.contents() if target == CONTENTS else _told(self._handler, self._seen)
            self._send(encode(told), closes=True)
            return
        kind, answer = self._handler.answer(method, target, body)
        self._seen.note(kind)
        closes = _CLOSE.search(head) is not None
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._send, answer, closes)
        else:
            self._send(answer, closes=closes)

    def _send(self, answer: bytes, closes: bool) -> None:  # noqa: FBT001 a callback of the loop
        if self._transport.is_closing():
            return
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nConnection: %b\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (b"close" if closes else b"keep-alive", len(answer), answer)
        )
        if closes:
            self._transport.close()


def _told(handler: Handler, seen: Seen) -> Mapping[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "requests": seen.requests,
        "first": seen.first,
        "last": seen.last,
        "cpu": used.ru_utime + used.ru_stime,
        **handler.report(),
    }


def _serve(make: Callable[[], Handler], latency: float, parent: Connection) -> None:
    async def run() -> None:
        handler, seen = make(), Seen()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Http(handler, seen, latency), "127.0.0.1", 0, backlog=512)
        parent.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def emulated(make: Callable[[], Handler], latency: float) -> Iterator[str]:
    """Run an emulator in a process of its own; give its address. Units: seconds."""
    with served_apart(_serve, make, latency) as address:
        yield address


@contextmanager
def served_apart(serve: Callable[..., None], *parts: object) -> Iterator[str]:
    """Run a server in a process of its own, which ends with the block; give its address.

    `serve` is called there with `parts` and the connection on which it tells its address.
    """
    context = multiprocessing.get_context("fork")
    parent, child = context.Pipe()
    process = context.Process(target=serve, args=(*parts, child), daemon=True)
    process.start()
    try:
        yield parent.recv()
    finally:
        process.kill()
        process.join()
