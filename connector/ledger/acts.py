"""The record of what people did: read it, and add what changed nothing else here."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, select

from connector.ledger.database import Database
from connector.ledger.operations import Act, By, record_act
from connector.ledger.tables import act


@dataclass(frozen=True, slots=True, kw_only=True)
class ActFilter:
    """Which acts are looked for; empty parts do not choose."""

    actor: str | None = None
    act: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # before
    before_id: int | None = None  # those that came earlier than this row

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Give the conditions in SQL."""
        columns = act.c
        if self.actor is not None:
            yield columns.actor == self.actor
        if self.act is not None:
            yield columns.act == self.act
        if self.since is not None:
            yield columns.at >= self.since
        if self.until is not None:
            yield columns.at < self.until
        if self.before_id is not None:
            yield columns.id < self.before_id


class ActStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, name: str, by: By, now: datetime) -> None:
        """Keep an act that changed nothing else here, such as a login."""
        with self._database.write() as connection:
            record_act(connection, name, by, now)

    def page(self, wanted: ActFilter, limit: int) -> tuple[tuple[int, Act], ...]:
        """Give acts with the number of their row, newest first."""
        statement = select(act).where(*wanted.conditions()).order_by(act.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(
            (row["id"], Act(**{name: row[name] for name in Act.__dataclass_fields__})) for row in rows
        )

    def all(self, wanted: ActFilter, *, at_once: int) -> Iterator[Act]:
        """Give all acts, newest first, read piece by piece."""
        while True:
            rows = self.page(wanted, at_once)
            yield from (each for _, each in rows)
            if len(rows) < at_once:
                return
            wanted = replace(wanted, before_id=rows[-1][0])

    def names(self) -> tuple[str, ...]:
        """Give every name of an act that is on record."""
        with self._database.read() as connection:
            return tuple(connection.execute(select(act.c.act).distinct().order_by(act.c.act)).scalars())
