"""A mapping as values: what is read from a document, where it goes, and where in the files that is said."""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from connector.document import Document, Scalar
from connector.mapping.path import ABSENT, Absent, SourcePath
from connector.record import LineKind, RecordShape, RecordValue, TargetQuery

Missing: TypeAlias = Literal["error", "absent", "null", "default", "keep"]
"""No answer to a look-up means a problem, no field, a cleared field, the default, or the key itself."""

Many: TypeAlias = Literal["error", "first"]
"""What several answers of the target mean: a problem, or the smallest of them, which is always the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """An expression, compiled."""

    text: str
    place: str  # file:line:column of its first character
    reads: tuple[str, ...]  # the paths it reads, from where it stands: `Items[].Amount.amount`
    compute: Callable[..., Any] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One conversion of a `with` chain: the function's name and its arguments after the value."""

    function: str
    arguments: tuple[Any, ...] = ()

    def words(self) -> str:
        """Give it as a person says it: `left 3`."""
        return " ".join([self.function, *map(str, self.arguments)])


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLookup:
    """A table in the repository, pinned by its content when the mapping was loaded."""

    name: str
    place: str
    entries: MappingABC[str, RecordValue] = field(repr=False)
    file: Path | None = None  # None: written in the mapping itself


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLookup:
    """A question to the target: the field `wanted` of the `object` whose `key` equals the value."""

    name: str
    place: str
    object: str
    key: str
    wanted: str
    many: Many = "error"


Lookup: TypeAlias = TableLookup | TargetLookup


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """One field of the target: its source, what is made of it, and what a missing value means.

    The source is exactly one of `paths` (the first that is there), `expression` and `constant`. Then come
    `steps`, `lookup` and `type`. A value that is missing or null is a problem, unless there is a `default`
    or the field is `optional`.
    """

    target: str
    place: str  # file:line:column
    paths: tuple[SourcePath, ...] = ()
    expression: Expression | None = None
    constant: RecordValue | Absent = ABSENT
    when: Expression | None = None  # false: left out of the record
    steps: tuple[Step, ...] = ()
    lookup: Lookup | None = None
    missing: Missing = "error"  # in the look-up
    type: str | None = None  # None: the value passes as it is
    places: int | None = None  # decimals of the result; more are refused unless `rounding` says how
    rounding: str | None = None
    default: RecordValue | Absent = ABSENT  # already of the type; None clears the field in the target
    required: bool = False  # also refuses blank text
    optional: bool = False  # left out of the record
    blank: Literal["keep", "missing"] = "keep"  # what empty text and spaces are
    compute: Callable[..., Any] = field(default=lambda: ABSENT, repr=False, compare=False)

    def words(self) -> str:
        """Give the rule as a person says it: `decimal, required`."""
        return ", ".join([*self._source_words(), *self._value_words()])

    def _source_words(self) -> Iterator[str]:
        if self.expression is not None:
            yield "computed"
        elif self.constant is not ABSENT:
            yield "constant"
        if self.when is not None:
            yield f"when {self.when.text}"
        yield from (step.words() for step in self.steps)
        if self.lookup is not None:
            yield f"looked up in {self.lookup.name}"

    def _value_words(self) -> Iterator[str]:
        yield self.type or "as it is"
        if self.places is not None:
            yield f"{self.places} decimals" + (f", rounded {self.rounding}" if self.rounding else "")
        if self.blank == "missing":
            yield "blank is missing"
        if self.required:
            yield "required"
        if self.optional:
            yield "left out when missing"
        if self.default is None:
            yield "cleared when missing"
        elif self.default is not ABSENT:
            yield f"{self.default} when missing"

    def known_values(self) -> tuple[RecordValue, ...]:
        """Give the values that it is known to make, whatever the document says."""
        known: list[RecordValue | Absent] = [self.default]
        if self.lookup is None and not self.steps:
            known.append(self.constant)
        elif isinstance(self.lookup, TableLookup) and self.type is None:
            known.extend(self.lookup.entries.values())
        return tuple(dict.fromkeys(value for value in known if not isinstance(value, Absent)))

    def reads(self) -> tuple[str, ...]:
        """Give the paths it reads, from where it stands."""
        read = [path.text for path in self.paths]
        for expression in (self.expression, self.when):
            read += expression.reads if expression else ()
        return tuple(dict.fromkeys(read))


