"""One document's way through one pipeline, as a value, and the states it can be in.

pending ──► delivered ──► completed          pending ──► skipped
   │  ▲         │
   ▼  │         └──► dead                    dead ──replay──► the state it died in
in_doubt ──► delivered | pending | dead      in_doubt | dead ──link──► delivered, ──dismiss──► dismissed

What is made for each document is a struct of msgspec, as fields and rows of documents are.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class State(StrEnum):
    """What is known about the outside world. Who is busy with it is the lease's business."""

    # The target does not have this revision, as far as we know. `deliver` moves it on.
    PENDING = "pending"
    # A request that may have created it was sent and no answer is on record. `deliver` asks the target.
    IN_DOUBT = "in_doubt"
    # The target has it and its id is on record; Docflo does not know yet. `write_back` moves it on.
    DELIVERED = "delivered"
    # Docflo shows it. Final until the document changes.
    COMPLETED = "completed"
    # The pipeline does not want this document. Final until the document changes.
    SKIPPED = "skipped"
    # Given up, with a class, a reason and the state it died in. A person replays it.
    DEAD = "dead"
    # A person took it out of our hands, for a reason that is on record; what the target has is their
    # knowledge. Final, also when the document changes, until a person replays it.
    DISMISSED = "dismissed"


OPEN_STATES = frozenset({State.PENDING, State.IN_DOUBT, State.DELIVERED})
"""States that work is due in."""

LIVE = 0
"""The `backfill_id` of what no backfill brought: the pipelines' own work."""


ARROWS: frozenset[tuple[State, State]] = frozenset(
    {
        (State.PENDING, State.IN_DOUBT),
        (State.PENDING, State.DELIVERED),
        (State.PENDING, State.SKIPPED),
        (State.PENDING, State.DEAD),
        (State.IN_DOUBT, State.DELIVERED),
        (State.IN_DOUBT, State.PENDING),
        (State.IN_DOUBT, State.DEAD),
        (State.DELIVERED, State.COMPLETED),
        (State.DELIVERED, State.DEAD),
        (State.DEAD, State.PENDING),
        (State.DEAD, State.IN_DOUBT),
        (State.DEAD, State.DELIVERED),
        (State.DEAD, State.DISMISSED),
        (State.IN_DOUBT, State.DISMISSED),
        (State.DISMISSED, State.PENDING),
        (State.DISMISSED, State.IN_DOUBT),
        (State.DISMISSED, State.DELIVERED),
        (State.SKIPPED, State.PENDING),  # a new revision
        (State.COMPLETED, State.PENDING),  # a new revision
        (State.DELIVERED, State.PENDING),  # a new revision
        (State.COMPLETED, State.DEAD),  # a new revision that a person must release
    }
)
"""Every arrow there is. `docs/states.md` draws them and the store has a method for each."""


class Headline(Struct, frozen=True, kw_only=True, gc=False):
    """What a person recognises a document by. Any part may be missing."""

    number: str | None = None
    party: str | None = None
    amount: Decimal | None = None
    currency: str | None = None  # ISO 4217 code as Docflo gave it
    date: "date | None" = None  # quoted: the default would otherwise hide the type


class Found(Struct, frozen=True, kw_only=True, gc=False):
    """A document as discovery hands it to the ledger."""

    document_id: str
    document_type: str | None
    digest: str  # fingerprint of the content without the fields this connector writes
    snapshot: bytes  # the document as received, JSON
    created_on: datetime | None
    headline: Headline = Headline()
    is_ready: bool = True  # False: listed only to see whether what was delivered has changed


class OnChange(StrEnum):
    """What an edit after delivery leads to."""

    UPDATE = "update"  # the new revision is delivered
    HOLD = "hold"  # the new revision waits, as a dead letter, until a person replays it
    IGNORE = "ignore"  # it is counted, once


HELD = "ChangedAfterDelivery"
"""The failure class of a new revision that is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a delivery is not further than it is."""

    error_class: str  # "RejectedError"
    reason: str  # in words, for a person
    code: str | None = None  # the remote's own code


