"""When listings are started. The only module that imports APScheduler, which has no types."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from connector.pipeline.discover import Listing, discover
from connector.service.setup import Scheduled

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
            pause = min(entry.every, entry.sweep).total_seconds()
            self._scheduler.add_job(self._run, "interval", [name, None], seconds=pause, id=f"list {name}")
            self._scheduler.add_job(self._run, args=[name, discover], id=f"begin {name}")  # due or not

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
