"""What a mapping makes of a document, and what a target answers. Values only.

What is made for each document is a struct of msgspec, as fields and rows of documents are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import quote

from msgspec import Struct

RecordValue: TypeAlias = str | bool | int | Decimal | date | datetime | None
"""None means "clear this field in the target"; a field that is absent is left alone."""


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """One line of a record. Its key is stable: it comes from the row's id, never from its position.

    The key of a nested line begins with the key of the line it is in.
    """

    object: str
    key_field: str
    key: str
    parent_field: str | None = None  # that refers to the header or outer line; None: nesting says it
    fields: Mapping[str, RecordValue]
    lines: tuple["Line", ...] = ()  # lines of this line


@dataclass(frozen=True, slots=True, kw_only=True)
class LineKind:
    """Lines that a mapping makes. Known without any line: a document may have lost its last one."""

    object: str
    key_field: str
    parent_field: str
    outer: "LineKind | None" = None  # the lines that these are in; None: the header

    @property
    def depth(self) -> int:
        """Give how many lines these are in."""
        return 0 if self.outer is None else self.outer.depth + 1


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """The mapped values for one target object, its lines and its companions: one unit, all or nothing.

    A field name with a dot (`Vendor__r.Tax_Id__c`) refers to another record by one of its keys.
    """

    object: str
    key_field: str
    key: str
    fields: Mapping[str, RecordValue]
    lines: tuple[Line, ...] = ()
    companions: tuple[
        "Record", ...
    ] = ()  # made from the same document, delivered before it, such as a vendor
    line_kinds: tuple[LineKind, ...] = ()  # all that the mapping makes, also those without a line here
    revision: int | None = None  # of the document; grows with each edit


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetQuery:
    """A question to the target: the field `wanted` of the objects of which `field` equals `value`."""

    object: str
    field: str
    value: str
    wanted: str


class Receipt(Struct, frozen=True, kw_only=True, gc=False):
    """What the target answered: the id of the header there, and a link that a person can open."""

    id: str
    url: str | None = None
    created: bool | None = None  # False: it was there already; None: the target does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordShape:
    """The fields that a mapping will write into one object of the target, with their places."""

    object: str
    key_field: str
    fields: tuple[str, ...]
    parent_field: str | None = None  # lines only
    places: tuple[str, ...] = ()  # "mappings/x.yaml:12:9" beside each of `fields`
    place: str = ""  # of the object itself
    parent: str | None = None  # the object that these lines are in; None: the header or a companion
    is_companion: bool = False  # this object, or the lines of one
    known: tuple[
        tuple[str, RecordValue], ...
    ] = ()  # fields and values that they can get, whatever the document says


def parts(record: Record) -> Iterator[Record | Line]:
    """Give everything that a record writes, in an order in which nothing refers to what comes later."""
    for companion in record.companions:
        yield from parts(companion)
    yield record
    yield from all_lines(record.lines)


def all_lines(lines: Sequence[Line]) -> Iterator[Line]:
    """Give lines, each before the lines in it."""
    for line in lines:
        yield line
        if line.lines:
            yield from all_lines(line.lines)


def record_key(tenant_id: str, pipeline: str, document_id: str) -> str:
    """Give the key under which the target knows this document, stable for ever.

    Parts are percent-encoded, so that no two different triples share a key.
    """
    return f"{key_part(tenant_id)}:{key_part(pipeline)}:{key_part(document_id)}"


def key_part(text: str) -> str:
    """Give a part of a key, percent-encoded; nearly every one needs no closer look."""
    return text if text.isascii() and text.isalnum() else quote(text, safe="-_.~")
