"""Connections to Docflo that are kept for the next call: sockets, and httptools to read what they say.

Timeouts and error classes are httpx's, at a tenth of the cost of its client. A connection is kept as HTTP
says, until the server closes one without a word, which costs a call: then only where it says so itself.
"""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpx
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from msgspec import Struct

from connector.docflo.exchange import HEADERS, Answer, Request, T
from connector.docflo.settings import DocfloSettings

IDLE = 4.0  # seconds that a connection is kept unused; servers close them after five and more
_CHUNK = 65_536
_LONGEST_HEAD = 4 * _CHUNK  # bytes
_PORTS = {"http": 80, "https": 443}


class _Limit(Struct, frozen=True):
    """When a call must be over. Units: seconds, and those of `time.monotonic`."""

    seconds: float
    end: float

    def left(self, most: float) -> float:
        """Give how long to wait for the next thing, `most` at a time.

        Raises: TimeoutError when the time is up
        """
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(most, left)

    def words(self) -> str:
        """Say why a wait ended."""
        return f"{self.seconds:g} seconds have passed" if time.monotonic() >= self.end else "timed out"


class Lines:
    """Connections to one server, one for each call under way. Safe to share between threads."""

    def __init__(self, settings: DocfloSettings, trusted: ssl.SSLContext) -> None:
        url = httpx.URL(settings.base_url)
        self._host, self._port = url.host, url.port or _PORTS[url.scheme]
        self._trusted = trusted if url.scheme == "https" else None
        self._timeouts = (settings.connect_timeout, settings.read_timeout)
        self._folder = url.raw_path.decode().rstrip("/")
        said = {"Host": url.netloc.decode(), **HEADERS, "x-tenant-id": settings.tenant_id}
        self._said = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self._lock = threading.Lock()
        self._kept: list[_Line] = []
        self._says_when_it_closes = True  # until it was found not to

    def exchange(self, request: Request, key: str, read: Callable[[Answer], T]) -> T:
        """Send what is not an upload, and give what `read` makes of the answer."""
        limit = _Limit(request.seconds, time.monotonic() + request.seconds)
        line = self._kept_line() or self._connect(limit)
        try:
            status, headers = line.ask(self._written(request, key), limit)
            body = _decoded(line.body(limit), headers)
            return read(Answer(status=status, headers=headers, body=body, key=key))
        finally:
            self._keep_or_close(line)

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            kept, self._kept = self._kept, []
        for line in kept:
            line.close()

    def _written(self, request: Request, key: str) -> bytes:
        query = f"?{httpx.QueryParams(request.params)}" if request.params else ""
        content = request.content or b""
        told = "" if request.content is None else "Content-Type: application/json\r\n"
        if content or request.method != "GET":
            told += f"Content-Length: {len(content)}\r\n"
        line = f"{request.method} {self._folder}{request.path}{query} HTTP/1.1\r\n"
        return f"{line}{self._said}apiKey: {key}\r\n{told}\r\n".encode("ascii") + content

    def _keep_or_close(self, line: "_Line") -> None:
        if line.was_closed_in_silence:
            self._says_when_it_closes = False
        if line.can_be_kept and (self._says_when_it_closes or line.is_said_to_be_kept):
            line.idle_since = time.monotonic()
            line.is_first = False
            with self._lock:
                self._kept.append(line)
        else:
            line.close()

    def _kept_line(self) -> "_Line | None":
        while True:
            with self._lock:
                line = self._kept.pop() if self._kept else None
            if line is None or line.is_usable():
                return line
            line.close()

    def _connect(self, limit: _Limit) -> "_Line":
        connect, read = self._timeouts
        try:
            bare = socket.create_connection((self._host, self._port), limit.left(connect))
            try:
                bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                bare.settimeout(limit.left(connect))
                if self._trusted is None:
                    return _Line(bare, read)
                return _Line(self._trusted.wrap_socket(bare, server_hostname=self._host), read)
            except BaseException:
                bare.close()
                raise
        except TimeoutError as error:
            raise httpx.ConnectTimeout(limit.words()) from error
        except (OSError, ValueError) as error:
            raise httpx.ConnectError(str(error)) from error


