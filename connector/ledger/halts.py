"""Runs of dead letters of one class, counted in SQL across replicas, and the halts that they lead to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.delivery import Delivery, Errand, Failure, Halt, errand_of
from connector.ledger.tables import dead_run

# Built once: it is run for each batch.
_END_RUN = (
    update(dead_run)
    .where(
        dead_run.c.pipeline == bindparam("of_pipeline"),
        dead_run.c.errand == bindparam("of_errand"),
        dead_run.c.length > 0,
        dead_run.c.halted_at.is_(None),
    )
    .values(length=0)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Death:
    failure: Failure
    halt_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    error_class: str
    length: int
    reason: str  # of the last
    is_halting: bool


class Runs:
    """The successes and dead letters of one batch, in the order of its outcomes."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._seen: dict[tuple[str, Errand], list[_Death | None]] = {}

    def died(self, delivery: Delivery, failure: Failure, halt_after: int) -> None:
        """Note a dead letter."""
        self._note(delivery, _Death(failure=failure, halt_after=halt_after))

    def went_well(self, delivery: Delivery) -> None:
        """Note that an errand was done: no run goes on beyond it."""
        self._note(delivery, None)

    def store(self) -> tuple[Halt, ...]:
        """Add the batch to the runs on record, and give the halts that follow."""
        # In one order everywhere, so that two batches never wait for each other.
        halts = [self._store(*key, self._seen[key]) for key in sorted(self._seen)]
        return tuple(halt for halt in halts if halt is not None)

    def _note(self, delivery: Delivery, what: _Death | None) -> None:
        self._seen.setdefault((delivery.pipeline, errand_of(delivery.state)), []).append(what)

    def _store(self, pipeline: str, errand: Errand, seen: Sequence[_Death | None]) -> Halt | None:
        if not any(seen):
            # Nearly every batch, and nearly always there is no run: then nothing is locked.
            self._connection.execute(_END_RUN, {"of_pipeline": pipeline, "of_errand": errand.value})
            return None
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        is_row = (dead_run.c.pipeline == pipeline, dead_run.c.errand == errand.value)
        nothing = {"pipeline": pipeline, "errand": errand.value, "error_class": "", "length": 0, "reason": ""}
        self._connection.execute(dialect.insert(dead_run).values(nothing).on_conflict_do_nothing())
        row = self._connection.execute(select(dead_run).where(*is_row).with_for_update()).mappings().one()
        if row["halted_at"] is not None:
            return None  # what was under way then changes nothing
        run = _continued(row["error_class"], row["length"], row["reason"], seen)
        halted_at = self._now if run.is_halting else None
        columns = {"error_class": run.error_class, "length": run.length, "reason": run.reason}
        self._connection.execute(update(dead_run).where(*is_row).values(**columns, halted_at=halted_at))
        if halted_at is None:
            return None
        return Halt(
            pipeline=pipeline,
            errand=errand,
            error_class=run.error_class,
            length=run.length,
            reason=run.reason,
            halted_at=halted_at,
        )


def _continued(error_class: str, length: int, reason: str, seen: Sequence[_Death | None]) -> _Run:
    """Give the run after a batch; it stops counting where it halts."""
    for death in seen:
        if death is None:
            length = 0
            continue
        length = length + 1 if death.failure.error_class == error_class else 1
        error_class, reason = death.failure.error_class, death.failure.reason
        if 0 < death.halt_after <= length:
            return _Run(error_class=error_class, length=length, reason=reason, is_halting=True)
    return _Run(error_class=error_class, length=length, reason=reason, is_halting=False)


def halts_of(connection: Connection) -> tuple[Halt, ...]:
    """Give every halt."""
    halted = select(dead_run).where(dead_run.c.halted_at.is_not(None))
    rows = connection.execute(halted.order_by(dead_run.c.pipeline, dead_run.c.errand)).mappings()
    return tuple(map(_read, rows))


def _read(row: RowMapping) -> Halt:
    return Halt(
        pipeline=row["pipeline"],
        errand=Errand(row["errand"]),
        error_class=row["error_class"],
        length=row["length"],
        reason=row["reason"],
        halted_at=row["halted_at"],
    )


def is_halted(pipeline: ColumnElement[str]) -> ColumnElement[bool]:
    """Give the condition "nothing of this pipeline may be claimed"."""
    halt = select(dead_run.c.pipeline).where(
        dead_run.c.pipeline == pipeline, dead_run.c.halted_at.is_not(None)
    )
    return halt.exists()
