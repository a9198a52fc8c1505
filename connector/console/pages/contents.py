"""What the ledger stores of a document, in rows that a table can show: its fields, and what was sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from connector.config import Config
from connector.docflo.wire import read_stored
from connector.document import Document, Field, Row, plain
from connector.errors import ConnectorError
from connector.ledger.delivery import Delivery
from connector.mapping.explain import Explained, explain
from connector.mapping.load import load_mapping
from connector.mapping.supposed import SupposedAnswers
from connector.pipeline.stored_record import read_record
from connector.record import Line, Record, RecordValue, record_key


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One value of the document."""

    path: str  # as a mapping writes it: `Items[0].Amount.amount`
    value: str
    confidence: Decimal | None
    content: str | None  # the text on the page
    changed_by: str | None  # a person's edit


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One value of the record: as it was sent, and as the mapping would make it now."""

    object: str
    row: str  # of the document that a line came from; empty for the header
    field: str
    sent: str | None  # None: not sent
    now: str | None  # None: not made, or the mapping cannot be read
    explained: Explained | None  # where it comes from

    @property
    def differs(self) -> bool:
        """Tell whether the mapping would send something else now."""
        return self.explained is not None and self.sent != self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSeen:
    """The record with its explanation. `trouble`: why there is none."""

    rows: tuple[RecordRow, ...]
    beside: tuple[Explained, ...]  # gates, and whether the document is wanted
    is_sent: bool
    trouble: str | None


def stored_document(delivery: Delivery) -> Document | None:
    """Give the document as the ledger has it; None when it is not stored any more."""
    return read_stored(delivery.snapshot) if delivery.snapshot else None


def source_rows(document: Document) -> Iterator[SourceRow]:
    """Give every value of the document, in Docflo's order."""
    for name, field in document.fields.items():
        yield from _field_rows(name, field)


def _field_rows(path: str, field: Field) -> Iterator[SourceRow]:
    value = field.value
    if isinstance(value, Mapping) and any(isinstance(inner, Field) for inner in value.values()):
        for name, inner in value.items():
            if isinstance(inner, Field):
                yield from _field_rows(f"{path}.{name}", inner)
        return
    if isinstance(value, tuple) and any(isinstance(entry, Row) for entry in value):
        for number, entry in enumerate(value):
            if isinstance(entry, Row):
                for name, inner in entry.fields.items():
                    yield from _field_rows(f"{path}[{number}].{name}", inner)
        return
    yield SourceRow(
        path=path,
        value=_said(plain(value)),
        confidence=field.confidence,
        content=field.content,
        changed_by=field.changed_by or field.changed_on,
    )


def _said(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case {"amount": Decimal() as amount, "currencyCode": currency}:
            return f"{amount:f} {currency or ''}".strip()
        case Mapping():
            return ", ".join(f"{name}: {_said(inner)}" for name, inner in value.items() if inner is not None)
        case tuple():
            return "; ".join(map(_said, value))
        case _:
            return str(value)


def record_seen(delivery: Delivery, config: Config) -> RecordSeen:
    """Put what was sent beside what the mapping makes of the stored document now."""
    sent = dict(_flat(read_record(delivery.record))) if delivery.record else {}
    explained, trouble = _explained(delivery, config)
    made = {_key(each, number): each for each, number in _numbered(explained)}
    keys = [*made, *(key for key in sent if key not in made)]
    rows = [_record_row(key, sent.get(key), made.get(key)) for key in keys]
    return RecordSeen(
        rows=tuple(row for row in rows if row.sent is not None or row.explained is not None),
        beside=tuple(each for each in explained if each.kind in {"gate", "when"}),
        is_sent=bool(sent),
        trouble=trouble,
    )


_Key = tuple[str, int, str]
"""Object, which one of that kind, field."""


def _explained(delivery: Delivery, config: Config) -> tuple[tuple[Explained, ...], str | None]:
    section = config.pipelines.get(delivery.pipeline)
    if section is None:
        return (), f"config.yaml has no pipeline {delivery.pipeline} any more"
    if not delivery.snapshot:
        return (), "the document is not stored any more: its retention has ended"
    try:
        document = read_stored(delivery.snapshot)
        key = record_key(config.docflo.tenant_id, delivery.pipeline, delivery.document_id)
        return explain(load_mapping(section.mapping), document, key, SupposedAnswers()), None
    except ConnectorError as error:
        return (), error.message


def _numbered(explained: tuple[Explained, ...]) -> Iterator[tuple[Explained, int]]:
    seen: dict[str, int] = {}
    last: tuple[str, str] | None = None
    for each in explained:
        if each.kind not in {"field", "line"}:
            continue
        group = (each.target.partition(".")[0], _row_of(each))
        if group != last:
            seen[group[0]] = seen.get(group[0], -1) + 1
            last = group
        yield each, seen[group[0]]


def _key(each: Explained, number: int) -> _Key:
    name, _, field = each.target.partition(".")
    return name, number, field


def _row_of(each: Explained) -> str:
    row, bracket, _ = each.source.rpartition("]")
    return row + bracket


def _record_row(key: _Key, sent: str | None, explained: Explained | None) -> RecordRow:
    now = None if explained is None or not explained.is_sent else _exactly(explained.result)
    row = _row_of(explained) if explained else ""
    return RecordRow(object=key[0], row=row, field=key[2], sent=sent, now=now, explained=explained)


def _flat(record: Record) -> Iterator[tuple[_Key, str]]:
    counts: dict[str, int] = {}
    for part in _parts(record):
        number = counts.get(part.object, 0)
        counts[part.object] = number + 1
        for name, value in part.fields.items():
            yield (part.object, number, name), _exactly(value)


def _parts(record: Record) -> Iterator[Record | Line]:
    """Give them in the order in which a mapping explains them: companions last."""
    yield record
    for line in record.lines:
        yield from _lines(line)
    for companion in record.companions:
        yield from _parts(companion)


def _lines(line: Line) -> Iterator[Line]:
    yield line
    for inner in line.lines:
        yield from _lines(inner)


def _exactly(value: RecordValue) -> str:
    match value:
        case None:
            return "(cleared)"
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
