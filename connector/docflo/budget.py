"""The request budget: who may send how much of what Docflo allows in an hour.

One `Window` is shared by everything that uses an API key. The functions here are pure: they give the window
that follows. `shared_budget.py` applies them to a window that is stored elsewhere. Nothing here ever waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from connector.docflo.ratelimit import LONGEST_PAUSE, RateLimit
from connector.errors import BusyError, ThrottledError

HOUR = timedelta(hours=1)
SLACK = timedelta(seconds=5)  # two answers of one window may name its end this far apart
LATE = timedelta(minutes=2)  # an answer may speak of a window that ended so long ago
LARGEST_BLOCK = 10
SOON = timedelta(seconds=1)


class Lane(StrEnum):
    """What a request is for, most urgent first."""

    WRITE_BACK = "write_back"
    WEBHOOK = "webhook"
    BY_HAND = "by_hand"
    TAIL = "tail"
    SWEEP = "sweep"
    BACKFILL = "backfill"
    ORIGINAL = "original"


RESERVES: Mapping[Lane, int] = {
    Lane.WRITE_BACK: 0,
    Lane.WEBHOOK: 5,
    Lane.BY_HAND: 5,
    Lane.TAIL: 10,
    Lane.SWEEP: 20,
    Lane.BACKFILL: 30,
    Lane.ORIGINAL: 40,
}
"""Percent of the window that a lane leaves to those above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What configuration says of the budget."""

    requests_per_hour: int | None = None  # counts until the first answer tells the limit
    share: int = 100  # percent of the limit that this connector may use
    backfill: int = 100  # percent of that which may be used, by whomever, before a backfill waits

    def reserve(self, lane: Lane) -> int:
        """Give the percent that a lane leaves to those above it."""
        reserve = RESERVES[lane]
        is_last = lane in {Lane.BACKFILL, Lane.ORIGINAL}
        return max(reserve, 100 - self.backfill) if is_last else reserve


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

    def afford(self, lane: Lane, least: int) -> int | None:
        """Give how many requests `lane` may still send in this window; None when no limit is known.

        Raises: as `take`, when it is fewer than `least` and the next window will have more.
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

    def afford(self, lane: Lane, least: int) -> int | None:
        """Give no limit."""

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
    reserve = -(-ours * plan.reserve(lane) // 100)
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
    window = replace(window, allowed=allowed)
    if window.reset_at is None and _was_told_late(window, reading, now):
        # This window began in Docflo's last one, and so ended with it.
        return current(replace(window, reset_at=said.reset_at), now)
    lies_ahead = said.reset_at is not None and said.reset_at > now
    if not lies_ahead and (window.began_at is None or _has_just_ended(said.reset_at, reading, now)):
        # Nobody sent anything in this window, or the one it speaks of is over. Its count would spend this
        # one before it began, with nothing sent that could tell the truth.
        return window
    counted = 0
    if allowed is not None and said.remaining is not None:
        counted = max(0, allowed - said.remaining) + window.unanswered
    window = replace(window, began_at=window.began_at or reading.at)
    if said.reset_at is None or not lies_ahead:
        # A reset that has long passed is a clock that is wrong, here or there: the count is still right.
        return replace(window, used=max(window.used, counted))
    reset_at = min(said.reset_at, now + LONGEST_PAUSE)
    if window.reset_at is None or abs(reset_at - window.reset_at) <= SLACK:
        later = max(reset_at, window.reset_at or reset_at)
        return replace(window, reset_at=later, used=max(window.used, counted))
    if reset_at < window.reset_at:
        return window  # about an earlier window
    # Docflo began to count anew before we expected it.
    return replace(window, reset_at=reset_at, used=counted, granted=min(window.granted, counted))


def _was_told_late(window: Window, reading: Reading, now: datetime) -> bool:
    reset_at = reading.said.reset_at
    return window.began_at is not None and reset_at is not None and reading.at < reset_at <= now


def _has_just_ended(reset_at: datetime | None, reading: Reading, now: datetime) -> bool:
    return reset_at is not None and (reading.at < reset_at or now - reset_at < LATE)


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
    # Others may still have something: a backfill that waits must not keep them from Docflo.
    kind = BusyError if lane is Lane.BACKFILL else ThrottledError
    return kind(message, until=until)
