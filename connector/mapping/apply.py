"""From a document to a record, by the rules of a mapping. Pure: the same values in, the same values out.

`map_document` never fails: it gives every field with its value or its problem, for `explain`.
`apply_mapping` gives the record, or one error that names all failing fields.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from decimal import Decimal

from connector.document import Document, PlainValue, Row, plain
from connector.errors import MappingError, Problem
from connector.mapping.keys import LineKeys
from connector.mapping.path import ABSENT, Absent, Start, find, write_path
from connector.mapping.rules import FieldRule, LineRule, Mapping
from connector.mapping.value_types import convert
from connector.mapping.words import UnfitError, describe
from connector.record import Line, LineKind, Record, RecordValue


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedField:
    """One field: what was found, and what became of it."""

    rule: FieldRule
    source: str  # the path, from the document: `Items[2].Amount.amount`
    found: PlainValue | Absent
    confidence: Decimal | None
    value: RecordValue | Absent  # ABSENT: left out of the record
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLine:
    """One row, mapped. Without a key it is no line, and `problem` says why."""

    rule: LineRule
    source: str  # `Items[2]`, or `Items` when the list itself is the problem
    key: str | None
    fields: tuple[MappedField, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """All of a document, mapped."""

    fields: tuple[MappedField, ...]
    lines: tuple[MappedLine, ...]


def apply_mapping(mapping: Mapping, document: Document, key: str) -> Record:
    """Give the record with the key `key`.

    Raises: MappingError listing every failing field: its rule's place, the path, the value's shape and what
        was expected; never a value.
    """
    mapped = map_document(mapping, document, key)
    problems = tuple(_problems(mapping, mapped))
    if problems:
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        message = f"the document does not fit {mapping.path.name}: {count}"
        raise MappingError(message, problems=problems)
    return Record(
        object=mapping.record.object,
        key_field=mapping.record.key_field,
        key=key,
        fields=_values(mapped.fields),
        lines=tuple(
            Line(
                object=line.rule.object,
                key_field=line.rule.key_field,
                key=line.key,
                parent_field=line.rule.parent_field,
                fields=_values(line.fields),
            )
            for line in mapped.lines
            if line.key is not None
        ),
        line_kinds=tuple(dict.fromkeys(_line_kinds(mapping.record.lines, None))),
    )


def _line_kinds(rules: Sequence[LineRule], outer: LineKind | None) -> Iterator[LineKind]:
    for rule in rules:
        if rule.parent_field is not None:
            kind = LineKind(
                object=rule.object, key_field=rule.key_field, parent_field=rule.parent_field, outer=outer
            )
            yield kind
            yield from _line_kinds(rule.lines, kind)


def map_document(mapping: Mapping, document: Document, key: str) -> Mapped:
    """Give every field of the record with its value or its problem."""
    fields = tuple(_map_field(rule, document, document.fields, "") for rule in mapping.record.fields)
    keys = LineKeys(key)
    lines = tuple(line for rule in mapping.record.lines for line in _map_lines(rule, document, keys))
    return Mapped(fields=fields, lines=lines)


def _problems(mapping: Mapping, mapped: Mapped) -> Iterator[Problem]:
    yield from _field_problems(mapping.record.object, mapped.fields)
    for line in mapped.lines:
        if line.problem is not None:
            yield Problem(place=f"{line.rule.place}: {line.rule.object}", message=line.problem)
        yield from _field_problems(line.rule.object, line.fields)


def _field_problems(target: str, fields: Sequence[MappedField]) -> Iterator[Problem]:
    for field in fields:
        if field.problem is not None:
            yield Problem(place=f"{field.rule.place}: {target}.{field.rule.target}", message=field.problem)


def _values(fields: Sequence[MappedField]) -> dict[str, RecordValue]:
    return {field.rule.target: field.value for field in fields if field.value is not ABSENT}


def _map_field(rule: FieldRule, document: Document, here: Start, row: str) -> MappedField:
    path = rule.paths[0]
    source = path.text if path.is_property or not row else f"{row}.{path.text}"
    found: PlainValue | Absent = ABSENT
    confidence = None
    value: RecordValue | Absent = ABSENT
    problem = None
    try:
        followed = find(path, document, here)
        confidence = followed.confidence
        found = ABSENT if followed.value is ABSENT else plain(followed.value)
        value = _value(rule, found)
    except UnfitError as error:
        at = source if error.at is None else ".".join(part for part in (row, error.at) if part)
        problem = f"`{at}` is {error}"
    return MappedField(
        rule=rule, source=source, found=found, confidence=confidence, value=value, problem=problem
    )


def _value(rule: FieldRule, found: "PlainValue | Absent") -> RecordValue | Absent:
    if found is None or found is ABSENT:
        if rule.optional or rule.default is not ABSENT:
            return rule.default
        shape = "missing" if found is ABSENT else "null"
        raise UnfitError(shape, "expected a value (the rule has no `default` and no `optional: true`)")
    if isinstance(found, MappingABC | tuple):
        raise UnfitError(describe(found), _expected_part(rule, found))
    if rule.required and isinstance(found, str) and not found.strip():
        raise UnfitError("blank text" if found else "empty text", "expected text that is not blank")
    return convert(rule.type, found)


def _expected_part(rule: FieldRule, found: "MappingABC[str, PlainValue] | tuple[PlainValue, ...]") -> str:
    if not found:
        return "expected a single value"
    parts: Sequence[str | int] = list(found)[:3] if isinstance(found, MappingABC) else [0]
    paths = (write_path((*rule.paths[0].steps, part)) for part in parts)
    return f"expected a single value, such as {' or '.join(f'`{path}`' for path in paths)}"


def _map_lines(rule: LineRule, document: Document, keys: LineKeys) -> Iterator[MappedLine]:
    try:
        found = _rows(rule, document)
    except UnfitError as error:
        problem = f"`{error.at or rule.each.text}` is {error}"
        yield MappedLine(rule=rule, source=rule.each.text, key=None, problem=problem)
        return
    for at, row in enumerate(found):
        yield _map_line(rule, document, row, f"{rule.each.text}[{at}]", keys)


def _rows(rule: LineRule, document: Document) -> Sequence[object]:
    rows = find(rule.each, document, document.fields).value
    if rows is None or rows is ABSENT:
        if rule.optional:
            return ()
        shape = "missing" if rows is ABSENT else "null"
        raise UnfitError(shape, "expected a list (the line has no `optional: true`)")
    if not isinstance(rows, tuple):
        raise UnfitError(describe(rows), "expected a list of rows")
    return rows


def _map_line(rule: LineRule, document: Document, row: object, source: str, keys: LineKeys) -> MappedLine:
    if not isinstance(row, Row | MappingABC):
        problem = f"`{source}` is {describe(row)}; expected a row with fields"
        return MappedLine(rule=rule, source=source, key=None, problem=problem)
    fields = tuple(_map_field(field, document, row, source) for field in rule.fields)
    contents = plain(row)
    try:
        key = keys.give(rule.object, contents if isinstance(contents, MappingABC) else {}, source)
    except UnfitError as error:
        problem = f"`{error.at}` is {error}"
        return MappedLine(rule=rule, source=source, key=None, fields=fields, problem=problem)
    return MappedLine(rule=rule, source=source, key=key, fields=fields)
