"""Fields of an example may stand as Docflo sends them."""

from collections.abc import Callable
from decimal import Decimal

from connector.mapping.apply import apply_mapping
from connector.mapping.examples import run_examples
from connector.mapping.explain import explain
from connector.mapping.rules import Mapping

Load = Callable[..., Mapping]

WRAPPED = """examples:
  - name: wrapped
    document:
      A: {type: currency, value: {amount: 1.50, currencyCode: EUR}, confidence: 0.97}
      Items:
        type: array
        value: [{_id: "a:b c", V: {type: number, value: 2.0, confidence: 1}}]
    record: {X: 1.50, lines: [{V: 2.0}]}
"""


def test_wrapped_field_is_its_value(load: Load) -> None:
    assert run_examples(load("X: A.amount", "fields: {V: V}", WRAPPED)) == ()


def test_wrapped_field_keeps_its_confidence(load: Load) -> None:
    mapping = load("X: A.amount", "fields: {V: V}", WRAPPED)

    shown = explain(mapping, mapping.examples[0].document, "key")

    assert [line.confidence for line in shown] == [Decimal("0.97"), Decimal(1)]


def test_object_with_keys_of_its_own_is_no_wrapped_field(load: Load) -> None:
    plain = "examples:\n  - {name: plain, document: {A: {value: 1, unit: kg}}, record: {X: kg}}\n"

    assert run_examples(load("X: A.unit", "", plain)) == ()


def test_row_id_is_percent_encoded_in_the_key_of_its_line(load: Load) -> None:
    mapping = load("X: A.amount", "fields: {V: V}", WRAPPED)

    record = apply_mapping(mapping, mapping.examples[0].document, "key")

    assert [line.key for line in record.lines] == ["key:a%3Ab%20c"]
