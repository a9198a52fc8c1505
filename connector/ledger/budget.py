"""The request budget's row: one per API key, shared by every replica. What it means is not decided here."""

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Generic, TypeVar

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.database import Database
from connector.ledger.tables import budget

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

W = TypeVar("W", bound="DataclassInstance")


class BudgetStore(Generic[W]):
    """One row of `budget` as a value of the caller's: its fields are the columns.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database, key: str, empty: W) -> None:
        """`empty` stands for a row that is not there yet."""
        self._database = database
        self._empty = empty
        self._columns = tuple(field.name for field in fields(empty))
        self._new = {"key": key, **self._values(empty)}
        # Written once: it costs more to write them than to have them done.
        self._row = select(budget).where(budget.c.key == key)
        self._locked_row = self._row.with_for_update()
        self._update = update(budget).where(budget.c.key == key)

    def read(self) -> W:
        """Give the row."""
        with self._database.read() as connection:
            row = connection.execute(self._row).mappings().first()
        return self._value(row) if row is not None else self._empty

    def change(self, step: Callable[[W], W]) -> W:
        """Replace the row by what `step` makes of it; nobody else changes it in between.

        `step` must be pure: it runs inside the transaction.
        """
        with self._database.write() as connection:
            row = connection.execute(self._locked_row).mappings().first() or self._added(connection)
            before = self._value(row)
            after = step(before)
            if after != before:
                connection.execute(self._update, self._values(after))
        return after

    def _added(self, connection: Connection) -> RowMapping:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        # Somebody may add it at the same moment.
        connection.execute(dialect.insert(budget).on_conflict_do_nothing(), self._new)
        return connection.execute(self._locked_row).mappings().one()

    def _value(self, row: RowMapping) -> W:
        return type(self._empty)(**{name: row[name] for name in self._columns})

    def _values(self, value: W) -> dict[str, object]:
        return {name: getattr(value, name) for name in self._columns}
