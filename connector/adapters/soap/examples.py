"""Examples of a profile as records: plain YAML, with dates as YAML writes them."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from connector.adapters.soap.file import ExampleSection, RecordSection
from connector.record import Line, Record, RecordValue

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[-+]\d{2}:\d{2})?")


def read_example(section: ExampleSection, record: RecordSection, position: int) -> Record:
    """Give the record of an example; its key is made up."""
    key = f"tenant:example:{position}"
    return Record(
        object=record.object,
        key_field=record.key,
        key=key,
        fields=_values(section.fields),
        lines=_lines(section.lines, key),
    )


def read_record(value: Mapping[str, Any], object_: str, key_field: str) -> Record:
    """Give a record from a file: {key, fields, lines}."""
    key = str(value.get("key", "tenant:example:0"))
    lines = _lines(value.get("lines", ()), key)
    return Record(
        object=object_, key_field=key_field, key=key, fields=_values(value.get("fields", {})), lines=lines
    )


def _lines(values: Any, key: str) -> tuple[Line, ...]:
    return tuple(_line(value, f"{key}:{at}") for at, value in enumerate(values or ()))


def _line(value: Mapping[str, Any], key: str) -> Line:
    return Line(
        object=str(value.get("object", "Line")),
        key_field="Key",
        key=key,
        fields=_values(value.get("fields", {})),
        lines=_lines(value.get("lines", ()), key),
    )


def _values(fields: Mapping[str, Any]) -> dict[str, RecordValue]:
    return {name: _value(value) for name, value in fields.items()}


def _value(value: Any) -> RecordValue:
    if isinstance(value, str) and _DATE.fullmatch(value):
        return date.fromisoformat(value)
    if isinstance(value, str) and _DATETIME.fullmatch(value):
        return datetime.fromisoformat(value)
    return value  # type: ignore[no-any-return]
