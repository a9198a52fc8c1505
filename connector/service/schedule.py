"""When listings are started. The only module that imports APScheduler, which has no types."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import structlog
from apscheduler.events import EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from connector.pipeline.discover import Listing, discover
from connector.service.setup import Scheduled

log = structlog.get_logger(__name__)

PULSE = timedelta(seconds=5)

Start = Callable[[str, Listing | None], None]
"""Lists a pipeline, by name: what is due, or at least the listing named."""


class Schedule:
    """The clock that starts listings. A listing that is late is done late, once."""

    def __init__(self, start: Start, *, alive: Callable[[], None]) -> None:
        """`alive` is called every few seconds, as a sign that the clock runs."""
        self._start = start
        # misfire_grace_time=None: the default of one second drops what is late.
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": {"type": "threadpool", "max_workers": 20}},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        # Its own words: a listing that takes longer than its pause is not worth a warning each time.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler.add_listener(_say_missed, EVENT_JOB_MISSED)
        self._alive = alive
        self._lock = threading.Lock()
        self._running = 0

    @property
    def is_busy(self) -> bool:
        """Whether a listing is under way."""
        return self._running > 0

    def start(self) -> None:
        """Let the clock run."""
        self._alive()
        self._scheduler.add_job(self._alive, "interval", seconds=PULSE.total_seconds(), id="pulse")
        self._scheduler.start()

    def stop(self) -> None:
        """Start no listing any more."""
        self._scheduler.shutdown(wait=False)

    def follow(self, scheduled: Sequence[Scheduled]) -> None:
        """List these pipelines from now on, and each of them once at the start."""
        for job in self._scheduler.get_jobs():
            if job.id != "pulse":
                job.remove()
        for entry in scheduled:
            name = entry.pipeline.name
            if entry.cron is None:
                trigger = IntervalTrigger(seconds=min(entry.every, entry.sweep).total_seconds())
                at_least: Listing | None = discover  # due or not
            else:
                trigger, at_least = entry.cron.trigger, None  # at the start only what was missed
            self._scheduler.add_job(self._run, trigger, [name, None], id=f"list {name}")
            self._scheduler.add_job(self._run, args=[name, at_least], id=f"begin {name}")

    def _run(self, name: str, at_least: Listing | None) -> None:
        with self._counted():
            self._start(name, at_least)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1


def _say_missed(event: object) -> None:
    # It cannot happen with the settings above; if it does, a listing has vanished.
    log.error("schedule.missed", job=getattr(event, "job_id", None))
