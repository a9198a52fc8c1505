"""How many calls documents are said to take before any of them is read."""

import pytest

from connector.adapters.salesforce.estimate import calls_of_documents, calls_of_graphs
from connector.record import RecordShape
from tests.contract.salesforce_org import invoice

SHAPES = (
    RecordShape(object="Invoice__c", key_field="Docflo_Id__c", fields=()),
    RecordShape(object="Invoice_Line__c", key_field="Docflo_Key__c", fields=(), parent_field="Invoice__c"),
)


def calls(documents: int, *, bulk_from: int | None = None) -> int:
    return calls_of_documents(documents, SHAPES, batch=90, bulk_from=bulk_from, bulk_size=5_000)


def test_graphs_are_counted_as_for_the_records_themselves() -> None:
    records = [invoice(f"k{at}", *map(str, range(10))) for at in range(200)]

    assert calls(200) == calls_of_graphs(records, 90)


@pytest.mark.parametrize(("documents", "most"), [(1_000, 40), (5_000, 70), (12_000, 180)])
def test_jobs_are_counted_where_they_are_what_a_backfill_would_take(documents: int, most: int) -> None:
    assert calls(documents, bulk_from=1_000) <= most
    assert documents < 2_000 or calls(documents) > 2 * most


def test_too_few_for_a_load_are_counted_as_graphs() -> None:
    assert calls(400, bulk_from=1_000) == calls(400)
