"""What Docflo holds, as values: a document, its fields and its rows. No I/O, no vendor shapes.

`connector.docflo.fields` reads Docflo's shapes into these; everything else sees only these. Fields and rows
are by far the most values that are made: a struct of msgspec is made in a tenth of a dataclass's time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from msgspec import Struct

Scalar: TypeAlias = str | bool | int | Decimal | None
"""Numbers are `int` or `Decimal`, never `float`; dates stay text as Docflo wrote them."""

PlainValue: TypeAlias = Scalar | Mapping[str, "PlainValue"] | tuple["PlainValue", ...]
"""A value without its confidence: what a mapping sees."""

ROW_ID = "_id"

STATUSES = (
    "PROCESSING",
    "ANALYZING",
    "ANALYZED",
    "REQUIRES_VALIDATION",
    "CONFIRMED",
    "APPROVED",
    "FAILED",
)
"""The statuses that Docflo's API page names. There may be others."""


class Field(Struct, frozen=True, kw_only=True, gc=False):
    """One field as Docflo read it."""

    value: "FieldValue"
    type: str | None = None  # Docflo's data type, verbatim: "currency", "array", ...
    confidence: Decimal | None = None  # 0..1; None is unknown, neither 0 nor 1
    content: str | None = None  # the text on the page
    changed_on: str | None = None  # ISO timestamp of a person's edit; None when nobody edited
    changed_by: str | None = None


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """One row of an array field. `id` is Docflo's `_id`, stable while rows move; None if it has none."""

    id: str | None
    fields: Mapping[str, Field]


FieldValue: TypeAlias = Scalar | Mapping[str, "Field | PlainValue"] | tuple[Row, ...] | tuple[PlainValue, ...]
"""Object fields hold Fields by name, arrays hold Rows; currency and address hold plain mappings.

A currency is always `{"amount": Decimal | None, "currencyCode": str | None, ...}`, however it was spelt.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document. `has_fields` is False when a listing left the extracted data out."""

    id: str
    type: str | None
    status: str | None  # verbatim; unknown values are kept
    created_on: datetime | None  # aware UTC
    name: str | None = None  # file name of the original, if told
    fields: Mapping[str, Field] = field(default_factory=dict)
    has_fields: bool = True
    raw: bytes = b""  # the document as received, JSON; reading it again gives this value again


def plain(value: "Field | Row | FieldValue | PlainValue") -> PlainValue:
    """Give a value without types and confidences: what a mapping path walks over. Rows keep `_id`."""
    match value:
        case str() | None:  # first because it is most
            return value
        case Field():
            return plain(value.value)
        case Row():
            unwrapped = {name: plain(inner) for name, inner in value.fields.items()}
            return unwrapped if value.id is None else {ROW_ID: value.id, **unwrapped}
        case Mapping():
            return {name: plain(inner) for name, inner in value.items()}
        case tuple():
            return tuple(plain(inner) for inner in value)
        case _:
            return value


def plain_fields(document: Document) -> Mapping[str, PlainValue]:
    """Give all fields of the document without types and confidences."""
    return {name: plain(value) for name, value in document.fields.items()}
