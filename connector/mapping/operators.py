"""What the operators of expressions do: exact with numbers, strict about kinds, bounded in size."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, DecimalException
from types import GeneratorType
from typing import Any

from connector.document import Field, Row
from connector.mapping.library.lists import compare, kind
from connector.mapping.library.values import EXACT, QUOTIENT, Number, bounded, bounded_text
from connector.mapping.scope import Scope
from connector.mapping.value_types import NUMBERS
from connector.mapping.words import UnfitError, describe


def add(left: Any, right: Any) -> Any:  # noqa: ANN401 values of expressions
    """Add two numbers, or put two texts together."""
    if isinstance(left, str) and isinstance(right, str):
        return bounded_text(left + right)
    one, other = _numbers("+", left, right)
    return _exact(one, other, EXACT.add, lambda a, b: a + b)


def subtract(left: Any, right: Any) -> Number:  # noqa: ANN401 values of expressions
    """Subtract a number from another."""
    one, other = _numbers("-", left, right)
    return _exact(one, other, EXACT.subtract, lambda a, b: a - b)


def multiply(left: Any, right: Any) -> Number:  # noqa: ANN401 values of expressions
    """Multiply two numbers."""
    one, other = _numbers("*", left, right)
    return _exact(one, other, EXACT.multiply, lambda a, b: a * b)


def divide(left: Any, right: Any) -> Decimal:  # noqa: ANN401 values of expressions
    """Divide a number by another, to 34 digits where it does not come out even."""
    one, other = _numbers("/", left, right)
    _refuse_zero(other)
    return Decimal(bounded(QUOTIENT.divide(Decimal(one), Decimal(other))))


def divide_whole(left: Any, right: Any) -> Number:  # noqa: ANN401 values of expressions
    """Divide a number by another, without the rest; towards minus infinity, also between decimals."""
    one, other = _numbers("//", left, right)
    _refuse_zero(other)
    if isinstance(one, int) and isinstance(other, int):
        return one // other
    a, b = Decimal(one), Decimal(other)
    return bounded((a - _rest(a, b)) / b)


def rest(left: Any, right: Any) -> Number:  # noqa: ANN401 values of expressions
    """Give the rest of a division, with the sign of the divisor."""
    one, other = _numbers("%", left, right)
    _refuse_zero(other)
    if isinstance(one, int) and isinstance(other, int):
        return one % other
    return _rest(Decimal(one), Decimal(other))


def _rest(one: Decimal, other: Decimal) -> Decimal:
    left = EXACT.remainder(one, other)
    return EXACT.add(left, other) if left and left.is_signed() != other.is_signed() else left


def minus(value: Any) -> Number:  # noqa: ANN401 a value of an expression
    """Give a number with the other sign."""
    (number, _) = _numbers("-", value, 0)
    return -number if isinstance(number, int) else EXACT.minus(number)


def _numbers(sign: str, left: Any, right: Any) -> tuple[Number, Number]:  # noqa: ANN401 values of expressions
    for value in (left, right):
        if not isinstance(value, NUMBERS) or isinstance(value, bool):
            hint = "; number() reads text as one" if isinstance(value, str) else ""
            raise UnfitError(describe(value), f"`{sign}` takes numbers{hint}")
        bounded(value)
    return left, right


def _refuse_zero(number: Number) -> None:
    if not number:
        raise UnfitError("zero", "expected a number to divide by")


def _exact(
    one: Number,
    other: Number,
    exact: Callable[[Decimal, Decimal], Decimal],
    whole: Callable[[int, int], int],
) -> Number:
    if isinstance(one, int) and isinstance(other, int):
        return bounded(whole(one, other))
    return bounded(exact(Decimal(one), Decimal(other)))


def truth(value: Any) -> bool:  # noqa: ANN401 a value of an expression
    """Give true or false back; nothing else counts as either."""
    if isinstance(value, bool):
        return value
    raise UnfitError(describe(value), "expected true or false; compare it with something, or say present()")


def equal(left: Any, right: Any) -> bool:  # noqa: ANN401 values of expressions
    """Tell whether two values of one kind are equal; of two kinds is a mistake that would always be false."""
    if left is None or right is None:
        return left is right
    return compare(left, right) == 0


def among(item: Any, whole: Any) -> bool:  # noqa: ANN401 values of expressions
    """Tell whether a value is one of a list, or a text is part of a text."""
    if isinstance(whole, list | tuple):
        return any(kind(item) == kind(entry) and equal(item, entry) for entry in whole)
    if isinstance(whole, str) and isinstance(item, str):
        return item in whole
    raise UnfitError(describe(whole), "`in` looks into a list, or for text in text")


def entry(value: Any, index: int) -> Any:  # noqa: ANN401 values of expressions
    """Give one entry of a list, the first is 0."""
    if not isinstance(value, list | tuple):
        raise UnfitError(describe(value), f"expected a list with an entry [{index}]")
    if index >= len(value):
        raise UnfitError("missing", f"expected a list with an entry [{index}]", is_missing=True)
    return value[index]


def rows_of(value: Any, scope: Scope) -> Any:  # noqa: ANN401 values of expressions
    """Give the entries of a list to `for`, within what a document may cost."""
    if not isinstance(value, list | tuple):
        raise UnfitError(describe(value), "`for` walks over a list")
    scope.spend(len(value) + 1)
    return value


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Eq": equal,
    "NotEq": lambda left, right: not equal(left, right),
    "Lt": lambda left, right: compare(left, right) < 0,
    "LtE": lambda left, right: compare(left, right) <= 0,
    "Gt": lambda left, right: compare(left, right) > 0,
    "GtE": lambda left, right: compare(left, right) >= 0,
    "In": among,
    "NotIn": lambda left, right: not among(left, right),
}
"""By the name of the node in Python's grammar."""

ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "Add": add,
    "Sub": subtract,
    "Mult": multiply,
    "Div": divide,
    "FloorDiv": divide_whole,
    "Mod": rest,
}
"""The same."""

FAILURES = (
    ArithmeticError,
    AttributeError,
    DecimalException,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What a computation can end with beside `UnfitError`: none of them may take the daemon along."""


def is_plain(value: object) -> bool:
    """Tell whether a value can stand in a record."""
    return isinstance(value, str | bool | int | Decimal | date) and not isinstance(value, GeneratorType)


def unwrapped(value: Any) -> Any:  # noqa: ANN401 a value of a document
    """Give a value without the field or the row around it."""
    if isinstance(value, Field):
        return value.value
    return value.fields if isinstance(value, Row) else value
