"""JSON in and out with every digit kept: Decimal on both sides, never float."""

from decimal import Decimal
from typing import TypeVar

import msgspec

from connector.errors import UnexpectedResponseError

T = TypeVar("T")

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")

NOT_JSON = object()
"""What `decode` gives for HTML, truncated text or nothing: equal to no JSON value."""


def decode(body: bytes) -> object:
    """Give the JSON value, numbers with a fraction as Decimal; `NOT_JSON` for anything else."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError):
        return NOT_JSON


def encode(value: object) -> bytes:
    """Give the JSON text.

    Raises: UnicodeEncodeError for text that is not text (half of a surrogate pair).
    """
    return _ENCODER.encode(value)


def number(value: Decimal) -> Decimal | msgspec.Raw:
    """Give the number in plain digits: 100000 for 1E+5, which not every JSON reader takes for a number."""
    return msgspec.Raw(f"{value:f}".encode()) if "E" in str(value) else value


def expected(value: object, kind: type[T], what: str) -> T:
    """Give the value if it has the type that we know.

    Raises: UnexpectedResponseError naming what was met instead.
    """
    if not isinstance(value, kind):
        raise UnexpectedResponseError(f"{what}: expected {kind.__name__}, not {type(value).__name__}")
    return value
