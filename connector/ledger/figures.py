"""The ledger in figures, for metrics and alarms: one reading, the same for every replica."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from connector.ledger.breaker import Breaker
from connector.ledger.database import Database
from connector.ledger.delivery import LIVE, Halt, State
from connector.ledger.halts import halts_of
from connector.ledger.harvest import Harvest
from connector.ledger.original import OPEN_ORIGINALS, OriginalState
from connector.ledger.original_table import original
from connector.ledger.originals import counts_of
from connector.ledger.pauses import Pause
from connector.ledger.replicas import Replica
from connector.ledger.service_tables import alarm, harvest, replica, wakeup
from connector.ledger.tables import breaker, checkpoint, delivery, pause

_UNDELIVERED = (State.PENDING.value, State.IN_DOUBT.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the ledger says now. Mappings are by pipeline, where nothing else is said."""

    counts: Mapping[tuple[str, State], int]
    dead: Mapping[tuple[str, str], int]  # (pipeline, error class)
    originals: Mapping[str, Mapping[OriginalState, int]]
    originals_since: Mapping[str, datetime]  # the oldest original that is wanted and not yet there
    undelivered_since: Mapping[str, datetime]  # the oldest found and not yet delivered
    unshown_since: Mapping[str, datetime]  # the oldest delivered that Docflo does not show
    doubted_since: Mapping[str, datetime]  # the oldest doubt
    listed_at: Mapping[str, datetime]
    harvests: Mapping[str, Harvest]
    halts: tuple[Halt, ...]
    pauses: tuple[Pause, ...]
    breakers: tuple[Breaker, ...]
    replicas: tuple[Replica, ...]
    wakeups: int  # documents named by Docflo and not yet fetched
    alarms: Mapping[str, int]  # open ones, by kind


def read_figures(database: Database) -> Figures:
    """Read them in one transaction.

    Raises: UnavailableError when the database does not answer.
    """
    is_live = delivery.c.backfill_id == LIVE
    with database.read() as connection:
        return Figures(
            counts=_counts(connection),
            dead=_dead(connection),
            originals=counts_of(connection),
            originals_since=_originals_since(connection),
            # A backfill takes days: its backlog is not lateness.
            undelivered_since=_oldest(connection, "found_at", _UNDELIVERED, is_live),
            unshown_since=_oldest(connection, "delivered_at", (State.DELIVERED.value,), is_live),
            doubted_since=_oldest(connection, "doubted_at", (State.IN_DOUBT.value,)),
            listed_at={
                row.pipeline: row.moved_at
                for row in connection.execute(select(checkpoint.c.pipeline, checkpoint.c.moved_at))
            },
            harvests={
                row["pipeline"]: Harvest(**dict(row))
                for row in connection.execute(select(harvest)).mappings()
            },
            halts=halts_of(connection),
            pauses=tuple(Pause(**dict(row)) for row in connection.execute(select(pause)).mappings()),
            breakers=tuple(Breaker(**dict(row)) for row in connection.execute(select(breaker)).mappings()),
            replicas=tuple(Replica(**dict(row)) for row in connection.execute(select(replica)).mappings()),
            wakeups=connection.execute(select(func.count()).select_from(wakeup)).scalar_one(),
            alarms=_alarms(connection),
        )


def _counts(connection: Connection) -> Mapping[tuple[str, State], int]:
    columns = delivery.c
    statement = select(columns.pipeline, columns.state, func.count()).group_by(
        columns.pipeline, columns.state
    )
    return {(row[0], State(row[1])): row[2] for row in connection.execute(statement)}


def _dead(connection: Connection) -> Mapping[tuple[str, str], int]:
    columns = delivery.c
    dead = select(columns.pipeline, columns.failure_class, func.count()).where(
        columns.state == State.DEAD.value
    )
    rows = connection.execute(dead.group_by(columns.pipeline, columns.failure_class))
    return {(row[0], row[1] or "unknown"): row[2] for row in rows}


def _oldest(
    connection: Connection, column: str, states: tuple[str, ...], *more: ColumnElement[bool]
) -> Mapping[str, datetime]:
    columns = delivery.c
    oldest = func.min(columns[column]).label("oldest")
    statement = select(columns.pipeline, oldest).where(columns.state.in_(states), *more)
    rows = connection.execute(statement.group_by(columns.pipeline))
    return {row.pipeline: row.oldest for row in rows if row.oldest is not None}


def _originals_since(connection: Connection) -> Mapping[str, datetime]:
    columns = original.c
    oldest = select(columns.pipeline, func.min(delivery.c.delivered_at)).join(
        delivery, delivery.c.id == columns.delivery_id
    )
    is_open = columns.state.in_([state.value for state in OPEN_ORIGINALS])
    waiting = oldest.where(is_open, delivery.c.backfill_id == LIVE)
    rows = connection.execute(waiting.group_by(columns.pipeline))
    return {row[0]: row[1] for row in rows if row[1] is not None}


def _alarms(connection: Connection) -> Mapping[str, int]:
    statement = select(alarm.c.kind, func.count()).where(alarm.c.open_key.is_not(None))
    return {row[0]: row[1] for row in connection.execute(statement.group_by(alarm.c.kind))}
