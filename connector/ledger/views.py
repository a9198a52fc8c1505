"""Filters of the list of documents that somebody gave a name, for everybody who looks."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.console_tables import saved_view
from connector.ledger.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """One filter."""

    name: str
    query: str  # as the address of the page has it
    actor: str
    saved_at: datetime


class ViewStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[SavedView, ...]:
        """Give them by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(saved_view).order_by(saved_view.c.name)).mappings()
            return tuple(SavedView(**dict(row)) for row in rows)

    def save(self, view: SavedView) -> None:
        """Keep a filter; one of the same name is replaced."""
        with self._database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            values = {name: getattr(view, name) for name in SavedView.__dataclass_fields__}
            connection.execute(
                dialect.insert(saved_view)
                .values(values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )

    def remove(self, name: str) -> None:
        """Forget a filter."""
        with self._database.write() as connection:
            connection.execute(delete(saved_view).where(saved_view.c.name == name))
