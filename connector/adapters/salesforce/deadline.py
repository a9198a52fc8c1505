"""The end of a call: a limit that holds however slowly the other side speaks, in headers or in the body.

The read timeout of requests counts silence only: an answer that drips one byte at a time never meets it.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from connector.overdue import overdue


class Deadline:
    """Cuts the connection that carries a call when its time is up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: HTTPConnection | None = None
        self.has_passed = False

    def watch(self, connection: HTTPConnection) -> None:
        """Take note of the connection that carries the call."""
        with self._lock:
            self._connection = connection

    def end(self) -> None:
        """Cut it."""
        with self._lock:
            self.has_passed = True
            line = self._connection.sock if self._connection is not None else None
            if line is None:
                return
            # The bare connection below TLS: closing TLS itself belongs to the thread that reads.
            with suppress(OSError), socket.socket(fileno=socket.dup(line.fileno())) as bare:
                bare.shutdown(socket.SHUT_RDWR)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Limit what this thread sends and receives inside to so many seconds."""
    limit = Deadline()
    token = _current.set(limit)
    try:
        with overdue(seconds, limit.end):
            yield limit
    finally:
        _current.reset(token)


class _Watched(HTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 its own signature
        _tell(self)
        super().request(*args, **kwargs)


class _WatchedTls(HTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 its own signature
        _tell(self)
        super().request(*args, **kwargs)


def _tell(connection: HTTPConnection) -> None:
    limit = _current.get()
    if limit is not None:
        limit.watch(connection)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


def watch_connections(pools: PoolManager) -> None:
    """Let these pools tell the deadline which connection carries a call."""
    pools.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
