from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.document import Document, Field, Row
from connector.mapping.explain import explain
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping
from tests.factories import make_document

Load = Callable[..., Mapping]


def test_field_is_shown_with_source_rule_and_result(load: Load) -> None:
    mapping = load("X: {from: Total.amount, type: decimal, required: true}")
    total = Field(value={"amount": "12.50"}, confidence=Decimal("0.87"))

    (shown,) = explain(
        mapping, Document(id="D", type=None, status=None, created_on=None, fields={"Total": total}), "k"
    )

    assert (shown.place, shown.target, shown.source) == (
        f"{mapping.path.name}:6:12",
        "Invoice__c.X",
        "Total.amount",
    )
    assert (shown.rule, shown.value, shown.confidence) == ("decimal, required", "12.50", Decimal("0.87"))
    assert (shown.result, shown.is_sent, shown.problem) == (Decimal("12.50"), True, None)


def test_lines_are_shown_row_by_row_with_their_confidence(load: Load) -> None:
    mapping = load("X: document.id", "fields: {V: V}")
    rows = (
        Row(id="r1", fields={"V": Field(value=1, confidence=Decimal("0.5"))}),
        Row(id="r2", fields={"V": Field(value=2)}),
    )
    document = Document(id="D", type=None, status=None, created_on=None, fields={"Items": Field(value=rows)})

    shown = explain(mapping, document, "k")

    assert [(entry.source, entry.result, entry.confidence) for entry in shown] == [
        ("document.id", "D", None),
        ("Items[0].V", 1, Decimal("0.5")),
        ("Items[1].V", 2, None),
    ]


def test_explanation_goes_on_after_problems(load: Load) -> None:
    mapping = load("X: A, Y: B", "fields: {V: V}")
    fields = {"B": "b", "Items": ({"_id": "r1", "V": 1}, {"_id": "r1", "V": 2})}

    shown = explain(mapping, make_document(fields=fields), "k")

    assert [(entry.target, entry.problem is None) for entry in shown] == [
        ("Invoice__c.X", False),
        ("Invoice__c.Y", True),
        ("Invoice_Line__c.V", True),
        ("Invoice_Line__c", False),
        ("Invoice_Line__c.V", True),
    ]


def test_field_left_out_is_not_sent(load: Load) -> None:
    (shown,) = explain(load("X: {from: A, optional: true}"), make_document(), "k")

    assert (shown.is_sent, shown.result, shown.problem) == (False, None, None)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("A", "as it is"),
        ("{from: A, type: date, optional: true}", "date, left out when missing"),
        ("{from: A, type: currency, default: EUR}", "currency, EUR when missing"),
        ("{from: A, default: null}", "as it is, cleared when missing"),
    ],
)
def test_rule_is_told_in_words(load: Load, rule: str, words: str) -> None:
    (shown,) = explain(load(f"X: {rule}"), make_document(fields={"A": None}), "k")

    assert shown.rule == words


def notes(mapping: Mapping, fields: Any) -> dict[str, str | None]:
    explained = explain(mapping, make_document(fields=fields), "k")
    return {entry.target.removeprefix("Invoice__c."): entry.note for entry in explained}


def test_why_a_value_is_as_it_is_stands_beside_it(load: Load) -> None:
    mapping = load(
        "A: {from: Number, default: none}, B: {from: Number, optional: true}, "
        "C: {value: x, when: Total > 5}, D: Vendor"
    )

    assert notes(mapping, {"Total": 1, "Vendor": "V"}) == {
        "A": "the default",
        "B": "left out: the value is missing",
        "C": "left out: `Total > 5` is false",
        "D": None,
    }


def test_gates_say_whether_they_passed(load: Load) -> None:
    gates = "gates:\n  - {expr: Total > 5, message: too small}\n  - {required: [Number]}\n"
    example = "examples:\n  - {name: any, document: {}, record: {}}\n"
    mapping = load("A: {value: x}", examples=gates + example)

    explained = explain(mapping, make_document(fields={"Total": 9, "Number": " "}), "k")

    found = [(entry.rule, entry.note, entry.problem) for entry in explained if entry.kind == "gate"]
    assert found == [
        ("Total > 5", "passed", None),
        ("Number there and not blank", None, "`Number` is blank; expected text"),
    ]


def test_a_document_that_is_not_wanted_says_which_condition_is_false(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "version: 1\ndocument: invoice\nrecord:\n  object: Invoice__c\n  key: K\n  when: Total > 5\n"
        "  fields: {A: {value: x}}\nexamples:\n  - {name: small, document: {Total: 1}, skipped: true}\n",
        encoding="utf-8",
    )

    explained = explain(load_mapping(path), make_document(fields={"Total": 1}), "k")

    [when] = [entry for entry in explained if entry.kind == "when"]
    assert (when.rule, when.problem) == ("Total > 5", None)
    assert when.note is not None
    assert when.note.startswith("skipped: mapping.yaml:6:9: not `Total > 5`")
