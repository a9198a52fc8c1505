"""Whatever answer is lost after its request was carried out: one header, the right lines and no others."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.errors import ConnectorError
from connector.record import Receipt, Record
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.salesforce.options import Options
from tests.contract.job_book import MemoryBook
from tests.contract.salesforce_org import connected, invoice

LARGE = {"completion_field": "PO_Number__c", "empty_lines": "remove"}
QUICK = Options(bulk_delay=0.0)
SMALL_BEFORE, SMALL_AFTER = ("a", "b", "c"), ("b", "c", "d")
LARGE_BEFORE = tuple(f"r{at}" for at in range(510))
LARGE_AFTER = tuple(f"r{at}" for at in range(260, 790))


def deliver_until_taken(adapter: SalesforceAdapter, record: Record, book: MemoryBook) -> Receipt:
    for _ in range(4):
        with suppress(ConnectorError):
            [outcome] = adapter.load([record], book)
            if isinstance(outcome, Receipt):
                return outcome
    raise AssertionError("not taken in four tries")


def requests_of(settings: dict[str, Any], before: Sequence[str], after: Sequence[str]) -> int:
    """Count the requests that first delivery and edit take undisturbed, the login left out."""
    org, book = SalesforceSandbox(options=QUICK), MemoryBook()
    with connected(org, **settings) as adapter:
        for names in (before, after):
            deliver_until_taken(adapter, invoice("k", *names), book)
    return sum(1 for request in org.journal.requests if request.operation != "token")


def assert_whole(org: SalesforceSandbox, names: Sequence[str]) -> None:
    [header] = org.rows("Invoice__c")
    lines = [row for row in org.rows("Invoice_Line__c") if row["Invoice__c"] == header["Id"]]
    assert sorted(str(row["Docflo_Key__c"]) for row in lines) == sorted(f"k:{name}" for name in names)
    assert len(org.rows("Invoice_Line__c")) == len(names)
    assert header.get("PO_Number__c") in {None, "complete"}


WAYS: dict[str, tuple[dict[str, Any], Sequence[str], Sequence[str]]] = {
    "graph": ({}, SMALL_BEFORE, SMALL_AFTER),
    "collections": (LARGE, LARGE_BEFORE, LARGE_AFTER),
    "bulk": ({**LARGE, "bulk_from": 1}, SMALL_BEFORE, SMALL_AFTER),
}


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        ("graph", "drop_after"),
        ("graph", "drop_before"),
        ("collections", "drop_after"),
        ("collections", "drop_before"),
        ("bulk", "drop_after"),
    ],
)
def test_any_lost_answer_leaves_one_whole_document(
    way: str, kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, before, after = WAYS[way]
    monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
    number = requests_of(settings, before, after)
    org, book = SalesforceSandbox(options=QUICK), MemoryBook()
    with connected(org, **settings) as adapter:
        for at in range(number):
            org.reset()
            adapter.check([])  # what its objects are is asked anew
            org.faults.add(Fault(kind=kind, after=at, path="/services/data"))
            first = deliver_until_taken(adapter, invoice("k", *before), book)
            assert_whole(org, before)
            second = deliver_until_taken(adapter, invoice("k", *after), book)
            assert_whole(org, after)
            assert second.id == first.id
            assert book.jobs == {}


def test_a_document_of_five_hundred_lines_is_marked_partial_until_it_is_whole() -> None:
    org = SalesforceSandbox()
    with connected(org, **LARGE) as adapter:
        org.faults.add(Fault(kind="drop_before", operation="collection_upsert", after=1))
        with suppress(ConnectorError):
            adapter.deliver([invoice("k", *LARGE_BEFORE)])
        [partial] = org.rows("Invoice__c")
        lines = len(org.rows("Invoice_Line__c"))
        adapter.deliver([invoice("k", *LARGE_BEFORE)])

    assert (partial["PO_Number__c"], lines) == ("partial", 200)
    assert org.rows("Invoice__c")[0]["PO_Number__c"] == "complete"
    assert_whole(org, LARGE_BEFORE)


def test_a_large_document_is_refused_where_nothing_could_say_that_it_is_not_whole() -> None:
    with connected(SalesforceSandbox()) as adapter:
        [outcome] = adapter.deliver([invoice("k", *LARGE_BEFORE)])

    assert "511 parts" in str(outcome)
