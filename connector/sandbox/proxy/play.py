"""Playing a fault on the caller's socket: which answer it gets, and how the bytes of it come."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

from connector.sandbox.proxy.exchange import CHUNK, Answer
from connector.sandbox.proxy.faults import Fault

PAGE = b"<!DOCTYPE html><html><head><title>%s</title></head><body><h1>%s</h1></body></html>"
HTML = ((b"content-type", b"text/html; charset=utf-8"),)
XML = ((b"content-type", b"text/xml; charset=utf-8"),)
OWN_STATUS = {
    "redirect": 302,
    "throttle": 429,
    "gateway": 502,
    "accepted": 202,
    "login-page": 200,
    "empty": 200,
}
TITLES = {"gateway": b"502 Bad Gateway", "accepted": b"Please wait", "login-page": b"Sign in"}


def spoilt(fault: Fault, answer: Answer | None) -> Answer | None:
    """Give what the caller gets instead of the server's answer; None: nothing. Pure."""
    status = fault.status or OWN_STATUS.get(fault.kind, answer.status if answer else 200)
    match fault.kind:
        case "drop" | "reset":
            return None
        case "redirect":
            return Answer(status=status, headers=((b"location", fault.location.encode()),))
        case "throttle":
            wait = () if fault.retry_after is None else ((b"retry-after", b"%d" % fault.retry_after),)
            return Answer(status=status, headers=wait)
        case "gateway" | "accepted" | "login-page":
            title = TITLES[fault.kind]
            return Answer(status=status, headers=HTML, body=fault.content or PAGE % (title, title))
        case "empty":
            return Answer(status=status)
        case "answer":
            headers = answer.headers if answer else XML
            return Answer(status=status, headers=headers, body=fault.content)
        case "huge":
            return Answer(status=status, headers=XML)
    return answer


class Line:
    """The way back to the caller."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def play(self, fault: Fault | None, answer: Answer | None, *, keep_alive: bool) -> bool:
        """Send the answer as the fault wants it; tell whether the connection can go on."""
        if answer is None:
            self._drop(reset=fault is not None and fault.kind == "reset")
            return False
        match fault:
            case Fault(kind="truncate"):
                await self._send(answer.head(keep_alive=False, length=len(answer.body)))
                await self._send(answer.body[: len(answer.body) // 2])
                return False
            case Fault(kind="huge"):
                await self._send(answer.head(keep_alive=False, length=None))
                async for part in _endless_xml(fault.size):
                    await self._send(part)
                return False
            case Fault(kind="slow-headers" | "slow-body"):
                await self._drip(fault, answer)
                return False
        head = answer.head(keep_alive=keep_alive, length=len(answer.body))
        await self._send(head + answer.body)
        return keep_alive

    async def _drip(self, fault: Fault, answer: Answer) -> None:
        head = answer.head(keep_alive=False, length=len(answer.body))
        slow = head if fault.kind == "slow-headers" else answer.body
        if fault.kind == "slow-body":
            await self._send(head)
        for place in range(len(slow)):
            await self._send(slow[place : place + 1])
            await asyncio.sleep(fault.seconds)
        if fault.kind == "slow-headers":
            await self._send(answer.body)

    async def _send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    def _drop(self, *, reset: bool) -> None:
        if not reset:
            return  # whoever called closes in good order
        peer = self._writer.get_extra_info("socket")
        # Lingering for zero seconds makes the system send RST instead of FIN.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


async def _endless_xml(size: int) -> AsyncIterator[bytes]:
    yield b"<answer><text>"
    sent = 0
    while sent < size:
        part = min(CHUNK, size - sent)
        yield b"a" * part
        sent += part
