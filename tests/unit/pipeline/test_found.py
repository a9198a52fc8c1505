"""The fingerprint of a document: what counts as an edit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.document import Document, Field, Row
from connector.pipeline.found import digest
from tests.factories import make_document


def of(document: Document, *watching: str) -> str:
    return digest(document, ignoring=frozenset({"ErpId"}), watching=frozenset(watching))


def holding(**fields: Any) -> Document:
    return replace(make_document(), fields={name: Field(**parts) for name, parts in fields.items()})


def test_a_field_that_a_person_confirmed_counts_only_where_a_gate_waits_for_it() -> None:
    before = holding(Total={"value": 1, "confidence": Decimal("0.5")})
    after = holding(Total={"value": 1, "confidence": Decimal("0.5"), "changed_on": "2026-01-01"})

    assert of(before) == of(after)
    assert of(before, "total") != of(after, "total")
    assert of(before) == of(before, "total")


def test_a_confirmed_field_of_a_row_counts() -> None:
    sure = Row(id="a", fields={"Amount": Field(value=1, changed_on="2026-01-01")})
    unsure = Row(id="a", fields={"Amount": Field(value=1)})

    assert of(holding(Items={"value": (sure,)}), "items") != of(holding(Items={"value": (unsure,)}), "items")


def test_what_this_connector_writes_is_no_edit() -> None:
    assert of(holding(A={"value": 1})) == of(holding(A={"value": 1}, ErpId={"value": "x"}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.5"), Decimal("1.50")),
        (1200, Decimal("1.2E+3")),
        (0, Decimal("-0.00")),
        ({"amount": Decimal("7.00"), "currencyCode": "EUR"}, {"currencyCode": "EUR", "amount": Decimal(7)}),
        ({"a": Field(value=1, confidence=Decimal("0.5"))}, {"a": Field(value=1, content="one")}),
    ],
)
def test_zeros_order_and_confidences_are_no_edit(one: Any, other: Any) -> None:
    assert of(holding(A={"value": one}, B={"value": 1})) == of(holding(B={"value": 1}, A={"value": other}))


def test_every_difference_of_value_or_kind_is_an_edit() -> None:
    values = [
        *(None, "", "0", "1", "null", False, True, 0, 1, -1, Decimal("0.1"), (), ("0",), (0,), (None,), {}),
        *({"a": None}, {"a": Field(value=1)}, (Row(id=None, fields={}),), (Row(id="a", fields={}),)),
        *(1234567890123456789012345678901, 1234567890123456789012345678902),
        *(Decimal("1E+999999"), Decimal("1E+999998"), "\u00e9", "e\u0301", "\x00", "\\u0000"),
    ]

    assert len({of(holding(A={"value": value})) for value in values}) == len(values)


def test_a_fingerprint_is_the_same_in_every_version() -> None:
    # Another one, be it a library's doing, makes every stored document look edited: all are delivered again.
    document = holding(
        Text={"value": "Büro \"A\" 'B'"},
        Nothing={"value": None},
        Flag={"value": True},
        Count={"value": 1200},
        Rate={"value": Decimal("-0.0500")},
        Huge={"value": Decimal("1E+999999")},
        Tiny={"value": Decimal("1.50E-30")},
        Zero={"value": Decimal("-0.00")},
        Total={"value": {"amount": Decimal("1234.50"), "currencyCode": "EUR"}, "type": "currency"},
        Party={"value": {"name": Field(value="N", confidence=Decimal("0.5"))}},
        Tags={"value": ("b", "a", 10)},
        Items={
            "value": (
                Row(id="r1", fields={"Amount": Field(value=Decimal("10.00"))}),
                Row(id=None, fields={"Amount": Field(value=7)}),
            )
        },
        ErpId={"value": "ours"},
    )

    assert of(document) == "cde04ed6caa43c0c2ff71242663ae4092b7ecb28ebbaa7a47ee49782ff5634b1"
