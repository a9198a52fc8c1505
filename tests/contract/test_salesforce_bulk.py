"""Loads by Bulk API 2.0 over the sandbox: every row accounted for, whatever breaks off."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from connector.adapters.base import Job
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.errors import (
    BusyError,
    ConfigError,
    OutcomeUnknownError,
    RejectedError,
    StoppingError,
    ThrottledError,
    UnavailableError,
)
from connector.record import Receipt, Record
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.salesforce.options import Options
from connector.sandbox.salesforce.rules import RecordFault
from tests.contract.adapter_contract import TEXTS
from tests.contract.job_book import MemoryBook
from tests.contract.salesforce_org import connected, invoice
from tests.factories import make_line, make_record

BULK = {"completion_field": "PO_Number__c", "bulk_from": 2, "empty_lines": "remove"}
"""A threshold so low that the estimate of requests decides; `many` is worth a load."""
QUICK = Options(bulk_delay=0.0)


@pytest.fixture
def org() -> SalesforceSandbox:
    return SalesforceSandbox(options=QUICK)


@pytest.fixture
def book() -> MemoryBook:
    return MemoryBook()


@pytest.fixture
def adapter(org: SalesforceSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[SalesforceAdapter]:
    monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
    with connected(org, **BULK) as made:
        yield made


def many(number: int, *names: str, **parts: Any) -> list[Record]:
    return [invoice(f"k{at}", *names, **parts) for at in range(number)]


def lines_of(org: SalesforceSandbox, key: str) -> list[str]:
    [header] = [row for row in org.rows("Invoice__c") if row["Docflo_Id__c"] == key]
    lines = [row for row in org.rows("Invoice_Line__c") if row["Invoice__c"] == header["Id"]]
    return sorted(str(row["Docflo_Key__c"]) for row in lines)


def test_every_record_is_held_once_with_its_lines_and_marked_complete(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    outcomes = adapter.load(many(7, "a", "b"), book)

    ids = [outcome.id for outcome in outcomes if isinstance(outcome, Receipt)]
    headers = org.rows("Invoice__c")
    assert ids == [row["Id"] for row in sorted(headers, key=lambda row: str(row["Docflo_Id__c"]))]
    assert all(isinstance(outcome, Receipt) and outcome.created for outcome in outcomes)
    assert {row["PO_Number__c"] for row in headers} == {"complete"}
    assert all(lines_of(org, f"k{at}") == [f"k{at}:a", f"k{at}:b"] for at in range(7))
    assert not [each for each in org.journal.requests if each.operation == "graph"]
    assert (book.opened_jobs, book.jobs) == (3, {})


def test_a_second_load_updates_removes_stale_lines_and_writes_no_line_that_is_as_it_should_be(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    [first, _, _] = adapter.load(many(3, "a", "b"), book)
    org.insert("Invoice_Line__c", {"Docflo_Key__c": None, "Invoice__c": getattr(first, "id", None)})
    org.journal.forget()

    outcomes = adapter.load([invoice("k0", "b", "c"), invoice("k1", "a", "b"), invoice("k2")], book)

    assert all(isinstance(outcome, Receipt) and outcome.created is False for outcome in outcomes)
    assert lines_of(org, "k0") == ["None", "k0:b", "k0:c"]
    assert lines_of(org, "k1") == ["k1:a", "k1:b"]
    assert lines_of(org, "k2") == []
    written = [effect for effect in org.journal.effects if effect.subject.startswith("Invoice_Line__c")]
    assert sorted(effect.kind for effect in written) == ["created", "deleted", "deleted", "deleted"]


@pytest.mark.parametrize("text", [*TEXTS, "two\nlines", "two\r\nlines", "a\rb", 'say "no", twice', ""])
def test_text_is_held_code_point_for_code_point(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook, text: str
) -> None:
    fields = {"Number__c": text, "Total__c": Decimal("12.30")}
    adapter.load([make_record("k0", fields=fields), make_record("k1", fields=fields)], book)

    for row in org.rows("Invoice__c"):
        assert (row.get("Number__c") or "", str(row["Total__c"])) == (text, "12.30")


def test_none_clears_what_is_absent_is_left_alone_and_what_a_file_cannot_say_goes_by_graph(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    org.insert("Account", {"Name": "Nordwind", "Tax_Id__c": "51"})
    whole: dict[str, Any] = {"Number__c": "R-1", "Total__c": Decimal(7), "Vendor__r.Tax_Id__c": "51"}
    adapter.load([make_record(f"k{at}", fields=whole) for at in range(4)], book)
    org.journal.forget()

    outcomes = adapter.load(
        [
            make_record("k0", fields={"Number__c": None, "Vendor__r.Tax_Id__c": None}),
            make_record("k1", fields={"Vendor__r.Tax_Id__c": "51"}),
            make_record("k2", fields={"Number__c": "#N/A"}),
            make_record("k3", fields={"Date__c": date(2026, 2, 1)}),
        ],
        book,
    )

    assert [type(outcome) for outcome in outcomes] == [Receipt] * 4
    rows = {row["Docflo_Id__c"]: row for row in org.rows("Invoice__c")}
    assert (rows["k0"].get("Number__c"), rows["k0"].get("Vendor__c")) == (None, None)
    assert (rows["k1"]["Number__c"], rows["k1"]["Vendor__c"]) == ("R-1", org.rows("Account")[0]["Id"])
    assert rows["k2"]["Number__c"] == "#N/A"
    assert (rows["k3"]["Date__c"], str(rows["k3"]["Total__c"])) == ("2026-02-01", "7")
    assert len([each for each in org.journal.requests if each.operation == "graph"]) == 1


def test_companions_are_in_before_the_headers_that_name_them(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    vendor = make_record(
        "51", object="Account", key_field="Tax_Id__c", fields={"Name": "Nordwind", "Tax_Id__c": "51"}
    )
    fields = {"Number__c": "1", "Vendor__r.Tax_Id__c": "51"}
    records = [make_record(f"k{at}", fields=fields, companions=(vendor,)) for at in range(3)]

    outcomes = adapter.load(records, book)

    [account] = org.rows("Account")
    assert [type(outcome) for outcome in outcomes] == [Receipt] * 3
    assert {row["Vendor__c"] for row in org.rows("Invoice__c")} == {account["Id"]}


def test_a_row_that_fails_keeps_its_record_partial_and_touches_no_other(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    records = many(3, "a")
    bad = make_line("k1:bad", fields={"Amount__c": Decimal(1), "CurrencyIsoCode": "XYZ"})
    records[1] = structs.replace(records[1], lines=(*records[1].lines, bad))

    outcomes = adapter.load(records, book)

    assert [type(outcome) for outcome in outcomes] == [Receipt, RejectedError, Receipt]
    assert "Invoice_Line__c line 2" in str(outcomes[1])
    assert "CurrencyIsoCode" in str(outcomes[1])
    marks = {row["Docflo_Id__c"]: row["PO_Number__c"] for row in org.rows("Invoice__c")}
    assert marks == {"k0": "complete", "k1": "partial", "k2": "complete"}
    adapter.load(many(3, "a"), book)
    assert {row["PO_Number__c"] for row in org.rows("Invoice__c")} == {"complete"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
        ("DUPLICATE_VALUE", "duplicate value found: Docflo_Key__c duplicates value on record with id: a02"),
    ],
)
def test_a_document_that_lost_a_race_in_a_job_goes_by_graph_at_once(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook, code: str, message: str
) -> None:
    org.record_faults.add(RecordFault(code=code, message=message, containing="k1:a"))

    outcomes = adapter.load(many(3, "a"), book)

    assert [type(outcome) for outcome in outcomes] == [Receipt] * 3
    assert [each.operation for each in org.journal.requests].count("graph") == 1
    assert {row["PO_Number__c"] for row in org.rows("Invoice__c")} == {"complete"}
    assert lines_of(org, "k1") == ["k1:a"]


def test_what_lost_a_lock_in_a_job_travels_without_strangers_afterwards(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    records = many(3, "a")
    for at in (1, 2):
        org.insert("Account", {"Name": "Nordwind", "Tax_Id__c": f"5{at}"})
        fields = {**records[at].fields, "Vendor__r.Tax_Id__c": f"5{at}"}
        records[at] = structs.replace(records[at], fields=fields)
    lock, duplicate = "unable to obtain exclusive access to this record", "duplicate value found: <unknown>"
    org.record_faults.add(RecordFault(code="UNABLE_TO_LOCK_ROW", message=lock, containing="k1:a"))
    org.record_faults.add(RecordFault(code="DUPLICATE_VALUE", message=duplicate, containing="k2:a"))

    outcomes = adapter.load(records, book)

    assert [type(outcome) for outcome in outcomes] == [Receipt] * 3
    assert [each.operation for each in org.journal.requests].count("graph") == 2


def test_a_job_that_fails_midway_leaves_the_rest_for_another_try_and_loses_none(
    monkeypatch: pytest.MonkeyPatch, book: MemoryBook
) -> None:
    monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
    org = SalesforceSandbox(options=Options(bulk_delay=0.0, bulk_fail_after=200))
    with connected(org, **BULK) as adapter:
        outcomes = adapter.load(many(230), book)

    kinds = [type(outcome) for outcome in outcomes]
    assert (kinds.count(Receipt), kinds.count(UnavailableError)) == (200, 30)
    assert "retrying its batches too often" in str(next(o for o in outcomes if not isinstance(o, Receipt)))
    assert len(org.rows("Invoice__c")) == 200


def test_a_field_that_went_while_we_remembered_it_is_the_mappings_fault_and_no_documents(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    adapter.load(many(2), book)
    assert isinstance(org.hidden, dict)
    org.hidden["sandbox-consumer"] = ("Invoice__c.Number__c",)

    outcomes = adapter.load(many(2), book)

    assert {type(outcome) for outcome in outcomes} == {ConfigError}
    assert "Number__c" in str(outcomes[0])
    assert book.jobs == {}


def test_rows_that_the_results_leave_out_are_in_doubt(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    head = b'"sf__Id","sf__Created","Docflo_Id__c"\r\n'
    one = head + b'"a01000000000001AAA","true","k0"\r\n'
    org.faults.add(Fault(kind="body", operation="bulk_results", body=one))

    outcomes = adapter.load(many(3), book)

    assert [type(outcome) for outcome in outcomes] == [Receipt, OutcomeUnknownError, OutcomeUnknownError]
    assert "leave it out" in str(outcomes[1])


def test_a_process_that_stops_leaves_its_job_in_the_book_and_the_next_one_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, book: MemoryBook
) -> None:
    monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
    org = SalesforceSandbox(options=Options(bulk_delay=0.3))
    stops = iter([StoppingError("told to stop")])

    def stop_once() -> None:
        if book.jobs and (error := next(stops, None)):
            raise error

    book.on_pause = stop_once
    with connected(org, **BULK) as adapter:
        with pytest.raises(StoppingError):
            adapter.load(many(3, "a"), book)
        [job] = book.open_jobs()
        assert job.record_keys == {"k0", "k1", "k2"}
        org.journal.forget()
        [edited] = adapter.load([invoice("k1", "b")], book)  # by graph: it is only one

    assert isinstance(edited, Receipt)
    asked = [each.operation for each in org.journal.requests]
    assert asked.index("graph") > asked.index("bulk_info")
    assert book.jobs == {}
    assert lines_of(org, "k1") == ["k1:b"]


def test_a_job_that_nobody_closed_is_given_up_before_anything_is_sent(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    org.faults.add(Fault(kind="drop_before", operation="bulk_upload"))
    org.faults.add(Fault(kind="drop_before", operation="bulk_patch"))
    with pytest.raises(OutcomeUnknownError):
        adapter.load(many(2), book)
    [job] = book.open_jobs()

    outcomes = adapter.load(many(2), book)

    assert [type(outcome) for outcome in outcomes] == [Receipt, Receipt]
    assert job.id not in book.jobs
    assert len(org.rows("Invoice__c")) == 2


def test_jobs_of_other_records_hold_nobody_up(adapter: SalesforceAdapter, book: MemoryBook) -> None:
    book.opened(Job(id="7500000000000", record_keys=frozenset({"other"})))

    outcomes = adapter.load(many(2), book)

    assert [type(outcome) for outcome in outcomes] == [Receipt, Receipt]
    assert set(book.jobs) == {"7500000000000"}


def test_a_load_whose_turn_it_is_not_sends_nothing(
    org: SalesforceSandbox, adapter: SalesforceAdapter, book: MemoryBook
) -> None:
    book.is_taken = True

    outcomes = adapter.load(many(2), book)

    assert {type(outcome) for outcome in outcomes} == {BusyError}
    assert not org.rows("Invoice__c")


def test_what_is_in_already_is_told_though_the_rest_has_to_wait(book: MemoryBook) -> None:
    org = SalesforceSandbox(daily_limit=10)
    with connected(org, batch_size=2, api_share=0.3) as adapter:
        outcomes = adapter.load(many(4), book)

    assert [type(outcome) for outcome in outcomes] == [Receipt, Receipt, ThrottledError, ThrottledError]


def test_a_thousand_documents_of_ten_lines_cost_at_most_forty_requests(book: MemoryBook) -> None:
    org = SalesforceSandbox(options=Options(bulk_delay=0.0))
    names = [str(at) for at in range(10)]
    keys = [f"tenant-1:invoices-to-crm:65f0c0ffee{at:014d}" for at in range(1_000)]
    with connected(org, completion_field="PO_Number__c", bulk_from=1_000) as adapter:
        outcomes = adapter.load([invoice(key, *names) for key in keys], book)
        requests = [each.operation for each in org.journal.requests]

    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert len(org.rows("Invoice_Line__c")) == 10_000
    assert "graph" not in requests
    looks = requests.count("bulk_info")
    # Of a real org each of three jobs is looked at about five times: after 2, 6, 14, 30 and 60 seconds.
    assert len(requests) - looks + 15 <= 40
