"""What the process that tries a mapping is told, and what it says. Values only."""

from typing import Any

import msgspec


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One document, as Docflo gave it."""

    id: str
    key: str  # the key that its record has
    raw: str
    currency: str | None = None
    delivery: int | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping that somebody wrote, and what to try it on."""

    path: str  # of the file that it would replace: what it includes lies beside it
    text: str
    documents: tuple[Given, ...] = ()
    compares: bool = False  # with the file as it is, instead of showing each field


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the text, and where."""

    message: str
    place: str
    line: int | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the mapping makes of one document."""

    problem: str | None = None  # with the document itself
    skipped: str | None = None
    fields: tuple[dict[str, Any], ...] = ()  # as `preview` explains them
    unused: tuple[str, ...] = ()  # fields of the document that no rule reads
    unfilled: tuple[str, ...] = ()  # fields of the mapping that this document leaves out, once or more


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One document of which the record would be another."""

    document: str
    delivery: int | None
    verdict: str
    fields: tuple[tuple[str, str, str], ...] = ()  # name, as it is, as it would be
    problems: tuple[str, ...] = ()


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """How many values of one field change, and by how much money."""

    field: str
    values: int
    currency: str | None = None
    difference: str | None = None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One object that the mapping writes."""

    object: str
    fields: tuple[str, ...]  # its key, and the field that refers to what it is in, among them


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a job."""

    faults: tuple[Fault, ...] = ()
    writes: tuple[Written, ...] = ()
    shown: Shown | None = None
    counts: dict[str, int] = {}
    changes: tuple[Change, ...] = ()
    sums: tuple[Sum, ...] = ()
