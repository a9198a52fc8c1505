"""Telling Docflo why a dead letter is dead: an errand with a due time and attempts of its own.

Whose turn it is shows in the due time: a turn moves it to its own end, and what comes of it is recorded only
while it still stands there. The state of the delivery is neither changed nor waited for.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from connector.ledger.delivery import Failure, Notice, State
from connector.ledger.pauses import is_held
from connector.ledger.rows import read_delivery
from connector.ledger.tables import delivery, delivery_event


def claim_notices(
    connection: Connection,
    pipeline: str,
    backfill_id: int,
    *,
    limit: int,
    owner: str,
    now: datetime,
    until: datetime,
) -> tuple[Notice, ...]:
    """Take what is due; of a halted pipeline nothing: its cause is not the documents."""
    columns = delivery.c
    due = (
        select(delivery)
        .where(
            columns.pipeline == pipeline,
            columns.state == State.DEAD.value,
            columns.notice_due_at <= now,
            columns.backfill_id == backfill_id,
            ~is_held(columns.pipeline),
        )
        .order_by(columns.notice_due_at, columns.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(due).mappings().all()
    if rows:
        connection.execute(
            update(delivery)
            .where(columns.id.in_([row["id"] for row in rows]))
            .values(notice_due_at=until, notice_shown_at=func.coalesce(columns.notice_shown_at, now))
        )
    return tuple(Notice(delivery=read_delivery(row), owner=owner, until=until) for row in rows)


def change_notice(connection: Connection, notice: Notice, values: Mapping[str, Any]) -> bool:
    """Record what came of a turn; False when it is not ours any more."""
    columns = delivery.c
    changed = connection.execute(
        update(delivery)
        .where(
            columns.id == notice.delivery.id,
            columns.state == State.DEAD.value,
            columns.notice_due_at == notice.until,
        )
        .values(**values)
    )
    return changed.rowcount > 0


def end_notice(
    connection: Connection,
    notice: Notice,
    event: str,
    *,
    now: datetime,
    requests: str | None,
    failure: Failure | None = None,
) -> bool:
    """Record that the errand is over, well or not, and tell the story."""
    reason = None if failure is None else failure.reason
    if not change_notice(connection, notice, {"notice_due_at": None, "notice_failure": reason}):
        return False
    connection.execute(
        insert(delivery_event).values(
            delivery_id=notice.delivery.id,
            at=now,
            event=event,
            from_state=State.DEAD.value,
            to_state=State.DEAD.value,
            attempt=notice.delivery.notice_attempts + 1,
            detail=reason,
            actor=notice.owner,
            requests=requests,
        )
    )
    return True
