"""What expressions can name: the record and its lines, the key, settings and secrets."""

from collections.abc import Iterable, Mapping

from connector.record import Line, Record

KEY = "@key"
POSITION = "@position"
REVISION = "@revision"
OWN_NAMES = frozenset({KEY, POSITION, REVISION})
"""Names that records and lines have besides their fields."""


def record_scope(record: Record) -> dict[str, object]:
    """Give a record's fields by name, and its lines by the name of their object."""
    return {**record.fields, **_by_object(record.lines), KEY: record.key, REVISION: record.revision}


def _line_scope(line: Line, position: int) -> Mapping[str, object]:
    return {**line.fields, **_by_object(line.lines), KEY: line.key, POSITION: position}


def _by_object(lines: Iterable[Line]) -> dict[str, object]:
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        grouped.setdefault(line.object, []).append(line)
    return {
        name: tuple(_line_scope(line, position) for position, line in enumerate(same, start=1))
        for name, same in grouped.items()
    }
