"""The originals that targets are to show, in the ledger: wanted with the delivery, then an errand of its own.

Nothing here changes the state of a delivery or waits for one, nor does a delivery wait for anything here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.clock import Clock
from connector.crashpoint import Point, crashpoint
from connector.errors import LeaseLostError
from connector.ledger.database import Database
from connector.ledger.delivery import Delivery, Failure
from connector.ledger.operations import By, record_act
from connector.ledger.original import OPEN_ORIGINALS, Original, OriginalState, OriginalTurn
from connector.ledger.original_table import original
from connector.ledger.pauses import is_held
from connector.ledger.rows import WITHOUT_SNAPSHOT, read_delivery, read_failure, reason_columns, words
from connector.ledger.tables import delivery, delivery_event

_OPEN = sorted(OPEN_ORIGINALS)
_ANEW: Mapping[str, Any] = {
    "state": OriginalState.WANTED.value,
    "attempts": 0,
    "fingerprint": None,
    "target_id": None,
    "detail": None,
    **reason_columns(None),
}
_CHUNK = 500  # ids a statement


def want_original(
    connection: Connection, delivery_id: int, pipeline: str, receipt_id: str, now: datetime
) -> None:
    """Let the target show the original beside this record: once for each record that a delivery ever had."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    anew = {**_ANEW, "receipt_id": receipt_id, "due_at": now, "changed_at": now}
    wanted = dialect.insert(original).values(delivery_id=delivery_id, pipeline=pipeline, epoch=0, **anew)
    connection.execute(
        wanted.on_conflict_do_update(
            index_elements=["delivery_id"],
            # Whoever is busy with the record before loses its turn.
            set_={**anew, "epoch": original.c.epoch + 1},
            where=original.c.receipt_id != receipt_id,
        )
    )


