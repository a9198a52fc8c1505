"""What functions take and give, and the caps on it."""

from collections.abc import Iterable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import Any, TypeAlias

from connector.mapping.value_types import MAX_DIGITS, is_reasonable
from connector.mapping.words import UnfitError, describe

Number: TypeAlias = int | Decimal
Items: TypeAlias = Iterable[Any]
Value: TypeAlias = Any

MAX_TEXT = 100_000
"""Characters of a text that an expression makes."""

_TRAPS = [InvalidOperation, DivisionByZero, Overflow]
# Twice the digits of two operands: sums and products of numbers within the cap are exact, or an error.
EXACT = Context(prec=4 * MAX_DIGITS, traps=[*_TRAPS, Inexact])
QUOTIENT = Context(prec=34, rounding=ROUND_HALF_EVEN, traps=_TRAPS)

ROUNDINGS = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "half_down": ROUND_HALF_DOWN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
    "ceiling": ROUND_CEILING,
    "floor": ROUND_FLOOR,
}
"""Ways of rounding, by the names that mappings use."""
_CONTEXTS = {
    name: Context(prec=4 * MAX_DIGITS, rounding=rounding, traps=_TRAPS)
    for name, rounding in ROUNDINGS.items()
}


def bounded(number: Number) -> Number:
    """Give the number back.

    Raises: UnfitError when it has more digits than any record takes.
    """
    if not is_reasonable(number):
        raise UnfitError(describe(number), f"expected a number of at most {MAX_DIGITS} digits")
    return number


def bounded_text(text: str) -> str:
    """Give the text back.

    Raises: UnfitError when it is longer than an expression may make one.
    """
    if len(text) > MAX_TEXT:
        raise UnfitError(describe(text), f"expected at most {MAX_TEXT:,} characters")
    return text


def to_places(number: Number, places: int, mode: str) -> Decimal:
    """Round to so many decimals; with none to cut off it is the same number, written with that many.

    Raises: UnfitError for more decimals than a number may have.
    """
    if not 0 <= places <= MAX_DIGITS // 2:
        raise UnfitError(f"{places} decimals", f"expected 0 to {MAX_DIGITS // 2}")
    if mode not in ROUNDINGS:
        raise UnfitError(f"the rounding {mode!r}", f"expected one of {', '.join(ROUNDINGS)}")
    rounded = Decimal(bounded(number)).quantize(Decimal(1).scaleb(-places), context=_CONTEXTS[mode])
    return rounded or rounded.copy_abs()  # no "-0.00" on an invoice
