"""Readings that many lookers share: made anew once their time is over, by one of them."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")


class Remembered(Generic[ValueT]):
    """One reading. Safe between threads; who comes while it is made waits for it."""

    def __init__(self, read: Callable[[datetime], ValueT], *, lasts: timedelta) -> None:
        self._read = read
        self._lasts = lasts
        self._lock = threading.Lock()
        self._known: tuple[datetime, ValueT] | None = None

    def get(self, now: datetime) -> tuple[datetime, ValueT]:
        """Give the reading, and as of when it is."""
        with self._lock:
            if self._known is None or not timedelta(0) <= now - self._known[0] < self._lasts:
                self._known = (now, self._read(now))
            return self._known
