"""Faults, each caused over real HTTP or by a real signal: nothing is lost, nothing is done twice."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.sandbox.faults import Fault, Kind
from connector.wiring import connect
from tests.factories import HandClock
from tests.scenario.conftest import BATCH, GOOD, Cli, World

PATIENCE = 90.0  # seconds that a process of ours may take to get somewhere on a busy machine


def _cycle(world: World, clock: HandClock) -> Cycle:
    with connect(open_session(world.config), clock=clock) as connector:
        return run_cycle(connector, full=False, bar=Bar("test"))


def until_quiet(world: World) -> None:
    """Run cycles an hour apart until nothing waits any more."""
    clock = HandClock(now=utc_now())
    for _ in range(10):
        if not _cycle(world, clock).open:
            return
        clock.advance(timedelta(hours=1))
    pytest.fail("something waits for ever")


def assert_each_delivered_once(world: World) -> None:
    headers = world.running.salesforce.rows("Invoice__c")
    lines = world.running.salesforce.rows("Invoice_Line__c")
    assert len(headers) == len({row["Docflo_Id__c"] for row in headers}) == GOOD
    assert len(lines) == len({row["Docflo_Key__c"] for row in lines})
    confirmed = [
        document
        for document in world.running.docflo.documents.values()
        if "ErpId" in document.fields and world.running.docflo.status(document.id) == "CONFIRMED"
    ]
    assert {document.fields["ErpId"]["value"] for document in confirmed} == {row["Id"] for row in headers}


def created_headers(world: World) -> Counter[str]:
    return Counter(
        effect.subject
        for effect in world.running.salesforce.journal.effects
        if effect.kind == "created" and effect.subject.startswith("Invoice__c/")
    )


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation="graph", kind="drop_after", times=2),
        Fault(operation="graph", kind="drop_before", times=2),
        Fault(operation="graph", kind="truncate", times=2),
        Fault(operation="graph", kind="html", status=503, times=2),
        Fault(operation="graph", kind="status", status=500, times=2),
        Fault(operation="token", kind="drop_after", times=1),
    ],
    ids=lambda fault: f"{fault.operation}-{fault.kind}",
)
def test_a_salesforce_that_fails_now_and_then_gets_each_document_once(world: World, fault: Fault) -> None:
    world.running.salesforce.faults.add(fault)

    until_quiet(world)

    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}


@pytest.mark.parametrize("operation", ["update_fields", "update_status"])
@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "truncate", "html"])
def test_a_lost_write_back_is_repeated_and_delivers_nothing_again(
    world: World, operation: str, kind: Kind
) -> None:
    world.running.docflo.faults.add(Fault(operation=operation, kind=kind, times=3, after=5))

    until_quiet(world)

    assert_each_delivered_once(world)
    assert world.running.salesforce.journal.count()["graph"] == 8


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncate", "html"])
def test_a_listing_that_breaks_off_moves_no_checkpoint(world: World, kind: Kind) -> None:
    world.running.docflo.faults.add(Fault(operation="list", kind=kind, after=1))
    clock = HandClock(now=utc_now())

    broken = _cycle(world, clock)

    assert len(broken.errors) == 1
    assert world.running.salesforce.rows("Invoice__c") == ()
    until_quiet(world)
    assert_each_delivered_once(world)


def test_a_spent_budget_stops_with_75_and_goes_on_after_the_reset(world: World, cli: Cli) -> None:
    refused = Fault(
        operation="update_fields",
        kind="status",
        status=429,
        headers={"Retry-After": "600"},
        after=10,
        times=None,
    )
    world.running.docflo.faults.add(refused)

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.json["requests"]["update_fields"] <= 11 + 20
    assert ran.json["pipelines"]["invoices-to-crm"]["waiting"] == GOOD - 10
    world.running.docflo.faults.clear()
    until_quiet(world)
    assert_each_delivered_once(world)


def test_an_expired_session_is_renewed_without_a_failure(world: World) -> None:
    world.running.salesforce.faults.add(
        Fault(
            operation="graph",
            kind="body",
            status=401,
            body=b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]',
            after=2,
        )
    )

    cycle = _cycle(world, HandClock(now=utc_now()))

    assert not cycle.open
    assert world.running.salesforce.journal.count()["token"] == 2
    assert_each_delivered_once(world)


def start(world: World, *command: str) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "connector", *command, "--config", str(world.config)]
    with (world.config.parent / "process.log").open("ab") as log:
        return subprocess.Popen(arguments, stdout=log, stderr=log)  # noqa: S603 our own program


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)  # another process is at work: there is no clock of ours to move


def test_sigterm_finishes_what_is_in_flight_and_leaves_the_rest_for_the_next_start(world: World) -> None:
    process = start(world, "run")
    wait_for(lambda: len(world.running.salesforce.rows("Invoice__c")) >= BATCH)

    process.send_signal(signal.SIGTERM)

    assert process.wait(PATIENCE) == 0
    until_quiet(world)
    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}


def test_run_finds_what_is_approved_while_it_runs(world: World) -> None:
    world.edit("    target: crm\n", "    target: crm\n    schedule: {every: 1s}\n")
    late = next(
        document.id
        for document in world.running.docflo.documents.values()
        if document.type == "invoice" and world.running.docflo.status(document.id) == "REQUIRES_VALIDATION"
    )
    process = start(world, "run")
    try:
        wait_for(lambda: len(world.running.salesforce.rows("Invoice__c")) == GOOD)
        world.running.docflo.put_status(late, "APPROVED")
        wait_for(lambda: world.running.docflo.status(late) == "CONFIRMED")
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("killed_after", [1, 12, 30])
def test_sigkill_in_the_middle_loses_and_doubles_nothing(world: World, killed_after: int) -> None:
    process = start(world, "sync")
    wait_for(lambda: len(world.running.docflo.journal.effects) >= killed_after)
    process.kill()
    process.wait(PATIENCE)

    until_quiet(world)

    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}


@pytest.mark.xdist_group("postgresql")
def test_two_processes_on_one_postgresql_share_the_work_and_double_nothing(
    world: World, cli: Cli, postgres_url: str
) -> None:
    world.edit("sqlite:///connector.db", postgres_url)
    # The workers of the one that is killed may hold all that is left.
    world.edit("pipelines:\n", "service: {lease: 10s}\n\npipelines:\n")
    assert cli("database", "upgrade", "--config", world.config).code == 0
    processes = [start(world, "run"), start(world, "run")]
    try:
        wait_for(lambda: len(world.running.salesforce.rows("Invoice__c")) >= 4 * BATCH)
        processes[0].kill()
        wait_for(lambda: len(world.running.salesforce.rows("Invoice__c")) >= 6 * BATCH)
    finally:
        processes[1].terminate()
        for process in processes:
            process.wait(PATIENCE)

    until_quiet(world)

    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}
