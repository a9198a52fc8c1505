from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.template import ABSENT, Template, parse_condition, parse_template

SCOPE = {
    "record": {
        "Total": Decimal("12.50"),
        "Date": date(2026, 10, 1),
        "Name": "O'Brien & Co.",
        "Nothing": None,
        "Zero": 0,
    },
    "settings": {"key": "secret"},
}


def value(text: str) -> Any:
    parsed = parse_template(text)
    return parsed.value(SCOPE) if isinstance(parsed, Template) else parsed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${record.Total}", Decimal("12.50")),
        ("${record.Date}", date(2026, 10, 1)),
        ("total ${record.Total} of ${record.Date}", "total 12.50 of 2026-10-01"),
        ("${record.Missing}", ABSENT),
        ("x ${record.Missing}", ABSENT),
        ("${record.Missing | default('none')}", "none"),
        ("${record.Total | decimal(3)}", Decimal("12.500")),
        ("${record.Total | round(0)}", Decimal(13)),
        ("${record.Date | date_text('DD.MM.YYYY')}", "01.10.2026"),
        ("${record.Name | nav_quote}", "'O''Brien & Co.'"),
        ("${record.Name | cut(2)}", "O'"),
        ("$${record.Total}", "${record.Total}"),
        (
            "${record.Name | hmac_sha256(settings.key) | base64}",
            "ttrQAyzr8Iom5SQDbjLUYAjXnkpoRUmpHsD/CEbCwbU=",
        ),
    ],
)
def test_an_expression_gives_its_value(text: str, expected: Any) -> None:
    assert value(text) == expected or value(text) is expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${record.Total | decimal(0)}", "more than 0 decimal places"),
        ("${record.Total | integer}", "whole number"),
        ("${record.Name | max_length(3)}", "13 characters long, at most 3"),
        ("${record.Name | decimal(2)}", "expected a number"),
        ("${record.Name | hmac_sha256(settings.missing)}", "there is no `settings.missing`"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(text: str, words: str) -> None:
    with pytest.raises(UnfitValueError, match=words):
        value(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${record.Total | dezimal(2)}", "did you mean `decimal`"),
        ("${record.Total | decimal}", "takes 1 argument"),
        ("${record.Total", "without its"),
        ("${__import__('os')}", "is no path"),
        ("${record.Total | decimal(2}", "closing bracket"),
        ("${record.Total + 1}", "is no path"),
    ],
)
def test_what_is_no_expression_is_refused_when_it_is_read(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_template(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("record.Name", True),
        ("not record.Name", False),
        ("record.Missing", False),
        ("record.Nothing", False),
        ("record.Zero", True),
        ("record.Total == 12", False),
        ("settings.key == 'secret'", True),
        ("settings.key != 'secret'", False),
        ("record.Name and settings.key == 'secret'", True),
        ("record.Missing != 'EUR'", True),
    ],
)
def test_a_condition_holds_or_not(text: str, *, holds: bool) -> None:
    assert parse_condition(text).holds(SCOPE) is holds
