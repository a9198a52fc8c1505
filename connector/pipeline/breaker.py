"""Breakers: a side that is away or refuses us is left alone, and tried by one delivery now and then.

A side is Docflo or a target. What is decided is pure and stands first; `Breakers` keeps it in the ledger, so
that all replicas share it and a restart forgets nothing. What one replica finds, others heed within a second.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum

import structlog

from connector.clock import Clock
from connector.errors import (
    AccessRefusedError,
    BusyError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    StoppingError,
    ThrottledError,
    UnavailableError,
)
from connector.ledger.breaker import Breaker, BreakerStore
from connector.pipeline.failure import describe

log = structlog.get_logger(__name__)

DOCFLO = "docflo"
"""The side that lists and is written back to; targets are `Pipeline.side`."""

CONNECTION_PAUSES = (timedelta(seconds=5), timedelta(minutes=5))  # the first, the longest
CREDENTIAL_PAUSES = (timedelta(minutes=1), timedelta(minutes=15))
LOST_IN_A_ROW = 3  # connections of one process: fewer are a network that hiccups, and are retried as such
PROBE = timedelta(seconds=30)  # then somebody else may try: who began may have been killed
FRESH = timedelta(seconds=1)  # how long a side is taken for well after a look; no pause is shorter
GATEWAY_STATUSES = frozenset({502, 503, 504})  # said by what stands in front of a server


class Admission(Enum):
    """How much may be sent to a side now."""

    ALL = "all"
    ONE = "one"
    NONE = "none"


def opens(error: object) -> bool:
    """Tell whether this error is about the side as a whole: its connection, its credentials, its limit.

    A server that fails with 500 may fail at one document only, and the next may go through.
    """
    match error:
        case BusyError():
            return False
        case AccessRefusedError() | ThrottledError():
            return True
        case UnavailableError():
            return error.remote is None or error.remote.status in GATEWAY_STATUSES
        case _:
            return False


def opened(
    before: Breaker | None, side: str, error: ConnectorError, *, now: datetime, jitter: float
) -> Breaker:
    """Give the breaker after `error`. `jitter` is 0..1, from the caller.

    | error                       | next try                                        |
    | --------------------------- | ----------------------------------------------- |
    | ThrottledError              | when the side said                              |
    | AccessRefusedError          | 1 min, doubled with each failed probe to 15 min |
    | ConfigError, of a mapping   | the same                                        |
    | UnavailableError, several   | 5 s, doubled with each failed probe to 5 min    |

    Failures during the pause are of requests that were under way: they change nothing.
    """
    failure = describe(error)
    if before is None or before.error_class != failure.error_class:
        failures, since = 1, before.opened_at if before else now
    elif now < before.next_try and not isinstance(error, ThrottledError):
        return before
    else:
        failures, since = before.failures + 1, before.opened_at
    if isinstance(error, ThrottledError):
        next_try = max(error.until, now + timedelta(seconds=1))
    else:
        next_try = now + _pause(error, failures, jitter)
    return Breaker(
        side=side,
        error_class=failure.error_class,
        reason=failure.reason,
        opened_at=since,
        failures=failures,
        next_try=next_try,
    )


def _pause(error: ConnectorError, failures: int, jitter: float) -> timedelta:
    needs_person = isinstance(error, AccessRefusedError | ConfigError)
    first, longest = CREDENTIAL_PAUSES if needs_person else CONNECTION_PAUSES
    # Half of it is certain: a side that has just failed is never asked again at once.
    return min(longest, first * (1 << min(failures - 1, 20))) * (0.5 + jitter / 2)


class Breakers:
    """The breakers of all sides, for one process. Safe between threads."""

    def __init__(
        self, store: BreakerStore, *, clock: Clock, jitter: Callable[[], float] = random.random
    ) -> None:
        self._store = store
        self._clock = clock
        self._jitter = jitter
        self._lost: Counter[str] = (
            Counter()
        )  # by side; a miscount between threads opens it one try sooner or later
        self._well_at: dict[str, datetime] = {}  # by side; when the ledger last had nothing against it

    def admits(self, side: str) -> Admission:
        """Tell how much may be sent to this side. `ONE` is told to one caller, who then resigns."""
        breaker = self._breaker(side)
        if breaker is None:
            return Admission.ALL
        now = self._clock()
        if breaker.error_class == ThrottledError.__name__ and now >= breaker.next_try:
            return Admission.ALL  # it said when to come back: there is nothing to find out
        if now < breaker.next_try or not self._store.begin_probe(side, now=now, until=now + PROBE):
            return Admission.NONE
        return Admission.ONE

    def is_closed(self, side: str) -> bool:
        """Tell whether nothing is known against this side."""
        return self._breaker(side) is None

    def left_alone(self, side: str) -> ThrottledError:
        """Give the error for what is not even tried."""
        breaker = self._store.get(side)
        now = self._clock()
        until = now + timedelta(seconds=1) if breaker is None else max(breaker.next_try, now)
        reason = f": {breaker.reason}" if breaker is not None else ""
        return ThrottledError(f"{side} is left alone until {until:%H:%M:%S} UTC{reason}", until=until)

    def resign(self, side: str) -> None:
        """Give up a probe that may not have taken place."""
        self._store.end_probe(side)

    def report(self, side: str, answers: Sequence[object]) -> datetime | None:
        """Take note of what a side answered to one call: receipts, or an error for each record.

        Give when those that failed should be tried again without counting it as an attempt; None when they
        are to be treated each by its own error.
        """
        if answers and all(map(opens, answers)):
            return self._failed(side, answers[0])
        if any(_shows_life(answer) for answer in answers):
            self._lost.pop(side, None)
            self._answered(side)
        return None

    def try_now(self) -> None:
        """Let the next call probe at once: a person or a schedule asks. What asked us to wait is obeyed."""
        classes = frozenset({AccessRefusedError.__name__, ConfigError.__name__, UnavailableError.__name__})
        self._store.try_now(self._clock(), error_classes=classes)

    def credentials_changed(self) -> None:
        """Let the next call to a side that refused the credentials probe at once."""
        self._store.try_now(self._clock(), error_classes=frozenset({AccessRefusedError.__name__}))

    def misfits(self, side: str, error: ConfigError) -> None:
        """Leave a pipeline alone whose mapping does not fit its target."""
        now, jitter = self._clock(), self._jitter()
        before, after = self._store.open(
            side, lambda before: opened(before, side, error, now=now, jitter=jitter)
        )
        self._well_at.pop(side, None)
        if before is None or before.reason != after.reason:
            log.error("mapping.misfit", side=side, reason=after.reason, next_look=after.next_try.isoformat())

    def fits(self, side: str) -> None:
        """Let it go on."""
        if self._store.get(side) is not None and self._store.lift(side):
            log.info("mapping.fits", side=side)

    def open(self) -> tuple[Breaker, ...]:
        """Give every open breaker."""
        return self._store.all()

    def _failed(self, side: str, error: object) -> datetime | None:
        if not isinstance(error, ConnectorError):
            return None
        if isinstance(error, UnavailableError) and self._is_a_hiccup(side):
            return None
        now, jitter = self._clock(), self._jitter()
        before, after = self._store.open(
            side, lambda before: opened(before, side, error, now=now, jitter=jitter)
        )
        self._well_at.pop(side, None)
        if before is None:
            log.warning("breaker.open", side=side, error=after.error_class, reason=after.reason)
        # The failure that finds a lost connection is an ordinary failed try. Else a document that alone
        # makes a server hang would be tried for ever.
        if before is None and isinstance(error, UnavailableError):
            return None
        return after.next_try

    def _is_a_hiccup(self, side: str) -> bool:
        self._lost[side] += 1
        return self._lost[side] < LOST_IN_A_ROW and self._store.get(side) is None

    def _breaker(self, side: str) -> Breaker | None:
        """Give what the ledger has against a side; nothing is asked while it was well a moment ago."""
        now, well_at = self._clock(), self._well_at.get(side)
        if well_at is not None and well_at <= now < well_at + FRESH:
            return None
        breaker = self._store.get(side)
        if breaker is None:
            self._well_at[side] = now
        return breaker

    def _answered(self, side: str) -> None:
        if self._breaker(side) is not None and self._store.close(side, now=self._clock()):
            log.info("breaker.closed", side=side)


@contextmanager
def listing_of(breakers: Breakers) -> Iterator[None]:
    """Let a listing of Docflo take place in the block, and take note of how it ends.

    Raises: ThrottledError instead, with the time to come back, while Docflo is left alone.
    """
    admission = breakers.admits(DOCFLO)
    if admission is Admission.NONE:
        raise breakers.left_alone(DOCFLO)
    try:
        yield
    except (ThrottledError, StoppingError):
        raise  # the budget knows; what a listing may not use is there for others
    except ConnectorError as error:
        breakers.report(DOCFLO, [error])
        raise
    else:
        breakers.report(DOCFLO, [None])
    finally:
        if admission is Admission.ONE:
            breakers.resign(DOCFLO)


def _shows_life(answer: object) -> bool:
    # What is unknown tells nothing of the side, nor what never got there.
    told_nothing = OutcomeUnknownError | UnavailableError | ConfigError | BusyError | StoppingError
    return not isinstance(answer, told_nothing) and not opens(answer)
