"""A backfill of 50,000 documents, at 5,000 requests an hour: live documents do not wait for it."""

import statistics
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connector.backfill.run import End
from connector.clock import utc_now
from connector.sandbox.docflo.generate import generate_documents
from tests.factories import HandClock
from tests.scenario.backfill.world import begin, connected, created_headers, old_world, work_on
from tests.scenario.conftest import World
from tests.scenario.small.world import cycle

OLD, LIMIT = 50_000, 5_000
CYCLE = timedelta(minutes=5)
MOST_HOURS = 60


@dataclass(slots=True, kw_only=True)
class Live:
    """A document that comes while the backfill is under way."""

    name: str
    created_on: datetime
    shown_on: datetime | None = None  # the end of the cycle after which Docflo showed it as delivered


@pytest.mark.timeout(3000)
def test_live_documents_keep_a_latency_of_one_cycle_beside_a_large_backfill(tmp_path: Path) -> None:
    clock = HandClock(now=utc_now())
    with old_world(tmp_path, old=OLD, rate_limit=LIMIT, clock=clock) as world:
        begin(world)

        live = _play(world, clock)

        waited = [((each.shown_on or clock.now) - each.created_on) / CYCLE for each in live]
        median, most = statistics.median(waited), max(waited)
        print(f"{len(live)} live documents: median {median} cycles, {most} at most")  # noqa: T201 the figures
        assert median <= 1
        assert {request.status for request in world.running.docflo.journal.requests} == {200}
        created = created_headers(world)
        assert (len(created), set(created.values())) == (len(world.running.docflo.documents), {1})


def _play(world: World, clock: HandClock) -> list[Live]:
    """Let both work until the backfill has come to its end: what its share of an hour allows, and a cycle."""
    live: list[Live] = []
    docflo = world.running.docflo
    arriving = iter(generate_documents(MOST_HOURS * 12, seed="live", now=clock()))
    with connected(world, clock) as connector:
        for document in arriving:
            # Short waits are waited for.
            if work_on(connector, lambda: clock.advance(timedelta(seconds=1))).why is End.FINISHED:
                return live
            docflo.add(replace(document, created_on=clock.now))
            live.append(Live(name=document.id, created_on=clock.now))
            clock.advance(CYCLE)
            cycle(world, clock)
            for each in live:
                if each.shown_on is None and docflo.status(each.name) == "CONFIRMED":
                    each.shown_on = clock.now
    pytest.fail("the backfill does not come to its end")
