from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.adapters.soap.convert import to_text
from connector.adapters.soap.filters import UnfitValueError


@pytest.mark.parametrize(
    ("builtin", "value", "text"),
    [
        ("decimal", Decimal("1E+5"), "100000"),
        ("decimal", Decimal("0.10"), "0.10"),
        ("decimal", "1.5", "1.5"),
        ("int", Decimal("3.00"), "3"),
        ("int", 7, "7"),
        ("boolean", False, "false"),
        ("boolean", "0", "false"),
        ("date", date(2026, 10, 1), "2026-10-01"),
        ("dateTime", date(2026, 10, 1), "2026-10-01T00:00:00"),
        ("dateTime", "2026-10-01", "2026-10-01T00:00:00"),
        ("dateTime", datetime(2026, 10, 1, 9, tzinfo=UTC), "2026-10-01T09:00:00Z"),
        ("string", Decimal("12.50"), "12.50"),
        ("string", True, "true"),
        ("base64Binary", b"\x00\x01", "AAE="),
    ],
)
def test_a_value_is_written_as_its_type_writes_it(builtin: str, value: Any, text: str) -> None:
    assert to_text(builtin, value) == text


@pytest.mark.parametrize(
    ("builtin", "value", "words"),
    [
        ("decimal", "1,50", "a decimal number"),
        ("decimal", "1e5", "a decimal number"),
        ("decimal", True, "a decimal number"),
        ("decimal", Decimal("NaN"), "not finite"),
        ("int", Decimal("1.5"), "whole number"),
        ("int", 2**31, "from -2147483648 to 2147483647"),
        ("unsignedByte", -1, "whole number"),
        ("boolean", "False", "true or false"),
        ("boolean", "no", "true or false"),
        ("boolean", "N", "true or false"),
        ("date", "01/10/2026", "YYYY-MM-DD"),
        ("date", "2026-13-01", "YYYY-MM-DD"),
        ("date", datetime(2026, 10, 1, tzinfo=UTC), "a date with a time"),
        ("dateTime", "2026-10-01 09:00", "a date with a time"),
        ("string", "a\x00b", r"U\+0000"),
        ("string", "a\ufffeb", r"U\+FFFE"),
        ("base64Binary", "no base64!", "base64"),
    ],
)
def test_nothing_is_guessed(builtin: str, value: Any, words: str) -> None:
    with pytest.raises(UnfitValueError, match=words):
        to_text(builtin, value)
