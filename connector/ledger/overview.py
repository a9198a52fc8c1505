"""How each pipeline is, in figures that one look takes in. No statement reads what is finished, but by time.

What is delivered and shown in Docflo is counted for a span of time only: counting all of it would read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Text, func, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from connector.ledger.breaker import Breaker
from connector.ledger.database import Database
from connector.ledger.delivery import Checkpoint, Halt, State
from connector.ledger.halts import halts_of
from connector.ledger.pauses import Pause
from connector.ledger.replicas import Replica
from connector.ledger.rows import read_checkpoint
from connector.ledger.service_tables import alarm, replica
from connector.ledger.sums import Total, add_up, exact_sum
from connector.ledger.tables import (
    DEAD_LONG_MONEY,
    DEAD_SHORT_MONEY,
    breaker,
    checkpoint,
    delivery,
    pause,
)

_ALL = 2**31
_UNFINISHED = (State.PENDING, State.IN_DOUBT, State.DELIVERED, State.DEAD)


class Span(Enum):
    """A chart: how far it goes back, and how wide its bars are."""

    HOUR = (timedelta(hours=1), timedelta(minutes=1), 16)
    DAY = (timedelta(days=1), timedelta(hours=1), 13)
    MONTH = (timedelta(days=30), timedelta(days=1), 10)

    def __init__(self, length: timedelta, step: timedelta, letters: int) -> None:
        self.length = length
        self.step = step
        self.letters = letters  # of a time as ISO writes it, that tell one bar from the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What the ledger says now. Mappings are by pipeline, where nothing else is said."""

    counts: Mapping[tuple[str, State], int]  # of what is not finished
    oldest: Mapping[tuple[str, State], datetime]  # since when: pending by found, in doubt by the doubt
    today: Mapping[str, Total]  # delivered since midnight, UTC
    dead: Mapping[tuple[str, str], Total]  # (pipeline, class)
    checkpoints: Mapping[str, Checkpoint]
    halts: tuple[Halt, ...]
    pauses: tuple[Pause, ...]
    breakers: tuple[Breaker, ...]
    replicas: tuple[Replica, ...]
    alarms: tuple[tuple[str, str, datetime], ...]  # kind, subject, since when


def read_glance(database: Database, now: datetime) -> Glance:
    """Read it in one transaction.

    Raises: UnavailableError when the database does not answer.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with database.read() as connection:
        return Glance(
            counts=_counts(connection),
            oldest={**_oldest(connection, State.PENDING, "found_at"), **_doubts(connection)},
            today=_delivered(connection, midnight),
            dead=_dead(connection),
            checkpoints={
                row["pipeline"]: read_checkpoint(row)
                for row in connection.execute(select(checkpoint)).mappings()
            },
            halts=halts_of(connection),
            pauses=tuple(Pause(**dict(row)) for row in connection.execute(select(pause)).mappings()),
            breakers=tuple(Breaker(**dict(row)) for row in connection.execute(select(breaker)).mappings()),
            replicas=tuple(Replica(**dict(row)) for row in connection.execute(select(replica)).mappings()),
            alarms=_alarms(connection),
        )


def read_chart(database: Database, span: Span, now: datetime) -> Mapping[str, int]:
    """Give how many were delivered in each step of a span; steps without any are left out.

    Shape: the beginning of the step as ISO writes it -> count
    """
    began = beginning(span, now)
    step = time_step(delivery.c.delivered_at, literal_column(str(span.letters)))
    statement = select(step, func.count()).where(delivery.c.delivered_at >= began).group_by(step)
    with database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(statement)}


def beginning(span: Span, now: datetime) -> datetime:
    """Give the beginning of the first step of a span that ends now."""
    begin = now - span.length + span.step
    begin = begin.replace(second=0, microsecond=0)
    if span.step >= timedelta(hours=1):
        begin = begin.replace(minute=0)
    return begin.replace(hour=0) if span.step >= timedelta(days=1) else begin


class time_step(GenericFunction[str]):  # noqa: N801 the name in SQL
    """Gives the first letters of a time in UTC, as ISO writes it: `2026-03-02T14`."""

    type = Text()
    inherit_cache = True


@compiles(time_step, "postgresql")
def _postgresql(element: time_step, compiler: Any, **options: Any) -> str:  # noqa: ANN401 sqlalchemy's own
    column, letters = (compiler.process(each, **options) for each in element.clauses)
    written = f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI')"""
    return f"substr({written}, 1, {letters})"


@compiles(time_step, "sqlite")
def _sqlite(element: time_step, compiler: Any, **options: Any) -> str:  # noqa: ANN401 sqlalchemy's own
    column, letters = (compiler.process(each, **options) for each in element.clauses)
    return f"substr({column}, 1, {letters})"


def _counts(connection: Connection) -> Mapping[tuple[str, State], int]:
    columns = delivery.c
    statement = (
        select(columns.pipeline, columns.state, func.count())
        .where(columns.state.in_([state.value for state in _UNFINISHED]))
        .group_by(columns.pipeline, columns.state)
    )
    return {(row[0], State(row[1])): row[2] for row in connection.execute(statement)}


def _oldest(connection: Connection, state: State, column: str) -> Mapping[tuple[str, State], datetime]:
    columns = delivery.c
    oldest = func.min(columns[column]).label("oldest")
    statement = select(columns.pipeline, oldest).where(columns.state == state.value)
    rows = connection.execute(statement.group_by(columns.pipeline))
    return {(row.pipeline, state): row.oldest for row in rows if row.oldest is not None}


def _doubts(connection: Connection) -> Mapping[tuple[str, State], datetime]:
    return _oldest(connection, State.IN_DOUBT, "doubted_at")


def _delivered(connection: Connection, since: datetime) -> Mapping[str, Total]:
    columns = delivery.c
    # The limit makes SQLite find these first: it would rather read everything in the order of the groups.
    named = select(columns.pipeline, columns.currency, columns.amount).where(columns.delivered_at >= since)
    latest = named.limit(_ALL).subquery().c
    by_money = (latest.pipeline, latest.currency)
    statement = select(*by_money, func.count(), exact_sum(latest.amount)).group_by(*by_money)
    rows: dict[str, list[Any]] = {}
    for row in connection.execute(statement):
        rows.setdefault(row[0], []).append(row)
    return {name: add_up((row[1], row[2], row[3]) for row in found) for name, found in rows.items()}


def _dead(connection: Connection) -> Mapping[tuple[str, str], Total]:
    by_money = (delivery.c.pipeline, delivery.c.failure_class, delivery.c.currency)
    statement = select(*by_money, func.count(), exact_sum(delivery.c.amount)).group_by(*by_money)
    rows: dict[tuple[str, str], list[Any]] = {}
    for which in (DEAD_SHORT_MONEY, DEAD_LONG_MONEY):
        for row in connection.execute(statement.where(which)):
            rows.setdefault((row[0], row[1] or "unknown"), []).append(row)
    return {key: add_up((row[2], row[3], row[4]) for row in found) for key, found in rows.items()}


def _alarms(connection: Connection) -> tuple[tuple[str, str, datetime], ...]:
    rows = connection.execute(
        select(alarm.c.kind, alarm.c.subject, alarm.c.began_at)
        .where(alarm.c.open_key.is_not(None))
        .order_by(alarm.c.began_at)
    )
    return tuple((row.kind, row.subject, row.began_at) for row in rows)
