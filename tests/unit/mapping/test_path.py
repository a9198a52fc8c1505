from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.document import Field, Row
from connector.mapping.path import ABSENT, find, parse_path, write_path
from connector.mapping.words import UnfitError
from tests.factories import make_document


def follow(path: str, **fields: Any) -> Any:
    document = make_document(fields=fields)
    return find(parse_path(path), document, document.fields).value


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("InvoiceId", ("InvoiceId",)),
        ("InvoiceTotal.amount", ("InvoiceTotal", "amount")),
        ("Items[0].Amount", ("Items", 0, "Amount")),
        ("Pages[1][2]", ("Pages", 1, 2)),
        ('"Net weight".x', ("Net weight", "x")),
        ('"a.b"[3]', ("a.b", 3)),
        (r'"a\"b\\c"', ('a"b\\c',)),
        ("סכום.amount", ("סכום", "amount")),
        ('"document".id', ("document", "id")),
    ],
)
def test_path_is_read_and_written_back(text: str, steps: tuple[str | int, ...]) -> None:
    path = parse_path(text)

    assert path.steps == steps
    assert not path.is_property
    assert parse_path(write_path((*steps, "end"))).steps == (*steps, "end")


@pytest.mark.parametrize("text", ["", " ", ".", "a.", ".a", "a..b", "a b", "a[", "a[-1]", "a[x]", '"a', '""'])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="path"):
        parse_path(text)


@pytest.mark.parametrize(
    "text", ["document", "document.ID", "document.fields", "document.id.x", "document[0]"]
)
def test_unknown_property_of_the_document_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no property of a document"):
        parse_path(text)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("document.id", "D-1"),
        ("document.type", "invoice"),
        ("document.status", "APPROVED"),
        ("document.name", "scan.pdf"),
        ("document.created_on", "2026-01-31T09:30:00+00:00"),
    ],
)
def test_document_has_properties_beside_its_fields(path: str, value: str) -> None:
    created_on = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    document = make_document("D-1", name="scan.pdf", created_on=created_on, fields={"document": "no"})

    assert find(parse_path(path), document, document.fields).value == value


def test_unknown_time_of_creation_is_null() -> None:
    document = make_document(created_on=None)

    assert find(parse_path("document.created_on"), document, document.fields).value is None


def test_exact_name_wins_over_another_case() -> None:
    assert follow("amount", Amount=1, amount=2) == 2


def test_name_is_found_in_another_case() -> None:
    assert follow("invoicetotal.AMOUNT", InvoiceTotal={"amount": 5}) == 5


def test_two_names_that_differ_in_case_only_are_ambiguous() -> None:
    with pytest.raises(UnfitError, match="spelt in 2 ways, `AMOUNT` and `amount`"):
        follow("Amount", AMOUNT=1, amount=2)


@pytest.mark.parametrize("path", ["Other", "Total.other", "Items[2]", "Items[0].Other"])
def test_what_is_not_there_is_absent(path: str) -> None:
    assert follow(path, Total={"amount": 1}, Items=({"a": 1}, {"a": 2})) is ABSENT


@pytest.mark.parametrize("path", ["Total", "Total.amount", "Total[0]"])
def test_null_above_a_value_is_null(path: str) -> None:
    assert follow(path, Total=None) is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("Total.amount", "text, 8 characters; expected an object with amount"),
        ("Items.Amount", r"a list of 2; expected an object with Amount, or name an entry: \[0\]"),
        ("Address[0]", r"an object with city; expected a list with an entry \[0\]"),
    ],
)
def test_value_without_such_parts_does_not_fit(path: str, said: str) -> None:
    with pytest.raises(UnfitError, match=said):
        follow(path, Total="12345678", Items=({"a": 1}, {"a": 2}), Address={"city": "Haifa"})


def test_row_id_is_found_by_its_name() -> None:
    assert follow("Items[1]._id", Items=({"_id": "r1"}, {"_id": "r2"})) == "r2"


def test_confidence_is_that_of_the_nearest_field() -> None:
    row = Row(id="r1", fields={"Amount": Field(value={"amount": 5}, confidence=Decimal("0.7"))})
    document = make_document()
    here = {"Items": Field(value=(row,), confidence=Decimal("0.9"))}

    assert find(parse_path("Items[0].Amount.amount"), document, here).confidence == Decimal("0.7")
    assert find(parse_path("Items"), document, here).confidence == Decimal("0.9")
