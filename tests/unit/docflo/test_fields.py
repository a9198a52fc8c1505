import json
from decimal import Decimal
from typing import Any

import pytest

from connector.docflo.fields import read_field, read_number
from connector.docflo.jsontext import read_json
from connector.document import Field, Row, plain


def field(text: str) -> Field:
    return read_field(read_json(text.encode()), 0)


def value(text: str) -> Any:
    return plain(field(text))


def test_a_field_keeps_type_confidence_content_and_who_changed_it() -> None:
    read = field(
        '{"type": "string", "value": "R-1", "confidence": 0.87, "content": "No. R-1",'
        ' "changedOn": "2026-03-01T08:30:00Z", "changedBy": "Dana Levi"}'
    )

    assert read == Field(
        value="R-1",
        type="string",
        confidence=Decimal("0.87"),
        content="No. R-1",
        changed_on="2026-03-01T08:30:00Z",
        changed_by="Dana Levi",
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "string", "value": "R-1"}',
        '{"value": "R-1"}',
        '{"value": {"value": "R-1"}}',
        '{"type": "string", "value": {"value": "R-1", "confidence": 0.5}}',
        '{"value": "R-1", "boundingRegions": [{"pageNumber": 1}]}',
        '"R-1"',
    ],
)
def test_a_value_is_read_wrapped_once_twice_or_bare(text: str) -> None:
    assert value(text) == "R-1"


@pytest.mark.parametrize(
    "text", ["null", '{"type": "string", "value": null}', '{"type": "string", "confidence": 0.1}']
)
def test_a_value_that_is_null_or_missing_is_none(text: str) -> None:
    assert field(text).value is None


@pytest.mark.parametrize("text", ['{"type": "string", "value": "x"}', '{"value": "x", "confidence": null}'])
def test_a_missing_confidence_is_unknown(text: str) -> None:
    assert field(text).confidence is None


@pytest.mark.parametrize("text", ["95", "-0.1", '"high"', "true", "[]"])
def test_a_confidence_on_a_scale_we_do_not_know_is_unknown(text: str) -> None:
    assert field(f'{{"type": "string", "value": "x", "confidence": {text}}}').confidence is None


def test_confidences_of_zero_and_one_are_known() -> None:
    assert field('{"type": "string", "value": "x", "confidence": 0}').confidence == 0
    assert field('{"type": "string", "value": "x", "confidence": 1}').confidence == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "currency", "value": {"amount": 12.50, "currencyCode": "EUR"}}',
        '{"type": "currency", "value": {"Amount": 12.50, "CurrencyCode": "EUR"}}',
        '{"type": "currency", "value": {"value": 12.50, "currency": "EUR"}}',
        '{"type": "currency", "value": {"value": 12.50, "code": "EUR"}}',
        '{"type": "currency", "value": {"amount": "12.50", "currency": {"code": "EUR"}}}',
        '{"type": "currency", "value": {"amount": {"value": 12.50}, "currencyCode": {"value": "EUR"}}}',
        '{"type": "currency", "amount": 12.50, "currencyCode": "EUR", "confidence": 0.9}',
        '{"type": "Currency", "value": {"amount": 12.50, "currencyCode": "EUR"}}',
        '{"value": {"amount": 12.50, "currencyCode": "EUR"}}',
        '{"amount": 12.50, "currencyCode": "EUR"}',
        '{"value": 12.50, "currency": "EUR"}',
    ],
)
def test_a_currency_is_read_however_it_is_spelt(text: str) -> None:
    read = value(text)

    assert read == {"amount": Decimal("12.50"), "currencyCode": "EUR"}
    assert str(read["amount"]) == "12.50"


@pytest.mark.parametrize("amount", ["12.50", '"12.50"'])
def test_a_currency_without_code_has_an_unknown_code(amount: str) -> None:
    expected = {"amount": Decimal("12.50"), "currencyCode": None}

    assert value(f'{{"type": "currency", "value": {amount}}}') == expected
    assert value(f'{{"type": "currency", "value": {{"amount": {amount}, "currencyCode": null}}}}') == expected


def test_a_whole_amount_is_a_decimal_too() -> None:
    amount = value('{"type": "currency", "value": {"amount": 12, "currencyCode": "JPY"}}')["amount"]

    assert isinstance(amount, Decimal)
    assert amount == 12


def test_what_else_a_currency_tells_is_kept() -> None:
    read = value('{"type": "currency", "value": {"amount": 1, "currencyCode": "EUR", "currencySymbol": "€"}}')

    assert read["currencySymbol"] == "€"


def test_an_amount_that_would_have_to_be_guessed_stays_text() -> None:
    assert value('{"type": "currency", "value": {"amount": "1.234,56", "currencyCode": "EUR"}}') == {
        "amount": "1.234,56",
        "currencyCode": "EUR",
    }


def test_an_object_with_fields_called_amount_and_currency_is_not_a_currency() -> None:
    read = value('{"Amount": {"type": "number", "value": 5}, "Currency": {"type": "string", "value": "EUR"}}')

    assert read == {"Amount": 5, "Currency": "EUR"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("12.0", Decimal("12.0")),
        ('"12.50"', Decimal("12.50")),
        ('" -3 "', Decimal(-3)),
        ('"1,234.56"', "1,234.56"),
        ('"1.234,56"', "1.234,56"),
        ('"12 EUR"', "12 EUR"),
        ('"1e5"', "1e5"),
        ('"٣"', "٣"),
    ],
)
def test_a_number_field_reads_numbers_and_plain_numeric_text_and_guesses_nothing(
    text: str, expected: object
) -> None:
    read = value(f'{{"type": "number", "value": {text}}}')

    assert read == expected
    assert type(read) is type(expected)


