"""What `mapping diff` counts: how many documents change, in which fields, and by how much money. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connector.ledger.delivery import Delivery, Headline
from connector.mapping.difference import EXACT, Comparison, FieldChange, Verdict
from connector.mapping.path import ABSENT

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One document that does not stay as it was."""

    delivery_id: int
    document_id: str
    pipeline: str
    headline: Headline
    comparison: Comparison


@dataclass(slots=True, kw_only=True)
class FieldTotal:
    """All changes of one field in one currency."""

    target: str
    currency: str | None
    is_amount: bool
    values: int = 0
    documents: set[str] = field(default_factory=set)
    old: Decimal = ZERO
    new: Decimal = ZERO

    def add(self, document_id: str, change: FieldChange) -> None:
        """Count one change."""
        self.values += 1
        self.documents.add(document_id)
        if change.is_amount:
            self.old = EXACT.add(self.old, _amount(change.old))
            self.new = EXACT.add(self.new, _amount(change.new))

    @property
    def difference(self) -> Decimal:
        """Give by how much the sum grows."""
        return EXACT.subtract(self.new, self.old)


@dataclass(slots=True, kw_only=True)
class Tally:
    """A whole comparison."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    worth: dict[Verdict, dict[str, Decimal]] = field(default_factory=dict)
    totals: dict[tuple[str, str | None], FieldTotal] = field(default_factory=dict)
    changed: list[Changed] = field(default_factory=list)
    not_stored: int = 0
    unreadable: int = 0

    @property
    def documents(self) -> int:
        """Give how many documents were compared."""
        return self.counts.total()

    @property
    def has_changes(self) -> bool:
        """Tell whether any record changes, comes or goes."""
        return any(self.counts[verdict] for verdict in (Verdict.CHANGED, Verdict.GAINED, Verdict.LOST))

    def add(self, delivery: Delivery, comparison: Comparison) -> None:
        """Count one document."""
        verdict = comparison.verdict
        self.counts[verdict] += 1
        headline = delivery.headline
        if headline.amount is not None:
            sums = self.worth.setdefault(verdict, {})
            code = headline.currency or "no currency"
            sums[code] = EXACT.add(sums.get(code, ZERO), headline.amount)
        for change in comparison.changes:
            total = self.totals.setdefault(
                (change.target, change.currency),
                FieldTotal(target=change.target, currency=change.currency, is_amount=change.is_amount),
            )
            total.add(delivery.document_id, change)
        if verdict in {Verdict.CHANGED, Verdict.GAINED, Verdict.LOST}:
            self.changed.append(
                Changed(
                    delivery_id=delivery.id,
                    document_id=delivery.document_id,
                    pipeline=delivery.pipeline,
                    headline=headline,
                    comparison=comparison,
                )
            )

    def as_json(self) -> Mapping[str, object]:
        """Give it as JSON values; the keys are promised to scripts."""
        return {
            "documents": self.documents,
            "not_stored": self.not_stored,
            "unreadable": self.unreadable,
            "counts": {verdict.value: self.counts[verdict] for verdict in Verdict},
            "worth": {verdict.value: sums for verdict, sums in self.worth.items()},
            "fields": [
                {
                    "field": total.target,
                    "documents": len(total.documents),
                    "values": total.values,
                    "currency": total.currency,
                    **(
                        {"old": total.old, "new": total.new, "difference": total.difference}
                        if total.is_amount
                        else {}
                    ),
                }
                for total in self.totals.values()
            ],
            "changed": [_changed_json(changed) for changed in self.changed],
        }


def _changed_json(changed: Changed) -> Mapping[str, object]:
    headline = changed.headline
    return {
        "delivery": changed.delivery_id,
        "document": changed.document_id,
        "pipeline": changed.pipeline,
        "number": headline.number,
        "party": headline.party,
        "amount": headline.amount,
        "currency": headline.currency,
        "change": changed.comparison.verdict.value,
        "problems": changed.comparison.problems,
        "fields": [
            {
                "field": change.target,
                "key": change.key,
                **({} if change.old is ABSENT else {"old": change.old}),
                **({} if change.new is ABSENT else {"new": change.new}),
                **(
                    {"currency": change.currency, "difference": change.difference} if change.is_amount else {}
                ),
            }
            for change in changed.comparison.changes
        ],
    }


def _amount(value: object) -> Decimal:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else ZERO
