"""What an expression can do to a value. A fixed list: a new one is an entry of `FILTERS`, with its test."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote


class UnfitValueError(ValueError):
    """A value that a filter or a type cannot take, in words that do not quote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterKind:
    """A function of a value and its arguments, and what it is for."""

    apply: Callable[..., Any]
    least: int  # arguments
    most: int
    about: str

    def check(self, name: str, given: int) -> None:
        """Refuse a wrong number of arguments.

        Raises: ValueError saying how many are expected.
        """
        if not self.least <= given <= self.most:
            expected = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
            message = f"filter `{name}` takes {expected} argument(s), got {given}"
            raise ValueError(message)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        message = "bytes are no text; add `| base64` or `| hex`"
        raise UnfitValueError(message)
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(value: object) -> Decimal:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", value):
        return Decimal(value.strip())
    message = f"expected a number, got {_kind(value)}"
    raise UnfitValueError(message)


def _decimal(value: object, places: int) -> Decimal:
    number = _number(value)
    exact = number.quantize(Decimal(1).scaleb(-places)) if number.is_finite() else number
    if exact != number:
        message = f"has more than {places} decimal places; `| round({places})` says that this may be rounded"
        raise UnfitValueError(message)
    return exact


def _round(value: object, places: int) -> Decimal:
    return _number(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def _integer(value: object) -> int:
    number = _number(value)
    if number != number.to_integral_value():
        message = "expected a whole number"
        raise UnfitValueError(message)
    return int(number)


def _day(value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(_text(value)[:10])
    except ValueError:
        message = f"expected a date, got {_kind(value)}"
        raise UnfitValueError(message) from None


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    day = _day(value)
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 a date has no time zone, and none is invented


def _date_text(value: object, form: str) -> str:
    known = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}
    pattern = re.sub("YYYY|YY|MM|DD", lambda match: known[match[0]], form.replace("%", "%%"))
    return _day(value).strftime(pattern)


def _max_length(value: object, most: int) -> str:
    text = _text(value)
    if len(text) > most:
        message = f"is {len(text)} characters long, at most {most} are taken"
        raise UnfitValueError(message)
    return text


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else _text(value).encode()


def _hmac_sha256(value: object, key: object) -> bytes:
    return hmac.new(_bytes(key), _bytes(value), hashlib.sha256).digest()


def _kind(value: object) -> str:
    names = {str: "text", bool: "true or false", bytes: "bytes", type(None): "nothing"}
    return names.get(type(value), type(value).__name__)


def _part(value: object, position: int) -> str:
    parts = _text(value).split("/")
    if not 1 <= position <= len(parts):
        message = f"has {len(parts)} part(s), not {position}"
        raise UnfitValueError(message)
    return parts[position - 1]


def _pad(value: object, width: int) -> str:
    return _text(value).rjust(width, "0")


_NAV_SPECIAL = re.compile(r"[&|*<>.()@'=?\"]")


def _nav_quote(value: object) -> str:
    # A filter of Dynamics NAV reads & | * < > . ( ) @ as its own language; in quotes they are themselves.
    text = _text(value)
    return "'" + text.replace("'", "''") + "'" if _NAV_SPECIAL.search(text) else text


def _entry(apply: Callable[..., Any], about: str, least: int = 0, most: int | None = None) -> FilterKind:
    return FilterKind(apply=apply, least=least, most=least if most is None else most, about=about)


FILTERS: Mapping[str, FilterKind] = {
    "base64": _entry(lambda value: base64.b64encode(_bytes(value)).decode(), "text or bytes in base64"),
    "cut": _entry(lambda value, most: _text(value)[:most], "the first characters, as many as said", 1),
    "date": _entry(_day, "the day alone"),
    "date_text": _entry(_date_text, "a date as 'DD.MM.YYYY' or the like says", 1),
    "datetime": _entry(_moment, "a date with a time, midnight if it had none"),
    "decimal": _entry(_decimal, "exactly so many decimal places; more are refused", 1),
    "default": _entry(lambda value, other: other if value in {None, ""} else value, "something else", 1),
    "digits": _entry(lambda value: re.sub(r"\D", "", _text(value)), "the digits alone"),
    "hex": _entry(lambda value: _bytes(value).hex(), "bytes in hexadecimal"),
    "hmac_sha256": _entry(_hmac_sha256, "the bytes of an HMAC-SHA256, under a key", 1),
    "integer": _entry(_integer, "a whole number; anything else is refused"),
    "lower": _entry(lambda value: _text(value).lower(), "in small letters"),
    "max_length": _entry(_max_length, "text that is refused when it is longer", 1),
    "md5": _entry(lambda value: hashlib.md5(_bytes(value), usedforsecurity=False).hexdigest(), "MD5, in hex"),
    "nav_quote": _entry(_nav_quote, "text as a filter of Dynamics NAV takes it literally"),
    "pad": _entry(_pad, "zeros before it, up to a width", 1),
    "part": _entry(_part, "one of the parts between slashes, such as the year of 4711/2026", 1),
    "replace": _entry(lambda value, old, new: _text(value).replace(str(old), str(new)), "another text", 2),
    "round": _entry(_round, "rounded half up to so many decimal places", 1),
    "sha256": _entry(lambda value: hashlib.sha256(_bytes(value)).digest(), "the bytes of a SHA-256"),
    "strip": _entry(lambda value: _text(value).strip(), "without blanks around it"),
    "text": _entry(_text, "text"),
    "upper": _entry(lambda value: _text(value).upper(), "in capitals"),
    "url": _entry(lambda value: quote(_text(value), safe=""), "percent-encoded"),
}
"""By the name that a profile gives."""
