"""A mapping as values: what is read from a document, where it goes, and where in the file that is said."""

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path

from connector.document import Document, Scalar
from connector.mapping.path import ABSENT, Absent, SourcePath
from connector.record import RecordShape, RecordValue


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """One field of the target: its source, its type, and what a missing value means.

    A value that is missing or null is a problem, unless there is a `default` or the field is `optional`.
    """

    target: str
    path: SourcePath
    place: str  # file:line:column
    type: str | None = None  # None: the value passes as it is
    default: RecordValue | Absent = ABSENT  # already of the type; None clears the field in the target
    required: bool = False  # also refuses blank text
    optional: bool = False  # left out of the record

    def words(self) -> str:
        """Give the rule as a person says it: `decimal, required`."""
        parts = [self.type or "as it is"]
        if self.required:
            parts.append("required")
        if self.optional:
            parts.append("left out when missing")
        if self.default is None:
            parts.append("cleared when missing")
        elif self.default is not ABSENT:
            parts.append(f"{self.default} when missing")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRule:
    """One line for each row of a list. Paths of its fields start at the row."""

    object: str
    each: SourcePath
    key_field: str
    parent_field: str
    fields: tuple[FieldRule, ...]
    place: str
    optional: bool = False  # no list means no lines


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRule:
    """The target object of a document, and its lines."""

    object: str
    key_field: str
    fields: tuple[FieldRule, ...]
    lines: tuple[LineRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A value that an example expects, and where it is written."""

    value: Scalar
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFields:
    """The fields that an example expects in the record or in one line."""

    fields: MappingABC[str, Expected]
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A document, and the record that the mapping must make of it."""

    name: str
    document: Document
    header: ExpectedFields
    lines: tuple[ExpectedFields, ...]  # in the order of the record
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """One mapping file, read and checked."""

    path: Path
    sha256: str  # of the file's bytes: tells which rules made a record
    document: str  # Docflo's document type
    record: RecordRule
    examples: tuple[Example, ...] = field(repr=False)

    def shapes(self) -> tuple[RecordShape, ...]:
        """Give the objects and fields this mapping writes: the header, then each kind of line."""
        return tuple(self._shapes())

    def _shapes(self) -> Iterator[RecordShape]:
        yield RecordShape(
            object=self.record.object,
            key_field=self.record.key_field,
            fields=tuple(rule.target for rule in self.record.fields),
            places=tuple(rule.place for rule in self.record.fields),
        )
        for line in self.record.lines:
            yield RecordShape(
                object=line.object,
                key_field=line.key_field,
                fields=tuple(rule.target for rule in line.fields),
                parent_field=line.parent_field,
                places=tuple(rule.place for rule in line.fields),
            )

    def source_paths(self) -> tuple[tuple[str, str], ...]:
        """Give each path into the document's fields with its place; paths into rows as `Items[].Amount`.

        Paths such as `document.id` are left out: they are no fields of the document type.
        """
        return tuple(self._source_paths())

    def _source_paths(self) -> Iterator[tuple[str, str]]:
        for rule in self.record.fields:
            if not rule.path.is_property:
                yield rule.path.text, rule.place
        for line in self.record.lines:
            yield line.each.text, line.place
            for rule in line.fields:
                if not rule.path.is_property:
                    yield f"{line.each.text}[].{rule.path.text}", rule.place
