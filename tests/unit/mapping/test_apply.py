from collections.abc import Callable
from copy import deepcopy
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import MappingError
from connector.mapping.apply import apply_mapping
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping
from connector.record import Line, LineKind, Record
from connector.shipped_files import shipped
from tests.factories import make_document

Load = Callable[..., Mapping]
KEY = "tenant:pipeline:document"
INVOICE = load_mapping(shipped("mappings") / "invoice-salesforce.yaml")


def fields_of(mapping: Mapping, **fields: Any) -> Any:
    return apply_mapping(mapping, make_document(fields=fields), KEY).fields


def problems_of(mapping: Mapping, **fields: Any) -> list[str]:
    with pytest.raises(MappingError) as refused:
        apply_mapping(mapping, make_document(fields=fields), KEY)
    return [str(problem).removeprefix(f"{mapping.path.name}:") for problem in refused.value.problems]


def line_keys(mapping: Mapping, *rows: Any) -> list[str]:
    record = apply_mapping(mapping, make_document(fields={"Items": rows, "A": 1}), KEY)
    return [line.key for line in record.lines]


def test_document_becomes_a_record_with_its_lines(load: Load) -> None:
    mapping = load("Number__c: InvoiceId", "fields: {Amount__c: Amount.amount}")
    rows = ({"_id": "r1", "Amount": {"amount": Decimal("1.50")}},)

    record = apply_mapping(mapping, make_document(fields={"InvoiceId": "A-1", "Items": rows}), KEY)

    line = Line(
        object="Invoice_Line__c",
        key_field="Docflo_Key__c",
        key=f"{KEY}:r1",
        parent_field="Invoice__c",
        fields={"Amount__c": Decimal("1.50")},
    )
    assert record == Record(
        object="Invoice__c",
        key_field="Docflo_Id__c",
        key=KEY,
        fields={"Number__c": "A-1"},
        lines=(line,),
        line_kinds=(
            LineKind(object="Invoice_Line__c", key_field="Docflo_Key__c", parent_field="Invoice__c"),
        ),
    )


def test_a_record_without_lines_tells_which_it_might_have() -> None:
    record = apply_mapping(INVOICE, make_document(fields=invoice(Decimal(1), [])), KEY)

    assert [kind.object for kind in record.line_kinds] == ["Invoice_Line__c"]


@pytest.mark.parametrize(("fields", "shape"), [({}, "missing"), ({"A": None}, "null")])
def test_missing_value_is_a_problem(load: Load, fields: Any, shape: str) -> None:
    (said,) = problems_of(load("X: A"), **fields)

    assert said == (
        f"6:12: Invoice__c.X: `A` is {shape}; "
        "expected a value (the rule has no `default` and no `optional: true`)"
    )


@pytest.mark.parametrize("fields", [{}, {"A": None}])
def test_default_stands_for_a_missing_value(load: Load, fields: Any) -> None:
    mapping = load("X: {from: A, type: date, default: 2026-01-31}")

    assert fields_of(mapping, **fields) == {"X": date(2026, 1, 31)}


def test_default_does_not_stand_for_a_value_that_does_not_fit(load: Load) -> None:
    assert len(problems_of(load("X: {from: A, type: integer, default: 5}"), A="five")) == 1


def test_default_null_clears_the_field(load: Load) -> None:
    assert fields_of(load("X: {from: A, type: date, default: null}")) == {"X": None}


@pytest.mark.parametrize("fields", [{}, {"A": None}])
def test_optional_field_is_left_out_when_missing(load: Load, fields: Any) -> None:
    assert fields_of(load("X: {from: A, optional: true}"), **fields) == {}


def test_optional_does_not_excuse_a_value_that_does_not_fit(load: Load) -> None:
    assert len(problems_of(load("X: {from: A, type: date, optional: true}"), A="soon")) == 1


def test_empty_text_is_a_value(load: Load) -> None:
    assert fields_of(load("X: A"), A="") == {"X": ""}


@pytest.mark.parametrize(("value", "shape"), [("", "empty text"), (" \t", "blank text")])
def test_required_refuses_blank_text(load: Load, value: str, shape: str) -> None:
    (said,) = problems_of(load("X: {from: A, required: true}"), A=value)

    assert said.endswith(f"`A` is {shape}; expected text that is not blank")