class Delivery(Struct, frozen=True, kw_only=True, gc=False):
    """One row of the ledger."""

    id: int
    pipeline: str
    document_id: str
    document_type: str | None
    revision: int  # 1 for the first content seen, one more for each edit
    state: State
    digest: str
    snapshot: bytes
    headline: Headline
    created_on: datetime | None  # in Docflo
    found_at: datetime
    changed_at: datetime  # last change of this row
    attempts: int  # tries at the current arrow
    due_at: datetime | None  # not before; None in final states
    failure: Failure | None  # the last one, kept while it is open or dead
    died_in: State | None  # dead and dismissed only
    receipt_id: str | None
    receipt_url: str | None
    written_back_at: datetime | None
    doubted_at: datetime | None = None  # when a request without an answer may last have been under way
    delivered_at: datetime | None = None
    record: bytes | None = None  # of this revision, as it was last sent; see `connector.record`
    sends_record: bool = False  # a person wants the stored record sent again, not the document mapped
    notice_due_at: datetime | None = None  # when Docflo is to be told why it is dead
    notice_attempts: int = 0
    notice_failure: str | None = None  # why Docflo could not be told
    notice_shown_at: datetime | None = None  # from here on Docflo may show the reason of a dead letter
    backfill_id: int = LIVE  # whose work it is
    fields_shown: str | None = (
        None  # a fingerprint of the fields that Docflo shows; only its status is missing
    )


class Claim(Struct, frozen=True, kw_only=True, gc=False):
    """A delivery that is ours until `until`. `epoch` proves it: every outcome must name it."""

    delivery: Delivery
    owner: str
    epoch: int
    until: datetime
    is_takeover: bool = False  # its last owner never said what became of it
    sent: bytes | None = None  # the record that was sent, to be stored with the outcome
    requests: str | None = None  # what was sent and answered, for the story
    fields_shown: str | None = None  # a fingerprint of the fields that went out before it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A dead letter whose reason Docflo is to be told. `until` proves that the turn is ours."""

    delivery: Delivery
    owner: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """A pipeline of which nothing is claimed until a person lifts it."""

    pipeline: str
    errand: "Errand"
    error_class: str
    length: int  # dead letters in a row, all of this class
    reason: str  # of the last one
    halted_at: datetime


class Errand(StrEnum):
    """What a dead letter died of."""

    DELIVERY = "delivery"  # the target should have it
    WRITE_BACK = "write_back"  # Docflo should show it


def errand_of(state: State) -> Errand:
    """Give the errand that is under way in an open state."""
    return Errand.WRITE_BACK if state is State.DELIVERED else Errand.DELIVERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A listed document that could not be read. It is met again by the next listing that reaches it."""

    mark: str  # its id, or a fingerprint of a row that tells none
    reason: str
    created_on: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableNote:
    """What the ledger holds of one."""

    pipeline: str
    unreadable: Unreadable
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A listing under way: which part of it is proven. What was found there is stored with it."""

    pipeline: str
    kind: str  # what the checkpoint will say moved it: "listed", "swept", "rescanned"
    scope: str  # what it lists; anything else begins anew
    began_at: datetime
    created_from: datetime
    done_from: datetime | None = None  # the same for delivered documents; None: they are not looked at
    open_since: datetime | None = None  # for the checkpoint, as it was when the listing began
    part: int = 0  # parts before this one are proven; a part is a type and a status
    rest_from: datetime | None = None  # of this part, what is left; None: all of it
    rest_to: datetime | None = None  # None: no end


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far discovery of one pipeline has listed. Moved by a listing together with the rows it found."""

    pipeline: str
    listed_until: datetime | None  # every document created before this has been listed once
    moved_at: datetime
    open_since: datetime | None = None  # no document created before is still to be approved; None: unknown
    swept_at: datetime | None = None  # when the last sweep began
    rescanned_at: datetime | None = None  # when the last rescan began
    scope: str | None = None  # what was listed for: other types, statuses or `since` begin anew
    event: str = "listed"  # what moved it: "listed", "swept", "rescanned", "set", "undo"
    actor: str | None = None  # the person, for "set" and "undo"
    reason: str | None = None
