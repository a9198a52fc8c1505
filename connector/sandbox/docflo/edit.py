"""Edits of a document's fields: plain values in, fields out. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from connector.sandbox.docflo.document import Fields
from connector.sandbox.docflo.errors import ApiError
from connector.sandbox.docflo.schema import FieldSchema, TypeSchema

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """Who edits and when; `new_id` names new rows."""

    changed_on: str
    changed_by: str
    new_id: Callable[[], str]


def edited(fields: Fields, changes: Mapping[str, Any], schema: TypeSchema, editor: Editor) -> dict[str, Any]:
    """Give the fields after an edit; nothing is changed unless everything fits.

    Raises: ApiError 400 that names every unknown key, or the first value that does not fit.
    """
    unknown = [name for name in changes if name not in schema]
    if unknown:
        known = f"Unknown fields: {', '.join(unknown)}. Known fields: {', '.join(schema)}"
        raise ApiError(400, "INVALID_FIELD", "The document type does not have these fields", known)
    after = {
        name: _edited_field(fields.get(name), value, schema[name], editor) for name, value in changes.items()
    }
    return {**fields, **after}


def _edited_field(old: Any, value: Any, schema: FieldSchema, editor: Editor) -> dict[str, Any]:  # noqa: ANN401 any JSON
    if schema.type == "array":
        value = _edited_rows((old or {}).get("value") or [], value, schema, editor)
    else:
        value = _checked(value, schema)
    kept = old or {"confidence": Decimal(1)}
    return {
        **kept,
        "type": schema.type,
        "value": value,
        "changedOn": editor.changed_on,
        "changedBy": editor.changed_by,
    }


def _edited_rows(
    old: list[dict[str, Any]], operations: object, schema: FieldSchema, editor: Editor
) -> list[dict[str, Any]]:
    if not isinstance(operations, list):
        raise _bad_value(schema.name, "a list of rows, each with an operation")
    rows = {row["_id"]: row for row in old}
    for operation in operations:
        match operation:
            case {"operation": "create", **values} if "_id" not in values:
                row_id = editor.new_id()
                rows[row_id] = _edited_row({"_id": row_id}, values, schema, editor)
            case {"operation": "update", "_id": str() as row_id, **values} if row_id in rows:
                rows[row_id] = _edited_row(rows[row_id], values, schema, editor)
            case {"operation": "delete", "_id": str() as row_id} if row_id in rows:
                del rows[row_id]
            case _:
                raise _bad_value(schema.name, "create without _id, or update or delete with the _id of a row")
    return list(rows.values())


def _edited_row(
    old: Fields, values: Mapping[Any, Any], schema: FieldSchema, editor: Editor
) -> dict[str, Any]:
    known = {inner.name: inner for inner in schema.fields}
    # The API page's own example writes a row's `amount` beside its `Description`.
    spelt = {name.casefold(): name for name in known}
    named = {
        name if name in known else spelt.get(name.casefold(), name): value for name, value in values.items()
    }
    try:
        return edited(old, named, known, editor)
    except ApiError as error:
        raise ApiError(error.status, error.code, error.message, f"{schema.name}: {error.details}") from None


def _checked(value: Any, schema: FieldSchema) -> Any:  # noqa: ANN401 any JSON
    if value is None:
        return None
    match schema.type, value:
        case "currency", dict():
            return _checked_currency(value, schema)
        case "object", dict():
            known = {inner.name: inner for inner in schema.fields}
            return {name: _checked(inner, _inner(known, name)) for name, inner in value.items()}
    if not _FITS.get(schema.type, _never)(value):
        raise _bad_value(schema.name, _EXPECTED.get(schema.type, schema.type))
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(_DATE.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


def _always(_value: object) -> bool:
    return True


def _never(_value: object) -> bool:
    return False


# The references do not show what is written to the last four.
_FITS: Mapping[str, Callable[[object], bool]] = {
    "string": _is_text,
    "prompt": _is_text,
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "date": _is_date,
    "address": _always,
    "country": _always,
    "list": _always,
    "dynamic_list": _always,
}

_EXPECTED = {
    "string": "text",
    "number": "a number",
    "date": "a date, like 2025-01-31",
    "currency": "{amount, currencyCode}",
}


def _checked_currency(value: Mapping[str, Any], schema: FieldSchema) -> dict[str, Any]:
    # The API page's own example writes {Amount, CurrencyCode} for one field and lower case for another.
    lowered = {name.casefold(): inner for name, inner in value.items()}
    match lowered:
        case {"amount": amount, "currencycode": str() as code, **rest} if not rest and _is_number(amount):
            return {"amount": amount, "currencyCode": code}
        case _:
            raise _bad_value(schema.name, _EXPECTED["currency"])


def _inner(known: Mapping[str, FieldSchema], name: str) -> FieldSchema:
    if name not in known:
        raise _bad_value(name, f"one of {', '.join(known)}")
    return known[name]


def _bad_value(name: str, expected: str) -> ApiError:
    return ApiError(
        400, "INVALID_FIELD_VALUE", f"The value of {name} does not fit", f"{name}: expected {expected}"
    )


def with_model_field(schema: TypeSchema, field: FieldSchema) -> TypeSchema:
    """Give the type with one field added or changed; a changed one keeps its row fields unless told."""
    old = schema.get(field.name)
    if old and not field.fields:
        field = replace(field, fields=old.fields)
    return {**schema, field.name: field}
