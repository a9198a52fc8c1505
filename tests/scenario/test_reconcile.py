"""Both sides compared over sandboxes: what is planted on purpose is found, and nothing else."""

import csv
import dataclasses
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from connector.cli.bar import Bar
from connector.cli.cycle import run_cycle
from connector.cli.sandbox_setup import sandboxes
from connector.cli.session import open_session
from connector.record import record_key
from connector.sandbox.salesforce.sandbox import SalesforceSandbox
from connector.wiring import connect
from tests.scenario.conftest import GOOD, MAPPABLE, Cli, World, small_docflo, small_world

PIPELINE = "invoices-to-crm"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with sandboxes(docflo=small_docflo()) as running:
        world = small_world(tmp_path_factory.mktemp("synced"), running)
        with connect(open_session(world.config)) as connector:
            run_cycle(connector, full=False, bar=Bar(""))
        yield world


@pytest.fixture
def even(synced: World) -> Iterator[World]:
    """Give a world after its sync, as it was then."""
    salesforce, documents = synced.running.salesforce, synced.running.docflo.documents
    before, held = salesforce.snapshot(), dict(documents)
    yield synced
    salesforce.restore(before)
    documents.clear()
    documents.update(held)


def put(salesforce: SalesforceSandbox, row: dict[str, Any], **changed: Any) -> None:
    """Change a stored record as its owner would by hand, or remove it (`Id=None`)."""
    snapshot = salesforce.snapshot()
    rows = {name: dict(held) for name, held in snapshot.rows.items()}
    if changed.get("Id", row["Id"]) is None:
        del rows["Invoice__c"][row["Id"]]
    else:
        rows["Invoice__c"][row["Id"]] = {**row, **changed}
    salesforce.restore(dataclasses.replace(snapshot, rows=rows))


def differences(cli: Cli, world: World) -> list[dict[str, Any]]:
    """Give what is not right, without the documents that were dead from the beginning."""
    found = cli("reconcile", PIPELINE, "--from", "60d", "--output", "json", "--config", world.config)
    assert found.code == 0, found.err
    return [each for each in found.json["differences"] if each["state"] != "dead"]


def test_sides_that_are_alike_are_so_to_the_cent_and_dead_letters_are_named(cli: Cli, even: World) -> None:
    found = cli("reconcile", PIPELINE, "--from", "60d", "--output", "json", "--config", even.config).json

    rows = even.running.salesforce.rows("Invoice__c")
    assert sum(each["records"] for each in found["totals"]) == len(rows) == GOOD
    assert sum(Decimal(str(each["records_amount"])) for each in found["totals"]) == sum(
        row["Total__c"] for row in rows
    )
    [unknown] = found["cannot_know"]
    assert unknown.startswith("6 documents are CONFIRMED and tell nothing of a delivery")
    assert found["counts"] == {"missing": 4}
    assert {each["state"] for each in found["differences"]} == {"dead"}
    assert found["unmapped"] == 40 - MAPPABLE


def test_a_record_that_is_gone_is_missing(cli: Cli, even: World) -> None:
    row = even.running.salesforce.rows("Invoice__c")[3]
    put(even.running.salesforce, row, Id=None)

    [found] = differences(cli, even)

    assert (found["kind"], found["number"], found["held"]) == ("missing", row["Number__c"], [])
    assert found["what"] == "the target has no record of it; its delivery is completed"


@pytest.mark.parametrize("key", [None, "typed-in-by-hand"])
def test_a_record_that_somebody_made_besides_is_a_double(cli: Cli, even: World, key: str | None) -> None:
    salesforce = even.running.salesforce
    row = salesforce.rows("Invoice__c")[3]
    fields = {
        name: row[name] for name in ("Number__c", "Total__c", "CurrencyIsoCode", "Date__c", "Vendor_Name__c")
    }
    double = salesforce.insert("Invoice__c", {**fields, "Docflo_Id__c": key})

    [found] = differences(cli, even)

    assert (found["kind"], found["number"]) == ("doubled", row["Number__c"])
    assert {each["id"] for each in found["held"]} == {row["Id"], double}


