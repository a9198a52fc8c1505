"""The connection behind one request: answering on it, in whole or in part, and cutting it."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from connector.sandbox.server import CONNECTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One whole HTTP answer."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    def headers_with_length(self) -> tuple[tuple[bytes, bytes], ...]:
        """Give the headers with the length of the whole body, whatever was said about it before."""
        if self.status in (204, 304):
            return self.headers
        framing = (b"content-length", b"transfer-encoding")
        kept = tuple(header for header in self.headers if header[0].lower() not in framing)
        return (*kept, (b"content-length", str(len(self.body)).encode()))


class Connection:
    """A caller that waits for an answer, and the ways to disappoint it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport | None = scope.get("state", {}).get(CONNECTION)
        self._receive = receive
        self._send = send

    async def answer(self, answer: Answer) -> None:
        """Send all of it."""
        await self._start(answer)
        await self._send({"type": "http.response.body", "body": answer.body})

    async def answer_half(self, answer: Answer) -> None:
        """Announce the whole length, send half of the body, close."""
        await self._start(answer)
        half = answer.body[: len(answer.body) // 2]
        await self._send({"type": "http.response.body", "body": half, "more_body": True})
        self._open_transport().close()
        await self._gone()

    async def drip(self, answer: Answer, seconds: float) -> None:
        """Send byte by byte with a pause after each."""
        await self._start(answer)
        for place in range(len(answer.body)):
            byte = answer.body[place : place + 1]
            await self._send({"type": "http.response.body", "body": byte, "more_body": True})
            if not await self.stays_for(seconds):
                return
        await self._send({"type": "http.response.body", "body": b""})

    async def drip_headers(self, answer: Answer, seconds: float) -> None:
        """Send status and headers byte by byte, the body at once; close."""
        transport = self._open_transport()  # past the server, which sends headers whole
        reason = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
        lines = [f"HTTP/1.1 {answer.status} {reason}".encode(), b"connection: close"]
        lines += [b": ".join(header) for header in answer.headers_with_length()]
        head = b"\r\n".join([*lines, b"", b""])
        for place in range(len(head)):
            transport.write(head[place : place + 1])
            if not await self.stays_for(seconds):
                return
        transport.write(answer.body)
        transport.close()
        await self._gone()

    async def drop(self, *, reset: bool) -> None:
        """Close without an answer."""
        transport = self._open_transport()
        if reset:
            # Lingering for zero seconds makes the system send RST instead of FIN.
            peer = transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await self._gone()

    async def stays_for(self, seconds: float) -> bool:
        """Wait; say whether the caller is still there, at once when it leaves."""
        try:
            async with asyncio.timeout(seconds):
                await self._gone()
        except TimeoutError:
            return True
        return False

    async def _start(self, answer: Answer) -> None:
        headers = list(answer.headers_with_length())
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None:
            raise ConnectionResetError("a planned fault cut this connection")
        return self._transport
