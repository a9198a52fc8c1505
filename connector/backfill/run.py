"""Working on a backfill: one thread lists its windows, others deliver what they brought, until it is over.

Any number of processes do this beside each other and beside the live service. What is done is in the ledger;
nothing here has to be remembered from one process to the next.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from connector.adapters.base import Idempotency, LoadsInBulk
from connector.backfill.counting import SIZE
from connector.backfill.planning import plan_windows
from connector.backfill.window import list_window
from connector.clock import Clock
from connector.docflo.budget import Lane
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    LeaseLostError,
    StoppingError,
    ThrottledError,
    UnavailableError,
)
from connector.ledger.backfill import Backfill, BackfillState, Tally
from connector.ledger.backfill_windows import WindowStore
from connector.ledger.backfills import BackfillStore
from connector.ledger.delivery import Failure, State
from connector.ledger.operations import By
from connector.pipeline.advance import advance
from connector.pipeline.breaker import DOCFLO, Breakers, listing_of
from connector.pipeline.crew import EVERY, Crew
from connector.pipeline.definition import Pipeline
from connector.pipeline.work import Move, Work

log = structlog.get_logger(__name__)

PATIENCE = timedelta(minutes=1)  # for the budget, where nobody asked to wait for it
TICK = 0.5  # seconds between two looks at what is to be done
TROUBLE = 2.0  # seconds of rest after the ledger or Docflo could not be reached
WRITE_BACKS = 3  # that a worker claims at once: requests are scarcer here than commits
BACKLOG = SIZE  # deliveries that wait: with fewer the next window is listed


class End(StrEnum):
    """Why the work on a backfill ended."""

    FINISHED = "finished"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    BUDGET = "budget"  # the request budget has nothing left for it
    UNTIL = "until"  # the time has come that it was given
    WAITING = "waiting"  # what is left is due later: retries, a side that is away, another process's claims
    HELD = "held"  # its pipeline is paused or halted
    STOPPED = "stopped"  # by a signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Until when, and how patiently."""

    until: datetime | None = None
    waits: bool = False  # for the budget, however long


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended."""

    why: End
    come_back_at: datetime | None = None
    reason: str | None = None
    left_running: bool = False  # a thread did not come to its end within the grace period


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that the work is done with."""

    backfills: BackfillStore
    windows: WindowStore
    breakers: Breakers
    make_work: Callable[[Callable[[Move], None], Callable[[], bool]], Work]
    is_held: Callable[[], bool]  # whether the pipeline is paused or halted
    clock: Clock
    workers: int
    grace: timedelta