def test_text_that_looks_like_a_number_stays_text_in_a_text_field() -> None:
    assert value('{"type": "string", "value": "0012"}') == "0012"


def test_a_boolean_is_no_number() -> None:
    assert read_number(True) is None  # noqa: FBT003 the value under test
    assert value('{"type": "boolean", "value": true}') is True


def test_a_date_stays_as_it_is_written() -> None:
    assert value('{"type": "date", "value": "2026-03-01T23:30:00-08:00"}') == "2026-03-01T23:30:00-08:00"


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        ("address", '"1 Main St"'),
        ("address", '{"street": "Main St", "houseNumber": "1", "lines": ["a", "b"]}'),
        ("country", '"IL"'),
        ("country", '["IL", "US"]'),
        ("country", '{"countryCodes": ["ISR"], "names": {"en": "Israel"}}'),
        ("list", '"net30"'),
        ("list", '{"key": "net30", "value": "30 days net"}'),
        ("dynamic_list", '[{"key": "a", "value": "A"}, {"key": "b", "value": "B"}]'),
        ("prompt", '"**bold**"'),
    ],
)
def test_addresses_countries_and_options_are_kept_as_they_are(type_: str, text: str) -> None:
    read = value(f'{{"type": "{type_}", "value": {text}}}')

    assert json.loads(json.dumps(read)) == json.loads(text)


def test_the_parts_of_an_address_may_be_wrapped() -> None:
    read = value('{"type": "address", "value": {"city": {"type": "string", "value": "Haifa"}}}')

    assert read == {"city": "Haifa"}


@pytest.mark.parametrize(
    "row",
    [
        '{"_id": "r-1", "Description": {"type": "string", "value": "Paper"}}',
        '{"_id": "r-1", "Description": "Paper"}',
        '{"type": "object", "value": {"_id": "r-1", "Description": {"type": "string", "value": "Paper"}}}',
        '{"_id": "r-1", "type": "object", "value": {"Description": {"type": "string", "value": "Paper"}}}',
        '{"_id": "r-1", "type": "object", "properties": {"Description": {"value": "Paper"}}}',
        '{"_id": "r-1", "properties": {"Description": {"type": "string", "value": "Paper"}}}',
        '{"_id": "r-1", "fields": {"Description": {"type": "string", "value": "Paper"}}}',
        '{"_id": "r-1", "value": {"Description": {"type": "string", "value": "Paper"}}}',
        '{"_id": {"$oid": "r-1"}, "Description": {"value": "Paper"}}',
        '{"id": "r-1", "Description": {"type": "string", "value": "Paper"}}',
    ],
)
@pytest.mark.parametrize(
    "array",
    [
        '{"type": "array", "value": [%s]}',
        '{"type": "array", "values": [%s]}',
        '{"type": "array", "value": {"values": [%s]}}',
        "[%s]",
    ],
)
def test_a_row_is_read_in_every_form_with_its_id(array: str, row: str) -> None:
    assert value(array % row) == ({"_id": "r-1", "Description": "Paper"},)


def test_rows_keep_their_order_and_those_without_id_have_none() -> None:
    read = field('{"type": "array", "value": [{"A": {"value": 2}}, {"_id": "r-1", "A": {"value": 1}}]}')

    assert read.value == (
        Row(id=None, fields={"A": Field(value=2)}),
        Row(id="r-1", fields={"A": Field(value=1)}),
    )


def test_a_column_called_id_is_no_row_id_where_all_columns_are_bare() -> None:
    assert value('[{"id": "sku-7", "name": "Paper"}, {"id": "sku-7", "name": "Paper"}]') == (
        {"id": "sku-7", "name": "Paper"},
        {"id": "sku-7", "name": "Paper"},
    )


def test_a_row_may_have_columns_called_value_and_type() -> None:
    read = value(
        '[{"_id": "r-1", "value": {"type": "number", "value": 3}, "type": {"type": "string", "value": "a"}}]'
    )

    assert read == ({"_id": "r-1", "value": 3, "type": "a"},)


def test_arrays_inside_rows_are_read_too() -> None:
    read = value(
        '{"type": "array", "value": [{"_id": "a", "Transactions":'
        ' {"type": "array", "value": [{"_id": "t", "Amount": {"type": "number", "value": 1.10}}]}}]}'
    )

    assert read == ({"_id": "a", "Transactions": ({"_id": "t", "Amount": Decimal("1.10")},)},)


def test_a_list_of_plain_values_stays_one() -> None:
    assert value('{"type": "array", "value": ["a", 1, null]}') == ("a", 1, None)


def test_an_object_keeps_the_confidence_of_its_fields() -> None:
    read = field('{"type": "object", "value": {"Name": {"type": "string", "value": "x", "confidence": 0.4}}}')

    assert read.value == {"Name": Field(value="x", type="string", confidence=Decimal("0.4"))}
