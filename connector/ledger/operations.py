"""What people do to deliveries: replay, link, dismiss, and lift a halt. Each act leaves a row of its own.

An act is one transaction. Deliveries that are not any more what the person saw are left alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from connector.clock import Clock
from connector.errors import PermanentError
from connector.ledger.database import Database
from connector.ledger.delivery import LIVE, Delivery, Found, Halt, State
from connector.ledger.halts import halts_of
from connector.ledger.parties import learn_parties
from connector.ledger.rows import (
    FREE,
    SEND_RECORD,
    WITHOUT_SNAPSHOT,
    content_columns,
    failure_columns,
    read_delivery,
)
from connector.ledger.search_keys import search_key
from connector.ledger.selection import Selection
from connector.ledger.tables import act, dead_run, delivery, delivery_event
from connector.record import Receipt

_CHUNK = 500  # ids a statement

GIVEN_UP = (State.DEAD, State.DISMISSED)
"""The states that a replay starts from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who acts, and why; and how the deliveries were chosen."""

    actor: str
    reason: str
    chosen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act of a person."""

    at: datetime
    actor: str
    act: str
    filter: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How dead letters are tried again."""

    is_record: bool = False  # send the stored record, instead of mapping the stored document
    is_absent: bool = False  # the person has looked: the target does not have it
    fetched: Mapping[int, Found] = field(default_factory=dict)  # documents read anew, by delivery


class Operations:
    """Acts of people on one ledger.

    Raises: UnavailableError when the database does not answer; nothing was stored then.
    """

    def __init__(self, database: Database, *, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def select(self, selection: Selection, *, limit: int | None = None) -> tuple[Delivery, ...]:
        """Give what is meant, newest first, without documents and records."""
        statement = select(*WITHOUT_SNAPSHOT).where(*selection.conditions())
        with self._database.read() as connection:
            rows = connection.execute(statement.order_by(delivery.c.id.desc()).limit(limit)).mappings()
            return tuple(map(read_delivery, rows))

    def replay(self, ids: Sequence[int], by: By, how: Replay) -> tuple[int, ...]:
        """Try again what was given up, each from the state it was in; attempts start anew.

        Gives the ids of those that are tried; what has left its state meanwhile is not among them.
        """
        states = (*GIVEN_UP, State.IN_DOUBT) if how.is_absent else GIVEN_UP

        def values(row: RowMapping) -> Mapping[str, Any]:
            back = State.PENDING.value if _is_undoubted(row, how) else row["died_in"] or row["state"]
            found = how.fetched.get(row["id"])
            is_new = found is not None and found.digest != row["digest"]
            return {
                "state": back,
                "died_in": None,
                "attempts": 0,
                "due_at": self._clock(),
                **FREE,
                **(content_columns(found) if found is not None else {}),
                "revision": row["revision"] + (1 if is_new else 0),
                "send_as": SEND_RECORD if how.is_record else None,
                **({"doubted_at": None} if back == State.PENDING.value else {}),
            }

        return self._act("replay", ids, states, by, values)

    def dismiss(self, ids: Sequence[int], by: By) -> tuple[int, ...]:
        """Take dead letters and doubts out of our hands, for good; gives the ids of those it did."""

        def values(row: RowMapping) -> Mapping[str, Any]:
            return {
                "state": State.DISMISSED.value,
                "died_in": row["died_in"] or row["state"],
                "due_at": None,
                "notice_due_at": None,
                **FREE,
            }

        return self._act("dismiss", ids, (State.DEAD, State.IN_DOUBT), by, values)

    def link(self, delivery_id: int, receipt: Receipt, by: By) -> bool:
        """Record that the target has it, on a person's word; it is written back next. False: not any more."""
        now = self._clock()
        values = {
            "state": State.DELIVERED.value,
            "died_in": None,
            "attempts": 0,
            "due_at": now,
            "receipt_id": receipt.id,
            "receipt_key": search_key(receipt.id),
            "receipt_url": receipt.url,
            "delivered_at": now,
            "doubted_at": None,
            "send_as": None,
            **FREE,
            **failure_columns(None),
        }
        states = (*GIVEN_UP, State.IN_DOUBT)
        return bool(self._act("link", [delivery_id], states, by, lambda _row: values))

    def resume(self, pipeline: str, by: By) -> tuple[Halt, ...]:
        """Lift the halts of a pipeline, and give them; its runs are counted anew."""
        with self._database.write() as connection:
            halts = tuple(halt for halt in halts_of(connection) if halt.pipeline == pipeline)
            if halts:
                connection.execute(delete(dead_run).where(dead_run.c.pipeline == pipeline))
                record_act(connection, "resume", by, self._clock(), count=len(halts))
        return halts

    def acts(self, limit: int) -> tuple[Act, ...]:
        """Give what people did, newest first."""
        statement = select(act).order_by(act.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(Act(**{name: row[name] for name in Act.__dataclass_fields__}) for row in rows)

    def replay_one(self, delivery_id: int, by: By) -> Delivery:
        """Replay one delivery and give it as it is then.

        Raises: PermanentError when there is no such delivery, or it was not given up.
        """
        refuse_replay(self._known(delivery_id), delivery_id)
        self.replay([delivery_id], by, Replay())
        replayed = self._known(delivery_id)
        if replayed is None or replayed.state in GIVEN_UP:
            raise PermanentError(f"delivery {delivery_id} changed meanwhile: look again")
        return replayed

    def _known(self, delivery_id: int) -> Delivery | None:
        with self._database.read() as connection:
            row = connection.execute(select(delivery).where(delivery.c.id == delivery_id)).mappings().first()
        return None if row is None else read_delivery(row)

    def _act(
        self,
        name: str,
        ids: Sequence[int],
        states: Sequence[State],
        by: By,
        values_of: Callable[[RowMapping], Mapping[str, Any]],
    ) -> tuple[int, ...]:
        now = self._clock()
        columns = delivery.c
        done: list[int] = []
        parties: list[str | None] = []
        with self._database.write() as connection:
            for start in range(0, len(ids), _CHUNK):
                meant = select(*WITHOUT_SNAPSHOT).where(
                    columns.id.in_(ids[start : start + _CHUNK]),
                    columns.state.in_([state.value for state in states]),
                    # Somebody may have a request under way.
                    (columns.lease_until.is_(None)) | (columns.lease_until <= now),
                )
                rows = connection.execute(meant.order_by(columns.id).with_for_update()).mappings().all()
                for row in rows:
                    values = values_of(row)
                    # A person waits for it, and its backfill may be over.
                    connection.execute(
                        update(delivery)
                        .where(columns.id == row["id"])
                        .values(changed_at=now, backfill_id=LIVE, **values)
                    )
                    connection.execute(insert(delivery_event).values(_event(name, row, values, by, now)))
                    done.append(row["id"])
                    parties.append(values.get("party"))
            learn_parties(connection, parties)
            if done:
                record_act(connection, name, by, now, count=len(done))
        return tuple(done)


def record_act(connection: Connection, name: str, by: By, now: datetime, *, count: int = 1) -> None:
    """Keep an act, in the transaction of what it changes."""
    values = {"actor": by.actor, "act": name, "filter": by.chosen, "count": count, "reason": by.reason}
    connection.execute(insert(act).values(at=now, **values))


def refuse_replay(known: Delivery | None, delivery_id: int) -> None:
    """Refuse what cannot be replayed, with the reason.

    Raises: PermanentError
    """
    if known is None:
        raise PermanentError(f"there is no delivery {delivery_id}")
    if known.state in GIVEN_UP:
        return
    why = {
        State.COMPLETED: f": the target has it as {known.receipt_id}, and Docflo shows it",
        State.DELIVERED: f": the target has it as {known.receipt_id}; only the write-back is to come",
        State.PENDING: ": it is tried by itself",
        State.IN_DOUBT: ": the target is asked first, since it may have it",
    }.get(known.state, "")
    message = f"delivery {delivery_id} is {known.state.value}: only dead deliveries are replayed{why}"
    raise PermanentError(message)


def _is_undoubted(row: RowMapping, how: Replay) -> bool:
    return how.is_absent and State.IN_DOUBT.value in {row["state"], row["died_in"]}


def _event(name: str, row: RowMapping, values: Mapping[str, Any], by: By, now: datetime) -> Mapping[str, Any]:
    return {
        "delivery_id": row["id"],
        "at": now,
        "event": name,
        "from_state": row["state"],
        "to_state": values["state"],
        "attempt": 0,
        "detail": by.reason,
        "actor": by.actor,
    }
