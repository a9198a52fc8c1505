"""Source, rule and result of every field, side by side: what `preview` shows. Goes on after problems."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from connector.document import Document, PlainValue
from connector.mapping.mapped import Mapped, MappedField, MappedLine, MappedRecord, map_document
from connector.mapping.path import ABSENT
from connector.mapping.rules import ConfidenceGate, ExpressionGate, Gate, RequiredGate, SumGate
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
    note: str | None = None  # why it is so: the default was used, `when` is false
    kind: Literal["field", "line", "gate", "when"] = "field"


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
    if not record.is_made and record.rule.when is not None:
        note = f"not made: `{record.rule.when.text}` is false"
        yield _beside("when", record.rule.place, record.rule.object, note=note)
    if record.problem is not None:
        yield _problem(record.rule.place, record.rule.object, "key", "the key of the record", record.problem)
    for field in record.fields:
        yield _explain_field(record.rule.object, field)
    for line in record.lines:
        yield from _explain_line(line)


def _explain_gates(mapping: Rules, mapped: Mapped) -> Iterator[Explained]:
    when = mapping.record.when
    if when is not None:
        note = f"skipped: {mapped.unwanted}" if mapped.unwanted else "wanted"
        yield _beside("when", when.place, "when", rule=when.text, problem=mapped.problem, note=note)
    for gate in mapped.gates:
        rule = gate_words(gate.rule)
        if not gate.problems:
            yield _beside("gate", gate.rule.place, "gate", rule=rule, note="passed")
        for problem in gate.problems:
            yield _beside("gate", gate.rule.place, "gate", rule=rule, problem=problem)


def gate_words(gate: Gate) -> str:
    """Give what a gate asks as a person says it."""
    match gate:
        case ExpressionGate():
            said = gate.expression.text
        case ConfidenceGate():
            floors = (f"{path.text} at least {floor}" for path, floor in gate.floors)
            said = f"confidence of {', '.join(floors)}{' unless edited' if gate.unless_edited else ''}"
        case SumGate():
            parts = " + ".join(path.text for path in gate.parts)
            said = f"{parts} adds up to {gate.total.text}" + (
                f", within {gate.within}" if gate.within else ""
            )
        case RequiredGate():
            said = f"{', '.join(path.text for path in gate.paths)} there and not blank"
    return f"{said}, when {gate.when.text}" if gate.when else said


def _problem(place: str, target: str, source: str, rule: str, problem: str) -> Explained:
    return _beside("line", place, target, source=source, rule=rule, problem=problem)


def _beside(
    kind: Literal["line", "gate", "when"],
    place: str,
    target: str,
    *,
    source: str = "",
    rule: str = "",
    problem: str | None = None,
    note: str | None = None,
) -> Explained:
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
        note=note,
        kind=kind,
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
        note=_note(field),
    )


def _note(field: MappedField) -> str | None:
    rule = field.rule
    is_missing = bool(rule.paths) and (field.found is ABSENT or field.found is None)
    if field.problem is not None:
        return None
    if field.value is ABSENT:
        if rule.when is not None and not (is_missing and rule.optional):
            return f"left out: `{rule.when.text}` is false"
        if rule.lookup is not None and not is_missing:
            return f"left out: not in {rule.lookup.name}"
        return "left out: the value is missing"
    if is_missing and rule.default is not ABSENT:
        return "the default"
    return f"from {rule.lookup.name}" if rule.lookup is not None else None


def _explain_line(line: MappedLine) -> Iterator[Explained]:
    if line.problem is not None:
        yield _problem(line.rule.place, line.rule.object, line.source, "one line for each row", line.problem)
    for field in line.fields:
        yield _explain_field(line.rule.object, field)
    for inner in line.lines:
        yield from _explain_line(inner)
