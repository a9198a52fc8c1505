"""One reading of the configuration, live, and how the next one takes its place."""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connector.pipeline.definition import Pipeline
from connector.pipeline.discover import Pauses
from connector.pipeline.gather import Discovered
from connector.pipeline.work import Work
from connector.timetable import Cron


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A pipeline, and when it is listed."""

    pipeline: Pipeline
    every: timedelta
    sweep: timedelta
    cron: Cron | None = None  # instead of `every`
    rescan: timedelta = timedelta(days=1)

    @property
    def pauses(self) -> Pauses:
        """Give them as what is due is told by."""
        return Pauses(every=self.every, sweep=self.sweep, rescan=self.rescan, cron=self.cron)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that one reading of the configuration made."""

    scheduled: Sequence[Scheduled]
    make_work: Callable[[Callable[[], bool]], Work]  # takes what tells whether to stop
    close: Callable[[], None]
    note: Callable[[Discovered], None] = lambda _discovered: None  # what a listing brought
    paused: Callable[[], Collection[str]] = tuple  # names of pipelines that a person wants left alone

    @property
    def pipelines(self) -> Sequence[Pipeline]:
        """The pipelines alone."""
        return [entry.pipeline for entry in self.scheduled]

    @property
    def files(self) -> frozenset[Path]:
        """The files that the mappings are made of: themselves, what they include, their tables."""
        return frozenset(file.path for pipeline in self.pipelines for file in pipeline.mapping.files)


class Current:
    """The setup in use. The one before is closed when the last thread has left it."""

    def __init__(self, setup: Setup) -> None:
        self._lock = threading.Lock()
        self._setup = setup
        self._users: dict[int, int] = {}  # id of a setup -> threads that use it

    @contextmanager
    def use(self) -> Iterator[Setup]:
        """Give the setup; it stays open until the block ends."""
        with self._lock:
            setup = self._setup
            self._users[id(setup)] = self._users.get(id(setup), 0) + 1
        try:
            yield setup
        finally:
            with self._lock:
                self._users[id(setup)] -= 1
                is_left = self._is_left(setup)
            if is_left:
                setup.close()

    def is_current(self, setup: Setup) -> bool:
        """Tell whether nothing has taken its place."""
        return self._setup is setup

    def replace(self, new: Setup) -> None:
        """Let `new` be used from now on."""
        with self._lock:
            old, self._setup = self._setup, new
            is_left = self._is_left(old)
        if is_left:
            old.close()

    def _is_left(self, setup: Setup) -> bool:
        if setup is self._setup or self._users.get(id(setup)):
            return False
        # Forgotten at once: another setup may get the same id.
        self._users.pop(id(setup), None)
        return True
