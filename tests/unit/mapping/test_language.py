"""The mapping language beyond paths and types: sources, chains, look-ups, gates, nesting, includes."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.document import Document, Field
from connector.errors import ConfigError, MappingError, UnavailableError
from connector.mapping.apply import apply_mapping, find_queries
from connector.mapping.examples import run_examples
from connector.mapping.explain import explain
from connector.mapping.load import load_mapping
from connector.mapping.mapped import unwanted
from connector.mapping.rules import Mapping
from connector.mapping.tables import changed_files
from connector.record import Record, TargetQuery
from tests.factories import make_document

Load = Callable[..., Mapping]

ITEMS = (
    {"_id": "a", "Description": "Paper", "Amount": {"amount": Decimal("20.25")}},
    {"_id": "b", "Description": "Ink", "Amount": {"amount": Decimal("10.25")}},
)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a mapping whose record has these lines of YAML, and further ones at the top."""

    def write_text(record: str, top: str = "", examples: str | None = None) -> Path:
        path = tmp_path / "mapping.yaml"
        indented = "".join(f"  {line}\n" for line in record.splitlines())
        path.write_text(
            f"version: 1\ndocument: invoice\n{top}record:\n"
            f"  object: Invoice__c\n  key: Docflo_Id__c\n{indented}"
            + (examples or "examples:\n  - {name: any, document: {}, record: {}}\n"),
            encoding="utf-8",
        )
        return path

    return write_text


def fields_of(mapping: Mapping, **fields: Any) -> Any:
    return apply_mapping(mapping, make_document(fields=fields), "key").fields


def problems_of(mapping: Mapping, document: Document) -> list[str]:
    with pytest.raises(MappingError) as refused:
        apply_mapping(mapping, document, "key")
    return [str(problem).removeprefix(f"{mapping.path.name}:") for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("rule", "fields", "expected"),
    [
        ("{from: [A, B]}", {"B": "x"}, "x"),
        ("{from: [A, B]}", {"A": None, "B": "x"}, "x"),
        ("{from: [A, B]}", {"A": "", "B": "x"}, ""),
        ("{from: [A, B], blank: missing}", {"A": " ", "B": "x"}, "x"),
        ("{from: A, blank: missing, default: none}", {"A": " "}, "none"),
        ("{value: fixed}", {}, "fixed"),
        ("{value: 5, type: decimal}", {}, Decimal(5)),
        ("{value: null}", {}, None),
        ("{from: A, with: digits}", {"A": "DE 811"}, "811"),
        ("{from: A, with: [trim, upper, {left: 2}]}", {"A": " eur "}, "EU"),
        ("{from: A, with: {replace: {old: /, new: '-'}}}", {"A": "1/2"}, "1-2"),
        ("{from: 'Items[].Description', with: {join: ', '}}", {"Items": ITEMS}, "Paper, Ink"),
        ("{from: 'Items[].Amount.amount', with: sum}", {"Items": ITEMS}, Decimal("30.50")),
        ("{from: 'Items[].Description', with: first, default: none}", {"Items": ()}, "none"),
        ('{from: A, with: {parse_number: "1.234,56"}}', {"A": "1.234,5"}, Decimal("1234.5")),
        ("{from: A, with: {parse_date: DD/MM/YYYY}, type: string}", {"A": "12/03/2026"}, "2026-03-12"),
        ("{from: A, with: {parse_number: ['1234.56', arabic]}}", {"A": "\u0663"}, Decimal(3)),
        ("{from: A, type: decimal, places: 2}", {"A": Decimal("1.5")}, Decimal("1.50")),
        ("{from: A, type: decimal, places: 2}", {"A": Decimal("1.500")}, Decimal("1.50")),
        ("{from: A, type: decimal, places: 0, rounding: half_even}", {"A": Decimal("2.5")}, Decimal(2)),
        ("{from: A, type: decimal, places: 0, rounding: half_up}", {"A": Decimal("2.5")}, Decimal(3)),
        ("{expr: 'default(A, B)'}", {"B": "x"}, "x"),
        ("{expr: A + 1, default: 0}", {}, 0),
        ("{from: 'Items[1].Description'}", {"Items": ITEMS}, "Ink"),
    ],
)
def test_a_rule_gives(load: Load, rule: str, fields: dict[str, Any], expected: Any) -> None:
    got = fields_of(load(f"X: {rule}"), **fields)["X"]

    assert (type(got), str(got)) == (type(expected), str(expected))


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("{from: A, when: B == 'x'}", {"A": "1", "B": "y"}),
        ("{expr: A + 1, optional: true}", {}),
        ("{from: [A, B], optional: true}", {"A": None}),
        ("{from: A, blank: missing, optional: true}", {"A": ""}),
    ],
)
def test_a_rule_leaves_its_field_out(load: Load, rule: str, fields: dict[str, Any]) -> None:
    assert fields_of(load(f"X: {rule}"), **fields) == {}


