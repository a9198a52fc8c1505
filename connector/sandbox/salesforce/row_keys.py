"""What a row is found by, and what writing it locks."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from connector.sandbox.salesforce.schema import Field, ObjectType

Row: TypeAlias = Mapping[str, Any]


def index_key(field: Field, value: object) -> str:
    """Give the form in which two values of a field are the same."""
    if isinstance(value, Decimal):
        return str(value.normalize())
    text = str(value)
    return text if field.case_sensitive or field.type == "reference" else text.lower()


def lock_keys(found: ObjectType, record_id: str, before: Row | None, after: Row | None) -> set[str]:
    """Give what a write locks: the row, its masters before and after, and the unique values it takes."""
    keys = {record_id}
    for field in found.references:
        if field.is_master or field.locks_target:
            parents = (row[field.name] for row in (before, after) if row is not None)
            keys.update(parent for parent in parents if parent is not None)
    for field in found.unique:
        new = after[field.name] if after is not None else None
        if new is not None and (before is None or before[field.name] != new):
            keys.add(unique_key(found, field, new))
    return keys


def unique_key(found: ObjectType, field: Field, value: object) -> str:
    """Give the lock of a unique value, whichever row takes it."""
    return f"{found.name}.{field.name}={index_key(field, value)}"


def index_entries(found: ObjectType, row: Row) -> Iterator[tuple[str, str, str]]:
    """Give what a row is found by: object, field and value."""
    for field in found.indexed:
        value = row[field.name]
        if value is not None:
            yield found.name, field.name, index_key(field, value)
