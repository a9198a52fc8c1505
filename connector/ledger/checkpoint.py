"""What people do to a checkpoint: put it elsewhere, and take that back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from connector.errors import PermanentError
from connector.ledger import lease
from connector.ledger.delivery import Checkpoint
from connector.ledger.listing import hold_listing, move_checkpoint
from connector.ledger.operations import By, record_act
from connector.ledger.progress import forget_progress
from connector.ledger.rows import read_checkpoint
from connector.ledger.tables import checkpoint as checkpoint_table
from connector.ledger.tables import checkpoint_history


def set_checkpoint(
    connection: Connection, pipeline: str, listed_until: datetime, by: By, now: datetime
) -> Checkpoint:
    """Put it to `listed_until`, and the low-water mark not later than that.

    Raises: PermanentError for the future, or without a reason.
    """
    if listed_until > now:
        raise PermanentError(
            f"{listed_until:%Y-%m-%d %H:%M:%S} UTC lies in the future: documents created until then "
            "would never be listed"
        )
    if not by.reason.strip():
        raise PermanentError("a checkpoint is not moved without a reason")

    def moved(current: Checkpoint) -> Checkpoint:
        mark = current.open_since
        return replace(
            current,
            listed_until=listed_until,
            open_since=min(mark, listed_until) if mark else None,
            event="set",
        )

    return _move(connection, pipeline, moved, by, now)


def undo_checkpoint(connection: Connection, pipeline: str, by: By, now: datetime) -> Checkpoint:
    """Put it back to where it was before it was last set.

    Raises: PermanentError when nobody set it, or it was undone already.
    """
    before = _before_last_set(connection, pipeline)
    return _move(connection, pipeline, lambda _: replace(before, event="undo"), by, now)


def _move(
    connection: Connection,
    pipeline: str,
    moved: Callable[[Checkpoint], Checkpoint],
    by: By,
    now: datetime,
) -> Checkpoint:
    lease.revoke(connection, lease.discovery_of(pipeline))
    hold_listing(connection, pipeline)
    # A listing under way started from where the checkpoint was.
    forget_progress(connection, pipeline)
    statement = select(checkpoint_table).where(checkpoint_table.c.pipeline == pipeline)
    row = connection.execute(statement).mappings().first()
    nothing = Checkpoint(pipeline=pipeline, listed_until=None, moved_at=now)
    current = nothing if row is None else read_checkpoint(row)
    checkpoint = replace(moved(current), moved_at=now, actor=by.actor, reason=by.reason)
    move_checkpoint(connection, checkpoint)
    act = replace(by, chosen=by.chosen or f"pipeline={pipeline}")
    record_act(connection, f"checkpoint {checkpoint.event}", act, now)
    return checkpoint


def _before_last_set(connection: Connection, pipeline: str) -> Checkpoint:
    columns = checkpoint_history.c
    newest_first = select(checkpoint_history).where(columns.pipeline == pipeline).order_by(columns.id.desc())
    by_person = columns.event.in_(["set", "undo"])
    last = connection.execute(newest_first.where(by_person).limit(1)).mappings().first()
    if last is None or last["event"] == "undo":
        raise PermanentError(f"nobody set the checkpoint of {pipeline} since it was last undone")
    before = connection.execute(newest_first.where(columns.id < last["id"]).limit(1)).mappings().first()
    if before is None:
        return Checkpoint(pipeline=pipeline, listed_until=None, moved_at=last["moved_at"])
    return read_checkpoint(before)
