"""How many workers of a process work at a time: no more than its interpreter can serve.

Threads share one interpreter. While it is busy all the time, a further worker brings nothing forward and
costs the others their turns; while it waits for answers, all of them are wanted.
"""

import threading
import time
from collections.abc import Callable

EVERY = 0.5  # seconds between two looks
BUSY = 0.95  # of a processor: above this one worker fewer
FREE = 0.8  # below this twice as many
FEWEST = 2  # one computes while the other waits for an answer


class Crew:
    """The workers of one process. Safe between threads."""

    def __init__(
        self,
        size: int,
        *,
        used: Callable[[], float] = time.process_time,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take seconds from `used`, of processor time of this process, and from `now`, of a clock."""
        self._size = size
        self._fewest = self._wanted = min(FEWEST, size)
        self._used = used
        self._now = now
        self._lock = threading.Lock()
        self._last = (now(), used())

    def wants(self, number: int) -> bool:
        """Tell whether the worker with this number, from 0, is to take another batch."""
        with self._lock:
            self._look()
            return number < self._wanted

    def _look(self) -> None:
        now, used = self._now(), self._used()
        began, used_before = self._last
        if now - began < EVERY:
            return
        self._last = (now, used)
        load = (used - used_before) / (now - began)
        if load > BUSY:
            self._wanted = max(self._fewest, self._wanted - 1)
        elif load < FREE:
            self._wanted = min(self._size, self._wanted * 2)
