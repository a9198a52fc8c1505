"""Dead letters by their cause, with their money; and what people agreed on about each group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.console_tables import problem
from connector.ledger.database import Database
from connector.ledger.delivery import State
from connector.ledger.sums import Total, add_up, exact_sum
from connector.ledger.tables import delivery

MOST = 200  # groups that are shown; more than these have no common cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What makes dead letters one group."""

    pipeline: str
    failure_class: str
    failure_cause: str  # empty: not on record


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What people agreed on about a group."""

    cause: Cause
    owner: str | None
    snoozed_until: datetime | None
    example: str
    touched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Dead letters of one cause, as they are now."""

    cause: Cause
    total: Total
    first_at: datetime  # of those that are dead now
    last_at: datetime
    example: str  # the reason of one of them, as it was told
    note: Note | None


class ProblemStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(self) -> tuple[Group, ...]:
        """Give the groups, the largest first, `MOST` of them."""
        columns = delivery.c
        by_cause = (columns.pipeline, columns.failure_class, columns.failure_cause)
        statement = (
            select(
                *by_cause,
                columns.currency,
                func.count().label("number"),
                func.min(columns.changed_at).label("first_at"),
                func.max(columns.changed_at).label("last_at"),
                func.max(columns.id).label("latest"),
                exact_sum(columns.amount).label("amount"),
            )
            .where(columns.state == State.DEAD.value)
            .group_by(*by_cause, columns.currency)
        )
        notes = {note.cause: note for note in self.notes()}
        with self._database.read() as connection:
            rows: dict[Cause, list[Any]] = {}
            for row in connection.execute(statement):
                cause = _cause(row.pipeline, row.failure_class, row.failure_cause)
                rows.setdefault(cause, []).append(row)
            largest = sorted(rows, key=lambda cause: -sum(row.number for row in rows[cause]))[:MOST]
            latest = {cause: max(row.latest for row in rows[cause]) for cause in largest}
            said = connection.execute(
                select(columns.id, columns.failure_reason).where(columns.id.in_(latest.values()))
            )
            reasons: Mapping[int, str] = {row.id: row.failure_reason for row in said}
        return tuple(
            Group(
                cause=cause,
                total=add_up((row.currency, row.number, row.amount) for row in rows[cause]),
                first_at=min(row.first_at for row in rows[cause]),
                last_at=max(row.last_at for row in rows[cause]),
                example=reasons.get(latest[cause], ""),
                note=notes.get(cause),
            )
            for cause in largest
        )

    def notes(self) -> tuple[Note, ...]:
        """Give what is noted, the latest first; also of groups whose documents have all gone through."""
        with self._database.read() as connection:
            rows = connection.execute(select(problem).order_by(problem.c.touched_at.desc())).mappings()
            return tuple(
                Note(
                    cause=_cause(row["pipeline"], row["failure_class"], row["failure_cause"]),
                    owner=row["owner"],
                    snoozed_until=row["snoozed_until"],
                    example=row["example"],
                    touched_at=row["touched_at"],
                )
                for row in rows
            )

    def note(self, cause: Cause, example: str, now: datetime, **values: str | datetime | None) -> None:
        """Keep an owner, a time to be left alone until, or only that somebody worked on it."""
        key = {
            "pipeline": cause.pipeline,
            "failure_class": cause.failure_class,
            "failure_cause": cause.failure_cause,
        }
        new = {**values, "example": example, "touched_at": now}
        with self._database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            connection.execute(
                dialect.insert(problem)
                .values(**key, **new)
                .on_conflict_do_update(index_elements=list(key), set_=new)
            )


def closed(notes: Sequence[Note], groups: Sequence[Group]) -> tuple[Note, ...]:
    """Give those that people worked on and that nothing is dead of any more."""
    still = {group.cause for group in groups}
    return tuple(note for note in notes if note.cause not in still)


def _cause(pipeline: str, failure_class: str | None, failure_cause: str | None) -> Cause:
    return Cause(
        pipeline=pipeline, failure_class=failure_class or "unknown", failure_cause=failure_cause or ""
    )