@dataclass(frozen=True, kw_only=True)
class LineRule:
    """One line for each row of a list. Paths of its fields start at the row."""

    object: str
    each: SourcePath
    key_field: str
    parent_field: str | None  # None: the target knows the parent from the nesting
    fields: tuple[FieldRule, ...]
    place: str
    optional: bool = False  # no list means no lines
    when: Expression | None = None  # false: this row gives no line
    lines: tuple["LineRule", ...] = ()  # `each` of these starts at the row

    @cached_property
    def reads_id(self) -> bool:
        """Whether a rule reads the row's `_id`, which is no field."""
        read = [path for rule in self.fields for path in rule.reads()]
        read += self.when.reads if self.when is not None else ()
        return any("_id" in path.casefold() for path in read)


@dataclass(frozen=True, kw_only=True)
class RecordRule:
    """A target object of a document, and its lines."""

    object: str
    key_field: str
    fields: tuple[FieldRule, ...]
    lines: tuple[LineRule, ...] = ()
    when: Expression | None = None  # of the record: false skips the document; of a companion: it is left out
    key: FieldRule | None = None  # companions only: what its key is made of
    place: str = ""

    @cached_property
    def line_kinds(self) -> tuple[LineKind, ...]:
        """Give the kinds of lines that refer to what they are in by a field."""
        return tuple(dict.fromkeys(_line_kinds(self.lines, None)))