class _Line:
    """One connection, and what its parser tells of the answer that is being read."""

    def __init__(self, connected: socket.socket, patience: float) -> None:
        """`patience`: seconds of silence."""
        self.idle_since = 0.0
        self.is_first = True  # no call before this one used it
        self._socket = connected
        self._timeout = connected.gettimeout()
        self._patience = patience
        self._parser = HttpResponseParser(self)
        # Everybody's lines end alike in practice, and those of a few old servers do not.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self._poll = select.poll()
        self._poll.register(connected, select.POLLIN)
        self._begin()

    def _begin(self) -> None:
        self._status, self._received = 0, 0  # `_received`: bytes of the answer
        self._headers: dict[str, str] = {}
        self._pieces: list[bytes] = []
        self._has_head = self._is_whole = self._is_spoilt = self._is_kept = self._is_broken = False

    def ask(self, message: bytes, limit: _Limit) -> tuple[int, dict[str, str]]:
        """Send, and give the status and headers of the answer."""
        self._begin()
        try:
            self._wait(limit)
            self._socket.sendall(message)
        except TimeoutError as error:
            raise httpx.WriteTimeout(limit.words()) from error
        except OSError as error:
            self._is_broken = True
            raise httpx.WriteError(str(error)) from error
        while not self._has_head:
            self._receive(limit)
            if self._received > _LONGEST_HEAD and not self._has_head:
                raise httpx.RemoteProtocolError("the headers of the answer have no end")
        return self._status, self._headers

    def body(self, limit: _Limit) -> Iterator[bytes]:
        """Give the body as it comes."""
        while True:
            pieces, self._pieces = self._pieces, []
            yield from pieces
            if self._is_whole:
                return
            self._receive(limit)

    @property
    def can_be_kept(self) -> bool:
        """Whether the answer was read to its end, and HTTP says that the connection stays open."""
        return self._is_whole and self._is_kept and not self._is_spoilt

    @property
    def is_said_to_be_kept(self) -> bool:
        """Whether the server says so itself."""
        return "keep-alive" in self._headers.get("connection", "").lower()

    @property
    def was_closed_in_silence(self) -> bool:
        """Whether the server had closed it after an earlier answer, as this call had to find out."""
        return self._is_broken and not self.is_first and not self._received

    def is_usable(self) -> bool:
        """Tell whether the next call can take it: what can be read now is its end."""
        return time.monotonic() - self.idle_since <= IDLE and not self._poll.poll(0)

    def close(self) -> None:
        """Hang up."""
        self._is_spoilt = True
        self._socket.close()

    def on_message_begin(self) -> None:
        """Take note of more than one answer to a question: the rest is not ours, and not read.

        The parser calls this and what follows.
        """
        self._is_spoilt = self._is_spoilt or self._is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; one that comes twice is read as a list."""
        if self._is_spoilt:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Know the status from here on, unless it is an interim one, of which the rest is still to come."""
        if self._is_spoilt:
            return
        self._status = self._parser.get_status_code()
        self._has_head = self._status >= HTTPStatus.OK
        if not self._has_head:
            self._headers = {}

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        if not self._is_spoilt:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Know that this is all."""
        self._is_whole = self._has_head
        self._is_kept = self._parser.should_keep_alive()

    def _receive(self, limit: _Limit) -> None:
        try:
            self._wait(limit)
            received = self._socket.recv(_CHUNK)
        except TimeoutError as error:
            raise httpx.ReadTimeout(limit.words()) from error
        except OSError as error:
            self._is_broken = True
            raise httpx.ReadError(str(error)) from error
        if not received:
            self._end()
            return
        self._received += len(received)
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._is_spoilt = True
            if not self._is_whole:
                raise httpx.RemoteProtocolError("what came is no answer of HTTP") from error

    def _end(self) -> None:
        """Take the end of the connection for the end of an answer that has no other, and of none else."""
        self._is_spoilt = self._is_broken = True
        if not self._received:
            raise httpx.RemoteProtocolError("the server closed the connection without an answer")
        if not self._has_head or {"content-length", "transfer-encoding"} & self._headers.keys():
            raise httpx.RemoteProtocolError("the connection ended within the answer")
        self._is_whole = True

    def _wait(self, limit: _Limit) -> None:
        """Let the next wait end in time."""
        timeout = limit.left(self._patience)
        if timeout != self._timeout:  # setting it is a call of the system
            self._socket.settimeout(timeout)
            self._timeout = timeout


def _decoded(body: Iterator[bytes], headers: dict[str, str]) -> Iterator[bytes]:
    coding = headers.get("content-encoding")
    if coding is None:
        return body
    return httpx.Response(HTTPStatus.OK, headers={"content-encoding": coding}, content=body).iter_bytes()
