"""Which deliveries a person means: conditions, all of which must hold."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, func

from connector.ledger.delivery import Delivery, State
from connector.ledger.sums import Total, add_up
from connector.ledger.tables import delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Empty parts do not choose. Texts of a document are compared without case; a part of them is enough."""

    ids: tuple[int, ...] = ()
    states: tuple[State, ...] = ()
    pipeline: str | None = None
    failure_class: str | None = None
    cause: str | None = None  # of the failure, without what differs from document to document
    since: datetime | None = None  # changed at or after
    number: str | None = None
    party: str | None = None
    document_id: str | None = None

    @property
    def is_single(self) -> bool:
        """Tell whether one delivery was named by its id, and nothing else."""
        return self == Selection(ids=self.ids) and len(self.ids) == 1

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """Give the conditions in SQL."""
        columns = delivery.c
        wanted: list[ColumnElement[bool]] = []
        if self.ids:
            wanted.append(columns.id.in_(self.ids))
        if self.states:
            wanted.append(columns.state.in_([state.value for state in self.states]))
        if self.pipeline is not None:
            wanted.append(columns.pipeline == self.pipeline)
        if self.failure_class is not None:
            wanted.append(columns.failure_class == self.failure_class)
        if self.cause is not None:
            wanted.append(columns.failure_cause == (self.cause or None))
        if self.since is not None:
            wanted.append(columns.changed_at >= self.since)
        if self.number is not None:
            wanted.append(func.lower(columns.number).contains(self.number.lower(), autoescape=True))
        if self.party is not None:
            wanted.append(func.lower(columns.party).contains(self.party.lower(), autoescape=True))
        if self.document_id is not None:
            wanted.append(columns.document_id == self.document_id)
        return tuple(wanted)

    def __str__(self) -> str:
        """Give it in words, for the record of an act."""
        parts = ((part.name, getattr(self, part.name)) for part in fields(self))
        return " ".join(f"{name}={_words(value)}" for name, value in parts if value) or "all"


def total(deliveries: Iterable[Delivery]) -> Total:
    """Count and add up."""
    return add_up((each.headline.currency, 1, each.headline.amount) for each in deliveries)


def _words(value: object) -> str:
    match value:
        case tuple():
            return ",".join(map(str, value))
        case datetime():
            return value.isoformat()
        case _:
            return str(value)
