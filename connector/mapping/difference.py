"""What two mappings make of one document, compared field by field: what `mapping diff` counts. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from typing import TypeAlias

from connector.document import Document
from connector.errors import MappingError
from connector.mapping import rules
from connector.mapping.apply import apply_mapping
from connector.mapping.mapped import unwanted
from connector.mapping.path import ABSENT, Absent
from connector.mapping.supposed import SupposedAnswers
from connector.record import Record, RecordValue, parts

EXACT = Context(prec=400)
"""For sums of amounts: wide enough that no digit of any is ever rounded away."""

Part: TypeAlias = tuple[str, str]
"""What one object of a record is found by in the other record: its object, and its key."""


class Verdict(StrEnum):
    """What the new mapping does to one document."""

    SAME = "same"
    CHANGED = "changed"
    GAINED = "gained"  # it did not fit the old mapping or was skipped by it; the new one makes a record
    LOST = "lost"  # the other way round
    REFUSED = "refused"  # neither makes a record


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs. It holds values of the document: for people, never for logs."""

    target: str  # `Invoice_Line__c.Amount__c`
    key: str  # of the object that holds it
    old: RecordValue | Absent  # ABSENT: the record has no such field, or there is no such object
    new: RecordValue | Absent
    currency: str | None = None  # of an amount, as far as it is known
    is_amount: bool = False

    @property
    def difference(self) -> Decimal | None:
        """Give by how much an amount grows; what is not there counts as nothing. None for no amount."""
        old, new = _number(self.old), _number(self.new)
        if not self.is_amount or (old is None and new is None):
            return None
        return EXACT.subtract(new or Decimal(0), old or Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One document under both mappings."""

    verdict: Verdict
    changes: tuple[FieldChange, ...] = ()  # of a record that both make
    problems: tuple[str, ...] = ()  # why it does not fit: the new mapping, or the old one when it is gained


class Comparer:
    """Two mappings of one document type."""

    def __init__(self, old: rules.Mapping, new: rules.Mapping) -> None:
        self._old = old
        self._new = new
        # Known from the rules, so that quantities are never added to amounts.
        self._amounts = _amount_fields(old) | _amount_fields(new)
        self._currencies = _currency_fields(old) | _currency_fields(new)

    def compare(self, document: Document, key: str, currency: str | None) -> Comparison:
        """Map a document by both. `currency` is that of amounts whose record names none."""
        before, after = _mapped(self._old, document, key), _mapped(self._new, document, key)
        if not isinstance(after, Record):
            verdict = Verdict.LOST if isinstance(before, Record) else Verdict.REFUSED
            return Comparison(verdict=verdict, problems=_words(after))
        if not isinstance(before, Record):
            return Comparison(verdict=Verdict.GAINED, problems=_words(before))
        changes = self._changes(before, after, currency)
        return Comparison(verdict=Verdict.CHANGED if changes else Verdict.SAME, changes=changes)

    def _changes(self, old: Record, new: Record, currency: str | None) -> tuple[FieldChange, ...]:
        before, after = _parts(old), _parts(new)
        header = self._code(new.object, new.fields) or self._code(old.object, old.fields) or currency
        return tuple(
            change
            for part in dict.fromkeys((*before, *after))
            for change in self._fields(part, before.get(part, {}), after.get(part, {}), header)
        )

    def _fields(
        self,
        part: Part,
        old: Mapping[str, RecordValue],
        new: Mapping[str, RecordValue],
        currency: str | None,
    ) -> Iterator[FieldChange]:
        name, key = part
        code = self._code(name, new) or self._code(name, old) or currency
        for field in dict.fromkeys((*old, *new)):
            was, becomes = old.get(field, ABSENT), new.get(field, ABSENT)
            if _same(was, becomes):
                continue
            target = f"{name}.{field}"
            is_amount = target in self._amounts
            yield FieldChange(
                target=target,
                key=key,
                old=was,
                new=becomes,
                currency=code if is_amount else None,
                is_amount=is_amount,
            )

    def _code(self, name: str, fields: Mapping[str, RecordValue]) -> str | None:
        code = fields.get(self._currencies.get(name, ""))
        return code if isinstance(code, str) else None


def _mapped(mapping: rules.Mapping, document: Document, key: str) -> Record | MappingError | str:
    """Give the record, or why there is none: what does not fit, or the reason why it is skipped."""
    reason = unwanted(mapping, document)
    if reason is not None:
        return reason
    try:
        # The target is not asked: equal questions have equal answers, and that is all that is compared.
        return apply_mapping(mapping, document, key, SupposedAnswers())
    except MappingError as error:
        return error


def _words(outcome: MappingError | str) -> tuple[str, ...]:
    if isinstance(outcome, str):
        return (f"skipped: {outcome}",)
    return tuple(map(str, outcome.problems))


def _parts(record: Record) -> dict[Part, Mapping[str, RecordValue]]:
    return {(part.object, part.key): part.fields for part in parts(record)}


def _same(old: RecordValue | Absent, new: RecordValue | Absent) -> bool:
    # 12.5 and 12.50 are one amount to every target; "1" is not 1, and True is not 1.
    return type(old) is type(new) and old == new


def _sections(mapping: rules.Mapping) -> Iterator[tuple[str, rules.FieldRule]]:
    for record in (mapping.record, *mapping.companions):
        yield from ((record.object, rule) for rule in record.fields)
        for line in record.lines:
            yield from _line_sections(line)


def _line_sections(line: rules.LineRule) -> Iterator[tuple[str, rules.FieldRule]]:
    yield from ((line.object, rule) for rule in line.fields)
    for inner in line.lines:
        yield from _line_sections(inner)


def _amount_fields(mapping: rules.Mapping) -> frozenset[str]:
    return frozenset(f"{name}.{rule.target}" for name, rule in _sections(mapping) if _reads_amount(rule))


def _reads_amount(rule: rules.FieldRule) -> bool:
    is_number = rule.type in {None, "decimal", "integer"}
    return is_number and any(path.casefold().endswith("amount") for path in rule.reads())


def _currency_fields(mapping: rules.Mapping) -> dict[str, str]:
    return {name: rule.target for name, rule in _sections(mapping) if rule.type == "currency"}


def _number(value: RecordValue | Absent) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
