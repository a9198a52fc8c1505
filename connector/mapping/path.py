"""Paths such as `InvoiceTotal.amount` or `Items[0]."Net weight"`: how they are written, and what they find.

Names match exactly first and without case second, because Docflo itself spells keys in both ways. A leading
`document.` names the document's own properties, `document.fields.` its fields from wherever the path stands;
a field that is called `document` is written `"document"`. `Items[]` walks every row, and gives a list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from connector.document import ROW_ID, Document, Field, FieldValue, PlainValue, Row
from connector.mapping.words import UnfitError, describe
from connector.yaml_words import suggest

DOCUMENT_PROPERTIES = ("id", "type", "status", "created_on", "name")

_SEGMENT = re.compile(
    r'(?:(?P<name>\w+)|"(?P<quoted>(?:[^"\\]|\\["\\])+)")(?P<indexes>(?:\[\d{1,6}\]|\[\])*)'
)
_PLAIN_NAME = re.compile(r"\w+")
_LONGEST = 500
_RESERVED = ("document", "parent")
_HINTS = (
    ("[-", "entries are counted from the first: [0]"),
    ("..", "a name is missing between two dots"),
    (" ", 'a name with spaces stands in double quotes: "Net weight".amount'),
)


class Absent(Enum):
    """Neither a value nor null: the key is not there, or the field is left out of the record."""

    ABSENT = "absent"


ABSENT: Literal[Absent.ABSENT] = Absent.ABSENT


class Every(Enum):
    """The step `[]`: every entry of a list."""

    ROW = "[]"


Step: TypeAlias = str | int | Every


class Origin(Enum):
    """Where a path begins."""

    HERE = "here"  # the document's fields, or the row of a line
    DOCUMENT = "document"  # the document's fields, also from within a line
    PARENT = "parent"  # the row around a nested line's
    PROPERTY = "property"  # `document.id`, not a field


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePath:
    """A path as written, and its steps: names, list indexes and `[]`."""

    text: str
    steps: tuple[Step, ...]
    origin: Origin = Origin.HERE

    @property
    def is_property(self) -> bool:
        """Whether it names a property of the document, not a field."""
        return self.origin is Origin.PROPERTY

    @property
    def starts_here(self) -> bool:
        """Whether it begins at the row or the header that the rule is for."""
        return self.origin is Origin.HERE

    @property
    def gives_list(self) -> bool:
        """Whether it walks rows."""
        return Every.ROW in self.steps


class Found(Struct, frozen=True, kw_only=True, gc=False):
    """What a path led to: ABSENT when a key is not there, None when it, or something above it, is null."""

    value: "FieldValue | Row | Absent"
    field: Field | None = None  # the nearest field above the value

    @property
    def confidence(self) -> Decimal | None:
        """Give how sure Docflo is of it."""
        return self.field.confidence if self.field else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where rules stand, which decides what their paths may begin with."""

    rows: int = 0  # lists around it: none for the header, two for a nested line


HEADER = Place()


def parse_path(text: str, place: Place | None = None) -> SourcePath:
    """Read a path. Without a place, it may begin with anything.

    Raises: ValueError saying what is wrong and how it is written.
    """
    if len(text) > _LONGEST:
        message = f"a path has at most {_LONGEST} characters, this one has {len(text):,}"
        raise ValueError(message)
    steps: list[Step] = []
    position = 0
    while True:
        match = _SEGMENT.match(text, position)
        if match is None:
            raise ValueError(_say(text, position))
        steps.append(match["name"] or re.sub(r"\\(.)", r"\1", match["quoted"]))
        steps.extend(int(each) if each else Every.ROW for each in re.findall(r"\[(\d*)\]", match["indexes"]))
        position = match.end()
        if position == len(text):
            break
        if text[position] != ".":
            raise ValueError(_say(text, position))
        position += 1
    first = _SEGMENT.match(text)
    return make_path(text, steps, first["name"] if first else None, place)


def make_path(text: str, steps: Sequence[Step], first: str | None, place: Place | None) -> SourcePath:
    """Give a path from its steps. `first`: the first name, unless it was written in quotes.

    Raises: ValueError as `parse_path` does.
    """
    if first == "parent" and (place is None or place.rows > 1):
        if len(steps) == 1:
            message = "`parent` alone is no value; expected a field of the outer row, such as parent.Amount"
            raise ValueError(message)
        return SourcePath(text=text, steps=tuple(steps[1:]), origin=Origin.PARENT)
    if first != "document":
        return SourcePath(text=text, steps=tuple(steps))
    if len(steps) > 2 and steps[1] == "fields":  # noqa: PLR2004 document, fields, and a name
        return SourcePath(text=text, steps=tuple(steps[2:]), origin=Origin.DOCUMENT)
    if len(steps) == 2 and steps[1] in DOCUMENT_PROPERTIES:  # noqa: PLR2004 document and a name
        return SourcePath(text=text, steps=tuple(steps[1:]), origin=Origin.PROPERTY)
    known = [*(f"document.{name}" for name in DOCUMENT_PROPERTIES), "document.fields.X"]
    hint = f'{suggest(text, known)} (a field of that name is written "document")'
    message = f"`{text}` is no property of a document; {hint}"
    raise ValueError(message)


