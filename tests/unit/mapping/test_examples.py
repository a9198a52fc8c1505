from collections.abc import Callable

import pytest

from connector.mapping.examples import run_examples
from connector.mapping.rules import Mapping

Load = Callable[..., Mapping]


def differences(load: Load, document: str, record: str, fields: str = "X: A") -> list[str]:
    mapping = load(
        fields,
        "optional: true\n      fields: {V: V}",
        f"examples:\n  - name: one\n    document: {document}\n    record: {record}\n",
    )
    return [str(problem).removeprefix(f"{mapping.path.name}:") for problem in run_examples(mapping)]


@pytest.mark.parametrize(
    ("document", "record", "fields"),
    [
        ("{A: 12.50}", "{X: 12.50}", "X: A"),
        ('{A: "12"}', "{X: 12}", "X: {from: A, type: decimal}"),
        ("{A: 2026-01-31}", "{X: 2026-01-31}", "X: {from: A, type: date}"),
        ('{A: "2026-01-31T10:30:00+01:00"}', "{X: 2026-01-31T09:30:00Z}", "X: {from: A, type: datetime}"),
        ("{A: true}", "{X: true}", "X: A"),
        ("{}", "{X: null}", "X: {from: A, default: null}"),
        ("{}", "{}", "X: {from: A, optional: true}"),
        ("{A: x, Items: [{V: 1}, {V: 2}]}", "{X: x, lines: [{V: 1}, {V: 2}]}", "X: A"),
    ],
)
def test_record_as_expected_is_no_problem(load: Load, document: str, record: str, fields: str) -> None:
    assert differences(load, document, record, fields) == []


@pytest.mark.parametrize(
    ("document", "record", "difference"),
    [
        ("{A: 12.50}", "{X: 12.5}", "17:14: example `one`: X: expected 12.5, got 12.50"),
        ("{A: 12}", '{X: "12"}', '17:14: example `one`: X: expected "12", got 12'),
        ("{A: true}", '{X: "true"}', '17:14: example `one`: X: expected "true", got true'),
        ("{A: a}", "{X: á}", '17:14: example `one`: X: expected "á", got "a"'),
        ("{A: a}", "{}", '17:5: example `one`: X: expected no such field, got "a"'),
        ("{A: a, Items: [{V: 1}]}", "{X: a, lines: []}",
         "17:5: example `one`: expected 0 lines, got also lines[0]: V: 1"),
        ("{A: a}", "{X: a, lines: [{V: 1}]}", "17:28: example `one`: expected lines[0], got no such line"),
        ("{A: a, Items: [{V: 1}]}", "{X: a, lines: [{V: 2}]}",
         "17:29: example `one`: lines[0]: V: expected 2, got 1"),
        ("{A: a}", "{X: a, XX: b}",
         '17:20: example `one`: XX: expected "b", got no such field (did you mean `X`?)'),
    ],
)  # fmt: skip
def test_difference_names_its_place_and_both_values(
    load: Load, document: str, record: str, difference: str
) -> None:
    assert differences(load, document, record) == [difference]


def test_example_that_gives_no_record_says_why(load: Load) -> None:
    (said,) = differences(load, "{}", "{X: 1}")

    assert said.startswith("15:5: example `one`: no record: ")
    assert "Invoice__c.X: `A` is missing" in said
