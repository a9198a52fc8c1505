"""How far a backfill is, counted over all who work on it."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from connector.ledger.backfill import Backfill, Tally
from connector.ledger.delivery import OPEN_STATES, State
from connector.ledger.tables import backfill_window, delivery

_OPEN = [state.value for state in OPEN_STATES]


def tally_of(connection: Connection, known: Backfill) -> Tally:
    """Count how far it is."""
    columns = backfill_window.c
    row = (
        connection.execute(
            select(
                func.count().label("windows"),
                func.count(columns.listed_at).label("listed"),
                *(
                    func.coalesce(func.sum(columns[name]), 0).label(name)
                    for name in ("found", "new", "changed", "unreadable")
                ),
            ).where(columns.backfill_id == known.id)
        )
        .mappings()
        .one()
    )
    return Tally(
        **{name: int(value) for name, value in row.items()},
        states=_states(connection, known),
        notices=_notices(connection, known),
        failures=_failures(connection, known),
        next_due=_next_due(connection, known),
    )


def _states(connection: Connection, known: Backfill) -> Mapping[State, int]:
    columns = delivery.c
    statement = (
        select(columns.state, func.count())
        .where(columns.pipeline == known.pipeline, columns.backfill_id == known.id)
        .group_by(columns.state)
    )
    return {State(row[0]): row[1] for row in connection.execute(statement)}


def _notices(connection: Connection, known: Backfill) -> int:
    columns = delivery.c
    statement = select(func.count()).where(
        columns.pipeline == known.pipeline,
        columns.notice_due_at.is_not(None),
        columns.backfill_id == known.id,
    )
    return connection.execute(statement).scalar_one()


def _failures(connection: Connection, known: Backfill) -> Mapping[str, int]:
    columns = delivery.c
    statement = (
        select(columns.failure_class, func.count())
        .where(
            columns.pipeline == known.pipeline,
            columns.state == State.DEAD.value,
            columns.backfill_id == known.id,
        )
        .group_by(columns.failure_class)
    )
    return {row[0] or "unknown": row[1] for row in connection.execute(statement)}


def _next_due(connection: Connection, known: Backfill) -> datetime | None:
    columns = delivery.c
    claimable_at = case((columns.lease_until > columns.due_at, columns.lease_until), else_=columns.due_at)
    statement = select(func.min(claimable_at).label("next")).where(
        columns.pipeline == known.pipeline,
        columns.state.in_(_OPEN),
        columns.backfill_id == known.id,
    )
    moment: datetime | None = connection.execute(statement).scalar_one()
    return moment
