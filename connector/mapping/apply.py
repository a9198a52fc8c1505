"""From a document to a record, by the rules of a mapping. Pure: the same values in, the same values out.

`apply_mapping` gives the record, or one error that names all failing fields. `map_document` never fails: it
gives every field with its value or its problem, for `explain` and for that error. Both run the same rules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.document import Document, PlainValue, plain
from connector.errors import MappingError, Problem
from connector.mapping.gates import gate_problems
from connector.mapping.keys import LineKeys
from connector.mapping.path import ABSENT, Absent, SourcePath, find
from connector.mapping.rules import FieldRule, Gate, LineRule, RecordRule
from connector.mapping.rules import Mapping as Rules
from connector.mapping.scope import Answers, Here, Scope, start_of
from connector.mapping.value_types import convert
from connector.mapping.words import UnfitError, describe
from connector.record import Line, Record, RecordValue, TargetQuery

_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedField:
    """One field: what was found, and what became of it."""

    rule: FieldRule
    source: str  # the path, from the document: `Items[2].Amount.amount`; the text of an expression
    found: PlainValue | Absent
    confidence: Decimal | None
    value: RecordValue | Absent  # ABSENT: left out of the record
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedLine:
    """One row, mapped. Without a key it is no line, and `problem`, if there is one, says why."""

    rule: LineRule
    source: str  # `Items[2]`, or `Items` when the list itself is the problem
    key: str | None
    fields: tuple[MappedField, ...] = ()
    lines: "tuple[MappedLine, ...]" = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRecord:
    """The header or a companion, mapped."""

    rule: RecordRule
    key: str | None  # None: its key is the problem, or it is not made
    fields: tuple[MappedField, ...]
    lines: tuple[MappedLine, ...]
    is_made: bool = True  # False: `when` of the companion says no
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedGate:
    """A gate, and what it found."""

    rule: Gate
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """All of a document, mapped."""

    header: MappedRecord
    companions: tuple[MappedRecord, ...] = ()
    gates: tuple[MappedGate, ...] = ()
    unwanted: str | None = None  # why the pipeline does not want it; None: it does
    problem: str | None = None  # of `when`

    @property
    def fields(self) -> tuple[MappedField, ...]:
        """Give the fields of the header."""
        return self.header.fields

    @property
    def lines(self) -> tuple[MappedLine, ...]:
        """Give the lines of the header."""
        return self.header.lines


def unwanted(mapping: Rules, document: Document) -> str | None:
    """Give why this mapping does not want the document: `when` of its record says no. None: it wants it.

    A `when` that cannot be computed is no "no": `apply_mapping` names the problem.
    """
    when = mapping.record.when
    if when is None:
        return None
    scope = Scope(document, None)
    try:
        decided = when.compute(scope.fields, scope)
    except UnfitError:
        return None
    return f"{when.place}: not `{when.text}`" if decided is False else None


def apply_mapping(mapping: Rules, document: Document, key: str, answers: Answers | None = None) -> Record:
    """Give the record with the key `key`. `answers`: what the target said to the queries of `find_queries`.

    Raises: MappingError listing every failing field and gate: its rule's place, the path, the value's shape
        and what was expected; never a value. UnavailableError when `answers` lacks one.
    """
    try:
        scope = Scope(document, answers)
        _require_wanted(mapping, scope)
        _require_open(mapping, scope)
        return _record(mapping.record, key, scope, _companions(mapping, scope))
    except UnfitError:
        problems = tuple(_problems(mapping, map_document(mapping, document, key, answers)))
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    message = f"the document does not fit {mapping.path.name}: {count}"
    raise MappingError(message, problems=problems)


def find_queries(mapping: Rules, document: Document) -> frozenset[TargetQuery]:
    """Give what must be asked of the target before `apply_mapping` can make the record."""
    if not mapping.asks_target:
        return frozenset()
    asked = _Asked()
    map_document(mapping, document, "", asked)
    return frozenset(asked.queries)


class _Asked(dict[TargetQuery, tuple[str, ...]]):
    """Notes what is asked, and answers nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: set[TargetQuery] = set()

    def get(self, query: TargetQuery, _default: Any = None) -> Any:  # noqa: ANN401 as dict
        self.queries.add(query)
        raise UnfitError("asked of the target", "expected an answer")


def _require_wanted(mapping: Rules, scope: Scope) -> None:
    when = mapping.record.when
    if when is not None and not isinstance(when.compute(scope.fields, scope), bool):
        raise UnfitError("neither true nor false", "expected one of them")


def _require_open(mapping: Rules, scope: Scope) -> None:
    for gate in mapping.gates:
        if gate_problems(gate, scope):
            raise UnfitError("refused by a gate", "expected what it says")


