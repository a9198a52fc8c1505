"""Docflo's field values, in every shape they may come in, as the values of `connector.document`.

The shapes are not documented: a value may be wrapped in `{type, value, confidence}`, wrapped twice, or bare;
keys may be capitalised. Nothing is guessed about what a value means, and no number passes through float.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from types import NoneType
from typing import Any, overload

from connector.document import ROW_ID, Field, FieldValue, PlainValue, Row
from connector.errors import UnexpectedResponseError

MAX_DEPTH = 40
"""Deeper than any document; keeps a hostile answer from exhausting the stack."""

_MARKS = frozenset({"type", "kind", "confidence", "content", "changedOn", "changedBy"})
_VALUES = ("value", "values", "properties")
_BESIDE = frozenset({"boundingRegions", "boundingBox", "polygon", "spans", "page", "pageNumber"})
_ODD_IN_A_ROW = _MARKS | {*_VALUES, "fields"}
"""Keys that may mean something else than a field of that name."""
_PLAIN_TYPES = frozenset({"address", "country", "list", "dynamic_list"})
_INLINE_TYPES = _PLAIN_TYPES | {"currency", "object"}
_AMOUNT = ("amount", "Amount", "value")
_USUAL_MONEY = ("amount", "currencyCode")
_CURRENCY = ("currencyCode", "CurrencyCode", "currency", "code")
_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_AS_IT_IS: Mapping[str | None, Collection[type]] = {
    "string": {str, NoneType},
    "date": {str, NoneType},
    "number": {int, Decimal, NoneType},
}
"""What JSON has for a type where that is the value already."""
_UNSURE, _SURE = Decimal(0), Decimal(1)


def read_fields(raw: Mapping[str, Any]) -> dict[str, Field]:
    """Read a map of fields by name."""
    return {name: read_field(value, 0) for name, value in raw.items()}


def is_field_map(raw: object) -> bool:
    """Tell whether this is a map of fields: at least one entry has a value with a type or a confidence."""
    return isinstance(raw, dict) and any(type(value) is dict and _is_wrapped(value) for value in raw.values())


def read_field(raw: object, depth: int) -> Field:
    """Read one field, wrapped or bare."""
    if depth > MAX_DEPTH:
        message = f"a field is nested more than {MAX_DEPTH} levels deep"
        raise UnexpectedResponseError(message)
    if type(raw) is not dict:
        return Field(value=_read_value(raw, None, depth))
    type_ = raw.get("type")
    if "value" in raw and type(type_) is str:  # as `_is_wrapped` says, and by far the most are
        value = raw["value"]
        if type(value) is dict and "value" in value:
            value = _unwrap(raw)
    elif _is_wrapped(raw):
        type_, value = _type(raw), _unwrap(raw)
    else:
        return Field(value=_read_value(raw, None, depth))
    kind = type(value)
    if kind is dict and type_ == "currency":
        value = _read_money(value, depth)
    elif kind not in _AS_IT_IS.get(type_, ()):
        value = _read_value(value, type_.lower() if type_ else None, depth)
    confidence, content = raw.get("confidence"), raw.get("content")
    if type(confidence) is not Decimal or not _UNSURE <= confidence <= _SURE:
        confidence = _read_confidence(confidence)
    return Field(
        value=value,
        type=type_,
        confidence=confidence,
        content=content if type(content) is str else None,
        changed_on=_text(raw["changedOn"]) if "changedOn" in raw else None,
        changed_by=_text(raw["changedBy"]) if "changedBy" in raw else None,
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


def _is_wrapped(raw: Mapping[str, Any]) -> bool:
    if "value" in raw and type(raw.get("type")) is str:
        return True  # by far the most are spelt so; what follows would say the same
    # A mark is a scalar: a row may well have a field that is called "type" or "content".
    marked = any(key in raw and not isinstance(raw[key], dict | list) for key in _MARKS)
    if marked and set(raw) <= _MARKS:
        return True  # `{type, confidence}` without a value: a field that was not found
    if any(key in raw for key in _VALUES):
        return marked or ("value" in raw and set(raw) <= {"value", *_BESIDE})
    return _is_inline(raw)


def _is_inline(raw: Mapping[str, Any]) -> bool:
    """Tell whether the value's parts stand beside its type: `{type: "currency", amount, currencyCode}`."""
    return (_type(raw) or "").lower() in _INLINE_TYPES


def _type(raw: Mapping[str, Any]) -> str | None:
    type_ = raw["type"] if "type" in raw else raw.get("kind")
    return type_ if isinstance(type_, str) else None


def _unwrap(raw: Mapping[str, Any]) -> object:
    value_key = "value" if "value" in raw else next((key for key in _VALUES if key in raw), None)
    if value_key is None:
        return {key: value for key, value in raw.items() if key not in _MARKS} or None
    value = raw[value_key]
    # Some servers wrap twice: {"value": {"value": 5}}.
    if type(value) is dict and "value" in value and set(value) <= {"value", *_MARKS, *_BESIDE}:
        return value["value"]
    return value


def _read_value(raw: object, type_: str | None, depth: int) -> FieldValue:
    match raw:
        case str():
            return _read_text(raw, type_)
        case dict():
            return _read_mapping(raw, type_, depth)
        case None | bool() | int() | Decimal():
            if type_ == "currency" and raw is not None and not isinstance(raw, bool):
                return {"amount": _decimal(raw), "currencyCode": None}
            return raw
        case list() | tuple():
            return _read_list(raw, type_, depth)
        case _:
            message = f"a field holds a {type(raw).__name__}, which JSON does not have"
            raise UnexpectedResponseError(message)