@pytest.mark.parametrize(
    ("rule", "fields", "words"),
    [
        ("{from: [A, B]}", {}, "`A` is missing; expected a value there or at `B`"),
        ("{from: A, with: digits}", {"A": 5}, "`A` is a whole number, 1 digit; `digits` takes text"),
        ("{from: A, type: decimal, places: 2}", {"A": Decimal("1.005")}, "expected at most 2 decimals"),
        (
            "{from: A, with: {parse_date: DD/MM/YYYY}}",
            {"A": "2026-03-12"},
            "expected a date written as DD/MM",
        ),
        ("{from: A, with: {parse_date: DD/MM/YYYY}}", {"A": "31/02/2026"}, "no day of the calendar"),
        ("{from: A, with: {parse_number: '1.234,56'}}", {"A": "1,234.56"}, "expected a number written as"),
        ("{expr: A + 1}", {}, "`A` is missing or null"),
        ("{expr: A + 1}", {"A": "x"}, "the result is text, 1 character; `+` takes numbers"),
        ("{from: A, when: B}", {"A": "1", "B": "y"}, "`when` takes true or false"),
        ("{from: 'Items[].Unit', with: {join: x}}", {"Items": ITEMS}, "`Items[0].Unit` is missing"),
    ],
)
def test_a_failing_rule_names_path_and_shape(
    load: Load, rule: str, fields: dict[str, Any], words: str
) -> None:
    [problem] = problems_of(load(f"X: {rule}"), make_document(fields=fields))

    assert words in problem
    assert problem.startswith("6:12: Invoice__c.X: ")


def test_all_failing_fields_are_named(load: Load) -> None:
    mapping = load("X: {expr: A + 1}, Y: {from: B, with: digits}, Z: C", "fields: {V: {from: D, type: date}}")

    problems = problems_of(mapping, make_document(fields={"Items": ITEMS}))

    assert len(problems) == 5


def test_no_value_is_in_a_message(load: Load) -> None:
    mapping = load("X: {from: A, type: date}, Y: {expr: A + 1}, Z: {from: A, with: {parse_date: DD/MM/YYYY}}")

    problems = problems_of(mapping, make_document(fields={"A": "secretive"}))

    assert len(problems) == 3
    assert "secretive" not in "".join(problems)


TABLE = "lookups:\n  units: {values: {Stk: PCE, '7': seven}}\n"


@pytest.mark.parametrize(
    ("missing", "value", "expected"),
    [
        ("", "Stk", {"X": "PCE"}),
        ("", 7, {"X": "seven"}),
        (", missing: absent", "kg", {}),
        (", missing: 'null'", "kg", {"X": None}),
        (", missing: keep", "kg", {"X": "kg"}),
        (", missing: default, default: C62", "kg", {"X": "C62"}),
    ],
)
def test_a_table_answers(write: Any, missing: str, value: Any, expected: Any) -> None:
    mapping = load_mapping(write(f"fields:\n  X: {{from: A, lookup: units{missing}}}", TABLE))

    assert fields_of(mapping, A=value) == expected


def test_a_key_that_a_table_lacks_is_named_by_its_shape(write: Any) -> None:
    mapping = load_mapping(write("fields:\n  X: {from: A, lookup: units}", TABLE))

    [problem] = problems_of(mapping, make_document(fields={"A": "kg"}))

    assert problem.endswith("`A` is text, 2 characters; expected a key of the table `units`, which has 2")


