"""The request budget's row: one per API key, shared by every replica. What it means is not decided here."""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import RowMapping, Select, select, update
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
        self._key = key
        self._empty = empty

    def read(self) -> W:
        """Give the row."""
        with self._database.read() as connection:
            row = connection.execute(self._row()).mappings().first()
        return self._value(row) if row is not None else self._empty

    def change(self, step: Callable[[W], W]) -> W:
        """Replace the row by what `step` makes of it; nobody else changes it in between.

        `step` must be pure: it runs inside the transaction.
        """
        with self._database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            new = dialect.insert(budget).values(key=self._key, **asdict(self._empty))
            connection.execute(new.on_conflict_do_nothing())
            before = self._value(connection.execute(self._row().with_for_update()).mappings().one())
            after = step(before)
            if after != before:
                connection.execute(update(budget).where(budget.c.key == self._key).values(**asdict(after)))
        return after

    def _row(self) -> Select[Any]:
        return select(budget).where(budget.c.key == self._key)

    def _value(self, row: RowMapping) -> W:
        return type(self._empty)(**{field.name: row[field.name] for field in fields(self._empty)})
