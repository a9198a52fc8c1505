"""The backfills of a ledger: begin one, pause, cancel and finish it, and count what is there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, or_, select, update

from connector.clock import Clock
from connector.errors import ConfigError
from connector.ledger import lease
from connector.ledger.backfill import ACTIVE, Backfill, BackfillState, Part, Tally
from connector.ledger.backfill_tally import tally_of
from connector.ledger.database import Database
from connector.ledger.delivery import LIVE, OPEN_STATES, State
from connector.ledger.lease import Lease
from connector.ledger.listing import hold_listing
from connector.ledger.operations import By
from connector.ledger.tables import act, backfill, backfill_window, delivery, delivery_event

_CHUNK = 500  # rows a transaction
_OPEN = [state.value for state in OPEN_STATES]


class BackfillStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> tuple[Backfill, ...]:
        """Give every backfill, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(backfill).order_by(backfill.c.id.desc())).mappings()
            return tuple(map(_read, rows))

    def get(self, backfill_id: int) -> Backfill | None:
        """Give one; None when there is none."""
        with self._database.read() as connection:
            return find_backfill(connection, backfill_id)

    def clash(self, pipeline: str, created_from: datetime, created_to: datetime) -> Backfill | None:
        """Give a backfill of this pipeline that is not over and shares a part of the range."""
        with self._database.read() as connection:
            return _clash(connection, pipeline, created_from, created_to)

    def begin(self, wanted: Backfill) -> Backfill | None:
        """Store a backfill; None when another one shares a part of its range."""
        values = {name: getattr(wanted, name) for name in Backfill.__dataclass_fields__ if name != "id"}
        with self._database.write() as connection:
            hold_listing(connection, wanted.pipeline)
            if _clash(connection, wanted.pipeline, wanted.created_from, wanted.created_to) is not None:
                return None
            number = connection.execute(insert(backfill).values(values).returning(backfill.c.id)).scalar_one()
        return replace(wanted, id=number)

    def planned_until(self, known: Backfill, type_: str, status: str) -> datetime:
        """Give where the next window of this type and status begins; the end of the range: there is none."""
        columns = backfill_window.c
        statement = select(func.max(columns.created_to).label("until")).where(
            columns.backfill_id == known.id, columns.type == type_, columns.status == status
        )
        with self._database.read() as connection:
            until: datetime | None = connection.execute(statement).scalar_one()
        return until or known.created_from

    def add_windows(self, known: Backfill, parts: Sequence[Part], held: Lease) -> None:
        """Store windows, next to those that are there.

        Raises: LeaseLostError when the planning is no longer ours; nothing is stored then.
        """
        with self._database.write() as connection:
            lease.require(connection, held)
            if parts:
                connection.execute(insert(backfill_window), [_new_window(known.id, part) for part in parts])

    def planned(self, known: Backfill, held: Lease) -> Backfill:
        """Record that every window is there, and how many documents they were counted to hold.

        Raises: as `add_windows`.
        """
        now = self._clock()
        columns = backfill_window.c
        counted = select(func.coalesce(func.sum(columns.total), 0)).where(columns.backfill_id == known.id)
        with self._database.write() as connection:
            lease.require(connection, held)
            total = int(connection.execute(counted).scalar_one())
            total = total if known.most is None else min(total, known.most)
            connection.execute(
                update(backfill).where(backfill.c.id == known.id).values(total=total, planned_at=now)
            )
        return replace(known, total=total, planned_at=now)

    def change(self, backfill_id: int, state: BackfillState, by: By) -> Backfill:
        """Let a backfill that is not over be left alone, or go on.

        Raises: ConfigError when there is none, or it is over.
        """
        with self._database.write() as connection:
            known = _known(connection, backfill_id)
            if known.state is state:
                return known
            reason = by.reason if state is BackfillState.PAUSED else None
            changed = replace(known, state=state, reason=reason, changed_at=self._clock())
            _store(connection, changed)
            _record(connection, f"backfill {state.value}", by, self._clock())
        return changed

    def cancel(self, backfill_id: int, by: By) -> int:
        """Give a backfill up: forget what was listed and never touched; give how many that were.

        What somebody has begun is brought to its end by the pipeline.
        Raises: ConfigError when there is none, or it is over.
        """
        with self._database.write() as connection:
            known = _known(connection, backfill_id)
            cancelled = replace(
                known, state=BackfillState.CANCELLED, reason=by.reason, changed_at=self._clock()
            )
            _store(connection, cancelled)
            _record(connection, "backfill cancelled", by, self._clock())
        forgotten = 0
        while count := self._forget_some(known):
            forgotten += count
        with self._database.write() as connection:
            _hand_over(connection, backfill_id)
        return forgotten

    def finish(self, backfill_id: int, leaving: Sequence[State] = ()) -> bool:
        """Record that it is done; False when it is not, or over already.

        Deliveries in the states of `leaving` are left to the pipeline.
        """
        columns = delivery.c
        with self._database.write() as connection:
            known = find_backfill(connection, backfill_id, is_locked=True)
            if known is None or known.state is not BackfillState.RUNNING or known.planned_at is None:
                return False
            rest = select(backfill_window.c.id).where(
                backfill_window.c.backfill_id == backfill_id, backfill_window.c.listed_at.is_(None)
            )
            is_open = columns.state.in_(sorted(set(_OPEN) - {state.value for state in leaving}))
            left = select(columns.id).where(
                columns.pipeline == known.pipeline,
                columns.backfill_id == backfill_id,
                or_(is_open, and_(columns.state == State.DEAD.value, columns.notice_due_at.is_not(None))),
            )
            if connection.execute(rest.limit(1)).first() or connection.execute(left.limit(1)).first():
                return False
            _hand_over(connection, backfill_id)
            _store(connection, replace(known, state=BackfillState.FINISHED, changed_at=self._clock()))
        return True

    def tally(self, known: Backfill) -> Tally:
        """Count how far it is."""
        with self._database.read() as connection:
            return tally_of(connection, known)

    def known_documents(
        self, pipeline: str, created_from: datetime, created_to: datetime
    ) -> Mapping[State, int]:
        """Count what the ledger has of a range already, by state."""
        columns = delivery.c
        statement = (
            select(columns.state, func.count())
            .where(
                columns.pipeline == pipeline,
                columns.created_on >= created_from,
                columns.created_on < created_to,
            )
            .group_by(columns.state)
        )
        with self._database.read() as connection:
            return {State(row[0]): row[1] for row in connection.execute(statement)}

    def _forget_some(self, known: Backfill) -> int:
        columns = delivery.c
        # Never claimed: nothing of it can have been sent.
        untouched = (
            select(columns.id)
            .where(
                columns.pipeline == known.pipeline,
                columns.state == State.PENDING.value,
                columns.backfill_id == known.id,
                columns.lease_epoch == 0,
                columns.revision == 1,
            )
            .limit(_CHUNK)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as connection:
            ids = connection.execute(untouched).scalars().all()
            if ids:
                connection.execute(delete(delivery_event).where(delivery_event.c.delivery_id.in_(ids)))
                connection.execute(delete(delivery).where(columns.id.in_(ids)))
        return len(ids)


def _read(row: RowMapping) -> Backfill:
    return Backfill(**{**row, "state": BackfillState(row["state"])})


def find_backfill(connection: Connection, backfill_id: int, *, is_locked: bool = False) -> Backfill | None:
    """Give one; None when there is none."""
    statement = select(backfill).where(backfill.c.id == backfill_id)
    row = connection.execute(statement.with_for_update() if is_locked else statement).mappings().first()
    return None if row is None else _read(row)


def _known(connection: Connection, backfill_id: int) -> Backfill:
    known = find_backfill(connection, backfill_id, is_locked=True)
    if known is None:
        raise ConfigError(
            f"there is no backfill {backfill_id}", remedy="`docflo-connector backfill list` shows them"
        )
    if not known.is_active:
        raise ConfigError(
            f"backfill {backfill_id} is {known.state.value}",
            remedy="`docflo-connector backfill PIPELINE --from --to` begins another one",
        )
    return known


def _clash(
    connection: Connection, pipeline: str, created_from: datetime, created_to: datetime
) -> Backfill | None:
    columns = backfill.c
    statement = select(backfill).where(
        columns.pipeline == pipeline,
        columns.state.in_([state.value for state in ACTIVE]),
        columns.created_from < created_to,
        columns.created_to > created_from,
    )
    row = connection.execute(statement.order_by(columns.id).limit(1)).mappings().first()
    return None if row is None else _read(row)


def _store(connection: Connection, changed: Backfill) -> None:
    connection.execute(
        update(backfill)
        .where(backfill.c.id == changed.id)
        .values(state=changed.state.value, changed_at=changed.changed_at, reason=changed.reason)
    )


def _record(connection: Connection, name: str, by: By, now: datetime) -> None:
    values = {"actor": by.actor, "act": name, "filter": by.chosen, "count": 1, "reason": by.reason}
    connection.execute(insert(act).values(at=now, **values))


def _new_window(number: int, part: Part) -> Mapping[str, object]:
    return {
        "backfill_id": number,
        "type": part.type,
        "status": part.status,
        "created_from": part.created_from,
        "created_to": part.created_to,
        "total": part.total,
        "found": 0,
        "new": 0,
        "changed": 0,
        "unreadable": 0,
        "lease_epoch": 0,
    }


def _hand_over(connection: Connection, backfill_id: int) -> None:
    """Leave what is open to the pipeline."""
    columns = delivery.c
    connection.execute(
        update(delivery)
        .where(columns.backfill_id == backfill_id, columns.state.in_(_OPEN))
        .values(backfill_id=LIVE)
    )
