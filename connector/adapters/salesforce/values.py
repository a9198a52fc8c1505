"""Fields as Salesforce takes them, and what of them it would refuse or silently change. Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from connector.adapters.salesforce.describe import (
    Column,
    ObjectShape,
    columns_of,
    length_problem,
    number_problem,
)
from connector.adapters.salesforce.json_text import number
from connector.record import RecordValue


def upsert_body(
    fields: Mapping[str, RecordValue], key_field: str, shape: ObjectShape | None
) -> tuple[dict[str, object], list[str]]:
    """Give the body of an upsert by `key_field`, and what is wrong with it.

    The key is left out: it is in the address, and Salesforce refuses it in both places.
    """
    body: dict[str, object] = {}
    problems = []
    columns = columns_of(shape)
    key = key_field.lower()
    for name, value in fields.items():
        column = columns[name]
        if column.folded == key:
            continue
        relationship = column.relationship
        if relationship is None and _goes_as_it_is(column, value):
            body[name] = value
            continue
        problem = _value_problem(column, value, shape)
        if problem is not None:
            problems.append(f"{name}: {problem}")
        elif relationship is None:
            body[name] = wire_value(value)
        elif column.is_record_type and shape is not None:
            body["RecordTypeId"] = shape.record_type(str(value))
        elif "." in column.named_by or relationship in body:
            problems.append(f"{name}: another record is named by exactly one field of it")
        elif value is None:
            body[column.reference.name if column.reference else relationship] = None
        else:
            body[relationship] = {column.named_by: wire_value(value)}
    return body, problems


def holds_already(row: Mapping[str, object], fields: Mapping[str, RecordValue]) -> bool:
    """Tell whether a row (by lower-case names) has all these values, so that writing changes nothing.

    "No" where it cannot be told: what a name leads to is not compared, nor what the row leaves out.
    """
    return all(name.lower() in row and _is_same(row[name.lower()], value) for name, value in fields.items())


def _is_same(stored: object, value: RecordValue) -> bool:
    match value:
        case None | bool():
            return stored is value
        case Decimal() | int():
            return isinstance(stored, Decimal | int) and not isinstance(stored, bool) and stored == value
        case datetime():
            return isinstance(stored, str) and _moment(stored) == value
        case date():
            return stored == value.isoformat()
        case _:
            return stored == value


def _moment(stored: str) -> datetime | None:
    try:
        return datetime.fromisoformat(stored)
    except ValueError:
        return None


def field_behind(relationship: str, shape: ObjectShape | None) -> str:
    """Give the field to clear: a null inside `Vendor__r` names no record, `"Vendor__c": null` clears."""
    field = shape.reference(relationship) if shape else None
    return field.name if field else relationship


def _goes_as_it_is(column: Column, value: RecordValue) -> bool:
    """Tell at one look that a value has no problem and is its own JSON; "no" means only: look closer.

    The digits of a number that count are never more than those that are written.
    """
    if isinstance(value, str):
        return (
            len(value) <= column.most_characters and "@{" not in value and (value.isascii() or is_text(value))
        )
    if isinstance(value, Decimal):
        written = str(value)
        whole, _, decimals = written.partition(".")
        return (
            len(decimals) <= column.most_decimals
            and len(whole) <= column.most_whole_digits
            and "E" not in written
            and value.is_finite()
        )
    return value is None


def _value_problem(column: Column, value: RecordValue, shape: ObjectShape | None) -> str | None:
    match value:
        case str() if column.is_record_type:
            return record_type_problem(value, shape)
        case str():
            return _text_problem(value) or (length_problem(column.field, value) if column.field else None)
        case Decimal() if not value.is_finite():
            return "is not a number"
        case bool() | None:
            return None
        case Decimal() | int():
            return number_problem(column.field, value) if column.field else None
        case datetime() if value.tzinfo is None:
            return "is a time without a time zone"
        case _:
            return None


def record_type_problem(developer_name: str, shape: ObjectShape | None) -> str | None:
    """Tell why a record type cannot be given, None if it can."""
    if shape is None or shape.record_type(developer_name) is not None:
        return None
    known = ", ".join(sorted(shape.record_types)) or "none"
    return f'this user may use no record type "{developer_name}" of {shape.name}; there are: {known}'


def _text_problem(text: str) -> str | None:
    if "@{" in text:
        return 'holds "@{", which Salesforce would take for a reference to another node and replace'
    return None if is_text(text) else "holds half of a character"


def is_text(text: str) -> bool:
    """Tell whether it can be written as UTF-8: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def wire_value(value: RecordValue) -> object:
    """Give a value as the JSON of a request holds it."""
    match value:
        case Decimal():
            return number(value)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        case date():
            return value.isoformat()
        case _:
            return value