def test_a_csv_file_is_a_table_pinned_when_it_is_loaded(write: Any, tmp_path: Path) -> None:
    table = tmp_path / "centers.csv"
    table.write_text("vendor;center\nAcme;100\nNordwind;200\n", encoding="utf-8")
    path = write(
        "fields:\n  X: {from: A, lookup: centers}",
        "lookups:\n  centers: {file: centers.csv, key: vendor, value: center}\n",
    )
    mapping = load_mapping(path)
    table.write_text("vendor;center\nAcme;999\n", encoding="utf-8")

    assert fields_of(mapping, A="Acme") == {"X": "100"}
    assert list(changed_files(mapping.files)) == [table]
    again = load_mapping(path)
    assert fields_of(again, A="Acme") == {"X": "999"}
    assert again.sha256 != mapping.sha256
    assert list(changed_files(again.files)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\nx,1\n", "no column `vendor`"),
        ("vendor,center\nx,1\nx,2\n", "centers.csv:3:1: a key that has another value further up"),
        ("vendor,center\nx\n", "centers.csv:2:1: the line has too few columns"),
        ('vendor,center\n"x,1\n', "no CSV"),
        ("vendor,center\n\xff", None),
    ],
)
def test_a_bad_table_is_told_with_its_line(write: Any, tmp_path: Path, text: str, words: str | None) -> None:
    (tmp_path / "centers.csv").write_bytes(text.encode("latin-1"))
    path = write(
        "fields:\n  X: {from: A, lookup: centers}",
        "lookups:\n  centers: {file: centers.csv, key: vendor, value: center}\n",
    )

    with pytest.raises(ConfigError) as refused:
        load_mapping(path)

    assert (words or "not UTF-8 text") in "\n".join(map(str, refused.value.problems))


QUESTION = "lookups:\n  vendors: {object: Account, key: Tax_Id__c, value: Id}\n"
QUERY = TargetQuery(object="Account", field="Tax_Id__c", value="DE8", wanted="Id")


def asking(write: Any, rule: str = "{from: A, lookup: vendors}", top: str = QUESTION) -> Mapping:
    return load_mapping(write(f"fields:\n  X: {rule}\n  Y: B", top))


def test_what_must_be_asked_is_known_before_even_when_other_fields_fail(write: Any) -> None:
    assert find_queries(asking(write), make_document(fields={"A": "DE8"})) == {QUERY}
    assert find_queries(asking(write), make_document(fields={})) == frozenset()


def test_the_answer_of_the_target_is_the_value(write: Any) -> None:
    document = make_document(fields={"A": "DE8", "B": 1})

    record = apply_mapping(asking(write), document, "key", {QUERY: ("001",)})

    assert record.fields == {"X": "001", "Y": 1}


@pytest.mark.parametrize(("answer", "words"), [((), "the target has none"), (("1", "2"), "the target has 2")])
def test_none_and_many_are_refused(write: Any, answer: tuple[str, ...], words: str) -> None:
    document = make_document(fields={"A": "DE8", "B": 1})

    with pytest.raises(MappingError) as refused:
        apply_mapping(asking(write), document, "key", {QUERY: answer})

    assert words in str(refused.value.problems[0])


def test_the_first_of_many_is_the_same_each_time(write: Any) -> None:
    mapping = asking(write, top=QUESTION.replace("value: Id", "value: Id, many: first"))
    document = make_document(fields={"A": "DE8", "B": 1})

    found = {
        apply_mapping(mapping, document, "k", {QUERY: each}).fields["X"] for each in (("2", "1"), ("1", "2"))
    }

    assert found == {"1"}


def test_without_the_target_it_says_so(write: Any) -> None:
    explained = explain(asking(write), make_document(fields={"A": "DE8", "B": 1}), "key")

    assert "asks the target" in str(explained[0].problem)


def test_a_question_that_was_not_answered_is_no_answer(write: Any) -> None:
    with pytest.raises(UnavailableError):
        apply_mapping(asking(write), make_document(fields={"A": "DE8", "B": 1}), "key", {})