def _say(text: str, position: int) -> str:
    if not text.strip():
        return "the path is empty; expected one such as InvoiceTotal.amount"
    hint = next((hint for sign, hint in _HINTS if sign in text), "expected one such as InvoiceTotal.amount")
    where = f"at its character {position + 1}" if position < len(text) else "at its end"
    return f"`{text}` is no path {where}; {hint}"


def write_path(steps: Sequence[Step]) -> str:
    """Give steps as a path is written."""
    return "".join(map(_write_step, steps)).removeprefix(".")


def _write_step(step: Step) -> str:
    if isinstance(step, Every):
        return "[]"
    return f"[{step}]" if isinstance(step, int) else f".{_write_name(step)}"


def _write_name(name: str) -> str:
    # `document` in quotes is a field of that name, wherever it stands.
    if _PLAIN_NAME.fullmatch(name) and name not in _RESERVED:
        return name
    escaped = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{escaped}"'


Start: TypeAlias = "Mapping[str, Field] | Mapping[str, PlainValue] | Row"
"""Where a path begins: the fields of the document, or a row."""


def find(path: SourcePath, document: Document, here: Start, parent: "Start | None" = None) -> Found:
    """Follow a path from `here`, or from where it says.

    Raises: UnfitError where a value has no such parts, or two keys fit one name.
    """
    match path.origin:
        case Origin.PROPERTY:
            return Found(value=property_of(document, str(path.steps[0])))
        case Origin.DOCUMENT:
            return _walk(document.fields, path.steps, ())
        case Origin.PARENT:
            return _walk(parent if parent is not None else document.fields, path.steps, ())
        case Origin.HERE:
            return _walk(here, path.steps, ())


def find_from(start: Any, steps: Sequence[Step]) -> Found:  # noqa: ANN401 a value of a document
    """Follow steps from any value.

    Raises: UnfitError as `find` does.
    """
    return _walk(start, steps, ())


def _walk(start: Any, steps: Sequence[Step], before: tuple[Step, ...]) -> Found:  # noqa: ANN401 a value of a document
    value = start
    nearest: Field | None = None
    for position, step in enumerate(steps):
        walked = (*before, *steps[:position])
        if isinstance(step, Every):
            return Found(value=tuple(_entries(value, steps[position + 1 :], walked)), field=nearest)
        value = _enter(value, step, walked)
        if isinstance(value, Field):
            nearest = value
            value = value.value
        if value is None or value is ABSENT:
            return Found(value=value, field=nearest)
    return Found(value=value, field=nearest)


def _entries(rows: Any, steps: Sequence[Step], before: tuple[Step, ...]) -> Iterator[Any]:  # noqa: ANN401 the same
    if not isinstance(rows, tuple):
        raise UnfitError(describe(rows), "expected a list", at=write_path(before))
    for index, row in enumerate(rows):
        where = (*before, index)
        found = _walk(row, steps, where)
        if found.value is None or found.value is ABSENT:
            shape = "missing" if found.value is ABSENT else "null"
            at = write_path((*where, *steps))
            raise UnfitError(shape, "expected a value in each row", at=at, is_missing=True)
        yield found.value


def property_of(document: Document, name: str) -> str | None:
    """Give a property of the document itself."""
    match name:
        case "id":
            return document.id
        case "type":
            return document.type
        case "status":
            return document.status
        case "name":
            return document.name
        case _:
            return document.created_on.isoformat() if document.created_on else None


def _enter(value: Any, step: str | int, before: tuple[Step, ...]) -> Any:  # noqa: ANN401 a value of a document
    if isinstance(step, int):
        if not isinstance(value, tuple | list):
            raise UnfitError(
                describe(value), f"expected a list with an entry [{step}]", at=write_path(before)
            )
        return value[step] if step < len(value) else ABSENT
    if isinstance(value, Row):
        value = row_fields(value)
    if not isinstance(value, Mapping):
        hint = ", or name an entry: [0]" if isinstance(value, tuple) else ""
        expected = f"expected an object with {_write_name(step)}{hint}"
        raise UnfitError(describe(value), expected, at=write_path(before))
    return _member(value, step, before)


def row_fields(row: Row) -> Mapping[str, Any]:
    """Give the fields of a row with its id among them."""
    return row.fields if row.id is None else {ROW_ID: row.id, **row.fields}


def _member(value: Mapping[str, Any], name: str, before: tuple[Step, ...]) -> Any:  # noqa: ANN401 the same
    if name in value:
        return value[name]
    wanted = name.casefold()
    keys = [key for key in value if key.casefold() == wanted]
    if len(keys) > 1:
        listed = " and ".join(f"`{key}`" for key in keys)
        shape = f"spelt in {len(keys)} ways, {listed}"
        raise UnfitError(shape, "expected one, or the exact spelling", at=write_path((*before, name)))
    return value[keys[0]] if keys else ABSENT
