"""The windows of backfills: each is listed by whoever holds it, under a lease of its own with an epoch.

What a window brings is stored with how far it is listed, and marked as the backfill's work: nobody else
claims it, and the checkpoint of the pipeline does not move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, or_, select, update

from connector.clock import Clock
from connector.crashpoint import Point, crashpoint
from connector.errors import LeaseLostError
from connector.ledger.backfill import Backfill, BackfillState, HeldWindow, Part
from connector.ledger.backfills import find_backfill
from connector.ledger.database import Database
from connector.ledger.delivery import Found, OnChange, Unreadable
from connector.ledger.listing import Listed, Origin, hold_listing, store_documents
from connector.ledger.progress import forget_unreadable_of_window, note_unreadable
from connector.ledger.tables import backfill_window

_FREE: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}


class WindowStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def claim(self, backfill_id: int, *, owner: str, length: timedelta) -> HeldWindow | None:
        """Give the oldest window that nobody holds, ours for `length`; None when there is none.

        One whose lease has ended is given again, with a higher epoch.
        """
        now = self._clock()
        columns = backfill_window.c
        free = or_(columns.lease_until.is_(None), columns.lease_until <= now)
        statement = (
            select(backfill_window)
            .where(columns.backfill_id == backfill_id, columns.listed_at.is_(None), free)
            .order_by(columns.created_from, columns.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._database.write() as connection:
            known = find_backfill(connection, backfill_id)
            if known is None or known.state is not BackfillState.RUNNING or known.planned_at is None:
                return None
            row = connection.execute(statement).mappings().first()
            if row is None:
                return None
            held = _held(row, known, owner=owner, now=now, until=now + length)
            connection.execute(
                update(backfill_window)
                .where(columns.id == held.id)
                .values(
                    lease_owner=owner, lease_epoch=held.epoch, lease_until=held.until, began_at=held.began_at
                )
            )
        return held

    def extend(self, held: HeldWindow, length: timedelta) -> HeldWindow:
        """Hold on to it for `length` from now.

        Raises: LeaseLostError when it is no longer ours.
        """
        longer = replace(held, until=self._clock() + length)
        with self._database.write() as connection:
            _change_window(connection, held, {"lease_until": longer.until})
        return longer

    def release(self, held: HeldWindow) -> None:
        """Let somebody else list what is left of it. It may not be ours any more."""
        with self._database.write() as connection:
            connection.execute(update(backfill_window).where(*_is_ours(held)).values(**_FREE))

    def store_stretch(
        self,
        held: HeldWindow,
        found: Sequence[Found],
        *,
        rest: tuple[datetime | None, datetime | None] | None,
        unreadable: Sequence[Unreadable] = (),
        on_change: OnChange = OnChange.UPDATE,
    ) -> tuple[HeldWindow, Listed]:
        """Store what was found in a window and how far it is listed: both or neither.

        `rest`: what is left of it; None: nothing. Who has brought as much as may come forgets the others.
        Raises: LeaseLostError when the window is no longer ours; nothing is stored then.
        """
        now = self._clock()
        columns = backfill_window.c
        pipeline, number = held.backfill.pipeline, held.backfill.id
        with self._database.write() as connection:
            hold_listing(connection, pipeline)
            most = _room(connection, held.backfill)
            origin = Origin(backfill_id=number, only_new=held.backfill.only_missing, most=most)
            listed = store_documents(connection, pipeline, found, on_change, now, origin)
            note_unreadable(connection, pipeline, unreadable, now, number)
            is_full = most is not None and listed.new >= most
            is_end = rest is None or is_full
            _change_window(
                connection,
                held,
                {
                    "found": columns.found + len(found),
                    "new": columns.new + listed.new,
                    "changed": columns.changed + listed.changed + listed.changed_after_delivery,
                    "unreadable": columns.unreadable + len(unreadable),
                    "rest_from": None if rest is None else rest[0],
                    "rest_to": None if rest is None else rest[1],
                    **({"listed_at": now, **_FREE} if is_end else {}),
                },
            )
            if is_end:
                _forget_readable(connection, held)
            if is_full:
                _forget_other_windows(connection, held)
            crashpoint(Point.ROWS_WRITTEN)
        crashpoint(Point.ROWS_STORED)
        left = (None, None) if is_end or rest is None else rest
        return replace(held, found=held.found + len(found), rest_from=left[0], rest_to=left[1]), listed


def _held(row: RowMapping, known: Backfill, *, owner: str, now: datetime, until: datetime) -> HeldWindow:
    return HeldWindow(
        id=row["id"],
        backfill=known,
        part=Part(**{name: row[name] for name in Part.__dataclass_fields__}),
        found=row["found"],
        began_at=row["began_at"] or now,
        rest_from=row["rest_from"],
        rest_to=row["rest_to"],
        owner=owner,
        epoch=row["lease_epoch"] + 1,
        until=until,
    )


def _is_ours(held: HeldWindow) -> tuple[ColumnElement[bool], ...]:
    columns = backfill_window.c
    return (
        columns.id == held.id,
        columns.lease_owner == held.owner,
        columns.lease_epoch == held.epoch,
        columns.listed_at.is_(None),
    )


def _change_window(connection: Connection, held: HeldWindow, values: Mapping[str, Any]) -> None:
    ours = connection.execute(update(backfill_window).where(*_is_ours(held)).values(**values))
    if ours.rowcount == 0:
        raise LeaseLostError(f"{held.owner} no longer holds window {held.id} (epoch {held.epoch})")


def _room(connection: Connection, known: Backfill) -> int | None:
    """Give how many new documents it may still bring; None: any number."""
    if known.most is None:
        return None
    columns = backfill_window.c
    statement = select(func.coalesce(func.sum(columns.new), 0)).where(columns.backfill_id == known.id)
    return max(0, known.most - int(connection.execute(statement).scalar_one()))


def _forget_readable(connection: Connection, held: HeldWindow) -> None:
    forget_unreadable_of_window(
        connection,
        held.backfill.pipeline,
        since=held.part.created_from,
        before=held.part.created_to,
        began_at=held.began_at,
    )


def _forget_other_windows(connection: Connection, held: HeldWindow) -> None:
    columns = backfill_window.c
    connection.execute(
        delete(backfill_window).where(
            columns.backfill_id == held.backfill.id, columns.listed_at.is_(None), columns.id != held.id
        )
    )