def test_a_document_that_when_does_not_want_is_skipped_with_the_rule(write: Any) -> None:
    mapping = load_mapping(write("when: default(Kind, '') == 'IT'\nfields:\n  X: A"))

    assert unwanted(mapping, make_document(fields={"Kind": "IT"})) is None
    assert unwanted(mapping, make_document(fields={})) == "mapping.yaml:6:9: not `default(Kind, '') == 'IT'`"


def test_when_that_cannot_be_computed_is_a_problem_and_no_skip(write: Any) -> None:
    mapping = load_mapping(write("when: Kind == 'IT'\nfields:\n  X: A"))
    document = make_document(fields={"A": "1"})

    assert unwanted(mapping, document) is None
    assert problems_of(mapping, document) == [
        "6:9: Invoice__c: `when` is missing or null; expected a value, or default() around it"
    ]


LINES = """fields:
  X: InvoiceId
lines:
  - object: Line
    each: Items
    key: Key
    when: Amount.amount > 5
    fields:
      Text: Description
      Number: document.fields.InvoiceId
    lines:
      - object: Part
        each: Parts
        key: Key
        optional: true
        fields:
          Name: Name
          Line: parent.Description
          Whole: {expr: parent.Description + Name + document.fields.InvoiceId}
"""


def nested(write: Any, items: Any) -> Record:
    mapping = load_mapping(write(LINES))
    return apply_mapping(mapping, make_document(fields={"InvoiceId": "I", "Items": items}), "key")


def test_lines_hold_lines_and_their_keys_begin_with_the_outer_key(write: Any) -> None:
    items = (
        {**ITEMS[0], "Parts": ({"_id": "p", "Name": "N"},)},
        {"_id": "c", "Description": "Small", "Amount": {"amount": 1}},
    )

    record = nested(write, items)

    [line] = record.lines
    [part] = line.lines
    assert (line.key, line.parent_field, part.key) == ("key:a", None, "key:a:p")
    assert line.fields == {"Text": "Paper", "Number": "I"}
    assert part.fields == {"Name": "N", "Line": "Paper", "Whole": "PaperNI"}


def test_the_keys_of_nested_lines_do_not_move_with_their_rows(write: Any) -> None:
    one: dict[str, Any] = {**ITEMS[0], "Parts": ({"_id": "p", "Name": "N"}, {"_id": "q", "Name": "M"})}
    other = {**ITEMS[1], "Parts": ({"_id": "p", "Name": "O"},)}

    def keys(record: Record) -> set[str]:
        return {part.key for line in record.lines for part in line.lines}

    turned = {**one, "Parts": one["Parts"][::-1]}
    assert keys(nested(write, (one, other))) == keys(nested(write, (other, turned)))


def test_a_problem_in_a_nested_line_names_its_whole_path(write: Any) -> None:
    mapping = load_mapping(write(LINES))
    items = ({**ITEMS[0], "Parts": ({"_id": "p"},)},)

    problems = problems_of(mapping, make_document(fields={"InvoiceId": "I", "Items": items}))

    assert "`Items[0].Parts[0].Name` is missing" in problems[0]


COMPANION = """companions:
  - object: Vendor__c
    key: Tax_Id__c
    key_from: {from: VendorTaxId, with: digits}
    when: present(VendorTaxId)
    fields: {Name: VendorName}
"""


def test_a_companion_has_its_own_key_and_comes_with_the_record(write: Any) -> None:
    mapping = load_mapping(write("fields:\n  X: InvoiceId", COMPANION))
    document = make_document(fields={"InvoiceId": "I", "VendorTaxId": "DE 81", "VendorName": "Acme"})

    record = apply_mapping(mapping, document, "key")

    [vendor] = record.companions
    assert (vendor.object, vendor.key, vendor.fields) == ("Vendor__c", "81", {"Name": "Acme"})
    assert mapping.shapes()[1].is_companion


def test_a_companion_that_when_leaves_out_stops_nothing(write: Any) -> None:
    mapping = load_mapping(write("fields:\n  X: InvoiceId", COMPANION))

    assert apply_mapping(mapping, make_document(fields={"InvoiceId": "I"}), "key").companions == ()


