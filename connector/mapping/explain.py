"""Source, rule and result of every field, side by side: what `preview` shows. Goes on after problems."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from connector.document import Document, PlainValue
from connector.mapping.apply import Mapped, MappedField, MappedLine, MappedRecord, map_document
from connector.mapping.path import ABSENT
from connector.mapping.rules import Mapping as Rules
from connector.mapping.scope import Answers
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


def explain(
    mapping: Rules, document: Document, key: str, answers: Answers | None = None
) -> tuple[Explained, ...]:
    """Give an entry for each field of the header, lines and companions, and for each problem beside them.

    Without `answers` the target is not asked, and what depends on it says so.
    """
    mapped = map_document(mapping, document, key, answers)
    return (
        *_explain_record(mapped.header),
        *(entry for companion in mapped.companions for entry in _explain_record(companion)),
        *_explain_gates(mapping, mapped),
    )


def _explain_record(record: MappedRecord) -> Iterator[Explained]:
    if record.problem is not None:
        yield _problem(record.rule.place, record.rule.object, "key", "the key of the record", record.problem)
    for field in record.fields:
        yield _explain_field(record.rule.object, field)
    for line in record.lines:
        yield from _explain_line(line)


def _explain_gates(mapping: Rules, mapped: Mapped) -> Iterator[Explained]:
    if mapped.problem is not None and mapping.record.when is not None:
        yield _problem(mapping.record.when.place, mapping.record.object, "when", "", mapped.problem)
    for gate in mapped.gates:
        for problem in gate.problems:
            yield _problem(gate.rule.place, "gate", "", "must hold before anything is sent", problem)


def _problem(place: str, target: str, source: str, rule: str, problem: str) -> Explained:
    return Explained(
        place=place,
        target=target,
        source=source,
        rule=rule,
        value=None,
        confidence=None,
        result=None,
        is_sent=False,
        problem=problem,
    )


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
        yield _problem(line.rule.place, line.rule.object, line.source, "one line for each row", line.problem)
    for field in line.fields:
        yield _explain_field(line.rule.object, field)
    for inner in line.lines:
        yield from _explain_line(inner)
