"""The request budget: who may send how much of what Docflo allows in an hour.

One `Window` is shared by everything that uses an API key. The functions here are pure: they give the window
that follows. `SharedBudget` applies them to a window that is stored elsewhere, and nothing here ever waits.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import structlog

from connector.clock import Clock
from connector.docflo.ratelimit import LONGEST_PAUSE, RateLimit
from connector.errors import ThrottledError, UnavailableError

log = structlog.get_logger(__name__)

HOUR = timedelta(hours=1)
SLACK = timedelta(seconds=5)  # two answers of one window may name its end this far apart
LARGEST_BLOCK = 10
SOON = timedelta(seconds=1)


class Lane(StrEnum):
    """What a request is for, most urgent first."""

    WRITE_BACK = "write_back"
    BY_HAND = "by_hand"
    TAIL = "tail"
    SWEEP = "sweep"
    BACKFILL = "backfill"


RESERVES: Mapping[Lane, int] = {
    Lane.WRITE_BACK: 0,
    Lane.BY_HAND: 5,
    Lane.TAIL: 10,
    Lane.SWEEP: 20,
    Lane.BACKFILL: 30,
}
"""Percent of the window that a lane leaves to those above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What configuration says of the budget."""

    requests_per_hour: int | None = None  # counts until the first answer tells the limit
    share: int = 100  # percent of the limit that this connector may use


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is known of the hour that Docflo counts. Each field is a column of the ledger's `budget`."""

    number: int = 0  # one more each time a window has run out
    began_at: datetime | None = None  # the first request that we granted in it
    reset_at: datetime | None = None  # its end, as Docflo said
    allowed: int | None = None  # requests in it, as Docflo said
    used: int = 0  # granted by us or counted by Docflo, whichever is more
    granted: int = 0  # by us
    unanswered: int = 0  # granted, but perhaps not yet part of what Docflo counted
    closed_until: datetime | None = None  # Docflo asked to send nothing before

    @property
    def ends_at(self) -> datetime | None:
        """Give when counting begins anew; without word from Docflo an hour after it began."""
        if self.reset_at is not None or self.began_at is None:
            return self.reset_at
        return self.began_at + HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one answer said of the limit, and when."""

    said: RateLimit
    at: datetime


class Budget(Protocol):
    """Asked before each request, told about each answer."""

    def take(self, lane: Lane) -> None:
        """Take one request from what `lane` may use.

        Raises: ThrottledError with the time to come back; then nothing may be sent.
        UnavailableError when the budget cannot be read; then nothing may be sent either.
        """
        ...

    def answered(self, said: RateLimit | None) -> None:
        """Take note that a request has come to its end, and of what its answer said of the limit.

        Never raises, nor does `refused`: what the request did counts, whatever becomes of our notes.
        """
        ...

    def refused(self, until: datetime) -> None:
        """Take note that Docflo asks to send nothing before `until`."""
        ...


class NoBudget:
    """Lets everything through: where there is no ledger that could hold a budget."""

    def take(self, lane: Lane) -> None:
        """Let it through."""

    def answered(self, said: RateLimit | None) -> None:
        """Forget it."""

    def refused(self, until: datetime) -> None:
        """Forget it."""


def current(window: Window, now: datetime) -> Window:
    """Give the window as of now: a fresh one when its end has passed."""
    if window.ends_at is None or now < window.ends_at:
        return window
    return Window(number=window.number + 1, allowed=window.allowed, closed_until=window.closed_until)


def limit_of(window: Window, plan: Plan) -> int | None:
    """Give how many requests a window has; None: nobody said so."""
    return window.allowed if window.allowed is not None else plan.requests_per_hour


def available(window: Window, lane: Lane, plan: Plan) -> int | None:
    """Give how many requests `lane` may still send in this window; None when no limit is known."""
    limit = limit_of(window, plan)
    if limit is None:
        return None
    ours = limit * plan.share // 100
    reserve = -(-ours * RESERVES[lane] // 100)
    # What others use counts against the limit, but not against our share of it.
    return max(0, min(limit - window.used, ours - window.granted) - reserve)


def is_closed(window: Window, now: datetime) -> bool:
    """Tell whether Docflo asked to send nothing now."""
    return window.closed_until is not None and now < window.closed_until


def grant(window: Window, lane: Lane, plan: Plan, wanted: int, now: datetime) -> tuple[Window, int]:
    """Reserve up to `wanted` requests for `lane`; give how many. They count as used from here on."""
    window = current(window, now)
    if is_closed(window, now):
        return window, 0
    left = available(window, lane, plan)
    granted = wanted if left is None else min(wanted, left)
    if not granted:
        return window, 0
    reserved = replace(
        window,
        began_at=window.began_at or now,
        used=window.used + granted,
        granted=window.granted + granted,
        unanswered=window.unanswered + granted,
    )
    return reserved, granted


def settled(window: Window, number: int, *, answered: int, unspent: int) -> Window:
    """Take back what was granted in window `number`: `unspent` was never sent, `answered` no longer flies."""
    if window.number != number:
        return window
    return replace(
        window,
        used=max(0, window.used - unspent),
        granted=max(0, window.granted - unspent),
        unanswered=max(0, window.unanswered - answered - unspent),
    )


def corrected(window: Window, reading: Reading, now: datetime) -> Window:
    """Believe what an answer said.

    Docflo counts what reached it, of ours and of others; what we granted and it may not have seen yet comes
    on top. Within one window the larger figure counts, so answers may be read in any order.
    """
    window = current(window, now)
    said = reading.said
    if window.began_at is not None and reading.at < window.began_at:
        return window  # about an earlier window
    allowed = said.limit or window.allowed  # a limit of 0 is how some say that there is none
    if allowed is None and said.remaining is not None:
        allowed = window.used - window.unanswered + said.remaining
    counted = 0
    if allowed is not None and said.remaining is not None:
        counted = max(0, allowed - said.remaining) + window.unanswered
    window = replace(window, allowed=allowed, began_at=window.began_at or reading.at)
    if said.reset_at is None or said.reset_at <= now:
        # A reset that has passed is a clock that is wrong, here or there: the count is still right.
        return replace(window, used=max(window.used, counted))
    reset_at = min(said.reset_at, now + LONGEST_PAUSE)
    if window.reset_at is None or abs(reset_at - window.reset_at) <= SLACK:
        later = max(reset_at, window.reset_at or reset_at)
        return replace(window, reset_at=later, used=max(window.used, counted))
    if reset_at < window.reset_at:
        return window  # about an earlier window
    # Docflo began to count anew before we expected it.
    return replace(window, reset_at=reset_at, used=counted, granted=min(window.granted, counted))


def closed(window: Window, until: datetime) -> Window:
    """Send nothing before `until`."""
    return replace(window, closed_until=max(until, window.closed_until or until))


def block_size(window: Window, plan: Plan) -> int:
    """Give how many requests one process reserves at a time: few when there are few.

    One while nothing is known of a limit: the first answer may tell that it is small.
    """
    limit = limit_of(window, plan)
    return 1 if limit is None else max(1, min(LARGEST_BLOCK, limit * plan.share // 100 // 100))


def throttled(window: Window, lane: Lane, plan: Plan, now: datetime) -> ThrottledError:
    """Give the error that says when to come back."""
    if is_closed(window, now) and window.closed_until is not None:
        until = window.closed_until
        return ThrottledError(f"Docflo asked to send nothing before {until:%H:%M:%S} UTC", until=until)
    until = max(window.ends_at or now, now + SOON)
    message = (
        f"the request budget has nothing left for {lane.value.replace('_', '-')} before {until:%H:%M:%S} UTC "
        f"({window.used} of {limit_of(window, plan)} requests are used or reserved)"
    )
    return ThrottledError(message, until=until)


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


class SharedBudget:
    """The budget of one process, kept with all the others in one stored window. Safe between threads.

    A request costs one small read of the store, so that a refusal anywhere stops everybody at once; requests
    are reserved in blocks, so that it is written to once per block.
    """

    def __init__(self, store: WindowStore, *, plan: Plan, clock: Clock) -> None:
        self._store = store
        self._plan = plan
        self._clock = clock
        self._lock = threading.Lock()
        self._blocks: dict[Lane, _Block] = {}  # apart, so that no lane spends what another reserved
        self._flying: Counter[int] = Counter()  # window number -> requests without an answer
        self._answered: Counter[int] = Counter()  # the same, answered and not yet reported
        self._readings: list[Reading] = []  # not yet reported
        self._known = Window()  # as last read
        self._closed_until: datetime | None = None  # not yet reported
        self._is_mute = False  # Docflo answers, and says nothing of a limit

    def take(self, lane: Lane) -> None:
        """Take one request from this process's block, or reserve another block first."""
        with self._lock:
            now = self._clock()
            window = self._known = self._with_refusal(current(self._store.read(), now))
            if is_closed(window, now):
                raise throttled(window, lane, self._plan, now)
            block = self._blocks.get(lane)
            if block is None or not block.left or block.number != window.number:
                block = self._blocks[lane] = self._reserve(lane, now)
            block.left -= 1
            self._flying[block.number] += 1

    def answered(self, said: RateLimit | None) -> None:
        """Keep it for the next report; report at once what others must know."""
        with self._lock:
            # Which of the requests it was does not matter: the oldest window is the one to be freed first.
            number = min((number for number, count in self._flying.items() if count), default=None)
            if number is not None:
                self._flying[number] -= 1
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

    def balance(self) -> "Balance":
        """Give what is known of the window now."""
        window = current(self._store.read(), self._clock())
        return Balance(
            limit=limit_of(window, self._plan),
            used=window.used,
            reset_at=window.ends_at,
            closed_until=window.closed_until if is_closed(window, self._clock()) else None,
            lanes={lane: available(window, lane, self._plan) for lane in Lane},
        )

    def _reserve(self, lane: Lane, now: datetime) -> _Block:
        granted = 0

        def step(window: Window) -> Window:
            nonlocal granted
            is_unlimited = self._is_mute and limit_of(window, self._plan) is None
            wanted = LARGEST_BLOCK if is_unlimited else block_size(window, self._plan)
            reserved, granted = grant(window, lane, self._plan, wanted, now)
            return reserved

        window = self._report(step)
        if not granted:
            raise throttled(window, lane, self._plan, now)
        return _Block(number=window.number, left=granted)

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
        self._answered.clear()
        self._readings.clear()
        self._closed_until = None
        self._flying = +self._flying
        return window

    def _is_news(self, said: RateLimit) -> bool:
        known = self._known
        is_first_reset = known.reset_at is None and said.reset_at is not None
        return is_first_reset or (said.limit or known.allowed) != known.allowed