class Originals:
    """The originals of all deliveries. Safe to share between threads; each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer; nothing was stored then.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def is_due(self, pipeline: str) -> bool:
        """Tell whether a claim would find one now."""
        with self._database.read() as connection:
            due = select(original.c.delivery_id).where(*_is_due(pipeline, self._clock())).limit(1)
            return connection.execute(due).first() is not None

    def claim(self, pipeline: str, *, owner: str, lease: timedelta) -> OriginalTurn | None:
        """Give the one that has been due the longest, ours for `lease`; of a pipeline that is held, none."""
        now, columns = self._clock(), original.c
        due = (
            select(original)
            .where(*_is_due(pipeline, now))
            .order_by(columns.due_at, columns.delivery_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as connection:
            row = connection.execute(due).mappings().first()
            if row is None:
                return None
            turn = OriginalTurn(
                delivery=_delivery(connection, row["delivery_id"]),
                original=_read(row),
                owner=owner,
                epoch=row["epoch"] + 1,
                until=now + lease,
            )
            taken = update(original).where(columns.delivery_id == row["delivery_id"])
            connection.execute(taken.values(due_at=turn.until, epoch=turn.epoch))
        return turn

    def doubt(
        self, turn: OriginalTurn, fingerprint: str, *, lease: timedelta, settle: timedelta
    ) -> OriginalTurn:
        """Record that a request is about to be sent which may create it, and take a whole lease for it.

        If nothing is heard of it any more, the target is asked after that and `settle`.
        Raises: LeaseLostError when the turn is not ours any more; then nothing may be sent.
        """
        until = self._clock() + lease
        values = {
            "state": OriginalState.IN_DOUBT.value,
            "fingerprint": fingerprint,
            "due_at": until + settle,
        }
        with self._database.write() as connection:
            self._change(connection, turn, values)
            self._tell(connection, turn, "original_doubt", None, None)
            crashpoint(Point.ORIGINAL_DOUBT_WRITTEN)
        doubted = replace(turn.original, state=OriginalState.IN_DOUBT, fingerprint=fingerprint)
        return replace(turn, original=doubted, until=until)

    def undoubt(self, turn: OriginalTurn) -> OriginalTurn:
        """Record that the request certainly came to nothing.

        Raises: LeaseLostError when the turn is not ours any more.
        """
        with self._database.write() as connection:
            self._change(connection, turn, {"state": OriginalState.WANTED.value, "fingerprint": None})
        return replace(turn, original=replace(turn.original, state=OriginalState.WANTED, fingerprint=None))

    def ended(
        self,
        turn: OriginalTurn,
        state: OriginalState,
        *,
        target_id: str | None = None,
        detail: str | None = None,
        requests: str | None = None,
    ) -> None:
        """Record that the errand is over, and how.

        Raises: LeaseLostError when the turn is not ours any more.
        """
        values = {
            "state": state.value,
            "due_at": None,
            "target_id": target_id,
            "detail": detail,
            "attempts": turn.original.attempts + 1,
            **reason_columns(None),
        }
        with self._database.write() as connection:
            self._change(connection, turn, values)
            self._tell(connection, turn, f"original_{state.value}", target_id or detail, requests)
            crashpoint(Point.ORIGINAL_WRITTEN)

    def died(self, turn: OriginalTurn, failure: Failure, requests: str | None) -> None:
        """Give up; the delivery stays as it is.

        Raises: LeaseLostError when the turn is not ours any more.
        """
        values = {
            "state": OriginalState.DEAD.value,
            "due_at": None,
            "attempts": turn.original.attempts + 1,
            **reason_columns(failure),
        }
        with self._database.write() as connection:
            self._change(connection, turn, values)
            self._tell(connection, turn, "original_dead", words(failure), requests)

    def retry(self, turn: OriginalTurn, failure: Failure, due_at: datetime, requests: str | None) -> None:
        """Record that a try failed: one attempt more, due again at `due_at`.

        Raises: LeaseLostError when the turn is not ours any more.
        """
        values = {"due_at": due_at, "attempts": turn.original.attempts + 1, **reason_columns(failure)}
        with self._database.write() as connection:
            self._change(connection, turn, values)
            self._tell(connection, turn, "original_retry", words(failure), requests)

    def wait(self, turn: OriginalTurn, failure: Failure, due_at: datetime) -> None:
        """Put it off through no fault of its own; a reason that is on record already makes no second event.

        Raises: LeaseLostError when the turn is not ours any more.
        """
        with self._database.write() as connection:
            self._change(connection, turn, {"due_at": due_at, **reason_columns(failure)})
            if failure != turn.original.failure:
                self._tell(connection, turn, "original_wait", words(failure), None)

    def attach(self, ids: Sequence[int], by: By) -> tuple[int, ...]:
        """Let originals be tried that were given up, left out, or never wanted, of what has a receipt.

        Gives the ids of those that are tried. What may have been sent before is asked for first, as always.
        """
        now = self._clock()
        done: list[int] = []
        with self._database.write() as connection:
            for start in range(0, len(ids), _CHUNK):
                for row in _unattached(connection, ids[start : start + _CHUNK]):
                    _want_again(connection, row, now)
                    _note(connection, row["id"], "attach", now=now, detail=by.reason, actor=by.actor)
                    done.append(row["id"])
            if done:
                record_act(connection, "attach", by, now, count=len(done))
        return tuple(done)

    def of(self, delivery_id: int) -> Original | None:
        """Give what is known of one delivery's original; None: the pipeline wants none."""
        with self._database.read() as connection:
            found = connection.execute(select(original).where(original.c.delivery_id == delivery_id))
            row = found.mappings().first()
        return None if row is None else _read(row)

    def counts(self) -> Mapping[str, Mapping[OriginalState, int]]:
        """Give how many originals of each pipeline are in each state; states without any are left out."""
        with self._database.read() as connection:
            return counts_of(connection)

    def died_since(self, pipelines: Iterable[str], since: datetime) -> tuple[int, ...]:
        """Give the ids of the deliveries whose originals were given up since then."""
        columns = original.c
        dead = select(columns.delivery_id).where(
            columns.pipeline.in_(list(pipelines)),
            columns.state == OriginalState.DEAD.value,
            columns.changed_at >= since,
        )
        with self._database.read() as connection:
            return tuple(connection.execute(dead.order_by(columns.delivery_id)).scalars())

    def next_due(self, pipelines: Iterable[str]) -> datetime | None:
        """Give when the next one of these pipelines can be claimed; None: none is open."""
        columns = original.c
        wanted = columns.pipeline.in_(list(pipelines)), columns.state.in_(_OPEN), ~is_held(columns.pipeline)
        with self._database.read() as connection:
            moment: datetime | None = connection.execute(
                select(func.min(columns.due_at)).where(*wanted)
            ).scalar_one()
        return moment

    def _change(self, connection: Connection, turn: OriginalTurn, values: Mapping[str, Any]) -> None:
        columns = original.c
        ours = connection.execute(
            update(original)
            .where(
                columns.delivery_id == turn.delivery.id,
                columns.epoch == turn.epoch,
                columns.state.in_(_OPEN),
            )
            .values(changed_at=self._clock(), **values)
        )
        if ours.rowcount == 0:
            message = f"original of delivery {turn.delivery.id}: {turn.owner} no longer holds it"
            raise LeaseLostError(message)

    def _tell(
        self, connection: Connection, turn: OriginalTurn, event: str, detail: str | None, requests: str | None
    ) -> None:
        _note(
            connection,
            turn.delivery.id,
            event,
            now=self._clock(),
            detail=detail,
            actor=turn.owner,
            attempt=turn.original.attempts + 1,
            requests=requests,
        )


