"""Two servers with a few documents, and what must hold in them when everything is quiet."""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.sandbox_setup import TENANT, sandboxes, write_sandbox_config
from connector.cli.session import open_session, upgrade_quietly
from connector.clock import utc_now
from connector.sandbox.docflo import SandboxDocument, generate_documents
from connector.sandbox.docflo.app import DocfloSandbox
from connector.wiring import Connector, connect
from tests.factories import HandClock
from tests.scenario.conftest import World

NAME = "invoices-to-crm"
APPROVED = 8
HOUR = timedelta(hours=1)


def invoices(number: int, *, seed: str = "small", status: str = "APPROVED") -> list[SandboxDocument]:
    """Make invoices of the last days, an hour apart."""
    made = generate_documents(number, seed=seed, now=utc_now(), status=status)
    start = utc_now() - timedelta(days=10)
    return [replace(document, created_on=start + HOUR * place) for place, document in enumerate(made)]


@contextmanager
def a_small_world(
    folder: Path, *, approved: int = APPROVED, page_size: int = 5, **sandbox: Any
) -> Iterator[World]:
    """Hold so many approved invoices, and three that nobody approved."""
    documents = [*invoices(approved), *invoices(3, seed="waiting", status="REQUIRES_VALIDATION")]
    docflo = DocfloSandbox(tenant_id=TENANT, documents=documents, **sandbox)
    with sandboxes(docflo=docflo) as running:
        world = World(running=running, config=write_sandbox_config(folder, running))
        world.edit("  api_key:", f"  page_size: {page_size}\n  api_key:")
        world.edit("    adapter: salesforce\n", "    adapter: salesforce\n    batch_size: 3\n")
        upgrade_quietly(world.config)
        yield world


@contextmanager
def connected(world: World, clock: HandClock | None = None) -> Iterator[Connector]:
    """Open the connector of a world."""
    with connect(open_session(world.config), clock=clock or HandClock(now=utc_now())) as connector:
        yield connector


def cycle(world: World, clock: HandClock | None = None, *, full: bool = False) -> Cycle:
    """Run one cycle as `sync` does, in a process that was just started."""
    with connected(world, clock) as connector:
        return run_cycle(connector, full=full, bar=Bar("test"))


def until_quiet(world: World, clock: HandClock | None = None) -> list[Cycle]:
    """Run cycles an hour apart until nothing waits any more."""
    clock = clock or HandClock(now=utc_now())
    cycles: list[Cycle] = []
    for _ in range(20):
        cycles.append(cycle(world, clock, full=bool(cycles)))
        if len(cycles) > 1 and not (cycles[-1].open or cycles[-1].in_doubt or cycles[-1].errors):
            return cycles
        clock.advance(HOUR)
    pytest.fail("something waits for ever")


def assert_each_once(
    world: World, *, revised: frozenset[str] = frozenset(), gone: frozenset[str] = frozenset()
) -> None:
    """Require what the whole connector is for.

    `revised`: documents that were delivered more than once; `gone`: that Docflo no longer has.
    """
    docflo = world.running.docflo
    headers = {
        row["Docflo_Id__c"].rpartition(":")[2]: row for row in world.running.salesforce.rows("Invoice__c")
    }
    wanted = {
        document.id: document
        for document in docflo.documents.values()
        if docflo.status(document.id) in {"APPROVED", "CONFIRMED"}
    }
    assert set(_created(world).values()) == {1}
    assert headers.keys() - gone == wanted.keys()
    for document_id, document in wanted.items():
        _assert_exact(world, headers[document_id], document.fields)
        assert docflo.status(document_id) == "CONFIRMED"
        assert document.fields["ErpId"]["value"] == headers[document_id]["Id"]
    _assert_told_once(world, headers.keys(), revised)


def _assert_told_once(world: World, delivered: AbstractSet[str], revised: frozenset[str]) -> None:
    """Nothing was written into any other document, each status once, and never a second value."""
    told: dict[tuple[str, str], list[str]] = {}
    for effect in world.running.docflo.journal.effects:
        told.setdefault((effect.kind, effect.subject.rpartition("/")[2]), []).append(repr(effect.values))
    assert {document_id for _, document_id in told} <= delivered
    first_time = {key: values for key, values in told.items() if key[1] not in revised}
    assert {key: values for key, values in first_time.items() if len(set(values)) > 1} == {}
    assert [key for key, values in first_time.items() if key[0] == "status" and len(values) > 1] == []


def _created(world: World) -> Counter[str]:
    return Counter(
        effect.subject for effect in world.running.salesforce.journal.effects if effect.kind == "created"
    )


def _assert_exact(world: World, header: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    assert str(header["Total__c"]) == str(_amount(fields["InvoiceTotal"]))
    lines = [
        row for row in world.running.salesforce.rows("Invoice_Line__c") if row["Invoice__c"] == header["Id"]
    ]
    arrived = sorted(str(row["Amount__c"]) for row in lines)
    assert arrived == sorted(str(_amount(row["Amount"])) for row in fields["Items"]["value"])


def _amount(field: Mapping[str, Any]) -> Decimal:
    amount: Decimal = field["value"]["amount"]
    return amount
