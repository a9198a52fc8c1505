"""Years of documents behind the pipeline's `since`, and a few new ones."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from connector.backfill.planning import plan_windows
from connector.backfill.run import Conditions, Ended, Run
from connector.backfill.window import list_window
from connector.cli.backfilling import bench_of
from connector.cli.sandbox_setup import TENANT, sandboxes
from connector.cli.session import open_session
from connector.clock import Clock, utc_now
from connector.ledger.backfill import Backfill, BackfillState
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.document import SandboxDocument
from connector.sandbox.docflo.generate import generate_documents
from connector.wiring import Connector, connect
from tests.scenario.conftest import World, small_world

PIPELINE = "invoices-to-crm"
OLD, NEW = 24, 3
YEARS = 700  # days that the old ones are spread over


def today() -> datetime:
    return datetime.combine(utc_now().date(), time.min, tzinfo=UTC)


def last_day() -> date:
    """The old ones are older; the pipeline's own documents begin later."""
    return (today() - timedelta(days=100)).date()


def first_day() -> date:
    return last_day() - timedelta(days=YEARS + 1)


def old_documents(count: int, **parts: Any) -> list[SandboxDocument]:
    now = datetime.combine(last_day(), time.min, tzinfo=UTC)
    return generate_documents(count, seed="old", now=now, days=YEARS, **parts)


@contextmanager
def old_world(folder: Path, *, old: int = OLD, lease: str = "15m", **limits: Any) -> Iterator[World]:
    documents = [*old_documents(old), *generate_documents(NEW, seed="new", now=utc_now())]
    docflo = DocfloSandbox(tenant_id=TENANT, documents=documents, **limits)
    with sandboxes(docflo=docflo) as running:
        world = small_world(folder, running)
        world.edit("web: {port: 0}", f"service: {{lease: {lease}, grace: 10s}}\n\nweb: {{port: 0}}")
        yield world


@contextmanager
def connected(world: World, clock: Clock = utc_now, **more: Any) -> Iterator[Connector]:
    with connect(open_session(world.config), clock=clock, **more) as connector:
        yield connector


def begin(world: World, *, listed: bool = False) -> Backfill:
    """Begin a backfill of the old ones, as a process does that is killed right after."""
    start, end = (datetime.combine(day, time.min, tzinfo=UTC) for day in (first_day(), last_day()))
    with connected(world) as connector:
        [pipeline] = connector.pipelines
        known = connector.backfills.begin(
            Backfill(
                id=0,
                pipeline=PIPELINE,
                created_from=start,
                created_to=end,
                state=BackfillState.RUNNING,
                total=0,
                most=None,
                only_missing=False,
                began_at=utc_now(),
                changed_at=utc_now(),
                actor="maya",
            )
        )
        assert known is not None
        assert plan_windows(known, pipeline, connector.work(), connector.backfills) is not None
        if listed:
            held = connector.windows.claim(known.id, owner="gone", length=timedelta(seconds=1))
            assert held is not None
            list_window(held, pipeline, connector.work(), connector.windows)
    return known


def work_on(connector: Connector, on_look: Callable[[], None] = lambda: None) -> Ended:
    """Let a process move the backfill on until it is over, or cannot go on for now."""
    [pipeline] = connector.pipelines
    [known] = connector.backfills.all()
    bench = bench_of(connector, pipeline)
    return Run(known, pipeline, bench, Conditions(), lambda _known, _tally: on_look()).run()


def span() -> tuple[str, str, str, str]:
    return ("--from", str(first_day()), "--to", str(last_day()))


def old_ids(world: World) -> set[str]:
    end = datetime.combine(last_day(), time.min, tzinfo=UTC)
    return {each.id for each in world.running.docflo.documents.values() if each.created_on < end}


def created_headers(world: World) -> Counter[str]:
    return Counter(
        effect.subject
        for effect in world.running.salesforce.journal.effects
        if effect.kind == "created" and effect.subject.startswith("Invoice__c/")
    )


def shown(world: World) -> set[str]:
    """Ids of documents that Docflo shows as delivered."""
    docflo = world.running.docflo
    return {each for each in docflo.documents if docflo.status(each) == "CONFIRMED"}


def assert_old_ones_once(world: World, count: int) -> None:
    assert shown(world) == old_ids(world)
    assert len(shown(world)) == count
    assert len(world.running.salesforce.rows("Invoice__c")) == count
    assert set(created_headers(world).values()) == {1}
