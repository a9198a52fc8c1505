"""Connections to Docflo: an httpx transport over the standard library's HTTP, at a fraction of the cost.

Timeouts, certificates and error classes are httpx's. A connection is kept for the next call only where the
server says that it keeps it: one that closes without a word would cost a call.
"""

import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx

from connector.docflo.deadline import Deadline

IDLE = 4.0  # seconds that a connection is kept unused; servers close them after five and more
_CHUNK = 65_536
_PORTS = {"http": 80, "https": 443}


class Lines(httpx.BaseTransport):
    """Connections to one server, one for each call under way. Safe to share between threads."""

    def __init__(self, trusted: ssl.SSLContext) -> None:
        self._trusted = trusted
        self._lock = threading.Lock()
        self._kept: list[_Line] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send and give the answer, whose body is still to be read.

        Its extension `deadline` is told which connection to cut.
        Raises: httpx's errors, ConnectError and ConnectTimeout exactly when nothing was sent.
        """
        limit: Deadline = request.extensions["deadline"]
        line = self._kept_line() or self._connect(request, limit)
        try:
            limit.watch(line.bare)
            answer = line.ask(request)
        except BaseException:
            line.close()
            raise
        headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()
        ]
        return httpx.Response(answer.status, headers=headers, stream=_Body(self, line, answer))

    def keep(self, line: "_Line") -> None:
        """Take back a connection whose call is over."""
        line.idle_since = time.monotonic()
        with self._lock:
            self._kept.append(line)

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            kept, self._kept = self._kept, []
        for line in kept:
            line.close()

    def _kept_line(self) -> "_Line | None":
        while True:
            with self._lock:
                line = self._kept.pop() if self._kept else None
            if line is None or line.is_usable():
                return line
            line.close()

    def _connect(self, request: httpx.Request, limit: Deadline) -> "_Line":
        url, timeouts = request.url, request.extensions["timeout"]
        port = url.port or _PORTS[url.scheme]
        with _as_httpx(httpx.ConnectTimeout, httpx.ConnectError, httpx.ConnectError):
            bare = socket.create_connection((url.host, port), timeouts["connect"])
            bare.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            limit.watch(bare)
            return _Line(url.host, port, bare, self._trusted if url.scheme == "https" else None)


class _Line:
    """One connection."""

    def __init__(self, host: str, port: int, bare: socket.socket, trusted: ssl.SSLContext | None) -> None:
        self.bare = bare.dup()  # of which TLS knows nothing
        self.idle_since = 0.0
        self._http = http.client.HTTPConnection(host, port)
        self._http.auto_open = 0
        try:
            self._http.sock = bare if trusted is None else trusted.wrap_socket(bare, server_hostname=host)
        except BaseException:
            bare.close()
            self.bare.close()
            raise

    def ask(self, request: httpx.Request) -> http.client.HTTPResponse:
        timeouts = request.extensions["timeout"]
        content = request.read()
        with _as_httpx(httpx.WriteTimeout, httpx.WriteError, httpx.LocalProtocolError):
            self._http.sock.settimeout(timeouts["write"])
            self._http.putrequest(
                request.method, request.url.raw_path.decode(), skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.raw:
                self._http.putheader(name, value)
            self._http.endheaders(content or None)
        with _as_httpx(httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
            self._http.sock.settimeout(timeouts["read"])
            answer = self._http.getresponse()
        if answer.status < HTTPStatus.OK:
            raise httpx.RemoteProtocolError(f"status {answer.status} is no answer")
        return answer

    def is_usable(self) -> bool:
        """Tell whether the next call can take it: what can be read now is its end."""
        if time.monotonic() - self.idle_since > IDLE:
            return False
        poll = select.poll()
        poll.register(self.bare, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        self._http.close()
        self.bare.close()


class _Body(httpx.SyncByteStream):
    """The rest of an answer."""

    def __init__(self, lines: Lines, line: _Line, answer: http.client.HTTPResponse) -> None:
        self._lines, self._line, self._answer = lines, line, answer

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx(httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError):
            while chunk := self._answer.read(_CHUNK):
                yield chunk
            if self._answer.length:  # the standard library takes the end of a connection for the end
                raise http.client.IncompleteRead(b"", self._answer.length)

    def close(self) -> None:
        is_whole = self._answer.isclosed() and not self._answer.length
        if is_whole and not self._answer.will_close and _says_that_it_keeps(self._answer):
            self._lines.keep(self._line)
        else:
            self._answer.close()
            self._line.close()


def _says_that_it_keeps(answer: http.client.HTTPResponse) -> bool:
    return "keep-alive" in (answer.getheader("Connection") or "").lower()


@contextmanager
def _as_httpx(
    timeout: type[httpx.TransportError], lost: type[httpx.TransportError], broken: type[httpx.TransportError]
) -> Iterator[None]:
    """Turn the standard library's errors into httpx's."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except http.client.RemoteDisconnected as error:
        raise httpx.RemoteProtocolError("the server closed the connection without an answer") from error
    except OSError as error:
        raise lost(str(error)) from error
    except (http.client.HTTPException, ValueError) as error:
        raise broken(type(error).__name__) from error
