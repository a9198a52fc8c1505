"""What a mapping makes of a document, and what a target answers. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import quote

RecordValue: TypeAlias = str | bool | int | Decimal | date | datetime | None
"""None means "clear this field in the target"; a field that is absent is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a record. Its key is stable: it comes from the row's id, never from its position."""

    object: str
    key_field: str
    key: str
    parent_field: str  # the field of the line that refers to the header
    fields: Mapping[str, RecordValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The mapped values for one target object and its lines: one unit, both or neither.

    A field name with a dot (`Vendor__r.Tax_Id__c`) refers to another record by one of its keys.
    """

    object: str
    key_field: str
    key: str
    fields: Mapping[str, RecordValue]
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
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


def record_key(tenant_id: str, pipeline: str, document_id: str) -> str:
    """Give the key under which the target knows this document, stable for ever.

    Parts are percent-encoded, so that no two different triples share a key.
    """
    return ":".join(quote(part, safe="-_.~") for part in (tenant_id, pipeline, document_id))
