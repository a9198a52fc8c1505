"""A SOAP ERP compared with Docflo: it tells what it has, and no more than that."""

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import Any

from connector.cli.session import open_session
from connector.clock import utc_now
from connector.docflo.budget import Lane
from connector.pipeline.reconcile import Reconciliation, make_reconciler
from connector.pipeline.sides import Kind
from connector.sandbox.erp.sandbox import ErpSandbox
from connector.wiring import connect
from tests.scenario.soap.world import HOUR, World, invoices, soap_world, strict


def compare(world: World) -> Reconciliation:
    with connect(open_session(world.config), clock=world.clock) as connector:
        [pipeline] = connector.pipelines
        docflo = connector.docflo.lane(Lane.BY_HAND)
        reconciler = make_reconciler(pipeline, docflo, connector.store, connector.clock)
        return reconciler.compare(utc_now() - 60 * 24 * HOUR, utc_now())


def test_what_the_erp_has_twice_lacks_or_has_otherwise_is_found_by_its_lookup(tmp_path: Path) -> None:
    erp = ErpSandbox()
    documents = invoices(4)
    with soap_world(tmp_path, strict(erp), documents) as world:
        world.cycle()
        even = compare(world)
        rows = {row.key: row for row in erp.rows()}
        twice, gone = (rows[world.key(document.id)] for document in documents[:2])
        erp.add(dataclasses.replace(twice, number=f"{twice.number}9"))
        erp.remove(gone)
        document = world.docflo.documents[documents[2].id]
        fields: dict[str, Any] = dict(document.fields)
        total = fields["InvoiceTotal"]
        amount = total["value"]["amount"] + Decimal("0.01")
        fields["InvoiceTotal"] = {**total, "value": {**total["value"], "amount": amount}}
        world.docflo.add(dataclasses.replace(document, fields=fields))
        uneven = compare(world)

    assert even.is_even
    assert "not its amount" in even.cannot_know[0]
    assert {total.records_amount for total in even.compared.totals} == {None}
    found = {each.document_id: (each.kind, each.words) for each in uneven.compared.differences}
    assert found.keys() == {each.id for each in documents[:3]}
    assert found[documents[0].id][0] is Kind.UNCLEAR
    assert "several records" in found[documents[0].id][1]
    assert found[documents[1].id][0] is Kind.MISSING
    assert found[documents[2].id][0] is Kind.UNCLEAR
    assert "is another" in found[documents[2].id][1]
