"""What became of claimed deliveries: one method per arrow, all in the transaction of one batch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from msgspec import structs
from sqlalchemy import Connection, bindparam, insert, select, update

from connector.errors import LeaseLostError
from connector.ledger.delivery import ARROWS, LIVE, OPEN_STATES, Claim, Failure, Halt, State
from connector.ledger.halts import Runs
from connector.ledger.many import execute_many
from connector.ledger.originals import want_original
from connector.ledger.rows import FREE, failure_columns, words
from connector.ledger.search_keys import search_key
from connector.ledger.tables import delivery, delivery_event
from connector.record import Receipt

_Hold: TypeAlias = tuple[str, int, str | None]
"""State, epoch and owner of a row, as this transaction leaves them."""

_columns = delivery.c
# Built once: a statement costs more to put together than to run.
_LOOK_AT = (
    select(_columns.id, _columns.state, _columns.lease_epoch, _columns.lease_owner)
    .where(_columns.id.in_(bindparam("ids", expanding=True)))
    .order_by(_columns.id)  # in one order everywhere, so that two batches never wait for each other
    .with_for_update()
)
_CHANGE = update(delivery).where(_columns.id == bindparam("changed"))
_CHANGE_ALL = update(delivery).where(_columns.id.in_(bindparam("changed", expanding=True)))
_TELL = insert(delivery_event).inline()


class Outcomes:
    """Records outcomes of claims. `Store.outcomes` opens it and commits what it recorded.

    Each method changes the row only while it is in the state of the claim and the lease is ours. Rows are
    locked when they are first looked at, and what becomes of all of them is written at the end, together.
    Raises: LeaseLostError when it is not; the row is left alone and the other outcomes stay recorded.
    ValueError when there is no such arrow, which is a bug of the caller.
    """

    def __init__(self, connection: Connection, now: datetime, claims: Sequence[Claim] = ()) -> None:
        """`claims` are looked at together; others may be recorded too."""
        self._connection = connection
        self._now = now
        self._held: dict[int, _Hold] = {}
        self._changes: dict[int, dict[str, Any]] = {}
        if claims:
            self._look_at(claims)
        self._events: list[Mapping[str, Any]] = []
        self._runs = Runs(connection, now)

    def doubt(self, claim: Claim) -> Claim:
        """Record that a request is about to be sent which may create it: pending -> in_doubt, lease kept.

        Close the block, so that this is stored, before sending. Attempts go on counting: pending and
        in_doubt are two ends of one errand, and a target that never answers must come to an end.
        """
        _require_arrow(claim, State.IN_DOUBT)
        self._change(claim, State.IN_DOUBT, {"doubted_at": self._now})
        self._tell(claim, "doubt", State.IN_DOUBT, None)
        return self._kept(claim, State.IN_DOUBT)

    def undoubt(self, claim: Claim) -> Claim:
        """Record that the request certainly came to nothing: in_doubt -> pending, lease kept.

        What follows from it is recorded next, of the claim that this gives.
        """
        if claim.delivery.state is not State.IN_DOUBT:
            _refuse(claim, State.PENDING)
        self._change(claim, State.PENDING, {"doubted_at": None})
        return self._kept(claim, State.PENDING)

    def delivered(self, claim: Claim, receipt: Receipt, *, wants_original: bool = False) -> None:
        """Record that the target has it: pending | in_doubt -> delivered, due for write-back at once.

        `wants_original`: and that the original file is to be shown beside it.
        """
        self._delivered(claim, receipt, FREE, wants_original=wants_original)

    def delivered_and_held(
        self, claim: Claim, receipt: Receipt, until: datetime, *, wants_original: bool = False
    ) -> Claim:
        """Record the same, and hold it until then: who writes it back at once need not claim it again."""
        self._delivered(claim, receipt, {"lease_until": until}, wants_original=wants_original)
        known = structs.replace(
            claim.delivery,
            state=State.DELIVERED,
            changed_at=self._now,
            attempts=0,
            due_at=self._now,
            failure=None,
            receipt_id=receipt.id,
            receipt_url=receipt.url,
            delivered_at=self._now,
            doubted_at=None,
            sends_record=False,
        )
        return Claim(delivery=known, owner=claim.owner, epoch=claim.epoch, until=until)

    def _delivered(
        self, claim: Claim, receipt: Receipt, lease: Mapping[str, Any], *, wants_original: bool
    ) -> None:
        _require_arrow(claim, State.DELIVERED)
        values = {
            **lease,
            "due_at": self._now,
            "receipt_id": receipt.id,
            "receipt_key": search_key(receipt.id),
            "receipt_url": receipt.url,
            "delivered_at": self._now,
            "doubted_at": None,
            "send_as": None,
        }
        self._advance(claim, State.DELIVERED, values)
        self._tell(claim, "delivered", State.DELIVERED, receipt.id)
        if wants_original:
            known = claim.delivery
            want_original(self._connection, known.id, known.pipeline, receipt.id, self._now)

    def absent(self, claim: Claim) -> None:
        """Record that the target was asked and does not have it: in_doubt -> pending, due at once.

        The attempt was counted when the answer failed to come.
        """
        if claim.delivery.state is not State.IN_DOUBT:
            _refuse(claim, State.PENDING)
        self._change(claim, State.PENDING, {"due_at": self._now, "doubted_at": None, **FREE})
        self._tell(claim, "absent", State.PENDING, None)

    def completed(self, claim: Claim) -> None:
        """Record that Docflo shows it: delivered -> completed."""
        _require_arrow(claim, State.COMPLETED)
        values = {
            **FREE,
            "due_at": None,
            "written_back_at": self._now,
            "notice_shown_at": None,
            "fields_shown": None,
        }
        self._advance(claim, State.COMPLETED, values)
        self._tell(claim, "completed", State.COMPLETED, None)

    def skipped(self, claim: Claim, reason: str) -> None:
        """Record that the pipeline does not want it: pending -> skipped."""
        _require_arrow(claim, State.SKIPPED)
        self._advance(claim, State.SKIPPED, {**FREE, "due_at": None})
        self._tell(claim, "skipped", State.SKIPPED, reason)

    def dead(
        self, claim: Claim, failure: Failure, *, halt_after: int = 0, notice_due_at: datetime | None = None
    ) -> None:
        """Give up: any open state -> dead, with the reason and the state that a replay returns to.

        `halt_after`: so many in a row, all of one class, halt the pipeline; 0: never. `notice_due_at`: when
        Docflo is to be told the reason; None: not at all.
        """
        _require_arrow(claim, State.DEAD)
        values = {
            "due_at": None,
            "died_in": claim.delivery.state.value,
            "attempts": claim.delivery.attempts + 1,
            "notice_due_at": notice_due_at,
            "notice_attempts": 0,
            "notice_failure": None,
            "fields_shown": None,
            **FREE,
            **failure_columns(failure),
        }
        self._change(claim, State.DEAD, values)
        self._tell(claim, "dead", State.DEAD, words(failure))
        if claim.delivery.backfill_id == LIVE:  # the live pipeline is not halted by what is years old
            self._runs.died(claim.delivery, failure, halt_after)

    def retry(self, claim: Claim, failure: Failure, due_at: datetime) -> None:
        """Record that a try failed: same state, one attempt more, due again at `due_at`.

        In doubt: a request may have been under way until now.
        """
        values = {
            "due_at": due_at,
            "attempts": claim.delivery.attempts + 1,
            **FREE,
            **failure_columns(failure),
            **_shown(claim),
        }
        if claim.delivery.state is State.IN_DOUBT:
            values["doubted_at"] = self._now
        self._change(claim, claim.delivery.state, values)
        self._tell(claim, "retry", claim.delivery.state, words(failure))

    def wait(self, claim: Claim, due_at: datetime, failure: Failure | None = None) -> None:
        """Put it off through no fault of its own: same state, attempts as they were, due at `due_at`.

        For throttling, refused credentials and shutdown. A reason that is on record already makes
        no second event: credentials may stay refused for a week.
        """
        reason = {} if failure is None else failure_columns(failure)
        self._change(claim, claim.delivery.state, {"due_at": due_at, **FREE, **reason, **_shown(claim)})
        if failure is None or failure != claim.delivery.failure:
            self._tell(claim, "wait", claim.delivery.state, words(failure) if failure else None)

    def close(self) -> tuple[Halt, ...]:
        """Store what this block tells beside the rows themselves; called once, before the commit.

        Give the pipelines that it halted.
        """
        self._write()
        execute_many(self._connection, _TELL, self._events)
        return self._runs.store()

    def _kept(self, claim: Claim, state: State) -> Claim:
        delivery_now = structs.replace(
            claim.delivery,
            state=state,
            changed_at=self._now,
            doubted_at=self._now if state is State.IN_DOUBT else None,
        )
        return structs.replace(claim, delivery=delivery_now)

    def _advance(self, claim: Claim, to: State, values: Mapping[str, Any]) -> None:
        # What is clear already need not be cleared: that is nearly every delivery.
        cleared = {} if claim.delivery.failure is None else failure_columns(None)
        self._change(claim, to, {"attempts": 0, **cleared, **values})
        if claim.delivery.backfill_id == LIVE:
            self._runs.went_well(claim.delivery)

    def _change(self, claim: Claim, to: State, values: Mapping[str, Any]) -> None:
        known = claim.delivery
        if known.id not in self._held:
            self._look_at([claim])
        if self._held.get(known.id) != (known.state.value, claim.epoch, claim.owner):
            message = f"delivery {known.id}: {claim.owner} no longer holds it (epoch {claim.epoch})"
            raise LeaseLostError(message)
        sent = {} if claim.sent is None else {"record": claim.sent}
        self._held[known.id] = (to.value, claim.epoch, values.get("lease_owner", claim.owner))
        change = self._changes.setdefault(known.id, {})
        change |= {"state": to.value, "changed_at": self._now, **sent, **values}

    def _look_at(self, claims: Sequence[Claim]) -> None:
        rows = self._connection.execute(_LOOK_AT, {"ids": [claim.delivery.id for claim in claims]})
        self._held |= {identifier: (state, epoch, owner) for identifier, state, epoch, owner in rows}

    def _write(self) -> None:
        alike: dict[frozenset[tuple[str, Any]], list[int]] = {}
        for identifier, change in self._changes.items():
            alike.setdefault(frozenset(change.items()), []).append(identifier)
        others: dict[frozenset[str], list[Mapping[str, Any]]] = {}
        for ids in alike.values():
            change = self._changes[ids[0]]
            if len(ids) > 1:  # a batch that Docflo shows now: all its rows become the same
                self._connection.execute(_CHANGE_ALL, {"changed": ids, **change})
            else:
                others.setdefault(frozenset(change), []).append({"changed": ids[0], **change})
        for changes in others.values():
            execute_many(self._connection, _CHANGE, changes)

    def _tell(self, claim: Claim, event: str, to: State, detail: str | None) -> None:
        self._events.append(
            {
                "delivery_id": claim.delivery.id,
                "at": self._now,
                "event": event,
                "from_state": claim.delivery.state.value,
                "to_state": to.value,
                "attempt": claim.delivery.attempts + 1,
                "detail": detail,
                "actor": claim.owner,
                "requests": claim.requests,
            }
        )


def _shown(claim: Claim) -> Mapping[str, Any]:
    return {} if claim.fields_shown is None else {"fields_shown": claim.fields_shown}


def _require_arrow(claim: Claim, to: State) -> None:
    known = claim.delivery.state
    if known not in OPEN_STATES or (known, to) not in ARROWS:
        _refuse(claim, to)


def _refuse(claim: Claim, to: State) -> None:
    message = (
        f"delivery {claim.delivery.id}: there is no arrow from {claim.delivery.state.value} to {to.value}"
    )
    raise ValueError(message)
