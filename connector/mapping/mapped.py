"""A document mapped, each field beside its value or problem: for `explain`, and for errors that name all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.document import Document, PlainValue, plain
from connector.errors import Problem
from connector.mapping.gates import gate_problems
from connector.mapping.keys import LineKeys
from connector.mapping.path import ABSENT, Absent, SourcePath, find
from connector.mapping.rules import FieldRule, Gate, LineRule, RecordRule
from connector.mapping.rules import Mapping as Rules
from connector.mapping.scope import Answers, Here, Scope
from connector.mapping.steps import companion_key, decide, require_wanted, row_start, rows_of
from connector.mapping.words import UnfitError
from connector.record import RecordValue


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


def map_document(mapping: Rules, document: Document, key: str, answers: Answers | None = None) -> Mapped:
    """Give every field of the record with its value or its problem. Goes on after problems."""
    scope = Scope(document, answers)
    problem = None
    try:
        require_wanted(mapping, scope)
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
        if rule.when is not None and not decide(rule.when.compute(scope.fields, scope)):
            return MappedRecord(rule=rule, key=None, fields=(), lines=(), is_made=False)
        key = companion_key(rule, scope)
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
    return tuple(line for rule in rules for line in _maprows_of(rule, here, scope, row, keys))


def _maprows_of(rule: LineRule, here: Here, scope: Scope, row: str, keys: LineKeys) -> Iterator[MappedLine]:
    each = _source(rule.each, row)
    try:
        found = rows_of(rule, here, scope)
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
        start = row_start(rule, entry)
        if rule.when is not None and not decide(rule.when.compute(start, scope)):
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


def problems_in(mapping: Rules, mapped: Mapped) -> Iterator[Problem]:
    """Give every problem, in the order in which things are made."""
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
