"""What the ledger keeps of documents: forgetting them in time, and encrypting what is stored already."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, or_, select, update

from connector.ledger.database import Database
from connector.ledger.delivery import State
from connector.ledger.tables import delivery

_BATCH = 200  # rows a transaction: nobody waits for a writer that takes minutes
_FORGOTTEN = b""
_FINISHED = (State.COMPLETED, State.SKIPPED)  # what a person may still send again is kept


def forget(database: Database, before: datetime) -> int:
    """Drop the documents and records of what was finished before then; give how many.

    Ids, digests and the columns that people look for stay, so that an edit is still noticed.
    """
    columns = delivery.c
    finished = (
        select(columns.id)
        .where(
            columns.state.in_(_FINISHED),
            columns.changed_at < before,
            or_(func.length(columns.snapshot) > 0, columns.record.is_not(None)),
        )
        .limit(_BATCH)
    )
    count = 0
    while True:
        with database.write() as connection:
            dropped = connection.execute(
                update(delivery)
                .where(columns.id.in_(finished.scalar_subquery()), columns.state.in_(_FINISHED))
                .values(snapshot=_FORGOTTEN, record=None)
            ).rowcount
        count += dropped
        if dropped < _BATCH:
            return count


def reseal(database: Database) -> Iterator[int]:
    """Encrypt every stored document with the newest key, a batch at a time; give how many rows each took.

    Raises: ConfigError when one was encrypted with a key that is not in the list; what was done stays done.
    """
    last = 0
    while True:
        with database.write() as connection:
            rows = connection.execute(
                select(delivery.c.id, delivery.c.snapshot, delivery.c.record)
                .where(delivery.c.id > last)
                .order_by(delivery.c.id)
                .limit(_BATCH)
                .with_for_update()
            ).all()
            for row in rows:
                connection.execute(
                    update(delivery)
                    .where(delivery.c.id == row.id)
                    .values(snapshot=row.snapshot, record=row.record)
                )
        if not rows:
            return
        last = rows[-1].id
        yield len(rows)


def count_documents(database: Database) -> int:
    """Give how many rows `reseal` goes through."""
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(delivery)).scalar_one())
