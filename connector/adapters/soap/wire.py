"""One POST, once: no retry, no redirect, a deadline for the whole of it, and a mark when bytes have left.

What a caller may conclude hangs on the mark: before it nothing was sent, after it anything may have happened.
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connector.adapters.loopback import is_loopback

_CHUNK = 64 * 1024
_IDLE = 3600.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much. Units: seconds, bytes."""

    connect: float
    read: float  # of silence
    deadline: float  # for the whole call, however slowly it drips
    max_body_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Nothing whole came back."""

    reason: str
    sent: bool  # whether bytes of the request may have left; False proves that nobody saw it
    remedy: str = ""


class _Exchange:
    """One call under way: whether its bytes have left, and the connection to cut when time is up."""

    def __init__(self) -> None:
        self.sent = False
        self.overdue = False
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def uses(self, opened: socket.socket | None) -> None:
        # Not the connection: that one forgets its socket once an answer says that it is the last.
        with self._lock:
            self._socket = opened or self._socket

    def cut(self) -> None:
        with self._lock:
            self.overdue = True
            opened = self._socket
        if opened is not None:
            # A timeout counts silence only: what drips one byte at a time never meets it.
            try:
                opened.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


_current: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


class _Marking:
    """Marks the exchange when the first byte is about to leave: what fails before has sent nothing."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._note()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange = self._note()
        if exchange is not None:
            if exchange.overdue:
                message = "time was up before anything was sent"
                raise TimeoutError(message)
            exchange.sent = True
        super().send(data)  # type: ignore[misc]

    def _note(self) -> _Exchange | None:
        exchange = _current.get()
        if exchange is not None:
            exchange.uses(self.sock)
        return exchange


class _Connection(_Marking, HTTPConnection):
    pass


class _SecureConnection(_Marking, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """requests over connections that tell when they send. Never repeats anything."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


class Wire:
    """HTTP to one ERP, for one thread at a time. Keeps its connection and the ERP's cookies."""

    def __init__(
        self,
        limits: Limits,
        *,
        ca_bundle: Path | None = None,
        auth: AuthBase | None = None,
        certificate: tuple[str, str] | str | None = None,
    ) -> None:
        self._limits = limits
        self._verify = str(ca_bundle) if ca_bundle else True
        self._session = requests.Session()
        adapter = _Adapter()
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        # With an auth set, requests does not look into ~/.netrc, whose entry would replace our header.
        self._session.auth = auth or _unchanged
        self._session.cert = certificate

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | NoAnswer:
        """Send once and give what came of it. Raises nothing: after a POST every failure is an answer."""
        return self._call("POST", url, body, headers)

    def get(self, url: str) -> Answer | NoAnswer:
        """Fetch a document."""
        return self._call("GET", url, None, {})

    def forget_cookies(self) -> None:
        """End what the ERP takes for one session."""
        self._session.cookies.clear()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _call(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer | NoAnswer:
        # Plain http to this machine is no business of a proxy from the environment.
        self._session.trust_env = not is_loopback(urlsplit(url).hostname)
        with _timed(self._limits.deadline) as exchange:
            try:
                with self._session.request(
                    method,
                    url,
                    data=body,
                    headers={"Accept-Encoding": "identity", **headers},
                    timeout=(self._limits.connect, self._limits.read),
                    verify=self._verify,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    content = self._read(response)
            except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                return self._failed(exchange, error)
            if exchange.overdue:
                return self._late(exchange)
        if content is None:
            reason = f"the answer is longer than {self._limits.max_body_bytes:,} bytes"
            return NoAnswer(reason=reason, sent=True, remedy="Raise limits.max_body_bytes if that is right.")
        return Answer(status=response.status_code, headers=response.headers, body=content)

    def _read(self, response: requests.Response) -> bytes | None:
        """Give the body; None when it is longer than we take."""
        chunks: list[bytes] = []
        length = 0
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            length += len(chunk)
            if length > self._limits.max_body_bytes:
                response.raw.close()
                return None
        return b"".join(chunks)

    def _failed(self, exchange: _Exchange, error: Exception) -> NoAnswer:
        if exchange.overdue:
            return self._late(exchange)
        kind = type(error).__name__  # its text names hosts and addresses over and over
        cause = _cause(error)
        if isinstance(error, requests.exceptions.SSLError):
            return NoAnswer(
                reason=f"the secure connection failed ({cause})",
                sent=exchange.sent,
                remedy="Check the server's certificate and its validity, ca_bundle, the client certificate.",
            )
        words = kind if kind == cause else f"{kind}: {cause}"
        return NoAnswer(reason=words, sent=exchange.sent)

    def _late(self, exchange: _Exchange) -> NoAnswer:
        return NoAnswer(
            reason=f"no whole answer within {self._limits.deadline:g} seconds", sent=exchange.sent
        )


@contextmanager
def _timed(seconds: float) -> Iterator[_Exchange]:
    exchange = _Exchange()
    token = _current.set(exchange)
    _CUTTER.add(time.monotonic() + seconds, exchange)
    try:
        yield exchange
    finally:
        _CUTTER.remove(exchange)
        _current.reset(token)


class _Cutter:
    """One thread for the process that cuts what is overdue; it sleeps while nothing is under way."""

    def __init__(self) -> None:
        self._due: dict[_Exchange, float] = {}
        self._wake = threading.Condition()
        self._wakes_at = 0.0  # when the thread looks next; later deadlines need no word to it
        self._thread: threading.Thread | None = None

    def add(self, at: float, exchange: _Exchange) -> None:
        with self._wake:
            self._due[exchange] = at
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="soap-deadlines", daemon=True)
                self._thread.start()
            elif at < self._wakes_at:
                self._wake.notify()

    def remove(self, exchange: _Exchange) -> None:
        with self._wake:
            self._due.pop(exchange, None)

    def _run(self) -> None:
        while True:
            with self._wake:
                now = time.monotonic()
                overdue = [exchange for exchange, at in self._due.items() if at <= now]
                for exchange in overdue:
                    del self._due[exchange]
                if not overdue:
                    self._wakes_at = min(self._due.values()) if self._due else now + _IDLE
                    self._wake.wait(self._wakes_at - now)
            for exchange in overdue:
                exchange.cut()


_CUTTER = _Cutter()


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _cause(error: BaseException) -> str:
    """Give the innermost kind of a chain of errors: requests wraps what happened three times."""
    seen: BaseException = error
    while True:
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((each for each in seen.args if isinstance(each, BaseException)), None)
        if inner is None:
            return _said(seen)
        seen = inner


def _said(error: BaseException) -> str:
    verify = getattr(error, "verify_message", "")  # of a certificate: expired, self-signed, other host
    return f"{type(error).__name__}: {verify}" if verify else type(error).__name__
