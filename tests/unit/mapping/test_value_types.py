from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mapping.value_types import CONVERSIONS, convert
from connector.mapping.words import UnfitError

D = Decimal


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [
        (None, "x", "x"),
        (None, "", ""),
        (None, True, True),
        (None, D("12.50"), D("12.50")),
        ("string", "00417", "00417"),
        ("string", 417, "417"),
        ("string", D("12.50"), "12.50"),
        ("string", D("1E+3"), "1000"),
        ("integer", 5, 5),
        ("integer", D("5.00"), 5),
        ("integer", "-5", -5),
        ("integer", "5.0", 5),
        ("decimal", D("12.50"), D("12.50")),
        ("decimal", 12, D(12)),
        ("decimal", "-12.50", D("-12.50")),
        ("decimal", "0.10000000000000000000000000000000001", D("0.10000000000000000000000000000000001")),
        ("date", "2026-01-31", date(2026, 1, 31)),
        ("date", "2026-01-31T23:30:00-11:00", date(2026, 1, 31)),
        ("date", "2026-01-31T00:00:00Z", date(2026, 1, 31)),
        ("date", "2026-01-31 10:15", date(2026, 1, 31)),
        ("datetime", "2026-01-31T23:30:00-01:00", datetime(2026, 2, 1, 0, 30, tzinfo=UTC)),
        ("datetime", "2026-01-31T09:30:00.123Z", datetime(2026, 1, 31, 9, 30, 0, 123000, tzinfo=UTC)),
        ("boolean", False, False),
        ("boolean", "true", True),
        ("currency", "EUR", "EUR"),
    ],
)
def test_value_becomes_its_type(kind: str | None, value: Any, converted: Any) -> None:
    result = convert(kind, value)

    assert (type(result), result, str(result)) == (type(converted), converted, str(converted))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", True),
        ("integer", D("5.5")),
        ("integer", "5.5"),
        ("integer", "five"),
        ("integer", True),
        ("decimal", "1.234,56"),
        ("decimal", "1,234.56"),
        ("decimal", "1 234"),
        ("decimal", "12,50"),
        ("decimal", "+1"),
        ("decimal", ".5"),
        ("decimal", "1e5"),
        ("decimal", " 1"),
        ("decimal", "1\n"),
        ("decimal", "٣"),
        ("decimal", ""),
        ("decimal", "NaN"),
        pytest.param("decimal", "9" * 5000, id="long text"),
        ("decimal", D("NaN")),
        ("decimal", D("Infinity")),
        ("decimal", D("1E+999999")),
        ("decimal", D("1E-999999")),
        pytest.param("decimal", 10**5000, id="huge number"),
        ("decimal", False),
        ("date", "31.01.2026"),
        ("date", "01/31/2026"),
        ("date", "2026-02-30"),
        ("date", "0000-01-01"),
        ("date", "2026-1-31"),
        ("date", "20260131"),
        ("date", "2026-W05-6"),
        ("date", "2026-01-31T"),
        ("date", "2026-01-31 or so"),
        ("date", "٢٠٢٦-01-31"),
        ("date", 20260131),
        ("date", ""),
        ("datetime", "2026-01-31"),
        ("datetime", "2026-01-31T09:30:00"),
        ("datetime", "2026-01-31T25:00:00Z"),
        ("datetime", "0001-01-01T00:00:00+14:00"),
        ("boolean", "yes"),
        ("boolean", 1),
        ("currency", "eur"),
        ("currency", "€"),
        ("currency", "EURO"),
        ("currency", "ÄÖÜ"),
        (None, None),
        (None, 0.5),
        (None, {"a": 1}),
        (None, ("a",)),
        (None, D("NaN")),
        pytest.param(None, 10**5000, id="huge number without type"),
    ],
)
def test_what_does_not_fit_is_refused_without_showing_it(kind: str | None, value: Any) -> None:
    with pytest.raises(UnfitError) as refused:
        convert(kind, value)

    assert "expected" in str(refused.value)
    assert len(str(refused.value)) < 150


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**15), max_value=10**15))
def test_decimal_keeps_value_and_digits(amount: Decimal) -> None:
    assert str(convert("decimal", amount)) == str(amount)
    assert str(convert("decimal", f"{amount:f}")) == f"{amount:f}"


@given(st.dates(), st.times(), st.sampled_from(["", "Z", "+14:00", "-1200"]))
def test_date_is_never_shifted(day: date, at: Any, zone: str) -> None:
    assert convert("date", f"{day.isoformat()}T{at.isoformat()}{zone}") == day


_values = st.one_of(st.none(), st.booleans(), st.integers(), st.decimals(), st.floats(), st.text())


@given(st.sampled_from([None, *CONVERSIONS]), _values)
def test_any_value_is_converted_or_unfit(kind: str | None, value: Any) -> None:
    try:
        converted = convert(kind, value)
    except UnfitError:
        return
    assert isinstance(converted, str | bool | int | Decimal | date)
