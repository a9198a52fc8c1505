"""What generated documents promise: sums, digits, variety, sameness."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from connector.sandbox.docflo import (
    DocfloSandbox,
    SandboxDocument,
    demo_documents,
    documents_without_known_currency,
    documents_without_total,
    generate_documents,
)
from connector.sandbox.docflo.schema import ENABLED_TYPES
from tests.sandbox.docflo.reach import NOW, Serve

DECIMALS = {"EUR": 2, "USD": 2, "GBP": 2, "ILS": 2, "JPY": 0, "KWD": 3, "CHF": 2}
TOTALS = {"invoice": "InvoiceTotal", "purchaseOrder": "OrderTotal", "receipt": "Total"}


@pytest.fixture(scope="module")
def invoices() -> list[SandboxDocument]:
    return generate_documents(200, seed="variety", now=NOW)


def _amount(field: dict[str, Any]) -> Decimal:
    amount: Decimal = field["value"]["amount"]
    return amount


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


def _rows(document: SandboxDocument) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = document.fields["Items"]["value"]
    return rows


def _descriptions(documents: list[SandboxDocument]) -> str:
    texts = [row["Description"]["value"] for document in documents for row in _rows(document)]
    return "".join((*texts, *(document.fields["VendorName"]["value"] for document in documents)))


@pytest.mark.parametrize("kind", ["invoice", "purchaseOrder", "receipt"])
def test_lines_add_up_to_the_subtotal_and_with_tax_to_the_total(kind: str) -> None:
    for document in generate_documents(200, seed=3, now=NOW, kind=kind):
        fields = document.fields
        subtotal, tax = _amount(fields["SubTotal"]), _amount(fields["TotalTax"])

        assert sum(_amount(row["Amount"]) for row in _rows(document)) == subtotal
        assert subtotal + tax == _amount(fields[TOTALS[kind]])


def test_each_line_is_quantity_times_price_rounded_to_the_currency(invoices: list[SandboxDocument]) -> None:
    for row in (row for document in invoices for row in _rows(document)):
        exact = row["Quantity"]["value"] * _amount(row["UnitPrice"])
        step = Decimal(1).scaleb(-_decimals(_amount(row["Amount"])))

        assert abs(exact - _amount(row["Amount"])) <= step / 2


def test_amounts_have_the_decimals_of_their_currency_trailing_zeros_too(
    invoices: list[SandboxDocument],
) -> None:
    for document in invoices:
        for name in ("SubTotal", "TotalTax", "InvoiceTotal"):
            value = document.fields[name]["value"]
            assert _decimals(value["amount"]) == DECIMALS[value["currencyCode"]]


def test_prices_have_at_most_six_decimals_and_no_number_more_than_fourteen_digits(
    invoices: list[SandboxDocument],
) -> None:
    prices = [_amount(row["UnitPrice"]) for document in invoices for row in _rows(document)]

    assert {_decimals(price) for price in prices} >= {0, 2, 3, 4, 6}
    assert all(_decimals(price) <= 6 for price in prices)
    assert all(abs(_amount(document.fields["InvoiceTotal"])) < 10**14 for document in invoices)


def test_one_document_has_one_currency_and_all_currencies_occur(invoices: list[SandboxDocument]) -> None:
    seen = set()
    for document in invoices:
        codes = set(_currency_codes(document.fields))
        assert len(codes) == 1
        seen |= codes

    assert seen == set(DECIMALS)


def _currency_codes(value: object) -> Iterator[str]:
    match value:
        case {"currencyCode": str() as code}:
            yield code
        case dict():
            for inner in value.values():
                yield from _currency_codes(inner)
        case list():
            for inner in value:
                yield from _currency_codes(inner)


def test_amounts_go_from_the_smallest_to_the_huge_and_below_zero(invoices: list[SandboxDocument]) -> None:
    totals = {str(_amount(document.fields["InvoiceTotal"])) for document in invoices}
    rows = [row for document in invoices for row in _rows(document)]

    assert {"99999999999.99", "0.01"} <= totals
    assert "0.0001" in {str(_amount(row["UnitPrice"])) for row in rows}
    assert any(_amount(row["Amount"]) < 0 for row in rows)


def test_invoices_have_from_one_to_forty_lines(invoices: list[SandboxDocument]) -> None:
    counts = {len(_rows(document)) for document in invoices}

    assert (min(counts), max(counts)) == (1, 40)
    assert len(counts) > 5


def test_texts_come_in_many_scripts_and_with_awkward_characters(invoices: list[SandboxDocument]) -> None:
    text = _descriptions(invoices)
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in text}

    assert {"HEBREW", "ARABIC", "CJK", "KATAKANA", "HIRAGANA"} <= scripts
    assert {"\n", "\t", '"', "'", "\\", "<", "&", "\u200f", "\u200e", "é"} <= set(text)
    assert any(ord(letter) > 0xFFFF for letter in text)
    assert any(unicodedata.category(letter) == "So" for letter in text)


def test_fields_can_be_null_missing_unsure_and_edited(invoices: list[SandboxDocument]) -> None:
    fields = [document.fields for document in invoices]
    rows = [row for document in invoices for row in _rows(document)]

    assert any(entry["DueDate"]["value"] is None for entry in fields)
    assert any("PurchaseOrder" not in entry for entry in fields)
    assert any("VendorTaxId" not in entry for entry in fields)
    assert any("ProductCode" not in row for row in rows)
    assert any("ProductCode" in row and row["ProductCode"]["value"] is None for row in rows)
    assert any(entry["InvoiceTotal"]["confidence"] < Decimal("0.5") for entry in fields)
    assert {entry["InvoiceId"]["changedBy"] for entry in fields if "changedOn" in entry["InvoiceId"]} == {
        "reviewer"
    }


def test_what_a_target_needs_is_always_there(invoices: list[SandboxDocument]) -> None:
    for document in invoices:
        for name in ("VendorName", "InvoiceId", "InvoiceDate", "InvoiceTotal"):
            assert document.fields[name]["value"] is not None
        assert all(row["Description"]["value"] and row["Quantity"]["value"] for row in _rows(document))


@pytest.mark.parametrize("kind", ["invoice", "purchaseOrder", "receipt"])
def test_every_generated_field_is_in_the_type_with_the_same_type(kind: str) -> None:
    schema = ENABLED_TYPES[kind]
    row_types = {inner.name: inner.type for inner in schema["Items"].fields}

    for document in generate_documents(40, seed=4, now=NOW, kind=kind):
        for name, field in document.fields.items():
            assert field["type"] == schema[name].type
            assert {"type", "value", "confidence"} <= set(field)
            assert 0 <= field["confidence"] <= 1
        for row in _rows(document):
            assert {
                name: cell["type"] for name, cell in row.items() if name != "_id"
            }.items() <= row_types.items()


def test_ids_look_like_those_of_the_database_and_never_repeat(invoices: list[SandboxDocument]) -> None:
    ids = [document.id for document in invoices] + [row["_id"] for entry in invoices for row in _rows(entry)]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{24}", value) for value in ids)
    born = datetime.fromtimestamp(int(invoices[0].id[:8], 16), tz=UTC)
    assert abs(born - invoices[0].created_on) <= timedelta(seconds=1)


def test_documents_come_oldest_first_over_the_days_asked_for_some_at_once(
    invoices: list[SandboxDocument],
) -> None:
    moments = [document.created_on for document in invoices]

    assert moments == sorted(moments)
    assert NOW - timedelta(days=20) <= moments[0] < NOW - timedelta(days=19)
    assert NOW - timedelta(days=1) < moments[-1] < NOW
    assert max(Counter(moments).values()) == 3


def test_the_same_seed_gives_the_same_documents_and_another_seed_others() -> None:
    assert generate_documents(20, seed=1, now=NOW) == generate_documents(20, seed=1, now=NOW)
    assert generate_documents(20, seed=1, now=NOW) != generate_documents(20, seed=2, now=NOW)


def test_numbers_are_on_the_wire_as_they_were_generated(serve: Serve) -> None:
    documents = generate_documents(30, seed=5, now=NOW)
    docflo = serve(documents=documents)

    rows = docflo.rows(includeResults="true", top="100")

    received = {row["_id"]: row["results"] for row in rows}
    for document in documents:
        fields = received[document.id]
        assert str(fields["InvoiceTotal"]["value"]["amount"]) == str(_amount(document.fields["InvoiceTotal"]))
        assert repr(fields) == repr(_with_sent_integers(document.fields))


def _with_sent_integers(value: object) -> object:
    """A whole number is the same JSON whether it was a Decimal or not."""
    match value:
        case Decimal() if value.as_tuple().exponent == 0:
            return int(value)
        case dict():
            return {name: _with_sent_integers(inner) for name, inner in value.items()}
        case list():
            return [_with_sent_integers(inner) for inner in value]
        case _:
            return value


def test_trailing_zeros_are_on_the_wire(serve: Serve) -> None:
    documents = generate_documents(60, seed=6, now=NOW)
    ending = next(
        document for document in documents if str(_amount(document.fields["InvoiceTotal"])).endswith("0")
    )
    docflo = serve(documents=documents)

    text = docflo.client.get(f"/docs/v1/document/byId/{ending.id}").text

    raw = msgspec.json.decode(text, type=dict[str, Any])["results"]["InvoiceTotal"]
    assert raw["value"]["amount"] == float(_amount(ending.fields["InvoiceTotal"]))
    assert f'"amount":{_amount(ending.fields["InvoiceTotal"])},' in text


def test_the_demo_has_two_hundred_approved_invoices_of_which_four_cannot_go() -> None:
    documents = demo_documents(NOW)

    approved = [document for document in documents if _kind(document) == ("invoice", "APPROVED")]
    without_total = documents_without_total(documents)
    unknown_currency = documents_without_known_currency(documents)
    bad = {*without_total, *unknown_currency}

    assert (len(approved), len(without_total), len(unknown_currency), len(bad)) == (200, 2, 2, 4)
    for document in approved:
        good = document.id not in bad
        total = document.fields.get("InvoiceTotal", {"value": None})["value"]
        assert (total is not None and total["currencyCode"] in DECIMALS) == good
    for document in approved:
        if document.id in unknown_currency:
            assert set(_currency_codes(document.fields)) == {"XQX"}


def test_one_total_is_missing_and_the_other_is_null() -> None:
    documents = {document.id: document for document in demo_documents(NOW)}

    fields = [documents[document_id].fields for document_id in documents_without_total(documents.values())]

    assert sorted("InvoiceTotal" in entry for entry in fields) == [False, True]


def test_the_demo_has_documents_that_nobody_should_touch() -> None:
    kinds = Counter(map(_kind, demo_documents(NOW)))

    del kinds["invoice", "APPROVED"]
    assert sum(kinds.values()) == 40
    assert set(kinds) == {
        ("invoice", "REQUIRES_VALIDATION"),
        ("invoice", "ANALYZED"),
        ("invoice", "PROCESSING"),
        ("invoice", "FAILED"),
        ("invoice", "CONFIRMED"),
        ("purchaseOrder", "APPROVED"),
        ("receipt", "APPROVED"),
    }


def test_the_demo_spans_the_last_twenty_days_and_has_no_id_twice() -> None:
    documents = demo_documents(NOW)
    moments = [document.created_on for document in documents]

    assert len({document.id for document in documents}) == len(documents) == 240
    assert NOW - timedelta(days=20) <= min(moments)
    assert max(moments) < NOW


def test_a_sandbox_without_documents_of_its_own_holds_those_of_the_demo() -> None:
    sandbox = DocfloSandbox(clock=lambda: NOW)

    assert list(sandbox.documents.values()) == demo_documents(NOW)


def _kind(document: SandboxDocument) -> tuple[str, str]:
    return document.type, document.status_at(NOW)
