"""The running connector of one process: its threads, its signals, and a clean end.

The scheduler only starts listings: the one that is due, by what any replica did last. Workers claim from the
ledger. SIGTERM stops both, what is in flight is finished within the grace period, and the ledger holds the
rest for the next process.
"""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from types import FrameType

import structlog

from connector.calls import Call, alive, forget, now_under_way, under_way
from connector.errors import ConnectorError, StoppingError, ThrottledError
from connector.ledger.delivery import State
from connector.pipeline.advance import drain
from connector.pipeline.breaker import listing_of
from connector.pipeline.crew import EVERY, Crew
from connector.pipeline.definition import Pipeline
from connector.pipeline.discover import ENOUGH, Listing, discover, due_listing
from connector.pipeline.work import Work
from connector.service.schedule import Schedule
from connector.service.setup import Current, Scheduled, Setup
from connector.service.vitals import Vitals

log = structlog.get_logger(__name__)

IDLE = timedelta(seconds=2)  # how soon a retry that became due is noticed without a listing
TROUBLE = timedelta(seconds=10)  # pause after the ledger could not be reached
TICK = timedelta(seconds=1)  # how often errands beside the deliveries are looked after


class Service:
    """The threads of one process. What they work with can be replaced while they run."""

    def __init__(
        self,
        current: Current,
        *,
        vitals: Vitals,
        workers: int,
        grace: timedelta,
        errands: Mapping[str, Callable[[], None]],
    ) -> None:
        """`errands`, by name, are done once a second, in a thread for each, until the drain is over."""
        self._current = current
        self._vitals = vitals
        self._grace = grace
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._found = threading.Event()
        self._crew = Crew(workers)
        self._workers = [self._thread(f"worker-{number}", self._advance, number) for number in range(workers)]
        self._others = [self._thread(name, self._errand, errand) for name, errand in errands.items()]
        self._schedule = Schedule(self._list, alive=self._scheduler_is_alive)
        self._listed: set[str] = set()
        self._hurries = {name: threading.Event() for name in errands}
        vitals.expect([thread.name for thread in (*self._workers, *self._others)] + ["scheduler"])

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def run(self) -> tuple[Call, ...]:
        """Work until `stop`. Give what was still under way when the grace period ended."""
        for thread in (*self._workers, *self._others):
            thread.start()
        self._schedule.start()
        self.reschedule()
        with self._current.use() as setup:
            log.info("service.started", pipelines=[pipeline.name for pipeline in setup.pipelines])
        while not self._stopping.wait(TICK.total_seconds()):
            pass  # a signal that another thread receives does not end a wait without an end
        log.info("service.stopping", grace_seconds=self._grace.total_seconds())
        self._vitals.expect([])  # from here on threads end, as they should
        deadline = time.monotonic() + self._grace.total_seconds()
        self._schedule.stop()
        left = self._drained(deadline)
        self._ended.set()
        for name in self._hurries:
            self.hurry(name)
        for thread in self._others:
            thread.join(max(0.0, deadline - time.monotonic()))
        return left

    def stop(self) -> None:
        """Begin to stop; safe from any thread and from a signal handler."""
        self._stopping.set()
        self._found.set()

    def wake(self) -> None:
        """Let the workers look for something to do now."""
        self._found.set()

    def hurry(self, errand: str) -> None:
        """Let an errand be done now."""
        self._hurries[errand].set()

    def list_all(self) -> None:
        """List every pipeline now, due or not."""
        with self._current.use() as setup:
            names = [pipeline.name for pipeline in setup.pipelines]
        for name in names:
            self._list(name, discover)

    def reschedule(self) -> None:
        """Start the schedules of the setup in use, and list each of its pipelines once if that is due."""
        with self._current.use() as setup:
            self._listed &= {pipeline.name for pipeline in setup.pipelines}
            self._vitals.lists([pipeline.name for pipeline in setup.pipelines], self._listed)
            self._schedule.follow(setup.scheduled)

    def stop_on_signals(self) -> None:
        """Stop on SIGTERM and SIGINT."""

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)

    def _thread(self, name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
        return threading.Thread(target=self._living, args=[target, *arguments], name=name, daemon=True)

    def _living(self, target: Callable[..., None], *arguments: object) -> None:
        alive()
        try:
            target(*arguments)
        finally:
            if self.is_stopping:
                forget()  # otherwise its silence tells that it died

    def _scheduler_is_alive(self) -> None:
        self._vitals.sign("scheduler")

    def _list(self, name: str, at_least: Listing | None) -> None:
        with self._current.use() as setup:
            entry = next((entry for entry in setup.scheduled if entry.pipeline.name == name), None)
            if entry is None or self.is_stopping:
                return
            try:
                if name in setup.paused():
                    log.info("discover.paused", pipeline=name)
                    return
                with under_way("list", pipeline=name):
                    self._list_now(entry, setup, at_least)
            except StoppingError:
                return
            except ConnectorError as error:
                log.warning(
                    "discover.failed", pipeline=name, error=type(error).__name__, reason=error.message
                )
            except Exception:
                log.exception("discover.bug", pipeline=name)
        self._listed.add(name)
        self._vitals.lists([], self._listed)
        self._found.set()

    def _list_now(self, entry: Scheduled, setup: Setup, at_least: Listing | None) -> None:
        work = replace(setup.make_work(lambda: self.is_stopping), wake=self.wake)
        pipeline = entry.pipeline
        tried: list[Listing] = []
        while not self.is_stopping:
            checkpoint = work.store.checkpoint(pipeline.name)
            backlog = work.store.due(pipeline.name, most=ENOUGH)[State.PENDING]
            due = due_listing(checkpoint, entry.pauses, now=work.clock(), without=tried, backlog=backlog)
            listing = due or (None if tried else at_least)
            if listing is None:
                return
            tried.append(listing)
            _list_once(listing, pipeline, work, setup)
            self._found.set()

    def _advance(self, number: int) -> None:
        while True:
            self._found.clear()
            # After the clear: `stop` sets both, so a stop in between is never slept through.
            if self.is_stopping:
                return
            alive()
            if self._crew.wants(number):
                self._found.wait(self._drain(number).total_seconds())
            else:
                self._stopping.wait(EVERY)

    def _drain(self, number: int) -> timedelta:
        """Advance all that is due; give how long to rest."""
        with self._current.use() as setup:

            def stop() -> bool:
                is_over = self.is_stopping or not self._current.is_current(setup)
                return is_over or not self._crew.wants(number)

            work = replace(setup.make_work(stop), wake=self.wake, workers=len(self._workers))
            try:
                drain(setup.pipelines, work, stop=stop)
            except ConnectorError as error:
                log.exception("advance.failed", error=type(error).__name__, reason=error.message)
                return TROUBLE
            except Exception:
                # A bug must not end the thread: the documents it meets are retried and then set aside.
                log.exception("advance.bug")
                return TROUBLE
            return IDLE if self._current.is_current(setup) else timedelta()

    def _errand(self, errand: Callable[[], None]) -> None:
        name = threading.current_thread().name
        hurry = self._hurries[name]
        while not self._ended.is_set():
            hurry.wait(TICK.total_seconds())
            hurry.clear()
            alive()
            try:
                errand()
            except ConnectorError as error:
                log.warning("errand.failed", errand=name, error=type(error).__name__, reason=error.message)
            except Exception:
                log.exception("errand.bug", errand=name)

    def _drained(self, deadline: float) -> tuple[Call, ...]:
        """Wait for what is in flight; give what is still under way at the deadline."""
        for thread in self._workers:
            thread.join(max(0.0, deadline - time.monotonic()))
        while self._schedule.is_busy and time.monotonic() < deadline:
            time.sleep(0.05)  # the scheduler offers no wait with an end
        busy = {thread.name for thread in self._workers if thread.is_alive()}
        ours = [call for call in now_under_way() if call.thread in busy or call.what == "list"]
        return tuple(ours) if busy or self._schedule.is_busy else ()


def _list_once(listing: Listing, pipeline: Pipeline, work: Work, setup: Setup) -> None:
    try:
        with listing_of(work.breakers):
            discovered = listing(pipeline, work)
    except ThrottledError as error:
        # What the budget keeps from this listing, it may still give to one of a higher lane.
        log.warning(
            "discover.failed", pipeline=pipeline.name, error=type(error).__name__, reason=error.message
        )
        return
    if discovered is not None:
        setup.note(discovered)