def test_a_companion_without_a_key_is_a_problem(write: Any) -> None:
    mapping = load_mapping(write("fields:\n  X: InvoiceId", COMPANION))
    document = make_document(fields={"InvoiceId": "I", "VendorTaxId": "none", "VendorName": "Acme"})

    [problem] = problems_of(mapping, document)

    assert "Vendor__c: `VendorTaxId` is empty text; expected a key" in problem


def gated(write: Any, gate: str) -> Mapping:
    return load_mapping(write("fields:\n  X: InvoiceId", f"gates:\n  - {gate}\n"))


def sure(value: Any, confidence: str | None = None, changed_on: str | None = None) -> Field:
    return Field(
        value=value, confidence=None if confidence is None else Decimal(confidence), changed_on=changed_on
    )


def holding(**fields: Field) -> Document:
    return replace(make_document(), fields={"InvoiceId": sure("I", "0.99"), **fields})


CONFIDENCE = "{confidence: {InvoiceTotal: 0.9}, unless_edited: true}"


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (sure(1, "0.95"), None),
        (sure(1, "0.9"), None),
        (sure(1, "0.5"), "`InvoiceTotal` has a confidence of 0.5; expected at least 0.9 or a person's edit"),
        (sure(1, "0.5", "2026-01-01"), None),
        (sure(1), "`InvoiceTotal` has no confidence"),
    ],
)
def test_a_confidence_floor(write: Any, field: Field, words: str | None) -> None:
    mapping, document = gated(write, CONFIDENCE), holding(InvoiceTotal=field)

    if words is None:
        assert apply_mapping(mapping, document, "key").fields == {"X": "I"}
    else:
        [problem] = problems_of(mapping, document)
        assert words in problem


SUM = "{sum: 'Items[].Amount.amount', equals: InvoiceTotal.amount, currency: InvoiceTotal.currencyCode%s}"


@pytest.mark.parametrize(
    ("total", "currency", "within", "holds"),
    [
        ("30.50", "EUR", "", True),
        ("30.51", "EUR", "", False),
        ("30.51", "EUR", ", within: 1", True),
        ("30.52", "EUR", ", within: 1", False),
        ("31.00", "JPY", ", within: 1", True),
        ("30.501", "KWD", ", within: 1", True),
        ("30.50", "XXX", "", False),
        ("30.50", None, "", False),
    ],
)
def test_amounts_add_up_to_the_unit_of_their_currency(
    write: Any, total: str, currency: str | None, within: str, *, holds: bool
) -> None:
    mapping = gated(write, SUM % within)
    amount = {"amount": Decimal(total), "currencyCode": currency}
    document = make_document(fields={"InvoiceId": "I", "Items": ITEMS, "InvoiceTotal": amount})

    if holds:
        assert apply_mapping(mapping, document, "key").fields == {"X": "I"}
    else:
        assert "InvoiceTotal" in problems_of(mapping, document)[0]


def test_an_expression_gate_names_its_message_and_the_fields(write: Any) -> None:
    mapping = gated(write, "{expr: A.amount > 5, message: too small}")

    [problem] = problems_of(mapping, make_document(fields={"InvoiceId": "I", "A": {"amount": 1}}))

    assert problem == "4:5: gate: too small (`A.amount`)"


def test_a_required_gate_names_each_row(write: Any) -> None:
    mapping = gated(write, "{required: ['Items[].Unit', A]}")

    problems = problems_of(mapping, make_document(fields={"InvoiceId": "I", "Items": ITEMS, "A": " "}))

    assert [problem.split("gate: ")[1] for problem in problems] == [
        "`Items[0].Unit` is missing; expected a value",
        "`Items[1].Unit` is missing; expected a value",
        "`A` is blank; expected text",
    ]


def test_a_gate_is_looked_at_only_when_it_says(write: Any) -> None:
    mapping = gated(write, "{required: A, when: InvoiceId == 'other'}")

    assert fields_of(mapping, InvoiceId="I") == {"X": "I"}


def test_gates_and_fields_are_told_in_one_run(write: Any) -> None:
    mapping = gated(write, "{required: A}")

    assert len(problems_of(mapping, make_document())) == 2


