"""Breakers: which sides are left alone for now, shared by every replica. A side that works has no row."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, or_, select, update

from connector.ledger.database import Database
from connector.ledger.tables import breaker


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A side that nothing is sent to before `next_try`; then one at a time, until one gets through."""

    side: str  # "docflo", "target crm"
    error_class: str  # what opened it
    reason: str  # in words, for a person
    opened_at: datetime
    failures: int  # probes that failed, and the failure that opened it
    next_try: datetime
    probe_until: datetime | None = None  # somebody is trying


class BreakerStore:
    """The open breakers. Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, side: str) -> Breaker | None:
        """Give the breaker of a side; None when it is closed."""
        with self._database.read() as connection:
            row = connection.execute(select(breaker).where(breaker.c.side == side)).mappings().first()
        return _read(row) if row is not None else None

    def all(self) -> tuple[Breaker, ...]:
        """Give every open breaker, by side."""
        with self._database.read() as connection:
            return tuple(map(_read, connection.execute(select(breaker).order_by(breaker.c.side)).mappings()))

    def open(self, side: str, step: Callable[[Breaker | None], Breaker]) -> tuple[Breaker | None, Breaker]:
        """Open a side's breaker, or keep it open, as `step` says; give what it was and what it is.

        `step` must be pure: it runs inside the transaction.
        """
        with self._database.write() as connection:
            if connection.dialect.name == "postgresql":
                # A row that is not there cannot be locked.
                key = func.hashtextextended(f"breaker {side}", 0)
                connection.execute(select(func.pg_advisory_xact_lock(key)))
            row = connection.execute(select(breaker).where(breaker.c.side == side)).mappings().first()
            before = _read(row) if row is not None else None
            after = step(before)
            if before is None:
                connection.execute(insert(breaker).values(**asdict(after)))
            elif after != before:
                connection.execute(update(breaker).where(breaker.c.side == side).values(**asdict(after)))
        return before, after

    def begin_probe(self, side: str, *, now: datetime, until: datetime) -> bool:
        """Let the caller alone try this side until `until`. False when it is too early or somebody tries."""
        free = or_(breaker.c.probe_until.is_(None), breaker.c.probe_until <= now)
        return self._change(_due(side, now), free, probe_until=until)

    def end_probe(self, side: str) -> None:
        """Let somebody else try: the caller found nothing to try with."""
        self._change(breaker.c.side == side, probe_until=None)

    def close(self, side: str, *, now: datetime) -> bool:
        """Close the breaker because the side answered; not while its pause lasts: an answer may be old."""
        with self._database.write() as connection:
            return connection.execute(delete(breaker).where(_due(side, now))).rowcount > 0

    def lift(self, side: str) -> bool:
        """Close the breaker whatever its pause: the cause was looked at and is gone."""
        with self._database.write() as connection:
            return connection.execute(delete(breaker).where(breaker.c.side == side)).rowcount > 0

    def try_now(self, now: datetime, *, error_classes: frozenset[str]) -> None:
        """Shorten the pause of breakers that these errors opened: somebody asks for a try."""
        self._change(
            breaker.c.error_class.in_(sorted(error_classes)),
            breaker.c.next_try > now,
            next_try=now,
            probe_until=None,
        )

    def _change(self, *conditions: ColumnElement[bool], **values: datetime | None) -> bool:
        with self._database.write() as connection:
            return connection.execute(update(breaker).where(*conditions).values(**values)).rowcount > 0


def _due(side: str, now: datetime) -> ColumnElement[bool]:
    return (breaker.c.side == side) & (breaker.c.next_try <= now)


def _read(row: RowMapping) -> Breaker:
    return Breaker(**dict(row))
