"""`run`: a scheduler that starts listings, workers that advance deliveries, and a clean end.

The scheduler only starts listings: the one that is due, by what any replica did last. Workers claim from the
ledger. SIGTERM stops both, what is in flight is finished within the grace period, and the ledger holds the
rest for the next process.
"""

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from connector.errors import ConnectorError
from connector.pipeline.advance import drain
from connector.pipeline.breaker import listing_of
from connector.pipeline.definition import Pipeline
from connector.pipeline.discover import Listing, discover, due_listing
from connector.pipeline.work import Work

log = structlog.get_logger(__name__)

IDLE = timedelta(seconds=2)  # how soon a retry that became due is noticed without a listing
TROUBLE = timedelta(seconds=10)  # pause after the ledger could not be reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A pipeline, and the pauses between its listings."""

    pipeline: Pipeline
    every: timedelta
    sweep: timedelta


class Service:
    """The running connector of one process."""

    def __init__(
        self,
        *,
        scheduled: Sequence[Scheduled],
        make_work: Callable[[], Work],
        workers: int,
        grace: timedelta,
    ) -> None:
        self._scheduled = scheduled
        self._pipelines = [entry.pipeline for entry in scheduled]
        self._make_work = make_work
        self._grace = grace
        self._stopping = threading.Event()
        self._found = threading.Event()
        self._threads = [
            threading.Thread(target=self._advance, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]

    def run(self) -> bool:
        """Work until `stop`. True when everything in flight was finished within the grace period."""
        scheduler = self._scheduler()
        for thread in self._threads:
            thread.start()
        scheduler.start()
        log.info("service.started", pipelines=[pipeline.name for pipeline in self._pipelines])
        self._stopping.wait()
        log.info("service.stopping", grace_seconds=self._grace.total_seconds())
        scheduler.shutdown(wait=False)
        return self._join()

    def stop(self) -> None:
        """Begin to stop; safe from any thread and from a signal handler."""
        self._stopping.set()
        self._found.set()

    def stop_on_signals(self) -> None:
        """Stop on SIGTERM and SIGINT."""

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)

    def _scheduler(self) -> BackgroundScheduler:
        # misfire_grace_time=None: a listing that is late is done late; the default of one second drops it.
        scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for entry in self._scheduled:
            pause = min(entry.every, entry.sweep).total_seconds()
            scheduler.add_job(self._list, "interval", [entry, None], seconds=pause)
            scheduler.add_job(self._list, args=[entry, discover])  # and once at the start, due or not
        return scheduler

    def _list(self, entry: Scheduled, at_least: Listing | None) -> None:
        if self._stopping.is_set():
            return
        work, pipeline = self._make_work(), entry.pipeline
        try:
            checkpoint = work.store.checkpoint(pipeline.name)
            due = due_listing(checkpoint, every=entry.every, sweep_every=entry.sweep, now=work.clock())
            listing = due or at_least
            if listing is None:
                return
            with listing_of(work.breakers):
                listing(pipeline, work)
        except ConnectorError as error:
            log.warning(
                "discover.failed", pipeline=pipeline.name, error=type(error).__name__, reason=error.message
            )
        self._found.set()

    def _advance(self) -> None:
        work = self._make_work()
        while True:
            self._found.clear()
            # After the clear: `stop` sets both, so a stop in between is never slept through.
            if self._stopping.is_set():
                return
            pause = IDLE
            try:
                drain(self._pipelines, work, stop=self._stopping.is_set)
            except ConnectorError as error:
                log.exception("advance.failed", error=type(error).__name__, reason=error.message)
                pause = TROUBLE
            except Exception:
                # A bug must not end the thread: the documents it meets are retried and then set aside.
                log.exception("advance.bug")
                pause = TROUBLE
            self._found.wait(pause.total_seconds())

    def _join(self) -> bool:
        deadline = threading.Event()
        timer = threading.Timer(self._grace.total_seconds(), deadline.set)
        timer.daemon = True
        timer.start()
        for thread in self._threads:
            while thread.is_alive() and not deadline.is_set():
                thread.join(timeout=0.1)
        timer.cancel()
        busy = [thread.name for thread in self._threads if thread.is_alive()]
        log.info("service.stopped", unfinished=busy)
        return not busy
