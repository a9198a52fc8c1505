"""A day of simulated time: the threads of `run`, a clock moved by hand, and one side after another away."""

import random
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import make_url

from connector.cli.sandbox_setup import Sandboxes
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.ledger.database import open_database
from connector.ledger.delivery import OPEN_STATES
from connector.ledger.store import Store
from connector.sandbox.docflo.generate import generate_documents
from connector.sandbox.faults import Fault
from connector.service import daemon
from connector.service.daemon import Service
from connector.service.setup import Current, Scheduled, Setup
from connector.service.vitals import Vitals
from connector.wiring import connect_over
from tests.factories import HandClock
from tests.postgres import PostgresServer
from tests.scenario.conftest import World

STEP = timedelta(minutes=10)
AWAY = 4  # steps that an outage lasts
PATIENCE = 120.0  # seconds that the backlog of an outage may take to drain, however busy the machine
OURS = [
    tracemalloc.Filter(inclusive=True, filename_pattern="*/connector/*"),
    tracemalloc.Filter(inclusive=False, filename_pattern="*/sandbox/*"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What came of it."""

    outages: int
    documents: int
    silent: tuple[object, ...]  # threads that were lost
    memory: tuple[int, ...]  # bytes held by our own code, after each outage


def play(world: World, server: PostgresServer, hours: int, patch: pytest.MonkeyPatch) -> Day:
    """Play it; every backlog must drain."""
    patch.setattr(daemon, "TROUBLE", timedelta(seconds=0.5))
    patch.setattr(daemon, "IDLE", timedelta(seconds=0.1))
    url = server.create(template=server.migrated_template())
    world.edit("sqlite:///connector.db", url)
    clock = HandClock(now=utc_now())
    database = open_database(url)
    config = open_session(world.config)
    with closing(database), connect_over(database, config, clock=clock) as connector:
        setup = Setup(
            scheduled=[
                Scheduled(pipeline=each, every=timedelta(seconds=1), sweep=timedelta(hours=1))
                for each in connector.pipelines
            ],
            make_work=lambda stopping: connector.work(stopping=stopping),
            close=lambda: None,
        )
        vitals = Vitals(limit=timedelta(minutes=5))
        service = Service(Current(setup), vitals=vitals, workers=3, grace=timedelta(seconds=20), errands={})
        thread = threading.Thread(target=service.run, name="service")
        thread.start()
        try:
            return _days_work(world, server, url, hours, clock, connector.store, vitals)
        finally:
            service.stop()
            thread.join(60)


def _days_work(
    world: World,
    server: PostgresServer,
    url: str,
    hours: int,
    clock: HandClock,
    store: Store,
    vitals: Vitals,
) -> Day:
    chance = random.Random("a day")  # noqa: S311 outages, not secrets
    arriving = iter(generate_documents(hours * 6, seed="day", now=utc_now()))
    memory, outages = [], 0
    for step, document in enumerate(arriving):
        world.running.docflo.add(document)
        clock.advance(STEP)
        time.sleep(0.1)  # other threads are at work
        if step % (2 * AWAY) == AWAY:
            outages += 1
            with _away(chance.choice(("docflo", "target", "database")), world.running, server, url):
                for late in [each for _, each in zip(range(AWAY), arriving, strict=False)]:
                    world.running.docflo.add(late)
                    clock.advance(STEP)
                    time.sleep(0.5)
            _drain(world, clock, store)
            memory.append(
                sum(
                    each.size
                    for each in tracemalloc.take_snapshot().filter_traces(OURS).statistics("filename")
                )
            )
    _drain(world, clock, store)
    return Day(
        outages=outages,
        documents=len(world.running.docflo.documents),
        silent=vitals.silent(),
        memory=tuple(memory),
    )


@contextmanager
def _away(side: str, running: Sandboxes, server: PostgresServer, url: str) -> Iterator[None]:
    name = make_url(url).database
    end: Callable[[], None]
    match side:
        case "docflo":
            for operation in ("list", "update_fields", "update_status", "document"):
                running.docflo.faults.add(Fault(operation=operation, kind="html", status=503, times=None))
            end = running.docflo.faults.clear
        case "target":
            for operation in ("graph", "token", "query"):
                running.salesforce.faults.add(Fault(operation=operation, kind="drop_before", times=None))
            end = running.salesforce.faults.clear
        case _:
            server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608 our own

            def end() -> None:
                server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    try:
        yield
    finally:
        end()


def _drain(world: World, clock: HandClock, store: Store) -> None:
    end = time.monotonic() + PATIENCE
    while _waiting(world, store):
        assert time.monotonic() < end, "the backlog does not drain"
        clock.advance(timedelta(minutes=1))
        time.sleep(0.2)


def _waiting(world: World, store: Store) -> int:
    known = store.counts().get("invoices-to-crm", {})
    approved = sum(
        each.type == "invoice" and world.running.docflo.status(each.id) == "APPROVED"
        for each in list(world.running.docflo.documents.values())
    )
    is_open = sum(known.get(state, 0) for state in OPEN_STATES)
    return is_open + max(0, approved - 4)  # four of the demo's are set aside
