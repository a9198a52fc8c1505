"""The end of a call: a limit that holds however slowly the other side speaks, byte by byte if it likes."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from connector.overdue import overdue

CONNECTED = "connection.connect_tcp.complete"


class Deadline:
    """Cuts a call's connection when its time is up. httpx limits each read alone, and a drip resets that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self.has_passed = False

    def trace(self, event: str, facts: Mapping[str, Any]) -> None:
        """Take note of the connection; the form of httpx's `trace` extension."""
        if event == CONNECTED:
            self.watch(facts["return_value"].get_extra_info("socket"))

    def watch(self, line: socket.socket) -> None:
        """Take note of the connection that carries the call."""
        # A copy refers to the same connection, also after TLS has taken the first one over.
        copied = line.dup()
        with self._lock:
            self._drop()
            self._line = copied
            if self.has_passed:
                self._cut()

    def end(self) -> None:
        """Cut it."""
        with self._lock:
            self.has_passed = True
            self._cut()

    def _cut(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def close(self) -> None:
        """Forget the connection."""
        with self._lock:
            self._drop()


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Limit what is sent and received inside, on a connection that is made inside, to so many seconds."""
    limit = Deadline()
    try:
        with overdue(seconds, limit.end):
            yield limit
    finally:
        limit.close()
