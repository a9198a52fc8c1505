"""Source, rule and result of every field, side by side: what `preview` shows. Goes on after problems."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from connector.document import Document, PlainValue
from connector.mapping.apply import MappedField, MappedLine, map_document
from connector.mapping.path import ABSENT
from connector.mapping.rules import Mapping
from connector.record import RecordValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One field of the record. It holds values of the document: for people, never for logs."""

    place: str  # of the rule, file:line:column
    target: str  # `Invoice__c.Total__c`
    source: str  # the path, from the document: `Items[2].Amount.amount`
    rule: str  # in words
    value: PlainValue  # as Docflo gave it; None also when there is none
    confidence: Decimal | None
    result: RecordValue  # what the record holds; None also when the field is cleared or left out
    is_sent: bool  # False: left out of the record, or a problem
    problem: str | None


def explain(mapping: Mapping, document: Document, key: str) -> tuple[Explained, ...]:
    """Give an entry for each field of the record and its lines, and for each row that gives no line."""
    mapped = map_document(mapping, document, key)
    header = (_explain_field(mapping.record.object, field) for field in mapped.fields)
    return (*header, *(entry for line in mapped.lines for entry in _explain_line(line)))


def _explain_field(target: str, field: MappedField) -> Explained:
    return Explained(
        place=field.rule.place,
        target=f"{target}.{field.rule.target}",
        source=field.source,
        rule=field.rule.words(),
        value=None if field.found is ABSENT else field.found,
        confidence=field.confidence,
        result=None if field.value is ABSENT else field.value,
        is_sent=field.value is not ABSENT,
        problem=field.problem,
    )


def _explain_line(line: MappedLine) -> Iterator[Explained]:
    if line.problem is not None:
        yield Explained(
            place=line.rule.place,
            target=line.rule.object,
            source=line.source,
            rule="one line for each row",
            value=None,
            confidence=None,
            result=None,
            is_sent=False,
            problem=line.problem,
        )
    for field in line.fields:
        yield _explain_field(line.rule.object, field)
