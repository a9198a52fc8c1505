"""How mappings speak about values: their shape, never the value itself."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from connector.document import Field, Row

_MAX_NAMES = 8


class UnfitError(ValueError):
    """A value that a rule cannot take: its shape, what was expected, and where on the path it stands."""

    def __init__(self, shape: str, expected: str, *, at: str | None = None, is_missing: bool = False) -> None:
        super().__init__(f"{shape}; {expected}")
        self.shape = shape
        self.expected = expected
        self.at = at  # None: the whole path of the rule
        self.is_missing = is_missing  # there is no value: a `default` can stand in


def describe(value: object) -> str:
    """Give the shape of a value: `text, 8 characters`."""
    match value:
        case Field():
            return describe(value.value)
        case Row():
            return describe(value.fields)
        case bool():
            return "a boolean"
        case int() | Decimal():
            return _describe_number(value)
        case str():
            return f"text, {len(value)} character{'' if len(value) == 1 else 's'}" if value else "empty text"
        case Mapping():
            return f"an object with {_list_names(list(value))}" if value else "an empty object"
        case tuple() | list():
            return f"a list of {len(value)}"
        case _:
            return _RARE.get(type(value), f"of the unknown kind {type(value).__name__}")


_RARE = {type(None): "null", date: "a date", datetime: "a time"}


def _describe_number(number: int | Decimal) -> str:
    return _describe_decimal(number) if isinstance(number, Decimal) else _count_digits(number)


def _count_digits(number: int) -> str:
    if abs(number) >= 10**100:  # longer ones take long to write, and Python refuses very long ones
        return "a whole number, more than 100 digits"
    digits = len(str(abs(number)))
    return f"a whole number, {digits} digit{'' if digits == 1 else 's'}"


def _describe_decimal(number: Decimal) -> str:
    digits, exponent = number.as_tuple().digits, number.as_tuple().exponent
    if not isinstance(exponent, int):
        return "no finite number"
    return f"a decimal number, {len(digits)} digits, {max(0, -exponent)} of them after the point"


def _list_names(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more
