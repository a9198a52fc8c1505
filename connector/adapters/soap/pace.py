"""How often one process may call an ERP, and how long it waits when refused. Sends nothing, never sleeps."""

import threading
from collections import deque
from datetime import datetime, timedelta

from connector.adapters.soap.file import LimitsSection
from connector.adapters.soap.outcome import Kind, Verdict
from connector.clock import Clock
from connector.errors import ThrottledError


class Pace:
    """The limits of one target. Safe to use from several threads."""

    def __init__(self, limits: LimitsSection, clock: Clock) -> None:
        self._rate = limits.rate
        self._pauses = limits.throttle_backoff or (limits.throttle_seconds,)
        self._clock = clock
        self._lock = threading.Lock()
        self._calls: deque[datetime] = deque()
        self._refusals = 0  # one after another

    def reserve(self, calls: int) -> None:
        """Take room for all calls of one record at once: one that waits in the middle would be in doubt.

        Raises: ThrottledError with the time when there will be room.
        """
        if self._rate is None:
            return
        now, window = self._clock(), timedelta(seconds=self._rate.seconds)
        with self._lock:
            while self._calls and self._calls[0] <= now - window:
                self._calls.popleft()
            missing = len(self._calls) + calls - self._rate.calls
            if missing > 0:
                until = self._calls[missing - 1] + window
                raise ThrottledError(
                    f"the profile allows {self._rate.calls} calls in {self._rate.seconds:g} seconds",
                    until=until,
                )
            self._calls.extend([now] * calls)

    def pause(self, verdict: Verdict) -> float:
        """Give how long to wait after this answer, if the ERP does not say: longer each time in a row.

        Units: seconds.
        """
        with self._lock:
            if verdict.kind is not Kind.THROTTLED:
                self._refusals = 0
                return self._pauses[0]
            self._refusals += 1
            return self._pauses[min(self._refusals, len(self._pauses)) - 1]