def test_zero_and_false_are_values(load: Load) -> None:
    mapping = load("X: {from: A, required: true}, Y: {from: B, default: 5}")

    assert fields_of(mapping, A=False, B=0) == {"X": False, "Y": 0}


def test_object_in_place_of_a_value_names_its_parts(load: Load) -> None:
    (said,) = problems_of(load("X: Total"), Total={"amount": 1, "currency code": "EUR"})

    assert said.endswith(
        "`Total` is an object with amount, currency code; "
        'expected a single value, such as `Total.amount` or `Total."currency code"`'
    )


def test_list_in_place_of_a_value_names_its_first_entry(load: Load) -> None:
    (said,) = problems_of(load("X: Items"), Items=({"a": 1}, {"a": 2}))

    assert said.endswith("`Items` is a list of 2; expected a single value, such as `Items[0]`")


def test_problem_tells_the_shape_and_never_the_value(load: Load) -> None:
    (said,) = problems_of(load("X: {from: Total.amount, type: decimal}"), Total={"amount": "1.234,56"})

    assert said == (
        "6:12: Invoice__c.X: `Total.amount` is text, 8 characters; "
        "expected a number such as 1234.56: a point before the decimals, no separators"
    )


def test_all_failing_fields_are_listed(load: Load) -> None:
    mapping = load("X: A, Y: {from: B, type: date}, Z: C", "fields: {V: Amount.amount, W: W}")
    rows = ({"_id": "r1", "Amount": 5, "W": 1}, {"_id": "r2", "W": None})

    said = problems_of(mapping, B="x", C="fine", Items=rows)

    assert [line.split(" is ")[0].split(": ", 1)[1] for line in said] == [
        "Invoice__c.X: `A`",
        "Invoice__c.Y: `B`",
        "Invoice_Line__c.V: `Items[0].Amount`",
        "Invoice_Line__c.V: `Items[1].Amount.amount`",
        "Invoice_Line__c.W: `Items[1].W`",
    ]


def test_line_can_use_properties_of_the_document(load: Load) -> None:
    mapping = load("X: A", "fields: {Source__c: document.id}")
    document = make_document("D-7", fields={"A": 1, "Items": ({"_id": "r1"},)})

    assert apply_mapping(mapping, document, KEY).lines[0].fields == {"Source__c": "D-7"}


@pytest.mark.parametrize(("fields", "shape"), [({}, "missing"), ({"Items": None}, "null")])
def test_missing_list_is_a_problem(load: Load, fields: Any, shape: str) -> None:
    (said,) = problems_of(load("X: A", "fields: {V: B}"), A=1, **fields)

    assert said == (
        f"9:7: Invoice_Line__c: `Items` is {shape}; expected a list (the line has no `optional: true`)"
    )


@pytest.mark.parametrize("fields", [{}, {"Items": None}])
def test_missing_list_gives_no_lines_where_it_is_optional(load: Load, fields: Any) -> None:
    mapping = load("X: A", "optional: true\n      fields: {V: B}")

    assert apply_mapping(mapping, make_document(fields={"A": 1, **fields}), KEY).lines == ()


def test_empty_list_gives_no_lines(load: Load) -> None:
    assert line_keys(load("X: A", "fields: {V: B}")) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("none", "`Items` is text, 4 characters; expected a list of rows"),
        ({"a": 1}, "`Items` is an object with a; expected a list of rows"),
        (("a", "b"), "`Items[0]` is text, 1 character; expected a row with fields"),
    ],
)
def test_what_is_no_list_of_rows_is_a_problem(load: Load, value: Any, said: str) -> None:
    problems = problems_of(load("X: A", "optional: true\n      fields: {V: B}"), A=1, Items=value)

    assert problems[0].endswith(said)


def test_line_keys_follow_the_row_ids_wherever_the_rows_stand(load: Load) -> None:
    mapping = load("X: A", "fields: {V: V}")

    assert line_keys(mapping, {"_id": "r2", "V": 1}, {"_id": "r1", "V": 2}) == [f"{KEY}:r2", f"{KEY}:r1"]


def test_rows_with_one_id_are_a_problem(load: Load) -> None:
    rows = ({"_id": "r1", "V": 1}, {"_id": "r2", "V": 2}, {"_id": "r1", "V": 3})

    (said,) = problems_of(load("X: A", "fields: {V: V}"), A=1, Items=rows)

    assert said.endswith("`Items[2]._id` is the same as `Items[0]._id`; expected ids that differ")


