"""Functions of numbers. All arithmetic is decimal: exact, or an error."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from connector.mapping.currencies import decimals_of
from connector.mapping.library.values import EXACT, Items, Number, Value, bounded, to_places
from connector.mapping.value_types import MAX_DIGITS, convert
from connector.mapping.words import UnfitError, describe

_SPACES = "[ \u00a0\u2009\u202f]"
_SHAPES: Mapping[str, tuple[str, str]] = {  # format, as an example -> group and decimal sign
    "1234.56": ("", r"\."),
    "1234,56": ("", ","),
    "1,234.56": (",", r"\."),
    "1.234,56": (r"\.", ","),
    "1 234.56": (_SPACES, r"\."),
    "1 234,56": (_SPACES, ","),
    "1'234.56": ("['\u2019]", r"\."),
    "1'234,56": ("['\u2019]", ","),
}
SCRIPTS: Mapping[str, int] = {
    "latin": ord("0"),
    "arabic": 0x660,
    "persian": 0x6F0,
    "devanagari": 0x966,
    "bengali": 0x9E6,
    "thai": 0xE50,
    "fullwidth": 0xFF10,
}
"""Scripts by name, with their digit zero."""


def _number(value: Value) -> Decimal:
    """Give plain text such as "-1234.56" as a number, or a number as it is.

    Example: number("1234.50") = 1234.50
    """
    read = convert("decimal", value)
    return read if isinstance(read, Decimal) else Decimal(str(read))


def _parse_number(text: str, format: str, script: str = "latin") -> Decimal:  # noqa: A002 the name in the file
    """Give text as people write it as a number, by a format that is an example of it: "1.234,56".

    Formats: "1234.56", "1234,56", "1,234.56", "1.234,56", "1 234.56", "1 234,56", "1'234.56", "1'234,56".
    A minus stands in front or at the end. Text in other digits than 0 to 9 needs its `script`: arabic,
    persian, devanagari, bengali, thai or fullwidth.
    Example: parse_number("1.234,56", "1.234,56") = 1234.56
    """
    if format not in _SHAPES:
        raise UnfitError(f"the format {format!r}", f"expected one of {', '.join(map(repr, _SHAPES))}")
    plain = to_latin(text.strip(), script)
    group, point = _SHAPES[format]
    minus, digits = _sign(plain)
    whole = f"[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{3}})+" if group else "[0-9]+"
    match = re.fullmatch(f"({whole})(?:{point}([0-9]+))?", digits) if len(digits) <= 2 * MAX_DIGITS else None
    if match is None:
        raise UnfitError(describe(text), f"expected a number written as {format}")
    number = Decimal(re.sub("[^0-9]", "", match[1]) + (f".{match[2]}" if match[2] else ""))
    bounded(number)
    return -number if minus and number else number


def _sign(text: str) -> tuple[bool, str]:
    for minus in ("-", "\u2212"):
        if text.startswith(minus):
            return True, text[1:].strip()
        if text.endswith(minus):
            return True, text[:-1].strip()
    return False, text


def to_latin(text: str, script: str) -> str:
    """Give the digits of a script as 0 to 9; digits of any other script are refused.

    Raises: UnfitError for those, and for an unknown script.
    """
    if script not in SCRIPTS:
        raise UnfitError(f"the script {script!r}", f"expected one of {', '.join(SCRIPTS)}")
    if text.isascii() and script == "latin":
        return text
    zero = SCRIPTS[script]
    read = "".join(
        chr(ord("0") + ord(sign) - zero) if zero <= ord(sign) <= zero + 9 else sign for sign in text
    )
    if any(not sign.isascii() and unicodedata.category(sign) == "Nd" for sign in read):
        raise UnfitError(
            describe(text), f"expected digits in the script {script}; another needs its `script`"
        )
    return read


def _round(number: Number, places: int = 0, mode: str = "half_up") -> Decimal:
    """Give the number with so many decimals.

    Modes: half_up (away from zero at the middle), half_even, half_down, up, down, ceiling, floor.
    Example: round(2.345, 2) = 2.35
    """
    return to_places(number, places, mode)


def _round_money(number: Number, currency: str, mode: str = "half_up") -> Decimal:
    """Give the number with as many decimals as the currency has.

    Example: round_money(98000.4, "JPY") = 98000
    """
    return to_places(number, decimals_of(currency), mode)


def _abs(number: Number) -> Number:
    """Give the number without its sign.

    Example: abs(-5.00) = 5.00
    """
    return number.copy_abs() if isinstance(number, Decimal) else abs(number)


def _negate(number: Number) -> Number:
    """Give the number with the other sign, as a credit note may need.

    Example: negate(5.00) = -5.00
    """
    return number if not number else number.copy_negate() if isinstance(number, Decimal) else -number


def _floor(number: Number) -> int:
    """Give the largest whole number that is not larger.

    Example: floor(2.9) = 2
    """
    return int(Decimal(bounded(number)).to_integral_value(rounding=ROUND_FLOOR))


def _sum(items: Items) -> Number:
    """Add the numbers of a list; of none it is 0.

    Example: sum([10.50, 20.25]) = 30.75
    """
    total: Number = 0
    for item in items:
        if not isinstance(item, int | Decimal) or isinstance(item, bool):
            raise UnfitError(f"a list with {describe(item)}", "`sum` takes numbers")
        if isinstance(item, int) and isinstance(total, int):
            total = bounded(total + item)
        else:
            total = bounded(EXACT.add(total, item))
    return total


def _currency_decimals(currency: str) -> int:
    """Give how many decimals a currency has.

    Example: currency_decimals("KWD") = 3
    """
    return decimals_of(currency)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "number": _number,
    "parse_number": _parse_number,
    "round": _round,
    "round_money": _round_money,
    "abs": _abs,
    "negate": _negate,
    "floor": _floor,
    "sum": _sum,
    "currency_decimals": _currency_decimals,
}
