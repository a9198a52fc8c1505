"""The ledger as the pipelines see it: store a listing, claim what is due, record outcomes, read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    update,
)

from connector.clock import Clock
from connector.crashpoint import Point, crashpoint
from connector.errors import LeaseLostError
from connector.ledger import claims, lease
from connector.ledger.checkpoint import set_checkpoint, undo_checkpoint
from connector.ledger.claims import Wanted
from connector.ledger.database import Database
from connector.ledger.delivery import (
    LIVE,
    OPEN_STATES,
    Checkpoint,
    Claim,
    Delivery,
    Failure,
    Found,
    Halt,
    Notice,
    OnChange,
    Progress,
    State,
    Unreadable,
    UnreadableNote,
)
from connector.ledger.halts import halts_of
from connector.ledger.jobs import JobStore
from connector.ledger.lease import Lease
from connector.ledger.listing import Listed, hold_listing, move_checkpoint, store_documents
from connector.ledger.notices import change_notice, claim_notices, end_notice
from connector.ledger.operations import By, Operations
from connector.ledger.originals import Originals
from connector.ledger.outcomes import Outcomes
from connector.ledger.pauses import is_held
from connector.ledger.progress import (
    end_listing,
    keep_progress,
    note_unreadable,
    progress_of,
    unreadable_notes,
)
from connector.ledger.rows import (
    WITHOUT_SNAPSHOT,
    DeliveryEvent,
    read_checkpoint,
    read_delivery,
    read_event,
)
from connector.ledger.snapshots import Snapshots
from connector.ledger.tables import checkpoint as checkpoint_table
from connector.ledger.tables import checkpoint_history, delivery, delivery_event

_OPEN = sorted(OPEN_STATES)


class Store:
    """All deliveries and checkpoints. Safe to share between threads; each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer; nothing was stored then.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.operations = Operations(database, clock=clock)  # what people do
        self.snapshots = Snapshots(database)
        self.originals = Originals(database, clock=clock)
        self.jobs = JobStore(database)  # what targets do by themselves

    def hold(self, name: str, *, owner: str, length: timedelta) -> Lease | None:
        """Take the lease `name`; None when somebody else holds it."""
        with self._database.write() as connection:
            return lease.take(connection, name, owner=owner, now=self._clock(), length=length)

    def extend(self, held: Lease, length: timedelta) -> Lease:
        """Hold on to a lease for `length` from now.

        Raises: LeaseLostError when it is no longer ours.
        """
        longer = replace(held, until=self._clock() + length)
        with self._database.write() as connection:
            lease.extend(connection, held, longer.until)
        return longer

    def is_held(self, name: str) -> bool:
        """Tell whether somebody holds the lease `name` now."""
        with self._database.read() as connection:
            return lease.is_held(connection, name, self._clock())

    def release(self, held: Lease) -> None:
        """Give a lease back before its end."""
        with self._database.write() as connection:
            lease.release(connection, held)

    def record_listing(
        self,
        pipeline: str,
        found: Sequence[Found],
        checkpoint: Checkpoint | None,
        *,
        on_change: OnChange = OnChange.UPDATE,
        held: Lease | None = None,
        progress: Progress | None = None,
        unreadable: Sequence[Unreadable] = (),
    ) -> Listed:
        """Store what a listing found and how far it came: both or neither.

        With a `checkpoint` the listing is whole; without, `progress` says which part of it is proven.
        Raises: LeaseLostError when `held` is no longer ours; nothing is stored then.
        """
        with self._database.write() as connection:
            if held is not None:
                lease.require(connection, held)
            hold_listing(connection, pipeline)
            listed = store_documents(connection, pipeline, found, on_change, self._clock())
            note_unreadable(connection, pipeline, unreadable, self._clock())
            if checkpoint is not None:
                move_checkpoint(connection, end_listing(connection, checkpoint, progress))
            elif progress is not None:
                keep_progress(connection, progress)
            is_part = checkpoint is None and progress is not None
            crashpoint(Point.PROGRESS_WRITTEN if is_part else Point.ROWS_WRITTEN)
        return listed

    def progress(self, pipeline: str) -> Mapping[str, Progress]:
        """Give how far listings of a pipeline came that were interrupted, by their kind."""
        with self._database.read() as connection:
            return progress_of(connection, pipeline)

    def unreadable(self) -> tuple[UnreadableNote, ...]:
        """Give every listed document that could not be read, the longest known first."""
        with self._database.read() as connection:
            return unreadable_notes(connection)

    def checkpoint(self, pipeline: str) -> Checkpoint | None:
        """Give how far discovery of this pipeline has listed; None before its first listing."""
        statement = select(checkpoint_table).where(checkpoint_table.c.pipeline == pipeline)
        rows = self._rows(statement)
        return read_checkpoint(rows[0]) if rows else None

    def set_checkpoint(self, pipeline: str, listed_until: datetime, *, actor: str, reason: str) -> Checkpoint:
        """Let the next listing go back to `listed_until`, or forward. A listing under way stores nothing.

        The low-water mark follows it back, so that a sweep sees at least as much.
        Raises: PermanentError for the future, or without a reason.
        """
        by = By(actor=actor, reason=reason, chosen=pipeline)
        with self._database.write() as connection:
            return set_checkpoint(connection, pipeline, listed_until, by, self._clock())

    def undo_checkpoint(self, pipeline: str, *, actor: str) -> Checkpoint:
        """Put the checkpoint back to where it was before a person set it.

        Raises: PermanentError when nobody did, or it was undone already.
        """
        by = By(actor=actor, reason="undo of the last set", chosen=pipeline)
        with self._database.write() as connection:
            return undo_checkpoint(connection, pipeline, by, self._clock())

    def checkpoint_history(self, pipeline: str, limit: int) -> tuple[Checkpoint, ...]:
        """Give where the checkpoint has been, newest first."""
        columns = checkpoint_history.c
        statement = select(checkpoint_history).where(columns.pipeline == pipeline)
        return tuple(map(read_checkpoint, self._rows(statement.order_by(columns.id.desc()).limit(limit))))

    def claim(
        self,
        pipeline: str,
        state: State,
        *,
        limit: int,
        owner: str,
        lease: timedelta,
        backfill_id: int = LIVE,
    ) -> tuple[Claim, ...]:
        """Give up to `limit` deliveries that are due, oldest due first, each ours for `lease`.

        A delivery whose lease has ended is given again, with a higher epoch: its former owner's outcome is
        refused from then on. Of a halted or paused pipeline nothing is given, and of a backfill only to those
        who work for it.
        """
        with self._database.write() as connection:
            wanted = Wanted(pipeline=pipeline, state=state, backfill_id=backfill_id)
            return claims.take(connection, wanted, limit=limit, owner=owner, now=self._clock(), lease=lease)

    def due(self, pipeline: str, *, most: int, backfill_id: int = LIVE) -> Mapping[State, int]:
        """Count what a claim would find now in each open state, up to `most`."""
        with self._database.read() as connection:
            return claims.due(connection, pipeline, backfill_id, now=self._clock(), most=most)

    def hold_on(self, held: Sequence[Claim], length: timedelta) -> int:
        """Hold on to claims for `length` from now; give how many are still ours."""
        with self._database.write() as connection:
            return claims.hold_on(connection, held, self._clock() + length)

    @contextmanager
    def outcomes(
        self, batch: Sequence[Claim] = (), *, on_halt: Callable[[Halt], None] = lambda _halt: None
    ) -> Iterator[Outcomes]:
        """Record what became of a batch: stored together when the block ends.

        `on_halt` is told, once all is stored, which pipelines this halted. A LeaseLostError that leaves the
        block does not undo the outcomes before it; any other error does.
        """
        lost: LeaseLostError | None = None
        with self._database.write() as connection:
            outcomes = Outcomes(connection, self._clock(), batch)
            try:
                yield outcomes
            except LeaseLostError as error:
                lost = error
            halts = outcomes.close()
        for halt in halts:
            on_halt(halt)
        if lost is not None:
            raise lost

    def replay(self, delivery_id: int, actor: str, reason: str) -> Delivery:
        """Try a dead letter again from the state it died in; its attempts start anew.

        Raises: PermanentError when there is no such delivery, or it is not dead.
        """
        by = By(actor=actor, reason=reason, chosen=f"ids={delivery_id}")
        return self.operations.replay_one(delivery_id, by)

    def halts(self) -> tuple[Halt, ...]:
        """Give every halt that nobody has lifted."""
        with self._database.read() as connection:
            return halts_of(connection)

    def claim_notices(
        self, pipeline: str, *, limit: int, owner: str, lease: timedelta, backfill_id: int = LIVE
    ) -> tuple[Notice, ...]:
        """Give up to `limit` dead letters whose reason Docflo is to be told, each ours for `lease`.

        That Docflo may show the reason is stored first: a crash must not leave one that nobody clears.
        """
        now = self._clock()
        with self._database.write() as connection:
            return claim_notices(
                connection, pipeline, backfill_id, limit=limit, owner=owner, now=now, until=now + lease
            )

    def notice_told(self, notice: Notice, requests: str | None) -> bool:
        """Record that Docflo shows why it is dead. False when it is not ours or not dead any more."""
        with self._database.write() as connection:
            return end_notice(connection, notice, "notice", now=self._clock(), requests=requests)

    def notice_later(self, notice: Notice, failure: Failure, due_at: datetime, attempts: int) -> bool:
        """Record that Docflo could not be told yet."""
        values = {"notice_due_at": due_at, "notice_attempts": attempts, "notice_failure": failure.reason}
        with self._database.write() as connection:
            return change_notice(connection, notice, values)

    def notice_given_up(self, notice: Notice, failure: Failure, requests: str | None) -> bool:
        """Record that Docflo cannot be told; the delivery stays dead as it was."""
        with self._database.write() as connection:
            return end_notice(
                connection,
                notice,
                "notice_given_up",
                now=self._clock(),
                requests=requests,
                failure=failure,
            )

    def get(self, delivery_id: int) -> Delivery | None:
        """Give one delivery with its snapshot; None when there is none."""
        rows = self._rows(select(delivery).where(delivery.c.id == delivery_id))
        return read_delivery(rows[0]) if rows else None

    def find(
        self,
        *,
        pipeline: str | None = None,
        states: Iterable[State] | None = None,
        document_id: str | None = None,
        failure_class: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[Delivery, ...]:
        """Give deliveries that fit every condition named, newest first, with empty snapshots."""
        columns = delivery.c
        newest_first = select(*WITHOUT_SNAPSHOT).order_by(columns.found_at.desc(), columns.id.desc())
        statement = newest_first.limit(limit).offset(offset)
        if pipeline is not None:
            statement = statement.where(columns.pipeline == pipeline)
        if states is not None:
            statement = statement.where(columns.state.in_([state.value for state in states]))
        if document_id is not None:
            statement = statement.where(columns.document_id == document_id)
        if failure_class is not None:
            statement = statement.where(columns.failure_class == failure_class)
        return tuple(map(read_delivery, self._rows(statement)))

    def events(self, delivery_id: int) -> tuple[DeliveryEvent, ...]:
        """Give one delivery's story, oldest first."""
        return tuple(self.stories([delivery_id])[delivery_id])

    def stories(self, ids: Sequence[int]) -> Mapping[int, Sequence[DeliveryEvent]]:
        """Give the stories of these deliveries, each oldest first."""
        columns = delivery_event.c
        statement = select(delivery_event).where(columns.delivery_id.in_(ids)).order_by(columns.id)
        stories: dict[int, list[DeliveryEvent]] = {number: [] for number in ids}
        for row in self._rows(statement):
            stories[row["delivery_id"]].append(read_event(row))
        return stories

    def counts(self, *, backfills: bool = True) -> Mapping[str, Mapping[State, int]]:
        """Give how many deliveries of each pipeline are in each state; states without any are left out.

        Without `backfills`: of the pipelines' own work.
        """
        columns = delivery.c
        counted = func.count().label("counted")
        statement = select(columns.pipeline, columns.state, counted).group_by(columns.pipeline, columns.state)
        if not backfills:
            statement = statement.where(columns.backfill_id == LIVE)
        counts: dict[str, dict[State, int]] = {}
        for row in self._rows(statement.order_by(columns.pipeline, columns.state)):
            counts.setdefault(row["pipeline"], {})[State(row["state"])] = row["counted"]
        return counts

    def hasten(self, failure_class: str) -> int:
        """Make due now what waits for this failure to be repaired; give how many deliveries that are."""
        columns = delivery.c
        now = self._clock()
        waiting = (
            columns.failure_class == failure_class,
            columns.state.in_(_OPEN),
            columns.due_at > now,
            or_(columns.lease_until.is_(None), columns.lease_until <= now),
        )
        with self._database.write() as connection:
            return connection.execute(update(delivery).where(*waiting).values(due_at=now)).rowcount

    def next_due(self, pipelines: Iterable[str]) -> datetime | None:
        """Give when the next delivery of these pipelines can be claimed; None when nothing is open.

        In the past when something can be claimed now. What somebody is busy with counts from the end of
        the lease.
        """
        columns = delivery.c
        claimable_at = case((columns.lease_until > columns.due_at, columns.lease_until), else_=columns.due_at)
        rows = self._rows(select(func.min(claimable_at).label("next")).where(_is_open_in(pipelines)))
        moment: datetime | None = rows[0]["next"]
        return moment

    def _rows(self, statement: Select[Any]) -> Sequence[RowMapping]:
        with self._database.read() as connection:
            return connection.execute(statement).mappings().all()


def _is_open_in(pipelines: Iterable[str]) -> ColumnElement[bool]:
    columns = delivery.c
    return and_(columns.pipeline.in_(list(pipelines)), columns.state.in_(_OPEN), ~is_held(columns.pipeline))
