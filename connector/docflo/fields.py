"""Docflo's field values, in every shape they may come in, as the values of `connector.document`.

The shapes are not documented: a value may be wrapped in `{type, value, confidence}`, wrapped twice, or bare;
keys may be capitalised. Nothing is guessed about what a value means, and no number passes through float.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.document import ROW_ID, Field, FieldValue, PlainValue, Row
from connector.errors import UnexpectedResponseError

MAX_DEPTH = 40
"""Deeper than any document; keeps a hostile answer from exhausting the stack."""

_MARKS = frozenset({"type", "kind", "confidence", "content", "changedOn", "changedBy"})
_VALUES = ("value", "values", "properties")
_AMOUNT = ("amount", "Amount", "value")
_CURRENCY = ("currencyCode", "CurrencyCode", "currency", "code")
_PLAIN_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?")


def read_fields(raw: Mapping[str, Any]) -> dict[str, Field]:
    """Read a map of fields by name."""
    return {str(name): read_field(value, 0) for name, value in raw.items()}


def is_field_map(raw: object) -> bool:
    """Tell whether this is a map of fields: at least one entry has a value with a type or a confidence."""
    return isinstance(raw, Mapping) and any(_is_wrapped(value) for value in raw.values())


def read_field(raw: object, depth: int) -> Field:
    """Read one field, wrapped or bare."""
    if depth > MAX_DEPTH:
        message = f"a field is nested more than {MAX_DEPTH} levels deep"
        raise UnexpectedResponseError(message)
    if not isinstance(raw, Mapping) or not _is_wrapped(raw):
        return Field(value=_read_value(raw, None, depth))
    type_ = raw.get("type", raw.get("kind"))
    return Field(
        value=_read_value(_unwrap(raw), type_, depth),
        type=type_ if isinstance(type_, str) else None,
        confidence=_read_confidence(raw.get("confidence")),
        content=_text(raw.get("content")),
        changed_on=_text(raw.get("changedOn")),
        changed_by=_text(raw.get("changedBy")),
    )


def read_number(raw: object) -> int | Decimal | None:
    """Read a number, or text that is plainly one; None for anything that would have to be guessed."""
    match raw:
        case bool():
            return None
        case int() | Decimal():
            return raw
        case str() if _PLAIN_NUMBER.fullmatch(raw.strip()):
            return Decimal(raw.strip())
        case _:
            return None


def _is_wrapped(raw: object) -> bool:
    if not isinstance(raw, Mapping):
        return False
    # A mark is a scalar: a row may well have a field that is called "type" or "content".
    marked = any(key in raw and not isinstance(raw[key], Mapping | list) for key in _MARKS)
    if marked and set(raw) <= _MARKS:
        return True  # `{type, confidence}` without a value: a field that was not found
    return any(key in raw for key in _VALUES) and (marked or set(raw) == {"value"})


def _unwrap(raw: Mapping[str, Any]) -> object:
    value = next((raw[key] for key in _VALUES if key in raw), None)
    # Some servers wrap twice: {"value": {"value": 5}}.
    if isinstance(value, Mapping) and set(value) == {"value"}:
        return value["value"]
    return value


def _read_value(raw: object, type_: object, depth: int) -> FieldValue:
    match raw:
        case None | bool() | int() | Decimal():
            if type_ == "currency" and raw is not None and not isinstance(raw, bool):
                return {"amount": _decimal(raw), "currencyCode": None}
            return raw
        case str():
            return _read_text(raw, type_)
        case list() | tuple():
            return _read_list(raw, depth)
        case Mapping():
            return _read_mapping(raw, type_, depth)
        case _:
            message = f"a field holds a {type(raw).__name__}, which JSON does not have"
            raise UnexpectedResponseError(message)


def _read_text(raw: str, type_: object) -> FieldValue:
    if type_ == "number":
        number = read_number(raw)
        return raw if number is None else number
    return raw


def _read_list(raw: list[Any] | tuple[Any, ...], depth: int) -> FieldValue:
    if any(isinstance(row, Mapping) for row in raw):
        return tuple(_read_row(row, depth + 1) for row in raw if row is not None)
    return tuple(_plain(value, depth + 1) for value in raw)


def _read_row(raw: object, depth: int) -> Row:
    """Read a row: a map of fields, or one wrapped as an object. Its `_id` may stand inside or outside."""
    if not isinstance(raw, Mapping):
        return Row(id=None, fields={"value": read_field(raw, depth)})
    inner = _unwrap(raw) if _is_wrapped(raw) and isinstance(_unwrap(raw), Mapping) else raw
    fields = inner if isinstance(inner, Mapping) else raw
    identity = _row_id(raw) or _row_id(fields)
    return Row(
        id=identity,
        fields={str(name): read_field(value, depth + 1) for name, value in fields.items() if name != ROW_ID},
    )


def _row_id(raw: Mapping[str, Any]) -> str | None:
    identity = raw.get(ROW_ID)
    if isinstance(identity, Mapping):  # MongoDB's extended JSON: {"$oid": "..."}
        identity = identity.get("$oid")
    return str(identity) if isinstance(identity, str | int) and not isinstance(identity, bool) else None


def _read_mapping(raw: Mapping[str, Any], type_: object, depth: int) -> FieldValue:
    if type_ == "currency" or (type_ is None and _is_money(raw)):
        return _read_money(raw, depth)
    if type_ in {"address", "country", "list", "dynamic_list"}:
        return {str(key): _plain(value, depth + 1) for key, value in raw.items()}
    return {str(key): read_field(value, depth + 1) for key, value in raw.items()}


def _is_money(raw: Mapping[str, Any]) -> bool:
    keys = {str(key).lower() for key in raw}
    return {"amount", "currencycode"} <= keys


def _read_money(raw: Mapping[str, Any], depth: int) -> Mapping[str, PlainValue]:
    """Read a currency value, however it is spelt; other keys (a symbol, say) are kept."""
    amount_key = next((key for key in _AMOUNT if key in raw), None)
    code_key = next((key for key in _CURRENCY if key in raw), None)
    rest = {str(k): _plain(v, depth + 1) for k, v in raw.items() if k not in {amount_key, code_key}}
    amount = raw.get(amount_key) if amount_key else None
    code = raw.get(code_key) if code_key else None
    number = read_number(amount)
    return {
        # Text that is not plainly a number stays text: the mapping refuses it and says where.
        "amount": _decimal(number) if number is not None else _plain(amount, depth + 1),
        "currencyCode": code if isinstance(code, str) else None,
        **rest,
    }


def _plain(raw: object, depth: int) -> PlainValue:
    """Give a value as it is, unwrapped: inside addresses, countries, options and bare lists."""
    if depth > MAX_DEPTH:
        message = f"a field is nested more than {MAX_DEPTH} levels deep"
        raise UnexpectedResponseError(message)
    match raw:
        case None | str() | bool() | int() | Decimal():
            return raw
        case list() | tuple():
            return tuple(_plain(value, depth + 1) for value in raw)
        case Mapping():
            if _is_wrapped(raw):
                return _plain(_unwrap(raw), depth + 1)
            return {str(key): _plain(value, depth + 1) for key, value in raw.items()}
        case _:
            message = f"a field holds a {type(raw).__name__}, which JSON does not have"
            raise UnexpectedResponseError(message)


def _decimal(number: int | Decimal) -> Decimal:
    return number if isinstance(number, Decimal) else Decimal(number)


def _read_confidence(raw: object) -> Decimal | None:
    number = read_number(raw)
    return None if number is None else _decimal(number)


def _text(raw: object) -> str | None:
    return raw if isinstance(raw, str) else None
