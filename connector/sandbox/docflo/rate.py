"""Requests per hour and key, told in three headers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What a key has left. `reset` is in UTC epoch seconds."""

    limit: int
    used: int
    reset: int

    @property
    def is_exceeded(self) -> bool:
        """More was asked than allowed."""
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        """Give the documented headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(self.limit - self.used, 0)),
            "X-RateLimit-Reset": str(self.reset),
        }


class RateLimit:
    """One window per key, of an hour or less, which begins with its first request."""

    def __init__(self, limit: int, clock: Callable[[], datetime], window: timedelta = WINDOW) -> None:
        self.limit = limit
        self._window = window
        self._clock = clock
        self._windows: dict[str, Rate] = {}

    def count(self, key: str) -> Rate:
        """Count one request and tell what is left."""
        now = self._clock()
        window = self._windows.get(key)
        if window is None or now.timestamp() >= window.reset:
            window = Rate(limit=self.limit, used=0, reset=math.ceil((now + self._window).timestamp()))
        rate = Rate(limit=self.limit, used=window.used + 1, reset=window.reset)
        self._windows[key] = rate
        return rate
