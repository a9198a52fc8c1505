"""The windows of a backfill, counted and stored a few at a time: whoever is killed is gone on with."""

from collections.abc import Callable, Iterator
from itertools import islice, product

from connector.backfill.counting import Range, count_list
from connector.errors import StoppingError
from connector.ledger.backfill import Backfill, Part
from connector.ledger.backfills import BackfillStore
from connector.ledger.lease import Lease
from connector.pipeline.definition import Pipeline
from connector.pipeline.gather import turn_of
from connector.pipeline.work import Work

_FEW = 5  # windows that are stored together


class Planning:
    """The right to plan one backfill: one process at a time counts."""

    def __init__(self, held: Lease, work: Work) -> None:
        self.held = held
        self._work = work

    def keep(self) -> None:
        """Hold on to it; called before each request.

        Raises: StoppingError when this process is told to stop; LeaseLostError when it is not ours any more.
        """
        if self._work.stopping():
            raise StoppingError("the planning breaks off: this process is told to stop")
        length = turn_of(self._work)
        if self.held.until - self._work.clock() < length / 2:
            self.held = self._work.store.extend(self.held, length)


def plan_windows(
    known: Backfill, pipeline: Pipeline, work: Work, backfills: BackfillStore
) -> Backfill | None:
    """Count what is not counted yet; give the backfill as it is planned. None: somebody else is at it.

    Raises: what the client raises, LeaseLostError; what was counted before is stored.
    """
    held = work.store.hold(f"backfill {known.id}", owner=work.owner, length=turn_of(work))
    if held is None:
        return None
    planning = Planning(held, work)
    try:
        for type_, status in product(pipeline.types, pipeline.statuses):
            start = backfills.planned_until(known, type_, status)
            if start < known.created_to:
                rest = Range(start=start, end=known.created_to)
                parts = count_list(type_, status, rest, work.docflo, planning.keep)
                _store(parts, lambda few: backfills.add_windows(known, few, planning.held))
        return backfills.planned(known, planning.held)
    finally:
        work.store.release(planning.held)


def _store(parts: Iterator[Part], store: Callable[[list[Part]], None]) -> None:
    while few := list(islice(parts, _FEW)):
        store(few)
