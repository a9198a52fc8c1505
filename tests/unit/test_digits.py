"""The digits that count."""

from decimal import Decimal

import pytest

from connector.digits import significant


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("12.340", ("1234", -2)),
        ("-0.0500", ("5", -2)),
        ("1200", ("12", 2)),
        ("100E-1", ("1", 1)),
        ("1.50E-30", ("15", -31)),
        ("1E+999999", ("1", 999999)),
        ("123456789012345678901234567890.1", ("1234567890123456789012345678901", -1)),
        ("0.000", ("", 0)),
        ("-0E+7", ("", 0)),
    ],
)
def test_zeros_around_a_number_do_not_count(written: str, expected: tuple[str, int]) -> None:
    assert significant(Decimal(written)) == expected
