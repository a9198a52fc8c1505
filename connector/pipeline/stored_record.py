"""A record as the ledger keeps it: JSON that gives the same values again, types and digits included."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import structs

from connector.record import Line, LineKind, Record, RecordValue

_ENCODER = msgspec.json.Encoder(decimal_format="string")


class _Decimal(msgspec.Struct, gc=False):
    """An amount as it is kept: `{"decimal": "12.50"}`."""

    decimal: Decimal


def write_record(record: Record) -> bytes:
    """Give the JSON of a record. Its revision is left out: the delivery has it."""
    return _ENCODER.encode(_record(record))


def read_record(stored: bytes) -> Record:
    """Give the record that `write_record` wrote, also in a version that knew fewer parts of it."""
    return _read_record(msgspec.json.decode(stored))


def _record(record: Record) -> dict[str, Any]:
    return {
        "object": record.object,
        "key_field": record.key_field,
        "key": record.key,
        "fields": _fields(record.fields),
        "lines": list(map(_line, record.lines)),
        "companions": list(map(_record, record.companions)),
        "line_kinds": record.line_kinds,
    }


def _line(line: Line) -> Line:
    # Its JSON has the names that `_read_line` reads.
    return structs.replace(line, fields=_fields(line.fields), lines=tuple(map(_line, line.lines)))


def _read_record(raw: dict[str, Any]) -> Record:
    return Record(
        object=raw["object"],
        key_field=raw["key_field"],
        key=raw["key"],
        fields=_values(raw["fields"]),
        lines=tuple(map(_read_line, raw["lines"])),
        companions=tuple(map(_read_record, raw.get("companions", ()))),
        line_kinds=msgspec.convert(raw.get("line_kinds", ()), tuple[LineKind, ...]),
    )


def _read_line(raw: dict[str, Any]) -> Line:
    return Line(
        object=raw["object"],
        key_field=raw["key_field"],
        key=raw["key"],
        parent_field=raw["parent_field"],
        fields=_values(raw["fields"]),
        lines=tuple(map(_read_line, raw.get("lines", ()))),
    )


def _fields(fields: Mapping[str, RecordValue]) -> dict[str, Any]:
    return {
        name: value if value is None or type(value) is str else _plain(value)
        for name, value in fields.items()
    }


def _plain(value: RecordValue) -> Any:  # noqa: ANN401 any JSON
    if isinstance(value, Decimal):
        return _Decimal(value)
    match value:
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
