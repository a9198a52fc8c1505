"""A record as the ledger keeps it: JSON that gives the same values again, types and digits included."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from connector.record import Line, Record, RecordValue


def write_record(record: Record) -> bytes:
    """Give the JSON of a record."""
    return msgspec.json.encode(
        {
            "object": record.object,
            "key_field": record.key_field,
            "key": record.key,
            "fields": _fields(record.fields),
            "lines": [
                {
                    "object": line.object,
                    "key_field": line.key_field,
                    "key": line.key,
                    "parent_field": line.parent_field,
                    "fields": _fields(line.fields),
                }
                for line in record.lines
            ],
        }
    )


def read_record(stored: bytes) -> Record:
    """Give the record that `write_record` wrote."""
    raw = msgspec.json.decode(stored)
    lines = tuple(Line(**{**line, "fields": _values(line["fields"])}) for line in raw["lines"])
    return Record(**{**raw, "fields": _values(raw["fields"]), "lines": lines})


def _fields(fields: Mapping[str, RecordValue]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: RecordValue) -> Any:  # noqa: ANN401 any JSON
    match value:
        case Decimal():
            return {"decimal": str(value)}
        case datetime():
            return {"datetime": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case int() if not isinstance(value, bool):
            return {"integer": str(value)}  # longer than JSON's readers promise to keep
        case _:
            return value


def _values(fields: Mapping[str, Any]) -> dict[str, RecordValue]:
    return {name: _value(stored) for name, stored in fields.items()}


def _value(stored: Any) -> RecordValue:  # noqa: ANN401 any JSON
    match stored:
        case {"decimal": str() as digits}:
            return Decimal(digits)
        case {"integer": str() as digits}:
            return int(digits)
        case {"datetime": str() as text}:
            return datetime.fromisoformat(text)
        case {"date": str() as text}:
            return date.fromisoformat(text)
        case str() | bool() | None:
            return stored
        case _:
            message = f"no record holds a {type(stored).__name__}"
            raise ValueError(message)
