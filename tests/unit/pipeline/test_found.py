"""The fingerprint of a document: what counts as an edit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

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


def test_a_fingerprint_is_the_one_that_earlier_versions_gave() -> None:
    # Another one would make every stored document look edited, and deliver all of them again.
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

    assert of(document) == "134866320cf04b595c8d56aa9c3472cd3e55dd6b88953835803957cc4893055a"
