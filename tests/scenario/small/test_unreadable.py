"""A listed document that cannot be read holds up no other, is told until it can be read, and never hidden."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connector.clock import utc_now
from connector.sandbox.faults import Fault
from tests.factories import HandClock
from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import APPROVED, NAME, connected, cycle, invoices

NOT_FOUND = json.dumps({"error": {"code": "DOCUMENT_NOT_FOUND", "message": "gone", "details": ""}}).encode()


def add_without_id(world: World, created_on: datetime | None = None) -> None:
    made = invoices(1, seed="no id")[0]
    world.running.docflo.add(replace(made, id="", created_on=created_on or made.created_on))


def delivered(world: World) -> int:
    return len(world.running.salesforce.rows("Invoice__c"))


def told(cli: Cli, world: World) -> list[str]:
    status = cli("status", "--config", world.config, "-o", "json").json["pipelines"][NAME]
    return [each["document"] for each in status["unreadable"]]


def test_a_row_without_an_id_holds_up_no_other_and_is_told_everywhere(small_world: World, cli: Cli) -> None:
    add_without_id(small_world)

    ran = cli("sync", "--config", small_world.config, "--output", "json")
    table = cli("sync", "--config", small_world.config)
    check = cli("check", "--config", small_world.config)

    assert delivered(small_world) == APPROVED
    assert (ran.code, table.code) == (4, 4)
    assert ran.json["pipelines"][NAME]["unreadable"] == 1
    assert "1 listed documents cannot be read" in table.out
    assert "discover.unreadable" in ran.err
    assert len(told(cli, small_world)) == 1
    assert "cannot be read" in cli("status", "--config", small_world.config).out
    assert "cannot be read" in check.out
    assert "no id" in check.out


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="body", operation="document", status=404, body=NOT_FOUND, times=None),
        Fault(kind="body", operation="document", status=500, body=b"", times=None),
        Fault(kind="body", operation="document", body=b'{"id": "another", "fields": {}}', times=None),
    ],
    ids=["404", "500", "another document"],
)
def test_a_listed_document_that_cannot_be_fetched_holds_up_no_other(
    small_world: World, cli: Cli, fault: Fault
) -> None:
    docflo = small_world.running.docflo
    missing = sorted(document for document in docflo.documents if docflo.status(document) == "APPROVED")[4]
    docflo.list_so(ignored={"includeResults"})
    docflo.faults.add(replace(fault, containing=missing))

    ran = cli("sync", "--config", small_world.config, "--output", "json")

    assert delivered(small_world) == APPROVED - 1
    assert ran.code == 4
    assert told(cli, small_world) == [missing]
    docflo.faults.clear()
    again = cli("sync", "--config", small_world.config, "--output", "json")
    assert again.code == 0
    assert delivered(small_world) == APPROVED
    assert told(cli, small_world) == []


def test_a_docflo_that_fails_at_every_document_is_not_asked_for_all_of_them(
    small_world: World, cli: Cli
) -> None:
    small_world.running.docflo.list_so(ignored={"includeResults"})
    small_world.running.docflo.faults.add(Fault(kind="status", operation="document", status=500, times=None))

    ran = cli("sync", "--config", small_world.config)

    assert ran.code == 75
    assert small_world.running.docflo.journal.count()["document"] == 3
    assert told(cli, small_world) == []


def test_the_sweep_meets_it_again_however_old_it_is_and_forgets_it_once_it_is_gone(
    small_world: World, cli: Cli
) -> None:
    clock = HandClock(now=utc_now())
    small_world.edit("documents: {", "documents: {lookback: 1h, ")
    add_without_id(small_world, created_on=clock.now - timedelta(days=40))
    cycle(small_world, clock, full=True)
    clock.advance(timedelta(days=2))

    cycle(small_world, clock)
    after_tail = told(cli, small_world)
    swept = cycle(small_world, clock, full=True)
    with connected(small_world, clock) as connector:
        mark = connector.store.checkpoint(NAME)
    small_world.running.docflo.remove("")
    clock.advance(timedelta(hours=2))
    gone = cycle(small_world, clock, full=True)

    assert len(after_tail) == 1
    assert swept.discovered[0].unreadable == 1
    assert mark is not None
    assert mark.open_since is not None
    assert mark.open_since < clock.now - timedelta(days=42)
    assert gone.discovered[0].unreadable == 0
    assert told(cli, small_world) == []


def test_rows_of_which_none_is_a_document_are_an_error(small_world: World, cli: Cli) -> None:
    body = b'{"documents": [{"uuid": "1", "status": "APPROVED"}, {"uuid": "2", "status": "APPROVED"}]}'
    small_world.running.docflo.faults.add(Fault(operation="list", kind="body", body=body, times=None))

    ran = cli("sync", "--config", small_world.config, "--output", "json")

    assert ran.code == 2
    assert ran.json["errors"][0]["error"] == "UnexpectedResponseError"
