"""What Salesforce has of each record before it is sent: our lines of it, and the revision it was made of.

One query per kind of line for a whole batch. Lines that a person added have no key of ours and are not seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from msgspec import Struct, field

from connector.adapters.salesforce.keys import LineKey, Shapes, fold, is_ours, kinds_of
from connector.adapters.salesforce.soql import Question, Read, Row, select, text_in
from connector.errors import ConfigError, PermanentError, UnexpectedResponseError
from connector.record import LineKind, Record, all_lines

# No single value that could be compared with what will be written.
_COMPOUND_TYPES = frozenset({"base64", "location", "address"})


class HeldLine(Struct, frozen=True, kw_only=True, gc=False):
    """One line of ours that Salesforce has."""

    id: str
    kind: LineKind
    values: Row  # by lower-case field name


class Held(Struct, frozen=True, kw_only=True, gc=False):
    """What Salesforce has of one record; empty for one that it does not have."""

    lines: Mapping[LineKey, HeldLine] = field(default_factory=dict)
    revision: int | None = None
    adopted: str | None = None  # a record without our key that a duplicate rule found to be this one


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Asks one org what it has."""

    read: Read
    version: str
    revision_field: str | None = None  # of the header; None: revisions are not compared
    asks_headers_first: bool = False  # worth it where most are new: a header that is not there has no lines

    def held(self, records: Sequence[Record], shapes: Shapes) -> list[Held]:
        """Give what Salesforce has of each record, in order.

        Raises: any `ConnectorError` when it cannot tell; ConfigError when it refuses the question, which is
            never a document's fault.
        """
        found = [_Found(record) for record in records]
        groups: dict[tuple[str, str], list[_Found]] = {}
        for each in found:
            groups.setdefault((each.record.object, each.record.key_field), []).append(each)
        try:
            for (object_name, key_field), members in groups.items():
                self._ask(_Headers(object_name, key_field, shapes, members))
        except UnexpectedResponseError:
            raise
        except PermanentError as error:
            raise ConfigError(
                f"cannot ask which lines are there: {error.message}", remedy=error.remedy, remote=error.remote
            ) from error
        return [Held(lines=each.lines, revision=each.revision) for each in found]

    def _ask(self, headers: "_Headers") -> None:
        if self.revision_field is not None or self.asks_headers_first:
            self._ask_headers(headers)
            headers = headers.those_there()  # a header that is not there has no lines
        for kind, members in headers.by_kind().items():
            path = headers.path_from(kind)
            if path is None:
                continue
            fields = (kind.key_field, path, *_comparable(kind, members, headers.shapes))
            question = Question(object=kind.object, fields=tuple(dict.fromkeys(("Id", *fields))), where=path)
            for row in select(self.read, self.version, question, [each.record.key for each in members]):
                headers.take_line(row, kind, text_in(row, path))

    def _ask_headers(self, headers: "_Headers") -> None:
        revision = () if self.revision_field is None else (self.revision_field,)
        fields = ("Id", headers.key_field, *revision)
        question = Question(object=headers.object, fields=fields, where=headers.key_field)
        for row in select(self.read, self.version, question, headers.keys()):
            owner = headers.owner(text_in(row, headers.key_field))
            if owner is not None:
                owner.is_there = True
                owner.revision = _whole_number(row.get((self.revision_field or "").lower()))


class _Found:
    """One record, and what answers told of it so far."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.is_there = False
        self.revision: int | None = None
        self.lines: dict[LineKey, HeldLine] = {}


class _Headers:
    """Records whose headers are of one object."""

    def __init__(self, object_name: str, key_field: str, shapes: Shapes, members: Sequence[_Found]) -> None:
        self.object = object_name
        self.key_field = key_field
        self.shapes = shapes
        self._members = members
        self._by_key = {self._fold(each.record.key): each for each in members}

    def keys(self) -> list[str]:
        return [each.record.key for each in self._members]

    def owner(self, key: str) -> _Found | None:
        return self._by_key.get(self._fold(key))

    def those_there(self) -> "_Headers":
        there = [each for each in self._members if each.is_there]
        return _Headers(self.object, self.key_field, self.shapes, there)

    def by_kind(self) -> dict[LineKind, list[_Found]]:
        kinds: dict[LineKind, list[_Found]] = {}
        for each in self._members:
            for kind in kinds_of(each.record):
                kinds.setdefault(kind, []).append(each)
        return kinds

    def path_from(self, kind: LineKind) -> str | None:
        """Give the way from a line to the key of its header; None when the org does not tell it."""
        steps = []
        inner: LineKind | None = kind
        while inner is not None:
            shape = self.shapes.get(inner.object)
            parent = shape.field(inner.parent_field) if shape else None
            if parent is None or parent.relationship is None:
                return None
            steps.append(parent.relationship)
            inner = inner.outer
        return ".".join([*steps, self.key_field])

    def take_line(self, row: Row, kind: LineKind, header_key: str) -> None:
        owner = self.owner(header_key)
        key = row.get(kind.key_field.lower())
        if owner is None or not isinstance(key, str):
            return
        held = kind.object, fold(key, kind.key_field, self.shapes.get(kind.object))
        if is_ours(held, owner.record, kind, self.shapes):
            owner.lines[held] = HeldLine(id=text_in(row, "Id"), kind=kind, values=row)

    def _fold(self, key: str) -> str:
        return fold(key, self.key_field, self.shapes.get(self.object))


def _comparable(kind: LineKind, members: Sequence[_Found], shapes: Shapes) -> list[str]:
    """Give the fields to compare: a line that has all its values already need not be written."""
    shape = shapes.get(kind.object)
    if shape is None:
        return []
    spelt: dict[str, object] = {}
    for each in members:
        for line in all_lines(each.record.lines):
            if line.object == kind.object:
                spelt.update(line.fields)
    names = {name.lower(): name for name in spelt}
    known = ((name, shape.field(name)) for name in names.values())
    return [name for name, field in known if field is not None and field.type not in _COMPOUND_TYPES]


def _whole_number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return int(value)