def _line_kinds(lines: tuple[LineRule, ...], outer: LineKind | None) -> Iterator[LineKind]:
    for line in lines:
        if line.parent_field is not None:
            kind = LineKind(
                object=line.object, key_field=line.key_field, parent_field=line.parent_field, outer=outer
            )
            yield kind
            yield from _line_kinds(line.lines, kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionGate:
    """An expression that must be true."""

    place: str
    message: str
    expression: Expression
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceGate:
    """Fields that Docflo must be sure of."""

    place: str
    floors: tuple[tuple[SourcePath, Any], ...]  # Any: a Decimal, 0..1
    unless_edited: bool = False  # a field that a person edited passes
    unknown: Literal["fail", "pass"] = "fail"  # a field without a confidence
    message: str | None = None
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SumGate:
    """Amounts that must add up, to the smallest unit of their currency."""

    place: str
    parts: tuple[SourcePath, ...]
    total: SourcePath
    currency: SourcePath
    within: int = 0  # smallest units of the currency
    message: str | None = None
    when: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredGate:
    """Fields that must be there and not blank, whether or not the record has them."""

    place: str
    paths: tuple[SourcePath, ...]
    message: str | None = None
    when: Expression | None = None


Gate: TypeAlias = ExpressionGate | ConfidenceGate | SumGate | RequiredGate


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A value that an example expects, and where it is written."""

    value: Scalar
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFields:
    """The fields that an example expects in the record, a companion or a line, and the lines in it."""

    fields: MappingABC[str, Expected]
    place: str
    lines: "tuple[ExpectedFields, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document, and the record that the mapping must make of it, or the failure that it must meet."""

    name: str
    document: Document
    header: ExpectedFields
    lines: tuple[ExpectedFields, ...]  # in the order of the record
    place: str
    companions: tuple[ExpectedFields, ...] = ()
    answers: MappingABC[TargetQuery, tuple[str, ...]] = field(default_factory=dict)  # other queries: none
    skipped: bool = False  # `when` of the record must say no
    refused: str | None = None  # words that the reason must contain


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file that the mapping was made of, pinned by its content."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """One mapping file with all that it includes, read and checked."""

    path: Path
    sha256: str  # of all its files: tells which rules made a record
    document: str  # Docflo's document type
    record: RecordRule
    examples: tuple[Example, ...] = field(repr=False)
    companions: tuple[RecordRule, ...] = ()
    gates: tuple[Gate, ...] = ()
    lookups: MappingABC[str, Lookup] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()

    @property
    def watches(self) -> frozenset[str]:
        """Give the fields, without case, of which a gate wants to know whether a person confirmed them."""
        return frozenset(
            str(path.steps[0]).casefold()
            for gate in self.gates
            if isinstance(gate, ConfidenceGate) and gate.unless_edited
            for path, _ in gate.floors
        )

    @property
    def asks_target(self) -> bool:
        """Whether a document can need an answer of the target before it is mapped."""
        return any(isinstance(lookup, TargetLookup) for lookup in self.lookups.values())

    def shapes(self) -> tuple[RecordShape, ...]:
        """Give the objects and fields this mapping writes: the header, its lines, then the companions."""
        return tuple(self._shapes())

    def _shapes(self) -> Iterator[RecordShape]:
        yield from _record_shapes(self.record, is_companion=False)
        for companion in self.companions:
            yield from _record_shapes(companion, is_companion=True)

    def source_paths(self) -> tuple[tuple[str, str], ...]:
        """Give each path into the document's fields with its place; paths into rows as `Items[].Amount`.

        Paths such as `document.id` are left out: they are no fields of the document type.
        """
        return tuple(self._source_paths())

    def _source_paths(self) -> Iterator[tuple[str, str]]:
        for record in (self.record, *self.companions):
            yield from _read_by(record.fields, ())
            if record.key is not None:
                yield from _read_by((record.key,), ())
            if record.when is not None:
                yield from _located(record.when.reads, record.when.place, ())
            for line in record.lines:
                yield from _read_by_line(line, ())
        for gate in self.gates:
            yield from _located(gate_reads(gate), gate.place, ())


def _record_shapes(rule: RecordRule, *, is_companion: bool) -> Iterator[RecordShape]:
    yield RecordShape(
        object=rule.object,
        key_field=rule.key_field,
        fields=tuple(field.target for field in rule.fields),
        places=tuple(field.place for field in rule.fields),
        place=rule.place,
        is_companion=is_companion,
        known=_known(rule.fields),
    )
    for line in rule.lines:
        yield from _line_shapes(line, None, is_companion=is_companion)


def _line_shapes(rule: LineRule, parent: str | None, *, is_companion: bool) -> Iterator[RecordShape]:
    yield RecordShape(
        object=rule.object,
        key_field=rule.key_field,
        fields=tuple(field.target for field in rule.fields),
        parent_field=rule.parent_field,
        places=tuple(field.place for field in rule.fields),
        place=rule.place,
        parent=parent,
        is_companion=is_companion,
        known=_known(rule.fields),
    )
    for line in rule.lines:
        yield from _line_shapes(line, rule.object, is_companion=is_companion)


def _known(rules: tuple[FieldRule, ...]) -> tuple[tuple[str, RecordValue], ...]:
    return tuple((rule.target, value) for rule in rules for value in rule.known_values())


def gate_reads(gate: Gate) -> tuple[str, ...]:
    """Give the paths that a gate reads."""
    match gate:
        case ExpressionGate():
            read = list(gate.expression.reads)
        case ConfidenceGate():
            read = [path.text for path, _ in gate.floors]
        case SumGate():
            read = [path.text for path in (*gate.parts, gate.total, gate.currency)]
        case RequiredGate():
            read = [path.text for path in gate.paths]
    return tuple(dict.fromkeys([*read, *(gate.when.reads if gate.when else ())]))


def _read_by_line(rule: LineRule, outer: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from _located((rule.each.text,), rule.place, outer)
    rows = (*outer, f"{rule.each.text}[]")
    yield from _read_by(rule.fields, rows)
    if rule.when is not None:
        yield from _located(rule.when.reads, rule.when.place, rows)
    for line in rule.lines:
        yield from _read_by_line(line, rows)


def _read_by(rules: tuple[FieldRule, ...], rows: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        yield from _located(rule.reads(), rule.place, rows)


def _located(read: tuple[str, ...], place: str, rows: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Give paths as they start at the document. `rows`: the lists around the place, the outermost first."""
    for text in read:
        if text.startswith("document.fields."):
            yield text.removeprefix("document.fields."), place
        elif text.startswith("document."):
            continue
        elif rows[1:] and text.startswith("parent."):
            yield ".".join((*rows[:-1], text.removeprefix("parent."))), place
        else:
            yield ".".join((*rows, text)), place
