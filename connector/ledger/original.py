"""The original file that a target is to show beside a record: its states, as values.

wanted ──► attached | linked | left_out | absent | dead         dead ──attach──► wanted | in_doubt
  │  ▲
  ▼  │
in_doubt ──► attached | linked | dead
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.ledger.delivery import Delivery, Failure


class OriginalState(StrEnum):
    """What is known about the original beside a record. The delivery has states of its own."""

    # The target does not show it, as far as we know. The file step moves it on.
    WANTED = "wanted"
    # A request that may have created it was sent and no answer is on record. The target is asked first.
    IN_DOUBT = "in_doubt"
    # The target holds the file and shows it beside the record.
    ATTACHED = "attached"
    # The target shows a link to it beside the record.
    LINKED = "linked"
    # Larger than the pipeline wants.
    LEFT_OUT = "left_out"
    # Docflo has no file of this document.
    ABSENT = "absent"
    # Given up, with a class and a reason. A person lets it be tried again.
    DEAD = "dead"


OPEN_ORIGINALS = frozenset({OriginalState.WANTED, OriginalState.IN_DOUBT})
"""States that work is due in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One row of the ledger: the original of one delivery's document."""

    state: OriginalState
    receipt_id: str  # of the record that shows it
    due_at: datetime | None  # not before; None in final states
    attempts: int
    fingerprint: str | None  # of what may have been sent: of the contents, or of the link
    target_id: str | None  # of the file or the link in the target
    failure: Failure | None  # the last one, kept while it is open or dead
    detail: str | None  # why it was left out, or what Docflo said of a file that is not there
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalTurn:
    """An original that is ours until `until`. `epoch` proves it: every outcome must name it."""

    delivery: Delivery  # without its document
    original: Original
    owner: str
    epoch: int
    until: datetime
