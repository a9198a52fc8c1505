from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from connector.mapping.difference import Comparer, Verdict
from connector.mapping.load import load_mapping
from connector.mapping.path import ABSENT
from connector.mapping.rules import Mapping
from tests.factories import make_document

Load = Callable[..., Mapping]

TOTAL = "Total__c: {from: InvoiceTotal.amount, type: decimal}"
CODE = "Code__c: {from: InvoiceTotal.currencyCode, type: currency, optional: true}"


def invoice(**fields: object) -> object:
    total = {"amount": Decimal("12.50"), "currencyCode": "JOD"}
    return {"InvoiceTotal": total, "SubTotal": {"amount": Decimal("10.00")}, **fields}


def test_the_same_rules_give_the_same_record(load: Load) -> None:
    mapping = load(f"{TOTAL}, {CODE}")

    assert (
        Comparer(mapping, mapping).compare(make_document(fields=invoice()), "k", None).verdict is Verdict.SAME
    )


def test_a_changed_amount_says_by_how_much_and_in_which_currency(load: Load) -> None:
    old = load(f"{TOTAL}, {CODE}")
    new = load(f"Total__c: {{from: SubTotal.amount, type: decimal}}, {CODE}")

    comparison = Comparer(old, new).compare(make_document(fields=invoice()), "k", "EUR")

    [change] = comparison.changes
    assert comparison.verdict is Verdict.CHANGED
    assert (change.target, change.old, change.new) == (
        "Invoice__c.Total__c",
        Decimal("12.50"),
        Decimal("10.00"),
    )
    assert (change.difference, change.currency) == (Decimal("-2.50"), "JOD")


def test_the_documents_currency_counts_where_the_record_names_none(load: Load) -> None:
    old, new = load(TOTAL), load("Total__c: {from: SubTotal.amount, type: decimal}")

    [change] = Comparer(old, new).compare(make_document(fields=invoice()), "k", "EUR").changes

    assert change.currency == "EUR"


def test_a_quantity_is_no_amount(load: Load) -> None:
    old, new = load("Count__c: {from: Pages, type: decimal}"), load("Count__c: {from: Sheets, type: decimal}")

    [change] = (
        Comparer(old, new).compare(make_document(fields=invoice(Pages=3, Sheets=4)), "k", "EUR").changes
    )

    assert (change.difference, change.currency) == (None, None)


def test_trailing_zeros_are_no_change_and_another_kind_of_value_is_one(load: Load) -> None:
    old, new = load("A__c: A, B__c: B"), load("A__c: C, B__c: D")
    fields = {"A": Decimal("1.50"), "C": Decimal("1.5"), "B": "1", "D": 1}

    changes = Comparer(old, new).compare(make_document(fields=fields), "k", None).changes

    assert [(change.target, change.old, change.new) for change in changes] == [("Invoice__c.B__c", "1", 1)]


def test_a_line_that_goes_takes_its_amount_along(load: Load) -> None:
    lines = "fields: {Amount__c: {from: Amount.amount, type: decimal}}"
    rows = ({"_id": "a", "Amount": {"amount": Decimal(7)}}, {"_id": "b", "Amount": {"amount": Decimal(5)}})

    [first, second] = (
        Comparer(load(TOTAL, lines), load(TOTAL)).compare(
            make_document(fields=invoice(Items=rows)), "k", "EUR"
        )
    ).changes

    assert (first.key, first.old, first.new) == ("k:a", Decimal(7), ABSENT)
    assert (first.difference, second.difference) == (Decimal(-7), Decimal(-5))


@pytest.mark.parametrize(
    ("reads_old", "reads_new", "verdict", "problems"),
    [
        ("Missing", "Number", Verdict.GAINED, 1),
        ("Number", "Missing", Verdict.LOST, 1),
        ("Missing", "Missing", Verdict.REFUSED, 1),
    ],
)
def test_what_does_not_fit_says_why(
    load: Load, reads_old: str, reads_new: str, verdict: Verdict, problems: int
) -> None:
    old, new = load(f"A__c: {reads_old}"), load(f"A__c: {reads_new}")

    comparison = Comparer(old, new).compare(make_document(fields={"Number": "7"}), "k", None)

    assert (comparison.verdict, comparison.changes) == (verdict, ())
    assert len(comparison.problems) == problems
    assert "`Missing` is missing" in comparison.problems[0]


def test_what_is_skipped_is_no_record_and_says_why(tmp_path: Path, load: Load) -> None:
    wants_all = load("A: {value: x}")
    text = wants_all.path.read_text(encoding="utf-8").replace("  fields:", "  when: Total > 5\n  fields:")
    path = tmp_path / "choosy.yaml"
    path.write_text(text, encoding="utf-8")
    choosy = load_mapping(path)

    lost = Comparer(wants_all, choosy).compare(make_document(fields={"Total": 1}), "k", None)
    gained = Comparer(choosy, wants_all).compare(make_document(fields={"Total": 1}), "k", None)

    assert (lost.verdict, gained.verdict) == (Verdict.LOST, Verdict.GAINED)
    assert "not `Total > 5`" in lost.problems[0]


def test_a_question_to_the_target_is_compared_without_asking_it(tmp_path: Path) -> None:
    text = (
        "version: 1\ndocument: invoice\nlookups:\n  v: {object: Account, key: Tax, value: Id}\nrecord:\n"
        "  object: Invoice__c\n  key: K\n  fields: {Vendor: {from: TaxId, lookup: v}}\n"
        "examples:\n  - {name: a, document: {TaxId: '1'}, lookups: {v: {'1': x}}, record: {Vendor: x}}\n"
    )
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(text, encoding="utf-8")
    new.write_text(text.replace("from: TaxId,", "from: TaxId, with: digits,"), encoding="utf-8")

    compare = Comparer(load_mapping(old), load_mapping(new)).compare

    assert compare(make_document(fields={"TaxId": "11"}), "k", None).verdict is Verdict.SAME
    [change] = compare(make_document(fields={"TaxId": "DE 11"}), "k", None).changes
    assert change.new == "<Account.Id with Tax 11>"


def test_amounts_of_an_expression_are_amounts(load: Load) -> None:
    old = load('Net: {expr: "sum(i.Amount.amount for i in Items)", type: decimal}')
    new = load('Net: {expr: "round(sum(i.Amount.amount for i in Items), 1)", type: decimal}')
    rows = ({"_id": "a", "Amount": {"amount": Decimal("7.11")}},)

    [change] = Comparer(old, new).compare(make_document(fields={"Items": rows}), "k", "EUR").changes

    assert (change.difference, change.currency) == (Decimal("-0.01"), "EUR")
