"""The main job, end to end: 200 approved invoices from Docflo to Salesforce and back."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

import pytest

from connector.sandbox.docflo.listing import Envelope
from tests.scenario.conftest import Cli, World


@pytest.fixture
def world(demo_world: World) -> World:
    """The demo, whole."""
    return demo_world


HEADER_TEXTS = {
    "InvoiceId": "Number__c",
    "VendorName": "Vendor_Name__c",
    "VendorTaxId": "Vendor_Tax_Id__c",
    "InvoiceDate": "Date__c",
    "DueDate": "Due_Date__c",
    "PurchaseOrder": "PO_Number__c",
}
HEADER_MONEY = {"InvoiceTotal": "Total__c", "SubTotal": "Subtotal__c", "TotalTax": "Tax__c"}
LINE_TEXTS = {"Description": "Description__c", "ProductCode": "Product_Code__c", "Unit": "Unit__c"}
LINE_MONEY = {"UnitPrice": "Unit_Price__c", "Tax": "Tax__c", "Amount": "Amount__c"}


def test_every_good_document_arrives_whole_exact_and_once(world: World, cli: Cli) -> None:
    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.code == 4
    assert ran.json["pipelines"]["invoices-to-crm"] == {
        "matched": 200,
        "new": 200,
        "changed": 0,
        "changed_after_delivery": 0,
        "held": 0,
        "ignored": 0,
        "unreadable": 0,
        "delivered": 196,
        "completed": 196,
        "dead": 4,
        "waiting": 0,
    }
    documents = world.running.docflo.documents
    headers = world.running.salesforce.rows("Invoice__c")
    lines = world.running.salesforce.rows("Invoice_Line__c")
    assert len({row["Docflo_Id__c"] for row in headers}) == len(headers) == 196
    for header in headers:
        fields = documents[header["Docflo_Id__c"].rpartition(":")[2]].fields
        own = sorted(
            (row for row in lines if row["Invoice__c"] == header["Id"]), key=lambda row: row["Docflo_Key__c"]
        )
        _assert_same_header(header, fields)
        rows = sorted(fields["Items"]["value"], key=lambda row: row["_id"])
        assert len(own) == len(rows)
        for line, row in zip(own, rows, strict=True):
            _assert_same_line(line, row)


def _value(fields: Mapping[str, object], name: str) -> object:
    field = fields.get(name)
    return field.get("value") if isinstance(field, dict) else None


def _assert_same_header(header: Mapping[str, object], fields: Mapping[str, object]) -> None:
    for source, target in HEADER_TEXTS.items():
        assert header.get(target) == _value(fields, source)
    for source, target in HEADER_MONEY.items():
        _assert_same_money(header.get(target), _value(fields, source))
    total = _value(fields, "InvoiceTotal")
    assert isinstance(total, dict)
    assert header["CurrencyIsoCode"] == total["currencyCode"]


def _assert_same_line(line: Mapping[str, object], row: Mapping[str, object]) -> None:
    for source, target in LINE_TEXTS.items():
        assert line.get(target) == _value(row, source)
    for source, target in LINE_MONEY.items():
        _assert_same_money(line.get(target), _value(row, source))
    assert str(line.get("Quantity__c")) == str(_value(row, "Quantity"))


def _assert_same_money(arrived: object, money: object) -> None:
    amount = money.get("amount") if isinstance(money, dict) else None
    assert amount is None or isinstance(amount, Decimal | int)
    # As decimal text: 12.50 must not become 12.5.
    assert str(arrived) == str(amount)


def test_documents_that_must_not_go_are_named_with_their_reason(world: World, cli: Cli) -> None:
    dead = cli("sync", "--config", world.config, "--output", "json").json["dead"]

    reasons = Counter(
        "total"
        if "InvoiceTotal" in row["reason"]
        else "currency"
        if "CurrencyIsoCode" in row["reason"]
        else "?"
        for row in dead
    )
    assert reasons == {"total": 2, "currency": 2}
    table = cli("deliveries", "list", "--state", "dead", "--config", world.config).out
    assert "CurrencyIsoCode" in table


def test_a_second_sync_delivers_nothing_and_writes_nothing_back(world: World, cli: Cli) -> None:
    cli("sync", "--config", world.config)
    world.running.docflo.journal.forget()
    world.running.salesforce.journal.forget()

    again = cli("sync", "--config", world.config, "--output", "json")

    assert again.code == 0
    assert set(world.running.docflo.journal.count()) == {"list"}
    assert world.running.docflo.journal.effects == ()
    assert world.running.salesforce.journal.effects == ()


def test_the_cost_is_listing_pages_and_two_writes_a_document(world: World, cli: Cli) -> None:
    requests = cli("sync", "--config", world.config, "--output", "json").json["requests"]

    # Pages overlap by three rows: 100, 97 and 3 new ones, and one that proves the end.
    assert requests == {"total": 4 + 2 * 196, "list": 4, "update_fields": 196, "update_status": 196}
    assert world.running.docflo.journal.count() == {key: requests[key] for key in requests if key != "total"}


def test_docflo_shows_the_receipt_and_the_status(world: World, cli: Cli) -> None:
    cli("sync", "--config", world.config)

    headers = {
        row["Docflo_Id__c"].rpartition(":")[2]: row for row in world.running.salesforce.rows("Invoice__c")
    }
    for document_id, header in headers.items():
        document = world.running.docflo.documents[document_id]
        assert document.fields["ErpId"]["value"] == header["Id"]
        assert header["Id"] in document.fields["ErpUrl"]["value"]
    shown = cli("api", "info", next(iter(headers)), "--config", world.config, "--output", "json").json
    assert shown["status"] == "CONFIRMED"


def test_documents_that_are_not_approved_invoices_are_not_touched(world: World, cli: Cli) -> None:
    cli("sync", "--config", world.config)

    touched = {effect.subject.rpartition("/")[2] for effect in world.running.docflo.journal.effects}
    delivered = {
        row["Docflo_Id__c"].rpartition(":")[2] for row in world.running.salesforce.rows("Invoice__c")
    }
    assert touched == delivered


@pytest.mark.parametrize("envelope", ["documents", "data", "items", "bare", "nested"])
def test_any_list_envelope_is_read(world: World, cli: Cli, envelope: Envelope) -> None:
    world.running.docflo.envelope = envelope

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.json["pipelines"]["invoices-to-crm"]["completed"] == 196


def test_a_replayed_dead_letter_goes_through_once_its_cause_is_gone(world: World, cli: Cli) -> None:
    dead = cli("sync", "--config", world.config, "--output", "json").json["dead"]
    without_total = next(row for row in dead if "InvoiceTotal.amount" in row["reason"])
    world.edit_mapping("type: currency}", "type: currency, default: EUR}")
    world.edit_mapping(
        "{from: InvoiceTotal.amount, type: decimal, required: true}", "{from: SubTotal.amount, type: decimal}"
    )

    assert cli("deliveries", "replay", without_total["id"], "--config", world.config).code == 0
    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.json["pipelines"]["invoices-to-crm"]["completed"] == 1
    shown = cli("deliveries", "show", without_total["id"], "--config", world.config, "--output", "json").json
    assert shown["state"] == "completed"
    assert [event["event"] for event in shown["events"]] == [
        "found",
        "dead",
        "replay",
        "delivered",
        "completed",
    ]


def test_a_correction_in_docflo_revives_a_dead_letter_by_itself(world: World, cli: Cli) -> None:
    dead = cli("sync", "--config", world.config, "--output", "json").json["dead"]
    without_total = next(row["document"] for row in dead if "InvoiceTotal.amount" in row["reason"])
    total = '{"amount": 119.00, "currencyCode": "EUR"}'

    corrected = cli("api", "update-fields", without_total, f"InvoiceTotal={total}", "--config", world.config)
    assert corrected.code == 0, corrected.err
    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.json["pipelines"]["invoices-to-crm"] | {"matched": 0} == {
        "matched": 0,
        "new": 0,
        "changed": 1,
        "changed_after_delivery": 0,
        "held": 0,
        "ignored": 0,
        "unreadable": 0,
        "delivered": 1,
        "completed": 1,
        "dead": 0,
        "waiting": 0,
    }
    arrived = [
        row
        for row in world.running.salesforce.rows("Invoice__c")
        if row["Docflo_Id__c"].endswith(without_total)
    ]
    assert str(arrived[0]["Total__c"]) == "119.00"


def test_a_completed_delivery_is_not_replayed(world: World, cli: Cli) -> None:
    cli("sync", "--config", world.config)
    done = cli(
        "deliveries", "list", "--state", "completed", "--limit", 1, "--config", world.config, "-o", "json"
    ).json

    refused = cli("deliveries", "replay", done[0]["id"], "--config", world.config)

    assert refused.code == 2
    assert "completed" in refused.err