def _read_text(raw: str, type_: str | None) -> FieldValue:
    if type_ not in {"number", "currency"}:
        return raw
    number = read_number(raw)
    # Text that is not plainly a number stays text: the mapping refuses it and says where.
    value = raw if number is None else number
    if type_ == "currency":
        return {"amount": _decimal(value), "currencyCode": None}
    return value


def _read_list(raw: list[Any] | tuple[Any, ...], type_: str | None, depth: int) -> FieldValue:
    if type_ not in _PLAIN_TYPES and any(type(row) is dict for row in raw):
        return tuple(_read_row(row, depth + 1) for row in raw if row is not None)
    return tuple(_plain(value, depth + 1) for value in raw)


def _read_row(raw: object, depth: int) -> Row:
    """Read a row: a map of fields, or one wrapped as an object. Its `_id` may stand inside or outside."""
    if type(raw) is not dict:
        return Row(id=None, fields={"value": read_field(raw, depth)})
    fields = _row_fields(raw)
    # `id` is a row's id only where it cannot be a field: bare, beside fields that are wrapped.
    key = ROW_ID if ROW_ID in raw or ROW_ID in fields or not is_field_map(fields) else "id"
    identity = _row_id(raw, key) or _row_id(fields, key)
    left_out = {ROW_ID} if identity is None else {ROW_ID, key}
    return Row(
        id=identity,
        fields={name: read_field(value, depth + 1) for name, value in fields.items() if name not in left_out},
    )


def _row_fields(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    if _ODD_IN_A_ROW.isdisjoint(raw):
        return raw
    if _is_wrapped(raw) and isinstance(inner := _unwrap(raw), dict):
        return inner
    for name in ("properties", "fields", "value"):
        inner = raw.get(name)
        if not isinstance(inner, dict) or not is_field_map(inner):
            continue
        rest = (value for key, value in raw.items() if key != name)
        if not any(isinstance(value, dict | list) for value in rest):
            return inner  # {_id, properties: {...}}
    return raw


def _row_id(raw: Mapping[str, Any], key: str) -> str | None:
    identity = raw.get(key)
    if type(identity) is str:
        return identity
    if isinstance(identity, dict):  # MongoDB's extended JSON: {"$oid": "..."}
        identity = identity.get("$oid")
    return str(identity) if isinstance(identity, str | int) and not isinstance(identity, bool) else None


def _read_mapping(raw: Mapping[str, Any], type_: str | None, depth: int) -> FieldValue:
    if type_ == "currency" or (type_ is None and _is_money(raw)):
        return _read_money(raw, depth)
    if type_ in _PLAIN_TYPES:
        return {str(key): _plain(value, depth + 1) for key, value in raw.items()}
    if type_ == "array":
        rows = next((raw[key] for key in ("values", "value", "rows", "items") if key in raw), None)
        return _read_list(rows if isinstance(rows, list) else [raw], type_, depth)
    return {key: read_field(value, depth + 1) for key, value in raw.items()}


def _is_money(raw: Mapping[str, Any]) -> bool:
    # Scalars only: an object may have fields that are called Amount and Currency.
    keys = {str(key).lower() for key, value in raw.items() if not isinstance(value, dict | list)}
    return bool(keys & {"amount", "value"}) and bool(keys & {"currencycode", "currency"})


def _read_money(raw: Mapping[str, Any], depth: int) -> Mapping[str, PlainValue]:
    """Read a currency value, however it is spelt; other keys (a symbol, say) are kept."""
    amount, code = raw.get("amount"), raw.get("currencyCode")
    if type(code) is str and len(raw) == len(_USUAL_MONEY):
        if type(amount) is Decimal:
            return raw
        if type(amount) is int:
            return {"amount": Decimal(amount), "currencyCode": code}
    amount_key = next((key for key in _AMOUNT if key in raw), None)
    code_key = next((key for key in _CURRENCY if key in raw), None)
    rest = {str(k): _plain(v, depth + 1) for k, v in raw.items() if k not in {amount_key, code_key}}
    amount = _plain(raw[amount_key], depth + 1) if amount_key else None
    code = _plain(raw[code_key], depth + 1) if code_key else None
    if isinstance(code, dict):  # {"currency": {"code": "EUR"}}
        code = next((code[key] for key in ("code", *_CURRENCY) if key in code), None)
    number = read_number(amount)
    return {
        "amount": amount if number is None else _decimal(number),
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
        case dict():
            if _is_wrapped(raw):
                return _plain(_unwrap(raw), depth + 1)
            return {str(key): _plain(value, depth + 1) for key, value in raw.items()}
        case _:
            message = f"a field holds a {type(raw).__name__}, which JSON does not have"
            raise UnexpectedResponseError(message)


@overload
def _decimal(number: int | Decimal) -> Decimal: ...
@overload
def _decimal(number: str | int | Decimal) -> str | Decimal: ...
def _decimal(number: str | int | Decimal) -> str | Decimal:
    return Decimal(number) if isinstance(number, int) else number


def _read_confidence(raw: object) -> Decimal | None:
    """Read a confidence; anything outside 0..1 is on a scale that we do not know, so it is unknown."""
    number = read_number(raw)
    return _decimal(number) if number is not None and 0 <= number <= 1 else None


def _text(raw: object) -> str | None:
    return raw if isinstance(raw, str) else None
