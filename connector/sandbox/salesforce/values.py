"""One JSON value against one field: what is stored, or why it is refused."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.ids import full_id
from connector.sandbox.salesforce.schema import NUMBER_TYPES, TEXT_TYPES, Field, FieldType

SHOWN_CHARACTERS = 255
EARLIEST_YEAR = 1700
LATEST_YEAR = 4000
MOST_CHOICES = 100

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class ValueRefusedError(Exception):
    """The value has the right type and still cannot be stored. Several can be reported at once."""

    def __init__(self, code: str, message: str, field: Field) -> None:
        self.entry = errors.entry(code, f"{field.label}: {message}", field.name)
        super().__init__(message)


def stored_value(field: Field, value: object) -> Any:  # noqa: ANN401 a field's value has the field's type
    """Give what the org stores for a JSON value.

    Raises: ApiError when the JSON type is wrong; ValueRefusedError when the value is.
    """
    if value is None or value == "":
        return _empty(field)
    read = _READERS.get(field.type)
    if read is None:
        raise errors.not_writeable([field.name])
    return read(field, value)


def _empty(field: Field) -> None:
    """Accept no value, for which an empty text stands too, unless a restricted picklist must have one."""
    if field.type == "boolean":
        raise ValueRefusedError("INVALID_TYPE_ON_FIELD_IN_RECORD", "value not of required type: ", field)
    if field.picklist and field.restricted and not field.nillable:
        raise ValueRefusedError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value for restricted picklist field: null", field
        )


def _text(field: Field, value: object) -> str:
    text = _string(value, "string")
    # Salesforce counts as Java does: a character beyond the basic plane is two.
    if len(text.encode("utf-16-le")) // 2 > field.length:
        message = f"data value too large: {text[:SHOWN_CHARACTERS]} (max length={field.length})"
        raise ValueRefusedError("STRING_TOO_LONG", message, field)
    if field.type == "email" and not _EMAIL.fullmatch(text):
        raise ValueRefusedError("INVALID_EMAIL_ADDRESS", f"invalid email address: {text}", field)
    return text


def _number(field: Field, value: object) -> Decimal:
    """Give the number, digits as sent; more decimals than the field has are rounded without a word."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise wrong_type("double", value)
    number = Decimal(value)
    if field.type == "int" and number != number.to_integral_value():
        raise wrong_type("int", value)
    exponent = number.as_tuple().exponent
    if _fits(field, number) and isinstance(exponent, int) and exponent < -field.scale:
        number = number.quantize(Decimal(1).scaleb(-field.scale), rounding=ROUND_HALF_UP)
    if not _fits(field, number):
        message = f"value outside of valid range on numeric field: {value}"
        raise ValueRefusedError("NUMBER_OUTSIDE_VALID_RANGE", message, field)
    return number


def _fits(field: Field, number: Decimal) -> bool:
    return number.is_zero() or number.adjusted() < field.precision - field.scale


def _date(field: Field, value: object) -> str:
    text = _string(value, "date")
    try:
        year = date.fromisoformat(text).year if _DATE.fullmatch(text) else None
    except ValueError:
        year = None
    if year is None:
        raise wrong_type("date", value)
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        raise ValueRefusedError("NUMBER_OUTSIDE_VALID_RANGE", f"invalid date: {text}", field)
    return text


def _choice(field: Field, value: object) -> str:
    text = _string(value, "string")
    if field.restricted and text not in field.picklist:
        message = f"bad value for restricted picklist field: {text}"
        raise ValueRefusedError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field)
    return text


def _choices(field: Field, value: object) -> str:
    chosen = _string(value, "string").split(";")
    if len(chosen) > MOST_CHOICES:
        message = f"too many values selected: {len(chosen)} (max {MOST_CHOICES})"
        raise ValueRefusedError("TOO_MANY_ENUM_VALUE", message, field)
    return ";".join(_choice(field, choice) for choice in chosen)


def _truth(_field: Field, value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong_type("boolean", value)
    return value


def _moment(_field: Field, value: object) -> str:
    """Give a time in UTC. Salesforce wants a time zone, and takes one without a colon too."""
    text = _string(value, "datetime")
    try:
        moment = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise wrong_type("datetime", value)
    return stamp(moment)


def stamp(moment: datetime) -> str:
    """Give a time as Salesforce writes it: "2026-11-23T10:00:00.000+0000"."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _bytes(_field: Field, value: object) -> bytes:
    if isinstance(value, bytes):  # a part of a multipart body
        return value
    try:
        return base64.b64decode(_string(value, "base64"), validate=True)
    except binascii.Error:
        raise wrong_type("base64Binary", str(value)[:20]) from None


def _id(field: Field, value: object) -> str:
    text = _string(value, "string")
    found = full_id(text)
    if found is None:
        raise ValueRefusedError("MALFORMED_ID", f"id value of incorrect type: {text}", field)
    return found


def _string(value: object, expected: str) -> str:
    if not isinstance(value, str):
        raise wrong_type(expected, value)
    return value


def wrong_type(expected: str, value: object) -> errors.ApiError:
    """Give the refusal of a JSON value of another type than expected."""
    match value:
        case bool():
            return errors.wrong_type(expected, f"VALUE_{value!s}".upper(), str(value).lower())
        case int():
            return errors.wrong_type(expected, "VALUE_NUMBER_INT", str(value))
        case Decimal():
            return errors.wrong_type(expected, "VALUE_NUMBER_FLOAT", str(value))
        case str():
            return errors.wrong_type(expected, "VALUE_STRING", value)
        case list():
            return errors.wrong_type(expected, "START_ARRAY", "[")
    return errors.wrong_type(expected, "START_OBJECT", "{")


_READERS: dict[FieldType, Callable[[Field, object], Any]] = {
    **dict.fromkeys(TEXT_TYPES, _text),
    **dict.fromkeys(NUMBER_TYPES, _number),
    "boolean": _truth,
    "date": _date,
    "datetime": _moment,
    "picklist": _choice,
    "multipicklist": _choices,
    "reference": _id,
    "base64": _bytes,
}
