"""The budget of one process, kept with all the others in one stored window."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from connector.clock import Clock
from connector.docflo.budget import (
    Lane,
    Plan,
    Reading,
    Window,
    available,
    block_size,
    closed,
    corrected,
    current,
    grant,
    is_closed,
    limit_of,
    settled,
    throttled,
)
from connector.docflo.ratelimit import RateLimit
from connector.errors import UnavailableError

log = structlog.get_logger(__name__)

FRESH = timedelta(seconds=1)  # how old what we know of the store may be
LARGEST_UNLIMITED_BLOCK = 500  # requests reserved at a time where nobody says that there is a limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The budget as people read it."""

    limit: int | None  # None: nobody said so yet
    used: int
    reset_at: datetime | None
    closed_until: datetime | None  # Docflo asked to send nothing before
    lanes: Mapping[Lane, int | None]  # requests that each may still send; None: no limit is known


class WindowStore(Protocol):
    """Holds the one window that every process shares."""

    def read(self) -> Window:
        """Give it as it is."""
        ...

    def change(self, step: Callable[[Window], Window]) -> Window:
        """Replace it by what `step` makes of it, with nobody in between; give the new one."""
        ...


@dataclass(slots=True, kw_only=True)
class _Block:
    """Requests that this process has reserved and not yet sent."""

    number: int  # of the window that they belong to
    left: int
    size: int  # as it was reserved
    at: datetime  # when


class SharedBudget:
    """The budget of one process, kept with all the others in one stored window. Safe between threads.

    The store is read once a second at most, so that a refusal anywhere stops everybody within a second;
    requests are reserved in blocks, so that it is written to once per block.
    """

    def __init__(self, store: WindowStore, *, plan: Plan, clock: Clock) -> None:
        self._store = store
        self._plan = plan
        self._clock = clock
        self._lock = threading.Lock()
        self._blocks: dict[Lane, _Block] = {}  # apart, so that no lane spends what another reserved
        self._flying: defaultdict[int, int] = defaultdict(int)  # window number -> requests without an answer
        self._answered: Counter[int] = Counter()  # the same, answered and not yet reported
        self._readings: list[Reading] = []  # not yet reported
        self._known = Window()  # as last read or written
        self._known_at: datetime | None = None
        self._closed_until: datetime | None = None  # not yet reported
        self._is_mute = False  # Docflo answers, and says nothing of a limit

    def take(self, lane: Lane) -> None:
        """Take one request from this process's block, or reserve another block first."""
        with self._lock:
            now = self._clock()
            window = self._window(now)
            if is_closed(window, now):
                raise throttled(window, lane, self._plan, now)
            block = self._blocks.get(lane)
            if block is None or not block.left or block.number != window.number:
                block = self._blocks[lane] = self._reserve(lane, now)
            block.left -= 1
            self._flying[block.number] += 1

    def afford(self, lane: Lane, least: int) -> int | None:
        """Count what is left for the lane, and what this process has reserved for it."""
        with self._lock:
            now = self._clock()
            window = self._window(now)
            if is_closed(window, now):
                raise throttled(window, lane, self._plan, now)
            left = available(window, lane, self._plan)
            whole = available(Window(allowed=window.allowed), lane, self._plan)
            if left is None or whole is None:
                return None
            block = self._blocks.get(lane)
            if block is not None and block.number == window.number:
                left += block.left
            if left < min(least, whole):
                raise throttled(window, lane, self._plan, now)
            return left

    def answered(self, said: RateLimit | None) -> None:
        """Keep it for the next report; report at once what others must know."""
        with self._lock:
            # Which of the requests it was does not matter: the oldest window is the one to be freed first.
            number = min(self._flying, default=None)
            if number is not None:
                self._flying[number] -= 1
                if not self._flying[number]:
                    del self._flying[number]
                self._answered[number] += 1
            self._is_mute = said is None
            if said is None:
                return
            self._readings.append(Reading(said=said, at=self._clock()))
            if not said or self._is_news(said):
                self._report_now()

    def refused(self, until: datetime) -> None:
        """Close the budget for every process."""
        with self._lock:
            self._closed_until = max(until, self._closed_until or until)
            self._report_now()

    def release(self) -> None:
        """Give back what was reserved and not sent, and report what is known."""
        with self._lock:
            unspent = [(block.number, block.left) for block in self._blocks.values() if block.left]
            if not unspent and not self._readings:
                return
            self._blocks.clear()

            def give_back(window: Window) -> Window:
                for number, left in unspent:
                    window = settled(window, number, answered=0, unspent=left)
                return window

            self._report(give_back)

    def balance(self) -> Balance:
        """Give what is known of the window now."""
        window = current(self._store.read(), self._clock())
        return Balance(
            limit=limit_of(window, self._plan),
            used=window.used,
            reset_at=window.ends_at,
            closed_until=window.closed_until if is_closed(window, self._clock()) else None,
            lanes={lane: available(window, lane, self._plan) for lane in Lane},
        )

    def _window(self, now: datetime) -> Window:
        if self._known_at is None or not self._known_at <= now < self._known_at + FRESH:
            self._known, self._known_at = self._store.read(), now
        self._known = self._with_refusal(current(self._known, now))
        return self._known

    def _reserve(self, lane: Lane, now: datetime) -> _Block:
        granted = 0
        about_a_second = self._spent_in_a_second(lane, now)

        def step(window: Window) -> Window:
            nonlocal granted
            is_unlimited = self._is_mute and limit_of(window, self._plan) is None
            wanted = about_a_second if is_unlimited else block_size(window, self._plan)
            reserved, granted = grant(window, lane, self._plan, wanted, now)
            return reserved

        window = self._report(step)
        if not granted:
            raise throttled(window, lane, self._plan, now)
        return _Block(number=window.number, left=granted, size=granted, at=now)

    def _spent_in_a_second(self, lane: Lane, now: datetime) -> int:
        """Guess it from the last block: a hasty lane writes about once a second, others keep little."""
        last = self._blocks.get(lane)
        if last is None:
            return 1
        was_short = now < last.at + FRESH
        return min(LARGEST_UNLIMITED_BLOCK, last.size * 2) if was_short else max(1, last.size // 2)

    def _report_now(self) -> None:
        try:
            self._report(lambda window: window)
        except UnavailableError as error:
            # It is kept for the next report, and this process heeds it at once.
            log.warning("budget.not_reported", reason=error.message)

    def _with_refusal(self, window: Window) -> Window:
        return window if self._closed_until is None else closed(window, self._closed_until)

    def _report(self, step: Callable[[Window], Window]) -> Window:
        """Store what this process learnt, then `step`."""
        now = self._clock()

        def report(window: Window) -> Window:
            for number, count in self._answered.items():
                window = settled(window, number, answered=count, unspent=0)
            for reading in self._readings:
                window = corrected(window, reading, now)
            return step(self._with_refusal(current(window, now)))

        window = self._known = self._store.change(report)
        self._known_at = now
        self._answered.clear()
        self._readings.clear()
        self._closed_until = None
        return window

    def _is_news(self, said: RateLimit) -> bool:
        known = self._known
        is_first_reset = known.reset_at is None and said.reset_at is not None
        return is_first_reset or (said.limit or known.allowed) != known.allowed
