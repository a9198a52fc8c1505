"""Pauses: pipelines that a person wants left alone, with the reason, for every replica.

A halt is another thing: this connector makes it, after a run of dead letters.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.database import Database
from connector.ledger.halts import is_halted
from connector.ledger.operations import By, record_act
from connector.ledger.tables import pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pipeline that is neither listed nor delivered until a person resumes it."""

    pipeline: str
    paused_at: datetime
    actor: str
    reason: str


class PauseStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[Pause, ...]:
        """Give every pause, by pipeline."""
        with self._database.read() as connection:
            rows = connection.execute(select(pause).order_by(pause.c.pipeline)).mappings()
            return tuple(map(_read, rows))

    def pause(self, pipeline: str, by: By, now: datetime) -> bool:
        """Leave a pipeline alone from now on; False when it was paused already."""
        with self._database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            row = {"pipeline": pipeline, "paused_at": now, "actor": by.actor, "reason": by.reason}
            new = dialect.insert(pause).values(**row).on_conflict_do_nothing().returning(pause.c.pipeline)
            is_new = connection.execute(new).first() is not None
            if is_new:
                record_act(connection, "pause", by, now)
            return is_new

    def resume(self, pipeline: str, by: By, now: datetime) -> bool:
        """Let it go on; False when it was not paused."""
        with self._database.write() as connection:
            gone = connection.execute(delete(pause).where(pause.c.pipeline == pipeline))
            if gone.rowcount:
                record_act(connection, "resume", by, now)
            return gone.rowcount > 0


def is_held(pipeline: ColumnElement[str]) -> ColumnElement[bool]:
    """Give the condition "nothing of this pipeline may be claimed": it is paused, or halted."""
    paused = select(pause.c.pipeline).where(pause.c.pipeline == pipeline).exists()
    return or_(is_halted(pipeline), paused)


def _read(row: RowMapping) -> Pause:
    return Pause(**dict(row))