def counts_of(connection: Connection) -> Mapping[str, Mapping[OriginalState, int]]:
    """Give how many originals of each pipeline are in each state; states without any are left out."""
    columns = original.c
    counted = select(columns.pipeline, columns.state, func.count()).group_by(columns.pipeline, columns.state)
    counts: dict[str, dict[OriginalState, int]] = {}
    for pipeline, state, count in connection.execute(counted.order_by(columns.pipeline, columns.state)):
        counts.setdefault(pipeline, {})[OriginalState(state)] = count
    return counts


def _is_due(pipeline: str, now: datetime) -> tuple[Any, ...]:
    columns = original.c
    is_open = and_(columns.pipeline == pipeline, columns.state.in_(_OPEN))
    return is_open, columns.due_at <= now, ~is_held(columns.pipeline)


def _delivery(connection: Connection, delivery_id: int) -> Delivery:
    found = connection.execute(select(*WITHOUT_SNAPSHOT).where(delivery.c.id == delivery_id))
    return read_delivery(found.mappings().one())


def _unattached(connection: Connection, ids: Sequence[int]) -> Sequence[RowMapping]:
    """Give the deliveries that the target has, without an original that is there or under way."""
    settled = select(original.c.delivery_id).where(
        original.c.state.in_([*_OPEN, OriginalState.ATTACHED.value, OriginalState.LINKED.value]),
        original.c.receipt_id == delivery.c.receipt_id,
    )
    meant = select(*WITHOUT_SNAPSHOT).where(
        delivery.c.id.in_(ids),
        delivery.c.receipt_id.is_not(None),
        delivery.c.id.not_in(settled.correlate(delivery)),
    )
    return connection.execute(meant.order_by(delivery.c.id)).mappings().all()


def _want_again(connection: Connection, row: RowMapping, now: datetime) -> None:
    columns = original.c
    again = {**_ANEW, "due_at": now, "changed_at": now, "receipt_id": row["receipt_id"]}
    if not connection.execute(
        update(original).where(columns.delivery_id == row["id"]).values(epoch=columns.epoch + 1, **again)
    ).rowcount:
        want_original(connection, row["id"], row["pipeline"], row["receipt_id"], now)


def _note(connection: Connection, delivery_id: int, event: str, *, now: datetime, **told: Any) -> None:  # noqa: ANN401 columns
    state = select(delivery.c.state).where(delivery.c.id == delivery_id).scalar_subquery()
    connection.execute(
        insert(delivery_event).values(
            delivery_id=delivery_id,
            at=now,
            event=event,
            from_state=state,
            to_state=state,
            **{"attempt": 0, **told},
        )
    )


def _read(row: RowMapping) -> Original:
    return Original(
        state=OriginalState(row["state"]),
        receipt_id=row["receipt_id"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        fingerprint=row["fingerprint"],
        target_id=row["target_id"],
        failure=read_failure(row),
        detail=row["detail"],
        changed_at=row["changed_at"],
    )
