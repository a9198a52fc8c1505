"""What a backfill would cost, before anything is done. Pure, but for the question what the ledger knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.adapters.base import TellsCalls
from connector.backfill.counting import Range
from connector.docflo.budget import RESERVES, Lane
from connector.docflo.shared_budget import Balance
from connector.ledger.backfill import Part
from connector.ledger.delivery import OPEN_STATES, State
from connector.pipeline.definition import Pipeline
from connector.pipeline.listing import OVERLAP

LARGEST_BUDGET = 100 - RESERVES[Lane.BACKFILL]
"""Percent: what a backfill always leaves to the live pipelines is not to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A backfill as it would be."""

    pipeline: str
    over: Range
    parts: Sequence[Part]
    documents: int  # listed in the range, ready to be delivered
    known: Mapping[State, int]  # of the range, what the ledger has already
    to_deliver: int
    listings: int  # requests
    writes: int  # requests
    target_calls: int
    limit: int | None  # requests an hour, as Docflo said; None: it has not
    budget: int  # percent of it that may be used, by whomever, before the backfill waits

    @property
    def requests(self) -> int:
        """Requests to Docflo in all."""
        return self.listings + self.writes

    @property
    def hourly(self) -> int | None:
        """Requests that the backfill may send in an hour in which nobody else sends any."""
        return None if self.limit is None else max(1, self.limit * self.budget // 100)

    @property
    def hours(self) -> float | None:
        """How long it takes at least; the speed of Docflo and the target is not known."""
        return None if self.hourly is None else self.requests / self.hourly

    def finish_at(self, now: datetime) -> datetime | None:
        """Give when it is done, if it begins now and nobody else uses the budget."""
        return None if self.hours is None else now + timedelta(hours=self.hours)


def make_plan(
    pipeline: Pipeline,
    over: Range,
    parts: Sequence[Part],
    known: Mapping[State, int],
    balance: Balance,
    *,
    page_size: int,
    budget: int,
    most: int | None,
) -> Plan:
    """Put it together."""
    documents = sum(part.total for part in parts)
    to_deliver = max(0, documents - _listed_again(pipeline, known))
    if most is not None:
        to_deliver = min(most, to_deliver)
    return Plan(
        pipeline=pipeline.name,
        over=over,
        parts=parts,
        documents=documents,
        known=known,
        to_deliver=to_deliver,
        listings=sum(_pages(part, page_size) for part in parts),
        writes=to_deliver * _writes(pipeline),
        target_calls=_target_calls(pipeline, to_deliver),
        limit=balance.limit,
        budget=min(budget, LARGEST_BUDGET),
    )


def _listed_again(pipeline: Pipeline, known: Mapping[State, int]) -> int:
    """Count what the ledger has and the list shows all the same."""
    states = {*OPEN_STATES, State.DEAD, State.DISMISSED, State.SKIPPED}
    if not pipeline.done_statuses:
        states.add(State.COMPLETED)  # nothing takes a delivered document out of the list
    return sum(count for state, count in known.items() if state in states)


def _pages(part: Part, page_size: int) -> int:
    """Count the requests of a window: pages overlap, and one more proves that the last is the last."""
    return part.total // max(1, page_size - OVERLAP) + 2 if part.total else 1


def _writes(pipeline: Pipeline) -> int:
    step = pipeline.write_back
    return 0 if step is None else bool(step.fields) + (step.status is not None)


def _target_calls(pipeline: Pipeline, documents: int) -> int:
    adapter = pipeline.adapter
    if isinstance(adapter, TellsCalls):
        return adapter.calls_for(documents, pipeline.mapping.shapes())
    return -(-documents // adapter.batch_size)
