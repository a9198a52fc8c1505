"""Each fault by its name, at every operation of both sides: every approved document arrives once, exact."""

import json
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from connector.cli.bar import Bar
from connector.cli.cycle import run_cycle
from connector.clock import utc_now
from connector.pipeline.discover import discover
from connector.sandbox.docflo import SandboxDocument
from connector.sandbox.faults import Fault
from tests.factories import HandClock
from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import (
    APPROVED,
    HOUR,
    assert_each_once,
    connected,
    cycle,
    invoices,
    until_quiet,
)

OF_DOCFLO = ("list", "update_fields", "update_status")
OF_THE_TARGET = ("graph", "token")
SPENT = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "0"}

FAULTS: dict[str, dict[str, Any]] = {
    "lost answer after effect": {"kind": "drop_after"},
    "lost answer after effect, reset": {"kind": "drop_after", "reset": True},
    "reset before effect": {"kind": "drop_before", "reset": True},
    "truncated JSON": {"kind": "truncate"},
    "JSON that is not closed": {"kind": "body", "body": b'{"documents": [{"_id":'},
    "HTML page with 200": {"kind": "html"},
    "HTML page of a gateway": {"kind": "html", "status": 502},
    "500 burst": {"kind": "status", "status": 500, "times": 4},
    "503 burst": {"kind": "status", "status": 503, "times": 4},
    "504 after the effect": {"kind": "body", "status": 504, "body": b""},
    "429 with Retry-After": {"kind": "status", "status": 429, "headers": {"Retry-After": "120"}},
    "429 without Retry-After": {"kind": "status", "status": 429},
    "403 with nothing left": {"kind": "status", "status": 403, "headers": SPENT},
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_docflo_at_every_operation(small_world: World, name: str) -> None:
    for operation in OF_DOCFLO:
        small_world.running.docflo.faults.add(
            Fault(**{"operation": operation, "after": 1, "times": 2, **FAULTS[name]})
        )

    until_quiet(small_world)

    assert small_world.running.docflo.faults.pending == ()
    assert_each_once(small_world)


@pytest.mark.parametrize("name", [name for name in FAULTS if "nothing left" not in name])
def test_a_fault_of_the_target_at_every_operation(small_world: World, name: str) -> None:
    for operation in OF_THE_TARGET:
        small_world.running.salesforce.faults.add(
            Fault(**{"operation": operation, "after": 0, "times": 2, **FAULTS[name]})
        )

    until_quiet(small_world)

    assert small_world.running.salesforce.faults.pending == ()
    assert_each_once(small_world)


@pytest.mark.parametrize("operation", [*OF_DOCFLO, "graph"])
def test_an_answer_that_drips_beyond_the_deadline(small_world: World, operation: str) -> None:
    small_world.edit("  api_key:", "  deadline: 1\n  api_key:")
    small_world.edit("    adapter: salesforce\n", "    adapter: salesforce\n    deadline: 1\n")
    side = small_world.running.salesforce if operation == "graph" else small_world.running.docflo
    side.faults.add(Fault(operation=operation, kind="slow", seconds=0.2, times=1))

    until_quiet(small_world)

    assert side.faults.pending == ()
    assert_each_once(small_world)


def test_a_session_that_ends_in_the_middle_of_a_batch(small_world: World) -> None:
    small_world.running.salesforce.faults.add(
        Fault(
            operation="graph",
            kind="body",
            status=401,
            body=json.dumps(
                [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
            ).encode(),
            after=1,
            times=1,
        )
    )
    small_world.running.salesforce.revoke_tokens()

    until_quiet(small_world)

    assert_each_once(small_world)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_ten_minutes_wrong(small_world: World, minutes: int) -> None:
    small_world.edit("documents: {", "documents: {lookback: 0s, ")
    clock = HandClock(now=utc_now() + timedelta(minutes=minutes))
    cycle(small_world, clock)
    small_world.running.docflo.add(
        replace(invoices(1, seed="new")[0], id="created-now", created_on=utc_now())
    )
    clock.advance(timedelta(minutes=1))

    cycle(small_world, clock)  # without a sweep
    tail = len(small_world.running.salesforce.rows("Invoice__c"))
    until_quiet(small_world, clock)

    assert tail == APPROVED + 1
    assert_each_once(small_world)


def _hold(world: World, documents: list[SandboxDocument]) -> None:
    for document_id in tuple(world.running.docflo.documents):
        world.running.docflo.remove(document_id)
    for document in documents:
        world.running.docflo.add(document)


def test_many_documents_of_one_creation_time(small_world: World) -> None:
    moment = utc_now() - timedelta(days=1)
    _hold(small_world, [replace(each, created_on=moment) for each in invoices(30)])

    until_quiet(small_world)

    assert_each_once(small_world)


@pytest.mark.parametrize("ignored", [set(), {"sortBy", "sortOrder"}], ids=["oldest first", "newest first"])
def test_documents_that_come_and_go_between_pages(small_world: World, ignored: set[str]) -> None:
    docflo = small_world.running.docflo
    leaving = sorted(docflo.documents, key=lambda each: docflo.documents[each].created_on)[:2]
    gone = frozenset(leaving)
    arriving = iter(invoices(6, seed="arriving"))
    pages = count()

    def before_page() -> None:
        # Newest first, each arrival pushes rows onto the next page: the same ids are shown twice. Oldest
        # first, each that leaves pulls rows onto the page before, which was read already.
        if next(pages) == 0:
            return
        if (new := next(arriving, None)) is not None:
            docflo.add(replace(new, created_on=utc_now()))
        if leaving:
            docflo.remove(leaving.pop())

    docflo.list_so(ignored=ignored, before_page=before_page)
    cycle(small_world)
    docflo.list_so(ignored=ignored)
    until_quiet(small_world)

    assert not leaving
    assert_each_once(small_world, gone=gone)


def test_a_document_approved_long_after_the_checkpoint_passed_it(small_world: World) -> None:
    clock = HandClock(now=utc_now())
    docflo = small_world.running.docflo
    small_world.edit("documents: {", "documents: {lookback: 1h, ")
    late = next(each for each in docflo.documents if docflo.status(each) == "REQUIRES_VALIDATION")
    until_quiet(small_world, clock)
    docflo.put_status(late, "APPROVED")
    clock.advance(timedelta(days=3))

    until_quiet(small_world, clock)

    assert_each_once(small_world)


def _edit(world: World, document_id: str, amount: str) -> None:
    """Correct a total, as a person in Docflo does."""
    document = world.running.docflo.documents[document_id]
    total = document.fields["InvoiceTotal"]
    value = {**total["value"], "amount": Decimal(amount)}
    fields = {**document.fields, "InvoiceTotal": {**total, "value": value}}
    world.running.docflo.add(document.with_fields(fields, utc_now()))


def test_edits_before_during_and_after_delivery(small_world: World) -> None:
    clock = HandClock(now=utc_now())
    docflo = small_world.running.docflo
    before, during, after, *_ = sorted(each for each in docflo.documents if docflo.status(each) == "APPROVED")
    with connected(small_world, clock) as connector:
        discover(connector.pipelines[0], connector.work())
        _edit(small_world, before, "101.10")

        small_world.running.salesforce.faults.add(Fault(operation="graph", kind="delay", seconds=1))
        editing = threading.Timer(0.2, _edit, (small_world, during, "202.20"))
        editing.start()
        run_cycle(connector, full=False, bar=Bar("test"))
        editing.join()
    _edit(small_world, after, "303.30")
    clock.advance(HOUR)

    until_quiet(small_world, clock)

    assert_each_once(small_world, revised=frozenset({before, during, after}))
    totals = {
        row["Docflo_Id__c"].rpartition(":")[2]: str(row["Total__c"])
        for row in small_world.running.salesforce.rows("Invoice__c")
    }
    assert [totals[each] for each in (before, during, after)] == ["101.10", "202.20", "303.30"]


def test_an_edit_months_after_delivery_arrives_with_the_rescan(small_world: World, cli: Cli) -> None:
    clock = HandClock(now=utc_now())
    small_world.edit("documents: {", "documents: {lookback: 1h, ")
    until_quiet(small_world, clock)
    edited = small_world.running.salesforce.rows("Invoice__c")[0]["Docflo_Id__c"].rpartition(":")[2]
    _edit(small_world, edited, "404.40")
    clock.advance(timedelta(hours=2))
    swept = cycle(small_world, clock, full=True).discovered[0].listed.changed_after_delivery
    unseen = cli("status", "-c", small_world.config, "-o", "json").json["pipelines"]["invoices-to-crm"][
        "edits"
    ]
    clock.advance(timedelta(days=1))

    rescanned = cycle(small_world, clock, full=True).discovered[0].listed.changed_after_delivery

    assert (swept, rescanned) == (0, 1)
    assert unseen["oldest_unseen_seconds"] is not None
    until_quiet(small_world, clock)
    assert_each_once(small_world, revised=frozenset({edited}))
