"""Between rows and values: columns of a delivery to `Delivery` and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, RowMapping, and_, or_

from connector.ledger.delivery import Checkpoint, Delivery, Failure, Found, Headline, State
from connector.ledger.search_keys import amount_key, cause_of, end_key, search_key
from connector.ledger.tables import delivery

Row: TypeAlias = RowMapping | Mapping[str, Any]
"""A row of `delivery` by its columns' names."""

_SEARCHED = {"number_key", "number_end_key", "party_key", "amount_key", "receipt_key", "failure_cause"}
WHOLE = tuple(column for column in delivery.c if column.key not in _SEARCHED)
"""What a delivery is made of."""

WITHOUT_SNAPSHOT = tuple(column for column in WHOLE if column.key not in {"snapshot", "record"})
"""For lists: a page of deliveries must not read megabytes of documents."""


SEND_RECORD = "record"
"""The value of `send_as` that asks for the stored record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """One line of a delivery's story."""

    at: datetime
    event: str  # the store method that wrote it: "delivered", "retry", "replay"
    from_state: State | None  # None: the document was found
    to_state: State
    attempt: int  # which try at the arrow this was; 0 when nothing was tried
    detail: str | None
    actor: str | None  # the owner of the lease, or the person
    requests: str | None = None  # what was sent and answered meanwhile, one line each


def read_delivery(row: Row) -> Delivery:
    """Give the row as a value; `snapshot` is empty when the columns left it out."""
    return Delivery(
        id=row["id"],
        pipeline=row["pipeline"],
        document_id=row["document_id"],
        document_type=row["document_type"],
        revision=row["revision"],
        state=State(row["state"]),
        digest=row["digest"],
        snapshot=row.get("snapshot", b""),
        headline=Headline(
            number=row["number"],
            party=row["party"],
            amount=row["amount"],
            currency=row["currency"],
            date=row["document_date"],
        ),
        created_on=row["created_on"],
        found_at=row["found_at"],
        changed_at=row["changed_at"],
        attempts=row["attempts"],
        due_at=row["due_at"],
        failure=read_failure(row),
        died_in=State(row["died_in"]) if row["died_in"] is not None else None,
        receipt_id=row["receipt_id"],
        receipt_url=row["receipt_url"],
        written_back_at=row["written_back_at"],
        doubted_at=row["doubted_at"],
        delivered_at=row["delivered_at"],
        record=row.get("record"),
        sends_record=row["send_as"] == SEND_RECORD,
        notice_due_at=row["notice_due_at"],
        notice_attempts=row["notice_attempts"] or 0,
        notice_failure=row["notice_failure"],
        notice_shown_at=row["notice_shown_at"],
        backfill_id=row["backfill_id"],
        fields_shown=row["fields_shown"],
    )


def read_failure(row: Row) -> Failure | None:
    """Give why a row is not further, as a value."""
    if row["failure_class"] is None:
        return None
    return Failure(error_class=row["failure_class"], reason=row["failure_reason"], code=row["failure_code"])


def read_event(row: RowMapping) -> DeliveryEvent:
    """Give the row as a value."""
    return DeliveryEvent(
        at=row["at"],
        event=row["event"],
        from_state=State(row["from_state"]) if row["from_state"] is not None else None,
        to_state=State(row["to_state"]),
        attempt=row["attempt"],
        detail=row["detail"],
        actor=row["actor"],
        requests=row["requests"],
    )


def read_checkpoint(row: RowMapping) -> Checkpoint:
    """Give the row as a value."""
    return Checkpoint(
        pipeline=row["pipeline"],
        listed_until=row["listed_until"],
        moved_at=row["moved_at"],
        open_since=row["open_since"],
        swept_at=row["swept_at"],
        rescanned_at=row["rescanned_at"],
        scope=row["scope"],
        event=row["event"] or "listed",
        actor=row["actor"],
        reason=row["reason"],
    )


def content_columns(found: Found) -> Mapping[str, Any]:
    """Give the columns that hold what the document says, in one revision."""
    headline = found.headline
    return {
        "document_type": found.document_type,
        "digest": found.digest,
        "snapshot": found.snapshot,
        "number": headline.number,
        "number_key": search_key(headline.number),
        "number_end_key": end_key(headline.number),
        "party": headline.party,
        "party_key": search_key(headline.party),
        "amount": headline.amount,
        "amount_key": amount_key(headline.amount),
        "currency": headline.currency,
        "document_date": headline.date,
        "created_on": found.created_on,
        # What was sent before says nothing of this revision.
        "record": None,
        "send_as": None,
        "fields_shown": None,
    }


def failure_columns(failure: Failure | None) -> Mapping[str, Any]:
    """Give the columns that say why a delivery is not further; None clears them."""
    return {**reason_columns(failure), "failure_cause": cause_of(failure.reason) if failure else None}


def reason_columns(failure: Failure | None) -> Mapping[str, Any]:
    """Give those of them that every kind of row has."""
    if failure is None:
        return {"failure_class": None, "failure_code": None, "failure_reason": None}
    return {
        "failure_class": failure.error_class,
        "failure_code": failure.code,
        "failure_reason": failure.reason,
    }


FREE: Mapping[str, Any] = {"lease_owner": None, "lease_until": None}
"""The columns of a lease that nobody holds. The epoch stays: it only grows."""


def is_claimable(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Give the condition "due, and nobody is busy with it"."""
    free = or_(delivery.c.lease_until.is_(None), delivery.c.lease_until <= now)
    return and_(delivery.c.due_at <= now, free)


def words(failure: Failure) -> str:
    """Give a failure as a line of the story."""
    code = f" [{failure.code}]" if failure.code else ""
    return f"{failure.error_class}{code}: {failure.reason}"
