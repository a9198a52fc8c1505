"""One HTTP/1.1 exchange on sockets: the request as it came, the answer that the server gave to it."""

import asyncio
import ssl
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

import h11

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

CHUNK = 65_536
HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
FRAMING = HOP_BY_HOP | {b"content-length", b"expect"}


class UnreachableError(Exception):
    """The server behind the proxy cannot be reached, or does not speak HTTP/1.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One whole request."""

    method: str
    target: str  # path and query
    headers: Headers  # lower-case names
    body: bytes

    def header_lines(self) -> list[str]:
        """Give each header as "name: text", in lower case."""
        return [f"{name.decode('latin-1')}: {text.decode('latin-1')}".lower() for name, text in self.headers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One whole answer; its framing headers are left out, as the body is whole."""

    status: int
    reason: bytes = b""
    headers: Headers = ()
    body: bytes = b""

    def head(self, *, keep_alive: bool, length: int | None) -> bytes:
        """Give the bytes before the body. Without a length, the end of the connection ends the body."""
        reason = self.reason or b"Answer"
        lines = [b"HTTP/1.1 %d %s" % (self.status, reason)]
        lines += [name + b": " + text for name, text in self.headers]
        if length is not None and self.status not in (204, 304):
            lines.append(b"content-length: %d" % length)
        lines.append(b"connection: " + (b"keep-alive" if keep_alive else b"close"))
        return b"\r\n".join(lines) + b"\r\n\r\n"


class Caller:
    """The caller's side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._wire = h11.Connection(h11.SERVER)

    async def request(self) -> Request | None:
        """Give the next request; None when the caller is done.

        Raises: h11.RemoteProtocolError for what is not HTTP.
        """
        head: h11.Request | None = None
        body = bytearray()
        while True:
            event = self._wire.next_event()
            if event is h11.NEED_DATA:
                if self._wire.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    self._writer.write(self._wire.send(go_on) or b"")
                self._wire.receive_data(await self._reader.read(CHUNK))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return Request(
                    method=head.method.decode(),
                    target=head.target.decode("latin-1"),
                    headers=tuple((bytes(name), bytes(text)) for name, text in head.headers),
                    body=bytes(body),
                )
            else:
                return None

    @property
    def stays(self) -> bool:
        """Tell whether the caller wants to send another request on this connection."""
        return self._wire.their_state is h11.DONE

    def next(self) -> None:
        """Make ready for another request; what came early is kept."""
        left = self._wire.trailing_data[0]
        self._wire = h11.Connection(h11.SERVER)
        if left:
            self._wire.receive_data(left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """The server behind the proxy."""

    url: SplitResult
    tls: ssl.SSLContext | None
    keep_host: bool  # the caller's Host header goes through; the server then writes our address into links

    @classmethod
    def at(cls, url: str, *, tls: ssl.SSLContext | None = None, keep_host: bool = False) -> "Upstream":
        """Give the server at an http or https address; its path stands in front of every request's.

        Raises: ValueError for another kind of address.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            message = f"{url} is not an http or https address"
            raise ValueError(message)
        if parts.scheme == "https" and tls is None:
            tls = ssl.create_default_context()
        return cls(url=parts, tls=tls if parts.scheme == "https" else None, keep_host=keep_host)

    async def answer(self, request: Request) -> Answer:
        """Send the request as it came and give the whole answer.

        Raises: UnreachableError.
        """
        port = self.url.port or (443 if self.tls else 80)
        try:
            reader, writer = await asyncio.open_connection(self.url.hostname, port, ssl=self.tls)
        except OSError as error:
            raise UnreachableError(str(error)) from error
        try:
            return await _exchange(reader, writer, self._sent(request))
        except (OSError, h11.RemoteProtocolError) as error:
            raise UnreachableError(str(error)) from error
        finally:
            writer.transport.abort()  # nothing more is wanted, and over TLS a server may never say goodbye

    def _sent(self, request: Request) -> Request:
        host = dict(request.headers).get(b"host") if self.keep_host else None
        kept = tuple(pair for pair in request.headers if pair[0] not in FRAMING | {b"host"})
        headers = (
            (b"host", host or self.url.netloc.rpartition("@")[2].encode()),
            *kept,
            (b"content-length", str(len(request.body)).encode()),
            (b"connection", b"close"),
        )
        target = self.url.path.rstrip("/") + request.target
        return Request(method=request.method, target=target, headers=headers, body=request.body)


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> Answer:
    wire = h11.Connection(h11.CLIENT)
    head = h11.Request(method=request.method, target=request.target, headers=list(request.headers))
    for part in (head, h11.Data(data=request.body), h11.EndOfMessage()):
        writer.write(wire.send(part) or b"")
    await writer.drain()
    found: h11.Response | None = None
    body = bytearray()
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Response):
            found = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and found is not None:
            return _whole(found, bytes(body))
        elif isinstance(event, h11.ConnectionClosed):
            raise UnreachableError("the server closed the connection without an answer")


def _whole(head: h11.Response, body: bytes) -> Answer:
    headers = tuple((bytes(name), bytes(text)) for name, text in head.headers if name not in FRAMING)
    return Answer(status=head.status_code, reason=bytes(head.reason), headers=headers, body=body)
