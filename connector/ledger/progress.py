"""What a listing under way has proven, and listed documents that could not be read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.delivery import LIVE, Checkpoint, Progress, Unreadable, UnreadableNote
from connector.ledger.tables import listing_progress
from connector.ledger.tables import unreadable as unreadable_table

# Days, because a server may read creation times as days, in a time zone of its own.
_MARGIN = timedelta(days=3)


def progress_of(connection: Connection, pipeline: str) -> Mapping[str, Progress]:
    """Give how far listings came that were interrupted, by their kind."""
    statement = select(listing_progress).where(listing_progress.c.pipeline == pipeline)
    return {row["kind"]: Progress(**row) for row in connection.execute(statement).mappings()}


def keep_progress(connection: Connection, progress: Progress) -> None:
    """Store how far a listing came."""
    columns = listing_progress.c
    values = asdict(progress)
    ours = and_(columns.pipeline == progress.pipeline, columns.kind == progress.kind)
    if not connection.execute(update(listing_progress).where(ours).values(values)).rowcount:
        connection.execute(insert(listing_progress).values(values))


def forget_progress(connection: Connection, pipeline: str, kind: str | None = None) -> None:
    """Let the next listing begin anew; without a kind, each of the pipeline's."""
    columns = listing_progress.c
    statement = delete(listing_progress).where(columns.pipeline == pipeline)
    connection.execute(statement if kind is None else statement.where(columns.kind == kind))


def note_unreadable(
    connection: Connection,
    pipeline: str,
    found: Sequence[Unreadable],
    now: datetime,
    backfill_id: int = LIVE,
) -> None:
    """Store what a listing met and could not read."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for each in found:
        new = dialect.insert(unreadable_table).values(
            pipeline=pipeline,
            first_seen_at=now,
            last_seen_at=now,
            backfill_id=backfill_id,
            **asdict(each),
        )
        changed: dict[str, Any] = {
            name: new.excluded[name] for name in ("reason", "created_on", "last_seen_at")
        }
        if backfill_id == LIVE:
            changed["backfill_id"] = LIVE  # what the pipeline's own listings meet, they look after
        connection.execute(new.on_conflict_do_update(index_elements=["pipeline", "mark"], set_=changed))


def _forget_unreadable(connection: Connection, whole: Progress) -> None:
    """Forget what a listing that is whole now reached, and no longer met."""
    columns = unreadable_table.c
    is_reached = columns.created_on >= whole.created_from
    if whole.kind == "swept":
        # While there is one without a creation time, there is no mark: the sweep went back to `since`.
        is_reached = or_(is_reached, columns.created_on.is_(None))
    connection.execute(
        delete(unreadable_table).where(
            columns.pipeline == whole.pipeline, columns.last_seen_at < whole.began_at, is_reached
        )
    )


def forget_unreadable_of_window(
    connection: Connection, pipeline: str, *, since: datetime, before: datetime, began_at: datetime
) -> None:
    """Forget what backfills met in a part of time, and a whole listing of it no longer met."""
    columns = unreadable_table.c
    connection.execute(
        delete(unreadable_table).where(
            columns.pipeline == pipeline,
            columns.backfill_id != LIVE,
            columns.created_on >= since,
            columns.created_on < before,
            columns.last_seen_at < began_at,
        )
    )


def _held_back(connection: Connection, checkpoint: Checkpoint) -> Checkpoint:
    """Give the checkpoint with a low-water mark that hides nothing unreadable from the next sweep."""
    columns = unreadable_table.c
    statement = select(
        func.min(columns.created_on).label("oldest"),
        func.count().label("all"),
        func.count(columns.created_on).label("dated"),
    ).where(
        columns.pipeline == checkpoint.pipeline,
        columns.backfill_id == LIVE,  # a sweep does not go back to what only a backfill reaches
    )
    row = connection.execute(statement).mappings().one()
    if checkpoint.open_since is None or not row["all"]:
        return checkpoint
    if row["dated"] < row["all"]:
        return replace(checkpoint, open_since=None)
    return replace(checkpoint, open_since=min(checkpoint.open_since, row["oldest"] - _MARGIN))


def end_listing(connection: Connection, checkpoint: Checkpoint, whole: Progress | None) -> Checkpoint:
    """Clear up after a listing that is whole; give the checkpoint as it may be stored."""
    if whole is not None:
        _forget_unreadable(connection, whole)
        forget_progress(connection, whole.pipeline, whole.kind)
    return _held_back(connection, checkpoint)


def unreadable_notes(connection: Connection) -> tuple[UnreadableNote, ...]:
    """Give everything that could not be read, the longest known first."""
    columns = unreadable_table.c
    rows = connection.execute(select(unreadable_table).order_by(columns.first_seen_at, columns.mark))
    return tuple(
        UnreadableNote(
            pipeline=row["pipeline"],
            unreadable=Unreadable(mark=row["mark"], reason=row["reason"], created_on=row["created_on"]),
            first_seen_at=row["first_seen_at"],
            last_seen_at=row["last_seen_at"],
        )
        for row in rows.mappings()
    )
