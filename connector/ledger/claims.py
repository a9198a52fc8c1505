"""Who may work on a delivery now: a claim gives it to one owner for a while, and its epoch only grows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    insert,
    select,
    update,
)

from connector.crashpoint import Point, crashpoint
from connector.ledger.columns import Moment
from connector.ledger.delivery import OPEN_STATES, Claim, State
from connector.ledger.pauses import is_held
from connector.ledger.rows import WHOLE, WITHOUT_SNAPSHOT, Row, is_claimable, read_delivery
from connector.ledger.tables import delivery, delivery_event

_MOST_IDS = 5_000  # in one statement; SQLite takes 32,766 values
_columns = delivery.c
_PIPELINE: BindParameter[str] = bindparam("of_pipeline", type_=Text())
_NOW: BindParameter[datetime] = bindparam("now", type_=Moment())
_MOST: BindParameter[int] = bindparam("most", type_=Integer())


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries somebody would work on."""

    pipeline: str
    state: State
    backfill_id: int

    def values(self) -> Mapping[str, Any]:
        """Give the values that `_is_wanted` compares with."""
        return {
            "of_pipeline": self.pipeline,
            "in_state": self.state.value,
            "of_backfill": self.backfill_id,
        }


def _is_wanted(in_state: State | None = None) -> tuple[ColumnElement[bool], ...]:
    return (
        _columns.pipeline == _PIPELINE,
        _columns.state == (bindparam("in_state") if in_state is None else in_state.value),
        _columns.backfill_id == bindparam("of_backfill"),
        is_claimable(_NOW),
        ~is_held(_PIPELINE),  # looked up once, not for each row
    )


def _due(chosen: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Choose what is due, the longest due first, and lock it.

    SQLite has one writer at a time and ignores the lock; on PostgreSQL workers pass each other by.
    """
    due = select(*chosen).where(*_is_wanted()).order_by(_columns.due_at, _columns.id)
    return due.limit(_MOST).with_for_update(skip_locked=True)


# Built once: a statement costs more to put together than to run.
_TAKE = _due(WHOLE)
# For Docflo the receipt is enough: a document is ten kilobytes and more.
_TAKE_WITHOUT_SNAPSHOT = _due(WITHOUT_SNAPSHOT)

# One short look at all states: a claim that finds nothing would wait for its turn to write all the same.
_DUE = select(
    *(
        select(func.count())
        .select_from(select(_columns.id).where(*_is_wanted(state)).limit(_MOST).subquery())
        .scalar_subquery()
        .label(state.value)
        for state in sorted(OPEN_STATES)
    )
)

# Whoever vanished in doubt may have had a request under way until the lease ended.
_IS_ABANDONED = and_(_columns.lease_owner.is_not(None), _columns.state == State.IN_DOUBT.value)
_LEASE = (
    update(delivery)
    .where(_columns.id.in_(bindparam("ids", expanding=True)))
    .values(
        lease_owner=bindparam("owner"),
        lease_until=bindparam("until", type_=Moment()),
        lease_epoch=_columns.lease_epoch + 1,
        doubted_at=case((_IS_ABANDONED, _columns.lease_until), else_=_columns.doubted_at),
    )
)

_HOLD_ON = (
    update(delivery)
    .where(_columns.id.in_(bindparam("ids", expanding=True)), _columns.lease_owner == bindparam("owner"))
    .values(lease_until=bindparam("until", type_=Moment()))
)


def take(
    connection: Connection, wanted: Wanted, *, limit: int, owner: str, now: datetime, lease: timedelta
) -> tuple[Claim, ...]:
    """Give up to `limit` deliveries that are due to `owner`. Delivered ones come with an empty snapshot."""
    due = _TAKE_WITHOUT_SNAPSHOT if wanted.state is State.DELIVERED else _TAKE
    found = connection.execute(due, {**wanted.values(), "now": now, "most": limit})
    names = tuple(found.keys())
    rows = [dict(zip(names, row, strict=True)) for row in found]
    if not rows:
        return ()
    until = now + lease
    connection.execute(_LEASE, {"ids": [row["id"] for row in rows], "owner": owner, "until": until})
    _tell_takeovers(connection, rows, owner=owner, now=now)
    crashpoint(Point.CLAIM_WRITTEN)
    return tuple(_claimed(row, owner=owner, until=until) for row in rows)


def due(
    connection: Connection, pipeline: str, backfill_id: int, *, now: datetime, most: int
) -> Mapping[State, int]:
    """Count what `take` would find now in each open state, up to `most`."""
    values = {"of_pipeline": pipeline, "of_backfill": backfill_id, "now": now, "most": most}
    return {State(name): count for name, count in connection.execute(_DUE, values).mappings().one().items()}


def hold_on(connection: Connection, held: Sequence[Claim], until: datetime) -> int:
    """Hold on to claims of one owner; give how many are still ours."""
    kept = 0
    for start in range(0, len(held), _MOST_IDS):
        share = held[start : start + _MOST_IDS]
        ids = [claim.delivery.id for claim in share]
        kept += connection.execute(_HOLD_ON, {"ids": ids, "owner": share[0].owner, "until": until}).rowcount
    return kept


def _claimed(row: Row, *, owner: str, until: datetime) -> Claim:
    delivery_now = read_delivery(row)
    is_takeover = row["lease_owner"] is not None
    if is_takeover and delivery_now.state is State.IN_DOUBT:
        delivery_now = structs.replace(delivery_now, doubted_at=row["lease_until"])
    return Claim(
        delivery=delivery_now,
        owner=owner,
        epoch=row["lease_epoch"] + 1,
        until=until,
        is_takeover=is_takeover,
    )


def _tell_takeovers(connection: Connection, rows: Sequence[Row], *, owner: str, now: datetime) -> None:
    taken = [
        {
            "delivery_id": row["id"],
            "at": now,
            "event": "takeover",
            "from_state": row["state"],
            "to_state": row["state"],
            "attempt": 0,
            "detail": f"the lease of {row['lease_owner']} ended without an outcome",
            "actor": owner,
        }
        for row in rows
        if row["lease_owner"] is not None
    ]
    if taken:
        connection.execute(insert(delivery_event), taken)
