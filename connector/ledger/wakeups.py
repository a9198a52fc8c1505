"""Documents that Docflo's webhook named: stored before the call is answered, fetched soon after."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.database import Database
from connector.ledger.service_tables import wakeup

ANY = ""
"""The id that stands for a call that named no document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wakeup:
    """One document to look at."""

    document_id: str
    received_at: datetime
    attempts: int

    @property
    def names_none(self) -> bool:
        """Whether the call named no document."""
        return self.document_id == ANY


class WakeupStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, document_id: str, now: datetime) -> None:
        """Take note of a call; one that is known already is only renewed."""
        row = {"document_id": document_id, "received_at": now, "due_at": now, "attempts": 0}
        with self._database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            renewed = {"received_at": now, "due_at": now}
            new = dialect.insert(wakeup).values(**row)
            connection.execute(new.on_conflict_do_update(index_elements=["document_id"], set_=renewed))

    def take(self, now: datetime, *, until: datetime, limit: int) -> tuple[Wakeup, ...]:
        """Give those that are due, the oldest first; nobody else gets them before `until`."""
        columns = wakeup.c
        due = select(wakeup).where(columns.due_at <= now).order_by(columns.received_at).limit(limit)
        with self._database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return ()  # nearly always: without a write
        with self._database.write() as connection:
            rows = connection.execute(due.with_for_update(skip_locked=True)).mappings().all()
            ids = [row["document_id"] for row in rows]
            connection.execute(
                update(wakeup)
                .where(columns.document_id.in_(ids))
                .values(due_at=until, attempts=columns.attempts + 1)
            )
        return tuple(
            Wakeup(document_id=row["document_id"], received_at=row["received_at"], attempts=row["attempts"])
            for row in rows
        )

    def done(self, taken: Wakeup) -> None:
        """Forget it, unless Docflo called again meanwhile."""
        columns = wakeup.c
        with self._database.write() as connection:
            connection.execute(
                delete(wakeup).where(
                    columns.document_id == taken.document_id, columns.received_at == taken.received_at
                )
            )

    def later(self, taken: Wakeup, due_at: datetime) -> None:
        """Look at it again at `due_at`."""
        with self._database.write() as connection:
            connection.execute(
                update(wakeup).where(wakeup.c.document_id == taken.document_id).values(due_at=due_at)
            )