def test_a_record_of_the_same_number_and_another_amount_is_no_double(cli: Cli, even: World) -> None:
    salesforce = even.running.salesforce
    row = salesforce.rows("Invoice__c")[3]
    fields = {name: row[name] for name in ("Number__c", "CurrencyIsoCode", "Date__c", "Vendor_Name__c")}
    salesforce.insert("Invoice__c", {**fields, "Total__c": row["Total__c"] + 1})

    assert differences(cli, even) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Total__c": Decimal("0.01")}, "the amount is 0.01, and should be "),
        ({"Total__c": None}, "the amount is no amount, and should be "),
        ({"CurrencyIsoCode": "CHF"}, "the currency is CHF, and should be "),
        ({"Date__c": "2020-01-01"}, "the date is 2020-01-01, and should be "),
        ({"Number__c": "X"}, "the number is X, and should be "),
    ],
)
def test_a_record_that_was_changed_is_different(
    cli: Cli, even: World, changed: dict[str, Any], words: str
) -> None:
    row = even.running.salesforce.rows("Invoice__c")[3]
    put(even.running.salesforce, row, **changed)

    [found] = differences(cli, even)

    assert found["kind"] == "different"
    assert words in found["what"]
    assert [each["id"] for each in found["held"]] == [row["Id"]]


def test_a_record_of_a_document_that_docflo_does_not_have_is_found(cli: Cli, even: World) -> None:
    key = record_key("sandbox-tenant", PIPELINE, "65f0c0ffee0000000000dead")
    other = record_key("sandbox-tenant", "another-pipeline", "65f0c0ffee0000000000dead")
    salesforce = even.running.salesforce
    fields = {"Number__c": "R-9", "Total__c": Decimal(5), "Date__c": "2026-01-01", "Vendor_Name__c": "V"}
    strange = salesforce.insert("Invoice__c", {**fields, "Docflo_Id__c": key})
    salesforce.insert("Invoice__c", {**fields, "Docflo_Id__c": other})
    salesforce.insert("Invoice__c", fields)

    [found] = differences(cli, even)

    assert (found["kind"], found["document"]) == ("without_document", "65f0c0ffee0000000000dead")
    assert [each["id"] for each in found["held"]] == [strange]


def test_a_document_that_is_taken_back_after_its_delivery_is_not_ready(cli: Cli, even: World) -> None:
    documents = even.running.docflo.documents
    docflo = even.running.docflo
    key = even.running.salesforce.rows("Invoice__c")[3]["Docflo_Id__c"]
    document = documents[key.rpartition(":")[2]]
    docflo.put_status(document.id, "REQUIRES_VALIDATION")

    [found] = differences(cli, even)

    assert (found["kind"], found["document"]) == ("not_ready", document.id)
    assert found["what"].startswith("its document is REQUIRES_VALIDATION now")


def test_a_period_leaves_out_what_was_created_before_and_after(cli: Cli, even: World) -> None:
    wanted = ("reconcile", PIPELINE, "--output", "json", "--config", even.config)
    whole, early, late = (
        cli(*wanted, *period).json
        for period in (("--from", "60d"), ("--from", "60d", "--to", "10d"), ("--from", "10d"))
    )

    def documents(found: Any) -> int:
        return sum(each["documents"] for each in found["totals"])

    assert documents(whole) == 40
    assert 0 < documents(early) < 40
    assert documents(early) + documents(late) == 40
    assert early["counts"].keys() | late["counts"].keys() == {"missing"}


def test_nothing_is_written_on_either_side(cli: Cli, even: World) -> None:
    salesforce, docflo = even.running.salesforce, even.running.docflo
    before = salesforce.snapshot(), dict(docflo.documents), len(docflo.journal.effects)

    differences(cli, even)

    assert (salesforce.snapshot(), dict(docflo.documents), len(docflo.journal.effects)) == before


def test_csv_holds_every_difference_and_runs_no_formula(cli: Cli, even: World) -> None:
    row = even.running.salesforce.rows("Invoice__c")[3]
    document_id = row["Docflo_Id__c"].rpartition(":")[2]
    documents = even.running.docflo.documents
    fields = dict(documents[document_id].fields)
    fields["InvoiceId"] = {**fields["InvoiceId"], "value": '=HYPERLINK("https://evil.example")'}
    documents[document_id] = dataclasses.replace(documents[document_id], fields=fields)

    found = cli("reconcile", PIPELINE, "--from", "60d", "--output", "csv", "--config", even.config)

    lines = list(csv.DictReader(io.StringIO(found.out.removeprefix("\ufeff"))))
    assert len(lines) == 5
    [changed] = [each for each in lines if each["kind"] == "different"]
    assert changed["number"] == '\'=HYPERLINK("https://evil.example")'
    assert Decimal(changed["amount"]) == row["Total__c"]


def test_strict_fails_a_script_when_the_sides_differ(cli: Cli, even: World) -> None:
    found = cli("reconcile", PIPELINE, "--from", "60d", "--strict", "--config", even.config)

    assert found.code == 6
    assert "4 missing" in found.out
