"""One value as the text that an XSD type takes, or why it cannot be. Pure; knows no schema library.

Nothing is guessed: a number in a text counts as a number only where it is written as XSD writes it, dates do
not change their day, and what would have to be rounded or cut is refused.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.template import Value, as_text

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
_FLOAT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|-?INF|NaN")
_DAY = r"-?\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_ZONE = r"(Z|[-+](0\d|1[0-4]):[0-5]\d)?"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
_DATE_TEXT = re.compile(_DAY + _ZONE)
_DATETIME_TEXT = re.compile(f"{_DAY}T{_TIME}{_ZONE}")
_TIME_TEXT = re.compile(_TIME + _ZONE)
_DURATION_TEXT = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")

_RANGES: Mapping[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "long": (-(2**63), 2**63 - 1),
    "int": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-(2**7), 2**7 - 1),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "unsignedLong": (0, 2**64 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedByte": (0, 2**8 - 1),
}


def to_text(builtin: str, value: Value) -> str:
    """Give a value as a built-in type of XSD ("decimal", "dateTime", "token", ...) writes it.

    Raises: UnfitValueError that says what is expected, without quoting the value.
    """
    return writer(builtin)(value)


def writer(builtin: str) -> Callable[[Value], str]:
    """Give what writes values as this type."""
    if builtin in _RANGES:
        return partial(_integer, builtin)
    return _WRITERS.get(builtin, _string)


def legal_xml(text: str) -> str:
    """Give the text.

    Raises: UnfitValueError for characters that no XML document can hold.
    """
    if text.isascii() and text.isprintable():
        return text
    match = _ILLEGAL.search(text)
    if match is not None:
        message = f"holds the character U+{ord(match[0]):04X}, which XML cannot carry"
        raise UnfitValueError(message)
    return text


def _string(value: Value) -> str:
    if isinstance(value, bytes):
        message = "bytes are no text; add `| base64` or `| hex`"
        raise UnfitValueError(message)
    return legal_xml(as_text(value))


def _decimal(value: Value) -> str:
    if type(value) is Decimal and value.is_finite():
        text = str(value)
        return text if "E" not in text else f"{value:f}"
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
        if not number.is_finite():
            message = "expected a decimal number, got one that is not finite"
            raise UnfitValueError(message)
        return f"{number:f}"
    return _matching(_DECIMAL, value, "a decimal number")


def _integer(builtin: str, value: Value) -> str:
    text = _decimal(value)
    number = Decimal(text)
    if number != number.to_integral_value():
        message = "expected a whole number, got one with decimal places"
        raise UnfitValueError(message)
    least, most = _RANGES[builtin]
    if (least is not None and number < least) or (most is not None and number > most):
        message = f"expected a whole number from {least or '...'} to {most or '...'} ({builtin})"
        raise UnfitValueError(message)
    return f"{number.to_integral_value():f}"


def _float(value: Value) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _decimal(value)
    return _matching(_FLOAT, value, "a number")


def _boolean(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value in {"true", "false", "1", "0"}:
        return "true" if value in {"true", "1"} else "false"
    if isinstance(value, int) and value in {0, 1}:
        return "true" if value else "false"
    message = f"expected true or false, got {_kind(value)}; nothing else is read as one of them"
    raise UnfitValueError(message)


def _date(value: Value) -> str:
    if isinstance(value, datetime):
        message = "expected a date, got a date with a time; `| date` takes its day"
        raise UnfitValueError(message)
    if isinstance(value, date):
        return value.isoformat()
    return _matching(_DATE_TEXT, value, "a date, YYYY-MM-DD")


def _datetime(value: Value) -> str:
    if isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
        return text.replace("+00:00", "Z")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00"  # a date has no time zone, and none is invented
    if isinstance(value, str) and _DATE_TEXT.fullmatch(value):
        return f"{value[:10]}T00:00:00{value[10:]}"
    return _matching(_DATETIME_TEXT, value, "a date with a time, YYYY-MM-DDThh:mm:ss")


def _base64(value: Value) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    try:
        text = "".join(_string(value).split())
        base64.b64decode(text, validate=True)
    except ValueError as error:
        message = "expected base64; `| base64` makes it of a text"
        raise UnfitValueError(message) from error
    return text


def _hex(value: Value) -> str:
    if isinstance(value, bytes):
        return value.hex().upper()
    return _matching(re.compile(r"([0-9a-fA-F]{2})*"), value, "bytes in hexadecimal")


def _matching(pattern: re.Pattern[str], value: Value, expected: str) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if pattern.fullmatch(text) is None or not isinstance(value, str):
        message = f"expected {expected}, got {_kind(value)}"
        raise UnfitValueError(message)
    return text


def _pattern(pattern: re.Pattern[str], expected: str) -> Callable[[Value], str]:
    return lambda value: _matching(pattern, as_text(value) if isinstance(value, int) else value, expected)


def _kind(value: Value) -> str:
    names = {bool: "true or false", str: "other text", type(None): "nothing", bytes: "bytes"}
    return names.get(type(value), type(value).__name__)


_WRITERS: Mapping[str, Callable[[Value], str]] = {
    "decimal": _decimal,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "date": _date,
    "dateTime": _datetime,
    "time": _pattern(_TIME_TEXT, "a time, hh:mm:ss"),
    "duration": _pattern(_DURATION_TEXT, "a duration such as P1D"),
    "gYear": _pattern(re.compile(r"-?\d{4,}" + _ZONE), "a year"),
    "gYearMonth": _pattern(re.compile(r"-?\d{4,}-(0[1-9]|1[0-2])" + _ZONE), "a month, YYYY-MM"),
    "base64Binary": _base64,
    "hexBinary": _hex,
}