class Run:
    """The work of one process on one backfill."""

    def __init__(
        self,
        known: Backfill,
        pipeline: Pipeline,
        bench: Bench,
        conditions: Conditions,
        watch: Callable[[Backfill, Tally], None],
    ) -> None:
        """`watch` is told how far it is, about every second."""
        self._known = known
        self._pipeline = pipeline
        self._bench = bench
        self._conditions = conditions
        self._watch = watch
        self._stopping = threading.Event()
        self._found = threading.Event()
        self._lock = threading.Lock()
        self._throttled: datetime | None = None
        self._deaths: tuple[str, int] = ("", 0)  # class, how many in a row
        self._too_many_died: str | None = None  # in words; from here on nothing more is claimed
        self._load = _load_size(pipeline)
        self._gathering = False  # listing until there is enough for a load; nothing is claimed meanwhile
        self._moved_at = bench.clock()
        self._crew = Crew(bench.workers)
        self._work = self._make_work()

    def stop(self) -> None:
        """Begin to stop; safe from any thread and from a signal handler."""
        self._stopping.set()
        self._found.set()

    def run(self) -> Ended:
        """Work until it is over, or cannot go on for now.

        Raises: ConnectorError when a person must act: credentials, a shape that is not known;
        UnavailableError when the ledger stays away.
        """
        threads = [
            threading.Thread(target=self._deliver, args=[number], name=f"backfill-{number}", daemon=True)
            for number in range(self._bench.workers)
        ]
        was_told = False
        for thread in threads:
            thread.start()
        try:
            ended = self._supervise()
            was_told = self._stopping.is_set()
        finally:
            self.stop()
            for thread in threads:
                thread.join(self._bench.grace.total_seconds() / len(threads))
        if was_told:
            ended = Ended(why=End.STOPPED)
        return replace(ended, left_running=any(thread.is_alive() for thread in threads))

    def _supervise(self) -> Ended:
        trouble_since: datetime | None = None
        while True:
            try:
                ended = self._look()
                trouble_since = None
            except UnavailableError as error:
                now = self._bench.clock()
                trouble_since = trouble_since or now
                log.warning("backfill.trouble", backfill=self._known.id, reason=error.message)
                if now - trouble_since > self._patience or self._is_over(now):
                    raise
                self._stopping.wait(TROUBLE)
                continue
            if ended is not None:
                return ended
            self._stopping.wait(TICK)

    def _look(self) -> Ended | None:
        """Do what is to be done next; the end, when there is one."""
        known = self._bench.backfills.get(self._known.id)
        if known is None or known.state is BackfillState.CANCELLED:
            return Ended(why=End.CANCELLED, reason=known.reason if known else None)
        if known.state is BackfillState.PAUSED:
            return Ended(why=End.PAUSED, reason=known.reason)
        if known.state is BackfillState.FINISHED:
            return Ended(why=End.FINISHED)
        now = self._bench.clock()
        ended = self._must_end(now)
        if ended is not None:
            return ended
        tally = self._bench.backfills.tally(known)
        self._watch(known, tally)
        until = self._throttled_until(now)
        if until is not None:
            return self._wait(until, now, End.BUDGET, PATIENCE)
        if known.planned_at is None:
            self._plan(known)
            return None
        if self._should_list(tally):
            if self._list():
                return None
            self._gathering = False  # others list what is left
        leaving = self._left_to_people
        is_open = tally.notices or tally.open > sum(tally.states.get(state, 0) for state in leaving)
        is_listed = tally.listed == tally.windows
        if is_listed and not is_open and self._bench.backfills.finish(known.id, leaving):
            return Ended(why=End.FINISHED)
        return self._rest(tally, now)

    def _must_end(self, now: datetime) -> Ended | None:
        if self._stopping.is_set():
            return Ended(why=End.STOPPED)
        if self._is_over(now):
            return Ended(why=End.UNTIL, come_back_at=None)
        if self._bench.is_held():
            return Ended(why=End.HELD)
        words = self._too_many_died
        if words is not None:
            by = By(actor="docflo-connector", reason=words, chosen=f"backfill={self._known.id}")
            self._bench.backfills.change(self._known.id, BackfillState.PAUSED, by)
            return Ended(why=End.PAUSED, reason=words)
        for breaker in self._bench.breakers.open():
            if breaker.side == self._pipeline.mapping_side:
                raise ConfigError(breaker.reason, remedy="`docflo-connector check` shows every field")
            is_ours = breaker.side in {DOCFLO, self._pipeline.side}
            if is_ours and breaker.error_class == AccessRefusedError.__name__:
                raise AccessRefusedError(f"{breaker.side}: {breaker.reason}", remedy="repair the credentials")
        return None

    def _should_list(self, tally: Tally) -> bool:
        """Tell whether there is too little to deliver; for a target that loads in bulk, wait for a load."""
        if tally.listed == tally.windows or tally.open >= max(BACKLOG, self._load):
            self._gathering = False
        elif tally.open < BACKLOG:
            self._gathering = self._load > 0
            return True
        return self._gathering

    def _plan(self, known: Backfill) -> None:
        try:
            with listing_of(self._bench.breakers):
                plan_windows(known, self._pipeline, self._work, self._bench.backfills)
        except ThrottledError as error:
            self._throttle(error.until)
        except (StoppingError, LeaseLostError) as error:
            log.info("backfill.planning_left", backfill=known.id, reason=error.message)
        self._progressed()

    def _list(self) -> bool:
        """List a window; False when there is none to be had."""
        held = self._bench.windows.claim(
            self._known.id, owner=self._work.owner, length=min(self._work.lease, timedelta(minutes=3))
        )
        if held is None:
            return False
        try:
            with listing_of(self._bench.breakers):
                list_window(held, self._pipeline, self._work, self._bench.windows)
        except StoppingError:
            return True
        except ThrottledError as error:
            self._bench.windows.release(held)
            self._throttle(error.until)
            return True
        finally:
            self._found.set()
        self._progressed()
        return True

    def _rest(self, tally: Tally, now: datetime) -> Ended | None:
        """Tell whether it is worth waiting for what is due next."""
        if tally.next_due is not None and tally.next_due > now:
            return self._wait(tally.next_due, now, End.WAITING, self._patience)
        if now - self._moved_at > self._patience:
            return Ended(why=End.WAITING, come_back_at=tally.next_due)
        return None

    def _wait(self, until: datetime, now: datetime, why: End, patience: timedelta) -> Ended | None:
        is_long = until - now > patience and not self._conditions.waits
        return Ended(why=why, come_back_at=until) if is_long else None

    def _deliver(self, number: int) -> None:
        """Move deliveries on, a batch at a time, as long as there is something to do it with."""
        work = self._make_work()
        while not self._stopping.is_set():
            if not self._crew.wants(number):
                self._stopping.wait(EVERY)
                continue
            self._found.clear()
            rest = TICK
            try:
                if self._may_send():
                    # Nothing is sent to the target that Docflo could not be told of.
                    work.docflo.afford(1)
                    rest = 0.0 if advance(self._pipeline, work) else TICK
            except ThrottledError as error:
                self._throttle(error.until)
            except ConnectorError as error:
                log.warning("backfill.advance_failed", error=type(error).__name__, reason=error.message)
                rest = TROUBLE
            except Exception:
                # The documents that a bug meets are retried and then set aside.
                log.exception("backfill.bug", backfill=self._known.id)
                rest = TROUBLE
            if rest and not self._stopping.is_set():
                self._found.wait(rest)

    def _may_send(self) -> bool:
        is_ready = self._too_many_died is None and not self._gathering
        return is_ready and self._throttled_until(self._bench.clock()) is None

    def _make_work(self) -> Work:
        work = self._bench.make_work(self._saw, self._stopping.is_set)
        return replace(
            work,
            docflo=work.docflo.lane(Lane.BACKFILL),
            backfill_id=self._known.id,
            most_write_backs=WRITE_BACKS,
            wake=self._found.set,
            workers=self._bench.workers,
        )

    def _saw(self, move: Move) -> None:
        self._progressed()
        with self._lock:
            if move.state is State.DEAD and move.failure is not None:
                self._died(move.failure)
            elif move.failure is None:
                self._deaths = ("", 0)

    def _died(self, failure: Failure) -> None:
        error_class, length = self._deaths
        length = length + 1 if failure.error_class == error_class else 1
        self._deaths = (failure.error_class, length)
        if 0 < self._pipeline.halt_after <= length and self._too_many_died is None:
            self._too_many_died = (
                f"{length} in a row died of {failure.error_class}, the last one of: {failure.reason}"
            )

    def _progressed(self) -> None:
        self._moved_at = self._bench.clock()

    def _throttle(self, until: datetime) -> None:
        with self._lock:
            self._throttled = max(until, self._throttled or until)

    def _throttled_until(self, now: datetime) -> datetime | None:
        with self._lock:
            if self._throttled is not None and self._throttled <= now:
                self._throttled = None
            return self._throttled

    def _is_over(self, now: datetime) -> bool:
        return self._conditions.until is not None and now >= self._conditions.until

    @property
    def _patience(self) -> timedelta:
        # What another process held when it was killed comes back by then.
        return max(PATIENCE, self._work.lease + PATIENCE)

    @property
    def _left_to_people(self) -> tuple[State, ...]:
        # Where the target cannot be asked, a doubt waits for the person whom the pipeline names.
        is_mute = self._pipeline.adapter.idempotency is Idempotency.CREATE_ONLY
        return (State.IN_DOUBT,) if is_mute else ()


def _load_size(pipeline: Pipeline) -> int:
    """Give how many deliveries are worth a load of the target in bulk; 0: it takes none."""
    adapter = pipeline.adapter
    if not isinstance(adapter, LoadsInBulk) or adapter.bulk_from is None:
        return 0
    return adapter.bulk_size
