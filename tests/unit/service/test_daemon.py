"""What the service hands its workers on."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from connector.pipeline.crew import Crew
from connector.pipeline.work import Work
from connector.service import daemon
from connector.service.daemon import Service
from connector.service.setup import Current, Setup
from connector.service.vitals import Vitals


@dataclass(frozen=True, kw_only=True)
class Tools:
    """As much of `Work` as the service changes."""

    wake: Callable[[], None] = lambda: None
    workers: int = 1


def test_only_who_is_wanted_works_and_is_told_how_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, bool]] = []
    worked = threading.Event()

    def drain(_pipelines: Any, work: Work, *, stop: Callable[[], bool]) -> None:
        seen.append((threading.current_thread().name, work.workers, stop()))
        worked.set()

    monkeypatch.setattr(daemon, "drain", drain)
    monkeypatch.setattr(Crew, "wants", lambda _crew, number: number == 2)
    setup = Setup(scheduled=[], make_work=lambda _stopping: cast("Work", Tools()), close=lambda: None)
    service = Service(
        Current(setup),
        vitals=Vitals(limit=timedelta(minutes=1)),
        workers=3,
        grace=timedelta(seconds=10),
        errands={},
    )
    running = threading.Thread(target=service.run)

    running.start()
    assert worked.wait(30)
    service.stop()
    running.join(30)

    # The two before it begin sooner: either would be here if it were not asked.
    assert set(seen) == {("worker-2", 3, False)}
