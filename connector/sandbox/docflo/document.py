"""One document as the sandbox holds it: values only. Fields are JSON as Docflo shows them, with Decimals."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

STATUSES = (
    "CONFIRMED",
    "REQUIRES_VALIDATION",
    "PROCESSING",
    "ANALYZING",
    "ANALYZED",
    "APPROVED",
    "FAILED",
)
UNREAD = ("PROCESSING", "ANALYZING")
"""Statuses in which nothing has been extracted yet."""

MAILBOX = "mailbox"
SOURCES = ("upload", MAILBOX, "api")

Step: TypeAlias = tuple[timedelta, str]
"""How long after its creation a document takes a status."""

Fields: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The bytes that somebody sent."""

    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxDocument:
    """One document. Its status is the last step of its timeline that has come."""

    id: str
    type: str
    name: str
    created_on: datetime
    timeline: tuple[Step, ...]
    fields: Fields
    source: str = "upload"
    favorite: bool = False
    approver_ids: tuple[str, ...] = ()
    changed_on: datetime | None = None
    page: Fields | None = None  # the fields as they stand on paper; None until somebody edits them
    upload: Upload | None = None  # None: the original is drawn from the page

    def status_at(self, now: datetime) -> str:
        """Give the status at a time."""
        reached = [status for after, status in self.timeline if self.created_on + after <= now]
        return reached[-1] if reached else self.timeline[0][1]

    def fields_at(self, now: datetime) -> Fields:
        """Give what has been extracted by then."""
        return {} if self.status_at(now) in UNREAD else self.fields

    def on_paper(self) -> Fields:
        """Give the fields as they were before any edit."""
        return self.fields if self.page is None else self.page

    def with_status(self, status: str, now: datetime) -> "SandboxDocument":
        """Give the document with a status that time no longer moves."""
        return replace(self, timeline=settled(status), changed_on=now)

    def with_fields(self, fields: Fields, now: datetime) -> "SandboxDocument":
        """Give the document after an edit; its original stays as it was."""
        return replace(self, fields=fields, page=self.on_paper(), changed_on=now)


def settled(status: str) -> tuple[Step, ...]:
    """Give a timeline that stays where it is."""
    return ((timedelta(), status),)


def object_id(moment: datetime, rng: random.Random) -> str:
    """Give an identifier like those of the database behind Docflo: 24 hex digits that begin with the time."""
    return f"{int(moment.timestamp()):08x}{rng.getrandbits(64):016x}"


def timestamp(moment: datetime) -> str:
    """Write a time with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def texts(value: object) -> Iterator[str]:
    """Give every text that was read, for searching; names of fields and types are not among them."""
    match value:
        case str():
            yield value
        case {"type": _, "value": inner}:
            yield from texts(inner)
        case Mapping():
            for inner in value.values():
                yield from texts(inner)
        case list() | tuple():
            for inner in value:
                yield from texts(inner)
