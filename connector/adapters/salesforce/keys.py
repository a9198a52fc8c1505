"""Which lines are ours, and when two keys are one to Salesforce. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from connector.adapters.salesforce.describe import ObjectShape
from connector.record import Line, LineKind, Record

Shapes: TypeAlias = Mapping[str, ObjectShape | None]
"""Described objects by the name that the record uses; None for one that Salesforce does not show us."""

LineKey: TypeAlias = tuple[str, str]
"""An object and a key in it, the key folded as Salesforce compares it."""


def fold(key: str, key_field: str, shape: ObjectShape | None) -> str:
    """Give the key as Salesforce compares it: without case, unless the field says otherwise."""
    field = shape.columns[key_field].field if shape else None
    return key if field and field.is_case_sensitive else key.lower()


def line_key(line: Line, shapes: Shapes) -> LineKey:
    """Give what tells this line from all others."""
    return line.object, fold(line.key, line.key_field, shapes.get(line.object))


def kinds_of(record: Record) -> tuple[LineKind, ...]:
    """Give the kinds of lines a record may have in Salesforce, whether it has one now or not."""
    return tuple(dict.fromkeys((*record.line_kinds, *_kinds_in(record.lines, None))))


def _kinds_in(lines: Sequence[Line], outer: LineKind | None) -> Iterator[LineKind]:
    known: dict[tuple[str, str, str], LineKind] = {}
    for line in lines:
        if line.parent_field is None:
            continue
        named = line.object, line.key_field, line.parent_field
        kind = known.get(named)
        if kind is None:
            kind = known[named] = LineKind(
                object=line.object, key_field=line.key_field, parent_field=line.parent_field, outer=outer
            )
            yield kind
        if line.lines:
            yield from _kinds_in(line.lines, kind)


def objects_of(record: Record) -> Iterator[str]:
    """Give the objects that a record is written into, and those it may have lines in."""
    yield record.object
    yield from (kind.object for kind in kinds_of(record))
    yield from (companion.object for companion in record.companions)


def is_ours(key: LineKey, record: Record, kind: LineKind, shapes: Shapes) -> bool:
    """Tell whether a line with this key was made of this record: its key begins with the record's.

    Whatever else hangs on the header was put there by somebody else, and is left alone.
    """
    prefix = fold(f"{record.key}:", kind.key_field, shapes.get(kind.object))
    return key[1].startswith(prefix)