def _companions(mapping: Rules, scope: Scope) -> tuple[Record, ...]:
    made: dict[tuple[str, str], Record] = {}
    for rule in mapping.companions:
        if rule.when is not None and not _decide(rule.when.compute(scope.fields, scope)):
            continue
        key = _companion_key(rule, scope)
        made[rule.object, key] = _record(rule, key, scope, ())
    return tuple(made.values())


def _companion_key(rule: RecordRule, scope: Scope) -> str:
    value = rule.key.compute(scope.fields, scope) if rule.key is not None else None
    key = convert("string", None if value is ABSENT else value)
    if not isinstance(key, str) or not key.strip() or len(key) > _LONGEST_KEY:
        raise UnfitError(describe(key), f"expected a key: text of 1 to {_LONGEST_KEY} characters")
    return key


def _decide(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError(describe(value), "`when` takes true or false")
    return value


def _record(rule: RecordRule, key: str, scope: Scope, companions: tuple[Record, ...]) -> Record:
    return Record(
        object=rule.object,
        key_field=rule.key_field,
        key=key,
        fields=_values(rule.fields, scope.fields, scope),
        lines=_lines(rule.lines, key, scope.fields, scope) if rule.lines else (),
        companions=companions,
        line_kinds=rule.line_kinds,
    )


def _values(rules: Sequence[FieldRule], here: Here, scope: Scope) -> dict[str, RecordValue]:
    values = {}
    for rule in rules:
        value = rule.compute(here, scope)
        if value is not ABSENT:
            values[rule.target] = value
    return values


def _lines(rules: Sequence[LineRule], key: str, here: Here, scope: Scope) -> tuple[Line, ...]:
    keys = LineKeys(key)
    made: list[Line] = []
    for rule in rules:
        each = rule.each.text
        for at, row in enumerate(_rows(rule, here, scope)):
            start = _row_start(rule, row)
            if rule.when is not None and not _decide(rule.when.compute(start, scope)):
                continue
            line_key = keys.give(rule.object, row, f"{each}[{at}]")
            made.append(
                Line(
                    object=rule.object,
                    key_field=rule.key_field,
                    key=line_key,
                    parent_field=rule.parent_field,
                    fields=_values(rule.fields, start, scope),
                    lines=_lines(rule.lines, line_key, start, scope.within(start)) if rule.lines else (),
                )
            )
    return tuple(made)


def _row_start(rule: LineRule, row: object) -> Here:
    start = start_of(row, with_id=rule.reads_id)
    if start is None:
        raise UnfitError(describe(row), "expected a row with fields")
    return start


def _rows(rule: LineRule, here: Here, scope: Scope) -> Sequence[object]:
    rows = find(rule.each, scope.document, here, scope.parent).value
    if rows is None or rows is ABSENT:
        if rule.optional:
            return ()
        shape = "missing" if rows is ABSENT else "null"
        raise UnfitError(shape, "expected a list (the line has no `optional: true`)")
    if not isinstance(rows, tuple):
        raise UnfitError(describe(rows), "expected a list of rows")
    return rows


def map_document(mapping: Rules, document: Document, key: str, answers: Answers | None = None) -> Mapped:
    """Give every field of the record with its value or its problem. Goes on after problems."""
    scope = Scope(document, answers)
    problem = None
    try:
        _require_wanted(mapping, scope)
    except UnfitError as error:
        problem = _said(error, "`when`")
    return Mapped(
        header=_map_record(mapping.record, key, scope),
        companions=tuple(_map_companion(rule, scope) for rule in mapping.companions),
        gates=tuple(MappedGate(rule=gate, problems=gate_problems(gate, scope)) for gate in mapping.gates),
        unwanted=unwanted(mapping, document),
        problem=problem,
    )


def _map_record(rule: RecordRule, key: str, scope: Scope) -> MappedRecord:
    fields = tuple(_map_field(field, scope.fields, scope, "") for field in rule.fields)
    return MappedRecord(
        rule=rule, key=key, fields=fields, lines=_map_lines(rule.lines, key, scope.fields, scope, "")
    )


def _map_companion(rule: RecordRule, scope: Scope) -> MappedRecord:
    try:
        if rule.when is not None and not _decide(rule.when.compute(scope.fields, scope)):
            return MappedRecord(rule=rule, key=None, fields=(), lines=(), is_made=False)
        key = _companion_key(rule, scope)
    except UnfitError as error:
        source = f"`{rule.key.paths[0].text}`" if rule.key is not None and rule.key.paths else "the key"
        fields = tuple(_map_field(field, scope.fields, scope, "") for field in rule.fields)
        return MappedRecord(rule=rule, key=None, fields=fields, lines=(), problem=_said(error, source))
    return _map_record(rule, key, scope)


def _map_field(rule: FieldRule, here: Here, scope: Scope, row: str) -> MappedField:
    source, found, confidence = _looked_at(rule, here, scope, row)
    value: RecordValue | Absent = ABSENT
    problem = None
    try:
        value = rule.compute(here, scope)
    except UnfitError as error:
        at = (
            f"`{_from_row(error.at, rule, row)}`"
            if error.at
            else f"`{source}`"
            if rule.paths
            else "the result"
        )
        problem = _said(error, at)
    return MappedField(
        rule=rule, source=source, found=found, confidence=confidence, value=value, problem=problem
    )


def _looked_at(
    rule: FieldRule, here: Here, scope: Scope, row: str
) -> tuple[str, PlainValue | Absent, Decimal | None]:
    """Give the path that counts, what is there, and how sure Docflo is of it."""
    if not rule.paths:
        return (rule.expression.text if rule.expression is not None else "a constant"), ABSENT, None
    for path in rule.paths:
        try:
            followed = find(path, scope.document, here, scope.parent)
        except UnfitError:
            continue
        if followed.value is not None and followed.value is not ABSENT:
            return _source(path, row), plain(followed.value), followed.confidence
    first = rule.paths[0]
    try:
        followed = find(first, scope.document, here, scope.parent)
    except UnfitError:
        return _source(first, row), ABSENT, None
    value = followed.value
    return _source(first, row), ABSENT if value is ABSENT else None, followed.confidence


def _source(path: SourcePath, row: str) -> str:
    return f"{row}.{path.text}" if row and path.starts_here else path.text


def _from_row(at: str, rule: FieldRule, row: str) -> str:
    if not row or at.startswith("document.") or not all(path.starts_here for path in rule.paths):
        return at
    return f"{row}.{at}"


def _said(error: UnfitError, where: str) -> str:
    return f"{where} is {error}"


def _map_lines(
    rules: Sequence[LineRule], key: str, here: Here, scope: Scope, row: str
) -> tuple[MappedLine, ...]:
    keys = LineKeys(key)
    return tuple(line for rule in rules for line in _map_rows(rule, here, scope, row, keys))


def _map_rows(rule: LineRule, here: Here, scope: Scope, row: str, keys: LineKeys) -> Iterator[MappedLine]:
    each = _source(rule.each, row)
    try:
        found = _rows(rule, here, scope)
    except UnfitError as error:
        at = ".".join(filter(None, [row, error.at])) if error.at else each
        yield MappedLine(rule=rule, source=each, key=None, problem=_said(error, f"`{at}`"))
        return
    for at_row, entry in enumerate(found):
        yield from _map_line(rule, entry, f"{each}[{at_row}]", scope, keys)


def _map_line(
    rule: LineRule, entry: object, source: str, scope: Scope, keys: LineKeys
) -> Iterator[MappedLine]:
    try:
        start = _row_start(rule, entry)
        if rule.when is not None and not _decide(rule.when.compute(start, scope)):
            return
    except UnfitError as error:
        at = f"`{source}`" if error.at is None else f"`{source}.{error.at}`"
        yield MappedLine(rule=rule, source=source, key=None, problem=_said(error, at))
        return
    fields = tuple(_map_field(field, start, scope, source) for field in rule.fields)
    problem = key = None
    try:
        key = keys.give(rule.object, entry, source)
    except UnfitError as error:
        problem = _said(error, f"`{error.at}`")
    nested = _map_lines(rule.lines, key or "", start, scope.within(start), source) if rule.lines else ()
    yield MappedLine(rule=rule, source=source, key=key, fields=fields, lines=nested, problem=problem)


def _problems(mapping: Rules, mapped: Mapped) -> Iterator[Problem]:
    if mapped.problem is not None and mapping.record.when is not None:
        yield Problem(place=f"{mapping.record.when.place}: {mapping.record.object}", message=mapped.problem)
    for gate in mapped.gates:
        for message in gate.problems:
            yield Problem(place=f"{gate.rule.place}: gate", message=message)
    for record in (*mapped.companions, mapped.header):
        if record.problem is not None:
            yield Problem(place=f"{record.rule.place}: {record.rule.object}", message=record.problem)
        yield from _field_problems(record.rule.object, record.fields)
        for line in record.lines:
            yield from _line_problems(line)


def _line_problems(line: MappedLine) -> Iterator[Problem]:
    if line.problem is not None:
        yield Problem(place=f"{line.rule.place}: {line.rule.object}", message=line.problem)
    yield from _field_problems(line.rule.object, line.fields)
    for inner in line.lines:
        yield from _line_problems(inner)


def _field_problems(target: str, fields: Sequence[MappedField]) -> Iterator[Problem]:
    for field in fields:
        if field.problem is not None:
            yield Problem(place=f"{field.rule.place}: {target}.{field.rule.target}", message=field.problem)