def test_included_fields_and_tables_are_as_if_written_there(write: Any, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "header.yaml").write_text(
        "version: 1\ninclude: [deeper.yaml]\nlookups: {units: {values: {a: b}}}\n"
        "fields: {Y: {from: B, lookup: units}}\n"
    )
    (tmp_path / "shared" / "deeper.yaml").write_text("version: 1\nfields: {Z: C}\n")

    mapping = load_mapping(write("include: [shared/header.yaml]\nfields:\n  X: A"))

    assert fields_of(mapping, A=1, B="a", C=3) == {"X": 1, "Y": "b", "Z": 3}
    assert {file.path.name for file in mapping.files} == {"mapping.yaml", "header.yaml", "deeper.yaml"}
    assert [rule.place.rpartition("/")[2] for rule in mapping.record.fields][1] == "header.yaml:4:10"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.yaml": "version: 1\ninclude: [a.yaml]\n"}, "in a circle: a.yaml -> a.yaml"),
        (
            {"a.yaml": "version: 1\ninclude: [b.yaml]\n", "b.yaml": "version: 1\ninclude: [a.yaml]\n"},
            "in a circle: a.yaml -> b.yaml -> a.yaml",
        ),
        ({}, "a.yaml: cannot read the file"),
        ({"a.yaml": "version: 1\nfields: {X: B}\n"}, "`X` is also at"),
        ({"a.yaml": "version: 1\nfields: {Docflo_Id__c: B}\n"}, "which the connector fills"),
        ({"a.yaml": "version: 1\nfields: {Y: {fro: B}}\n"}, "did you mean `from`?"),
        ({"a.yaml": "version: 1\nfields: {Y: {expr: 'uper(B)'}}\n"}, "did you mean `upper`?"),
    ],
)
def test_a_bad_include_is_told(write: Any, tmp_path: Path, files: dict[str, str], words: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as refused:
        load_mapping(write("include: [a.yaml]\nfields:\n  X: A"))

    assert words in "\n".join(map(str, refused.value.problems))


def test_examples_of_skips_refusals_companions_and_answers_hold(write: Any) -> None:
    examples = """examples:
  - {name: skipped, document: {Kind: other}, skipped: true}
  - {name: refused, document: {Kind: IT}, refused: "`InvoiceId` is missing"}
  - name: made
    document: {Kind: IT, InvoiceId: I, VendorTaxId: '81', VendorName: Acme}
    lookups: {vendors: {'81': '001'}}
    record: {X: I, V: '001'}
    companions: [{Name: Acme}]
"""
    record = (
        "when: Kind == 'IT'\nfields:\n  X: InvoiceId\n"
        "  V: {from: VendorTaxId, lookup: vendors, optional: true}"
    )
    good = write(record, QUESTION + COMPANION, examples)

    assert run_examples(load_mapping(good)) == ()


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ("{name: n, document: {A: 1}, skipped: true}", "expected to be skipped"),
        ("{name: n, document: {A: 1}, refused: x}", "expected to be refused with `x`, got a record"),
        ("{name: n, document: {}, refused: other}", "expected to be refused with `other`, got: "),
        ("{name: n, document: {A: 1}, record: {X: 1}, companions: [{Y: 2}]}", "got no such companion"),
    ],
)
def test_an_example_that_does_not_hold_is_told(write: Any, example: str, words: str) -> None:
    mapping = load_mapping(write("fields:\n  X: A", "", f"examples:\n  - {example}\n"))

    assert words in str(run_examples(mapping)[0])


def test_nested_lines_share_the_work_that_a_document_may_cost(write: Any) -> None:
    record = (
        "fields:\n  X: InvoiceId\n"
        "lines:\n  - object: Line\n    each: Items\n    key: Key\n    fields: {Y: N}\n"
        "    lines:\n      - {object: Part, each: Parts, key: Key, fields: {Z: {expr: 'sum(1 "
        "for a in document.fields.Items for b in document.fields.Items)'}}}"
    )
    mapping = load_mapping(write(record))
    items = tuple({"_id": str(at), "N": at, "Parts": ({"_id": "p"},)} for at in range(300))

    problems = problems_of(mapping, make_document(fields={"InvoiceId": "I", "Items": items}))

    assert "steps of expressions" in problems[0]
