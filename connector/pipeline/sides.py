"""What is compared of a document and its record, and what two sides that differ are called. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from connector.adapters.base import HeldObject, ReadBack
from connector.ledger.delivery import Headline
from connector.mapping.rules import FieldRule
from connector.mapping.rules import Mapping as MappingRules
from connector.pipeline.found import AMOUNT_FIELDS, DATE_FIELDS, NUMBER_FIELDS
from connector.record import Record, RecordValue


class Kind(StrEnum):
    """How the two sides differ."""

    MISSING = "missing"  # the document is ready, the target has no record of it
    DOUBLED = "doubled"  # the target has it more than once
    DIFFERENT = "different"  # amount, currency, number or date are others
    WITHOUT_DOCUMENT = "without_document"  # a record with a key of ours, and Docflo has no such document
    NOT_READY = "not_ready"  # the target has it, and its document is not (or no longer) ready
    UNCLEAR = "unclear"  # the target finds it, or something else, and cannot be read further


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What is compared."""

    number: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    date: "date | None" = None  # quoted: the default would otherwise hide the type


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One document that is ready, and what the target should have of it."""

    document_id: str
    created_on: datetime | None
    headline: Headline
    key: str
    record: Record | None = None  # None: the mapping makes none of it
    values: Values = field(default_factory=Values)
    problem: str = ""  # why not


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same on both sides."""

    kind: Kind
    words: str
    document_id: str | None
    key: str | None
    headline: Headline = field(default_factory=Headline)
    values: Values = field(default_factory=Values)  # as they should be
    held: tuple[HeldObject, ...] = ()  # as they are
    delivery_id: int | None = None
    state: str | None = None  # of the delivery, when it was compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """One currency of one period on both sides. Months are those in which documents were created, UTC."""

    period: str  # "2026-03"
    currency: str
    documents: int = 0
    documents_amount: Decimal = Decimal(0)
    records: int = 0
    records_amount: Decimal | None = Decimal(0)  # None: the target does not tell amounts
    differences: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison found."""

    totals: tuple[Total, ...] = ()
    differences: tuple[Difference, ...] = ()


def read_back_of(mapping: MappingRules) -> ReadBack:
    """Give which fields of the target hold what is compared: those that the mapping fills from it."""
    rules = mapping.record.fields
    amount, name = _filled(rules, AMOUNT_FIELDS, ".amount")
    currency, _ = _filled(rules, (name,) if name else AMOUNT_FIELDS, ".currencyCode")
    return ReadBack(
        object=mapping.record.object,
        key_field=mapping.record.key_field,
        number=_filled(rules, NUMBER_FIELDS)[0],
        amount=amount,
        currency=currency,
        date=_filled(rules, DATE_FIELDS)[0],
    )


def _filled(
    rules: Sequence[FieldRule], names: Iterable[str], suffix: str = ""
) -> tuple[str | None, str | None]:
    """Give the field that is filled from the first of these, and which of them it is."""
    for name in names:
        wanted = f"{name}{suffix}".casefold()
        for rule in rules:
            read = [path.casefold() for path in rule.reads()]
            if wanted in read and "." not in rule.target and rule.lookup is None:
                return rule.target, name
    return None, None


def values_of(fields: Mapping[str, RecordValue], wanted: ReadBack) -> Values:
    """Give what the target should have."""
    number = fields.get(wanted.number or "")
    amount = fields.get(wanted.amount or "")
    currency = fields.get(wanted.currency or "")
    day = fields.get(wanted.date or "")
    is_number = isinstance(amount, Decimal | int) and not isinstance(amount, bool)
    return Values(
        number=None if number is None else str(number),
        amount=Decimal(amount) if is_number and isinstance(amount, Decimal | int) else None,
        currency=currency if isinstance(currency, str) else None,
        date=day if isinstance(day, date) else None,
    )


def unlike(values: Values, held: HeldObject) -> Iterator[str]:
    """Give what of an object is not as it should be; what the mapping does not fill is not compared."""
    if values.amount is not None and held.amount != values.amount:
        there = "no amount" if held.amount is None else f"{held.amount:f}"
        yield f"the amount is {there}, and should be {values.amount:f}"
    for name in ("currency", "number", "date"):
        wanted, there = getattr(values, name), getattr(held, name)
        if wanted is not None and there != wanted:
            yield f"the {name} is {there or 'empty'}, and should be {wanted}"


def is_like(values: Values, held: HeldObject) -> bool:
    """Tell whether an object says the same as a document does, whatever its key."""
    return (
        values.number is not None
        and values.amount is not None
        and held.number == values.number
        and held.amount == values.amount
        and (values.currency is None or held.currency in {None, values.currency})
    )
