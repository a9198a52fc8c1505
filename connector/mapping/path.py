"""Paths such as `InvoiceTotal.amount` or `Items[0]."Net weight"`: how they are written, and what they find.

Names match exactly first and without case second, because Docflo itself spells keys in both ways. A leading
`document.` names the document's own properties; a field that is called `document` is written `"document"`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias

from connector.document import ROW_ID, Document, Field, FieldValue, PlainValue, Row
from connector.mapping.words import UnfitError, describe
from connector.yaml_words import suggest

DOCUMENT_PROPERTIES = ("id", "type", "status", "created_on", "name")

_SEGMENT = re.compile(r'(?:(?P<name>\w+)|"(?P<quoted>(?:[^"\\]|\\["\\])+)")(?P<indexes>(?:\[\d{1,6}\])*)')
_PLAIN_NAME = re.compile(r"\w+")
_HINTS = (
    ("[]", "a list is walked by `each` of a line; one entry is [0]"),
    ("[-", "entries are counted from the first: [0]"),
    ("..", "a name is missing between two dots"),
    (" ", 'a name with spaces stands in double quotes: "Net weight".amount'),
)


class Absent(Enum):
    """Neither a value nor null: the key is not there, or the field is left out of the record."""

    ABSENT = "absent"


ABSENT: Literal[Absent.ABSENT] = Absent.ABSENT

Step: TypeAlias = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePath:
    """A path as written, and its steps: names and list indexes."""

    text: str
    steps: tuple[Step, ...]
    is_property: bool = False  # `document.id`, not a field


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a path led to: ABSENT when a key is not there, None when it, or something above it, is null."""

    value: "FieldValue | Row | Absent"
    confidence: Decimal | None = None  # of the nearest field above the value


def parse_path(text: str) -> SourcePath:
    """Read a path.

    Raises: ValueError saying what is wrong and how it is written.
    """
    steps: list[Step] = []
    position = 0
    while True:
        match = _SEGMENT.match(text, position)
        if match is None:
            raise ValueError(_say(text, position))
        steps.append(match["name"] or re.sub(r"\\(.)", r"\1", match["quoted"]))
        steps.extend(int(index) for index in re.findall(r"\d+", match["indexes"]))
        position = match.end()
        if position == len(text):
            break
        if text[position] != ".":
            raise ValueError(_say(text, position))
        position += 1
    if _SEGMENT.match(text)["name"] != "document":  # type: ignore[index]  # matched in the loop
        return SourcePath(text=text, steps=tuple(steps))
    return _property(text, steps[1:])


def _property(text: str, steps: Sequence[Step]) -> SourcePath:
    if len(steps) == 1 and steps[0] in DOCUMENT_PROPERTIES:
        return SourcePath(text=text, steps=tuple(steps), is_property=True)
    hint = suggest(text, [f"document.{name}" for name in DOCUMENT_PROPERTIES])
    message = f'`{text}` is no property of a document; {hint} (a field of that name is written "document")'
    raise ValueError(message)


def _say(text: str, position: int) -> str:
    if not text.strip():
        return "the path is empty; expected one such as InvoiceTotal.amount"
    hint = next((hint for sign, hint in _HINTS if sign in text), "expected one such as InvoiceTotal.amount")
    where = f"at its character {position + 1}" if position < len(text) else "at its end"
    return f"`{text}` is no path {where}; {hint}"


def write_path(steps: Sequence[Step]) -> str:
    """Give steps as a path is written."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{_write_name(step)}" for step in steps)
    return written.removeprefix(".")


def _write_name(name: str) -> str:
    # `document` in quotes is a field of that name, wherever it stands.
    if _PLAIN_NAME.fullmatch(name) and name != "document":
        return name
    escaped = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{escaped}"'


Start: TypeAlias = "Mapping[str, Field] | Mapping[str, PlainValue] | Row"
"""Where a path begins: the fields of the document, or a row."""


def find(path: SourcePath, document: Document, here: Start) -> Found:
    """Follow a path from `here`.

    Raises: UnfitError where a value has no such parts, or two keys fit one name.
    """
    if path.is_property:
        return Found(value=_property_of(document, str(path.steps[0])))
    value: Any = here
    confidence = None
    for position, step in enumerate(path.steps):
        value = _enter(value, step, path.steps[:position])
        if isinstance(value, Field):
            confidence = value.confidence
            value = value.value
        if value is None or value is ABSENT:
            return Found(value=value, confidence=confidence)
    return Found(value=value, confidence=confidence)


def _property_of(document: Document, name: str) -> str | None:
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


def _enter(value: Any, step: Step, before: tuple[Step, ...]) -> Any:  # noqa: ANN401 a value of a document
    if isinstance(step, int):
        if not isinstance(value, tuple):
            raise UnfitError(
                describe(value), f"expected a list with an entry [{step}]", at=write_path(before)
            )
        return value[step] if step < len(value) else ABSENT
    if isinstance(value, Row):
        value = {**({} if value.id is None else {ROW_ID: value.id}), **value.fields}
    if not isinstance(value, Mapping):
        hint = ", or name an entry: [0]" if isinstance(value, tuple) else ""
        expected = f"expected an object with {_write_name(step)}{hint}"
        raise UnfitError(describe(value), expected, at=write_path(before))
    return _member(value, step, before)


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
