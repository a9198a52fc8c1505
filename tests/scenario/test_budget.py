"""Docflo's limit and sides that are away, over real HTTP: nothing too much is sent, nothing is lost."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.sandbox_setup import sandboxes
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.ledger.delivery import State
from connector.pipeline.advance import drain
from connector.pipeline.discover import discover
from connector.sandbox.faults import Fault
from connector.wiring import Connector, connect
from tests.factories import HandClock
from tests.scenario.conftest import APPROVED, BATCH, GOOD, Cli, World, small_docflo, small_world

PATIENCE = 300.0
PIPELINE = "invoices-to-crm"


@contextmanager
def limited_world(folder: Path, **limits: object) -> Iterator[World]:
    with sandboxes(docflo=small_docflo(**limits)) as running:
        yield small_world(folder, running)


@contextmanager
def connected(world: World, clock: HandClock) -> Iterator[Connector]:
    with connect(open_session(world.config), clock=clock) as connector:
        yield connector


def cycle(connector: Connector) -> Cycle:
    return run_cycle(connector, full=False, bar=Bar("test"))


def advance_all(connector: Connector) -> None:
    drain(connector.pipelines, connector.work(), stop=lambda: False)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)  # other processes are at work: there is no clock of ours to move


def refusals(world: World) -> int:
    return sum(request.status == 429 for request in world.running.docflo.journal.requests)


def writes(world: World) -> int:
    count = world.running.docflo.journal.count()
    return count["update_fields"] + count["update_status"]


def test_a_spent_limit_is_never_overstepped_and_the_rest_goes_after_the_reset(
    tmp_path: Path, cli: Cli
) -> None:
    with limited_world(tmp_path, rate_limit=30) as world:
        first = cli("sync", "--config", world.config, "--output", "json")
        sent = len(world.running.docflo.journal.requests)
        again = cli("sync", "--config", world.config, "--output", "json")

        assert sent == 30
        assert refusals(world) == 0
        assert first.json["pipelines"][PIPELINE]["completed"] == (30 - 3) // 2
        assert first.json["budget"]["lanes"]["write_back"] == 0
        assert first.json["come_back_at"] is not None
        assert again.code == 75
        assert again.json["come_back_at"] is not None
        assert len(world.running.docflo.journal.requests) == sent


def test_a_listing_that_cannot_finish_stores_nothing_and_leaves_the_reserve(tmp_path: Path, cli: Cli) -> None:
    with limited_world(tmp_path, rate_limit=2) as world:
        ran = cli("sync", "--config", world.config, "--output", "json")

        assert ran.code == 75
        assert ran.json["errors"][0]["error"] == "ThrottledError"
        assert world.running.docflo.journal.count() == {"list": 1}
        status = cli("status", "--config", world.config, "--output", "json").json
        assert status["pipelines"][PIPELINE]["pending"] == 0
        assert status["pipelines"][PIPELINE]["listed_until"] is None
        assert status["budget"]["lanes"] == {
            "write_back": 1,
            "webhook": 0,
            "by_hand": 0,
            "tail": 0,
            "sweep": 0,
            "original": 0,
            "backfill": 0,
        }


REFUSALS = [
    Fault(operation="update_fields", kind="status", status=429, headers={"Retry-After": "600"}),
    Fault(operation="update_fields", kind="status", status=429),
    Fault(
        operation="update_fields",
        kind="status",
        status=403,
        headers={
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int((utc_now() + timedelta(minutes=50)).timestamp())),
        },
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["retry-after", "no-header", "403-and-nothing-left"])
def test_after_one_refusal_nothing_is_sent_before_its_time_and_then_everything(
    world: World, refusal: Fault
) -> None:
    fault = Fault(
        operation=refusal.operation,
        kind="status",
        status=refusal.status,
        headers=refusal.headers,
        after=10,
    )
    world.running.docflo.faults.add(fault)
    clock = HandClock(now=utc_now())
    with connected(world, clock) as connector:
        refused = cycle(connector)
        sent = len(world.running.docflo.journal.requests)
        until = refused.come_back_at()
        assert until is not None
        clock.now = until - timedelta(seconds=2)
        early = cycle(connector)

        assert world.running.docflo.journal.count()["update_fields"] == 11
        assert len(world.running.docflo.journal.requests) == sent
        assert refused.count(State.COMPLETED) == 10
        assert early.exit() == 75
        clock.now = until + timedelta(hours=1)  # the write-back's own turn is a little later
        assert cycle(connector).open.total() == 0
    assert writes(world) == GOOD * 2 + 1


def start(world: World) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "connector", "run", "--config", str(world.config)]
    with (world.config.parent / "process.log").open("ab") as log:
        return subprocess.Popen(arguments, stdout=log, stderr=log)  # noqa: S603 our own program


@pytest.mark.timeout(400)  # three windows of two real processes, however busy the machine is
@pytest.mark.xdist_group("postgresql")
def test_two_replicas_stay_within_the_limit_over_three_windows_and_write_backs_are_not_starved(
    tmp_path: Path, cli: Cli, postgres_url: str
) -> None:
    limit = 24  # so few that the backlog lasts for all three windows
    with limited_world(tmp_path, rate_limit=limit, rate_window=timedelta(seconds=6)) as world:
        world.edit("sqlite:///connector.db", postgres_url)
        # Listings all the time: more than the limit by themselves.
        world.edit("    target: crm\n", "    target: crm\n    schedule: {every: 1s, sweep: 1s}\n")
        assert cli("database", "upgrade", "--config", world.config).code == 0
        processes = [start(world), start(world)]
        try:
            wait_for(lambda: len(world.running.docflo.journal.requests) > 3 * limit + limit // 2)
        finally:
            for process in processes:
                process.terminate()
            codes = [process.wait(PATIENCE) for process in processes]

        assert codes == [0, 0]
        assert refusals(world) == 0
        # What is reserved for write-backs in each of the windows.
        assert writes(world) >= 3 * limit // 10


@contextmanager
def listed(world: World, clock: HandClock) -> Iterator[Connector]:
    """Documents in the ledger, nothing delivered yet."""
    with connected(world, clock) as connector:
        discover(connector.pipelines[0], connector.work())
        yield connector


def tokens(world: World) -> int:
    return world.running.salesforce.journal.count()["token"]


@pytest.mark.parametrize(
    ("fault", "first_pause", "opens_after"),
    [
        (Fault(operation="token", kind="status", status=503, times=None), timedelta(seconds=5), 4),
        (
            Fault(
                operation="token",
                kind="body",
                status=400,
                body=json.dumps({"error": "invalid_client", "error_description": "no"}).encode(),
                times=None,
            ),
            timedelta(minutes=1),
            2,
        ),
    ],
    ids=["down", "credentials"],
)
def test_a_target_that_is_away_is_asked_once_a_pause_and_everything_goes_when_it_is_back(
    world: World, fault: Fault, first_pause: timedelta, opens_after: int
) -> None:
    """`opens_after`: the look at what the target takes, and the deliveries that find it away."""
    world.running.salesforce.faults.add(fault)
    clock = HandClock(now=utc_now())
    with listed(world, clock) as connector:
        asked = []
        for pause in (timedelta(0), first_pause / 4, first_pause, timedelta(0), first_pause * 2):
            clock.advance(pause)
            advance_all(connector)
            asked.append(tokens(world))
        (breaker,) = connector.breakers.open()

        assert [each - opens_after for each in asked] == [0, 0, 1, 1, 2]
        assert breaker.side == "target crm"
        assert breaker.failures == 3
        untried = [each for each in connector.store.find(limit=1000) if each.attempts == 0]
        assert len(untried) >= APPROVED - opens_after * BATCH

        world.running.salesforce.faults.clear()
        clock.now = breaker.next_try
        advance_all(connector)
        clock.advance(timedelta(minutes=1))  # what failed when it went away has a pause of its own
        advance_all(connector)
        assert connector.breakers.open() == ()
        assert connector.store.counts()[PIPELINE] == {State.COMPLETED: GOOD, State.DEAD: 4}


def test_a_docflo_that_refuses_the_key_is_left_alone_while_targets_go_on(world: World) -> None:
    clock = HandClock(now=utc_now())
    key = world.config.parent / "secrets" / "docflo-api-key"
    with listed(world, clock) as connector:
        key.write_text("not-the-key", encoding="utf-8")
        world.running.docflo.journal.forget()
        for _ in range(3):
            advance_all(connector)
        (breaker,) = connector.breakers.open()

        assert len(world.running.docflo.journal.requests) == 1
        assert breaker.side == "docflo"
        assert connector.store.counts()[PIPELINE] == {State.DELIVERED: GOOD, State.DEAD: 4}

        key.write_text("sandbox-key", encoding="utf-8")
        clock.now = breaker.next_try
        advance_all(connector)
        assert connector.store.counts()[PIPELINE][State.COMPLETED] == GOOD


def test_an_open_breaker_survives_a_restart_and_status_shows_it(world: World, cli: Cli) -> None:
    world.running.salesforce.faults.add(Fault(operation="token", kind="status", status=503, times=None))
    with listed(world, HandClock(now=utc_now())) as connector:
        advance_all(connector)

    shown = cli("status", "--config", world.config, "--output", "json").json["breakers"]
    table = cli("status", "--config", world.config).out

    assert [(each["side"], each["error"]) for each in shown] == [("target crm", "UnavailableError")]
    assert datetime.fromisoformat(shown[0]["next_try"]) > datetime.fromisoformat(shown[0]["open_since"])
    assert "target crm" in table
