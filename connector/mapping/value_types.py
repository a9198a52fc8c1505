"""One function per `type`: from a value as Docflo gave it to a value of the record, exact or refused.

No value passes through a binary floating-point number, and no date through a time zone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias

from connector.document import PlainValue, Scalar
from connector.mapping.words import UnfitError, describe
from connector.record import RecordValue

# Far beyond any amount, far below what makes a number slow to write out (1E+999999999 is legal JSON).
MAX_DIGITS = 60
_LIMIT = int("1" + "0" * MAX_DIGITS)

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ].*)?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_CURRENCY = re.compile(r"[A-Z]{3}")


Single: TypeAlias = Scalar | date
"""A single value of a document, or one that a function made of it."""

# Unions written in a call are made anew by each call.
SINGLES = (str, bool, int, Decimal, date)
NUMBERS = (int, Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """A `type`: `read` gives None for what it does not take."""

    read: Callable[[Single], RecordValue]
    expected: str  # completes "expected ..."


def convert(kind: str | None, value: PlainValue | date) -> RecordValue:
    """Give `value` as the type `kind`; without a type, any single value passes as it is.

    Raises: UnfitError with the shape of the value and what was expected.
    """
    if not isinstance(value, SINGLES):
        raise UnfitError(describe(value), "expected a single value")
    if isinstance(value, NUMBERS) and not is_reasonable(value):
        raise UnfitError(describe(value), f"expected a number of at most {MAX_DIGITS} digits")
    if kind is None:
        return value
    conversion = CONVERSIONS[kind]
    converted = conversion.read(value)
    if converted is None:
        raise UnfitError(describe(value), f"expected {conversion.expected}")
    return converted


def is_reasonable(number: int | Decimal) -> bool:
    """Tell whether a number is finite and has no more digits than a record takes."""
    if isinstance(number, int):
        return abs(number) < _LIMIT
    if not number.is_finite():
        return False
    written = str(number)
    if len(written) <= MAX_DIGITS and "E" not in written:
        return True  # nearly every number: its digits are all there to be counted
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MAX_DIGITS and number.adjusted() < MAX_DIGITS


def _to_text(value: Single) -> str | None:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, bool) else str(value)


def _to_decimal(value: Single) -> Decimal | None:
    if isinstance(value, str):
        if len(value) > 2 * MAX_DIGITS or _PLAIN_NUMBER.fullmatch(value) is None:
            return None
        read = Decimal(value)
        return read if is_reasonable(read) else None
    return Decimal(value) if isinstance(value, NUMBERS) and not isinstance(value, bool) else None


def _to_integer(value: Single) -> int | None:
    number = _to_decimal(value)
    if number is None:
        return None
    whole = int(number)
    return whole if whole == number else None


def _to_date(value: Single) -> date | None:
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    if match.end(1) < match.end() and _TIMESTAMP.fullmatch(match[0]) is None:
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def _to_datetime(value: Single) -> datetime | None:
    if isinstance(value, datetime):
        return value
    return read_timestamp(value) if isinstance(value, str) else None


def read_timestamp(text: str) -> datetime | None:
    """Give the moment that an ISO timestamp with a zone names, in UTC; None for any other text."""
    match = _TIMESTAMP.fullmatch(text)
    # Without a zone the moment is not known, and this machine's zone would be a guess.
    if match is None or match["zone"] is None:
        return None
    try:
        return datetime.fromisoformat(match[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _to_boolean(value: Single) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def _to_currency(value: Single) -> str | None:
    return value if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


CONVERSIONS: Mapping[str, Conversion] = {
    "string": Conversion(read=_to_text, expected="text or a number"),
    "integer": Conversion(read=_to_integer, expected="a whole number"),
    "decimal": Conversion(
        read=_to_decimal, expected="a number such as 1234.56: a point before the decimals, no separators"
    ),
    "date": Conversion(read=_to_date, expected="a date as YYYY-MM-DD, or an ISO timestamp"),
    "datetime": Conversion(
        read=_to_datetime, expected="an ISO timestamp with its zone, such as 2026-01-31T09:30:00Z"
    ),
    "boolean": Conversion(read=_to_boolean, expected="true or false"),
    "currency": Conversion(read=_to_currency, expected="an ISO 4217 code: three capital letters"),
}
"""Every `type` there is, by its name in the file."""