def test_rows_without_ids_have_keys_from_their_contents(load: Load) -> None:
    mapping = load("X: A", "fields: {V: V}")
    one, other = {"V": Decimal("1.50"), "W": "x"}, {"V": Decimal("2.50"), "W": "x"}

    there = line_keys(mapping, one, other)
    back = line_keys(mapping, other, one)

    assert there == back[::-1]
    assert len(set(there)) == 2


def test_equal_rows_without_ids_are_numbered(load: Load) -> None:
    mapping = load("X: A", "fields: {V: V}")

    first, second = line_keys(mapping, {"V": 1}, {"V": 1})

    assert first.endswith("-1")
    assert second == f"{first[:-2]}-2"


def test_key_from_contents_ignores_how_a_number_is_written_and_the_order_of_keys(load: Load) -> None:
    mapping = load("X: A", "fields: {V: V}")

    assert line_keys(mapping, {"V": Decimal("1.00"), "W": True}) == line_keys(mapping, {"W": True, "V": 1})
    assert line_keys(mapping, {"V": 10}) == line_keys(mapping, {"V": Decimal("1E+1")})
    assert line_keys(mapping, {"V": 1}) != line_keys(mapping, {"V": 10})
    assert line_keys(mapping, {"V": 1}) != line_keys(mapping, {"V": "1"})
    assert line_keys(mapping, {"V": 1}) != line_keys(mapping, {"V": -1})


# Made up of what Docflo may send: any names, any nesting, numbers of any size.
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.decimals(), st.text(st.characters(), max_size=8)
)
_names = st.sampled_from(
    ["InvoiceId", "invoiceid", "INVOICEID", "VendorName", "InvoiceDate", "InvoiceTotal", "amount", "Amount",
     "currencyCode", "Items", "Description", "_id", "x"]
)  # fmt: skip
_trees: Any = st.recursive(
    _scalars,
    lambda inner: st.dictionaries(_names, inner, max_size=4) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=12,
)


@given(st.dictionaries(_names, _trees, max_size=8))
def test_any_document_gives_a_record_or_a_mapping_error(fields: dict[str, Any]) -> None:
    document = make_document(fields=fields)

    outcome: Record | MappingError
    try:
        outcome = apply_mapping(INVOICE, document, KEY)
    except MappingError as error:
        outcome = error

    assert outcome.key == KEY if isinstance(outcome, Record) else outcome.problems


_amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=6)


def invoice(total: Decimal, amounts: list[Decimal]) -> dict[str, Any]:
    return {
        "InvoiceId": "A-1",
        "VendorName": "Nordwind",
        "InvoiceDate": "2026-01-31",
        "InvoiceTotal": {"amount": total, "currencyCode": "EUR"},
        "Items": tuple({"Description": "x", "Amount": {"amount": amount}} for amount in amounts),
    }


@given(_amounts | st.integers(-(10**18), 10**18), st.lists(_amounts, max_size=5))
def test_amounts_in_the_record_are_those_of_the_document(total: Any, amounts: list[Decimal]) -> None:
    record = apply_mapping(INVOICE, make_document(fields=invoice(total, amounts)), KEY)

    assert record.fields["Total__c"] == total
    assert [str(line.fields["Amount__c"]) for line in record.lines] == [str(amount) for amount in amounts]


@given(_amounts, st.lists(_amounts, max_size=5))
def test_mapping_is_pure(total: Decimal, amounts: list[Decimal]) -> None:
    document = make_document(fields=invoice(total, amounts))
    before = deepcopy(document)

    first = apply_mapping(INVOICE, document, KEY)
    second = apply_mapping(INVOICE, document, KEY)

    assert repr(first) == repr(second)
    assert document == before


def test_error_names_the_mapping_and_counts_the_problems(load: Load) -> None:
    with pytest.raises(MappingError, match=r"^the document does not fit mapping\.yaml: 2 problems$"):
        apply_mapping(load("X: A, Y: B"), make_document(), KEY)


def test_binary_floating_point_is_refused(load: Load) -> None:
    assert len(problems_of(load("X: A"), A=0.5)) == 1


def test_place_of_a_rule_is_that_of_its_file(load: Load) -> None:
    mapping = load("X: A")

    assert isinstance(mapping.path, Path)
    assert mapping.record.fields[0].place == f"{mapping.path.name}:6:12"
