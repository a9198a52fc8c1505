"""What differs between two sides, from values alone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connector.adapters.base import HeldObject
from connector.errors import OutcomeUnknownError
from connector.ledger.delivery import Headline
from connector.pipeline.comparing import compare, compare_presence
from connector.pipeline.sides import Expected, Kind, Values
from connector.record import Receipt
from tests.factories import make_record

MARCH = datetime(2026, 3, 2, tzinfo=UTC)


def document(name: str = "a", **parts: Any) -> Expected:
    values = Values(number="R-1", amount=Decimal("12.30"), currency="EUR", date=date(2026, 3, 1))
    made = {
        "created_on": MARCH,
        "headline": Headline(number="R-1"),
        "record": make_record(),
        "values": values,
    }
    return Expected(document_id=name, key=f"ours:{name}", **{**made, **parts})


def held(name: str = "1", **parts: Any) -> HeldObject:
    values = {
        "key": "ours:a",
        "number": "R-1",
        "amount": Decimal("12.3"),
        "currency": "EUR",
        "date": date(2026, 3, 1),
    }
    return HeldObject(id=name, **{**values, **parts})


def kinds(documents: list[Expected], objects: list[HeldObject]) -> list[Kind]:
    compared = compare(documents, objects, is_ours=lambda key: key.startswith("ours:"))
    return [each.kind for each in compared.differences]


def test_zeros_at_the_end_of_an_amount_are_no_difference() -> None:
    assert kinds([document()], [held()]) == []


def test_two_objects_under_one_key_are_a_double() -> None:
    assert kinds([document()], [held("1"), held("2")]) == [Kind.DOUBLED]


def test_two_documents_that_say_the_same_are_nobodys_double() -> None:
    assert kinds([document("a"), document("b")], [held("1"), held("2", key="ours:b")]) == []


def test_what_the_mapping_does_not_fill_is_not_compared() -> None:
    bare = document(values=Values(amount=Decimal("12.30")))

    assert kinds([bare], [held(currency="CHF", date=None, number="other")]) == []


def test_a_document_that_cannot_be_mapped_any_more_differs_from_what_the_target_has() -> None:
    broken = document(record=None, problem="no total")

    assert kinds([broken], []) == [Kind.MISSING]
    assert kinds([broken], [held()]) == [Kind.DIFFERENT]


def test_sums_count_a_double_twice_and_each_currency_by_itself() -> None:
    compared = compare(
        [document("a"), document("b", values=Values(amount=Decimal(7), currency="USD"))],
        [held("1"), held("2", key=None), held("3", key="ours:b", amount=Decimal(8), currency="USD")],
        is_ours=lambda key: key.startswith("ours:"),
    )

    found = {
        each.currency: (each.period, each.documents, each.documents_amount, each.records, each.records_amount)
        for each in compared.totals
    }
    assert found == {
        "EUR": ("2026-03", 1, Decimal("12.30"), 2, Decimal("24.6")),
        "USD": ("2026-03", 1, Decimal(7), 1, Decimal(8)),
    }


def test_a_look_up_tells_what_is_there_and_no_amount() -> None:
    names = ("there", "gone", "odd")
    answers = {
        "ours:there": Receipt(id="7"),
        "ours:gone": None,
        "ours:odd": OutcomeUnknownError("getInvoice finds several records under the key"),
    }

    compared = compare_presence([document(name) for name in names], answers)

    found = {each.document_id: (each.kind, each.words) for each in compared.differences}
    assert found == {
        "gone": (Kind.MISSING, "the target has no record of it"),
        "odd": (Kind.UNCLEAR, "getInvoice finds several records under the key"),
    }
    [total] = compared.totals
    assert (total.documents, total.records, total.records_amount) == (3, 1, None)
