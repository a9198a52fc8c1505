"""Named places at which this process can be made to die, so that tests can cause a crash at every arrow.

Nothing happens unless the environment said `DOCFLO_CONNECTOR_CRASH=name:n` when the process began: then the
n-th arrival at that place ends it with SIGKILL, as a power cut would. No handler runs and nothing is flushed.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

ARMED = "DOCFLO_CONNECTOR_CRASH"
"""Environment variable: `name:n`, the place and which arrival there is the last. `count`: only count."""
COUNT = "count"


class Point(StrEnum):
    """Every place, in the order of a document's way. "Written" means: in a transaction not yet committed."""

    PAGE_READ = "page_read"  # a page of the listing is read
    PART_LISTED = "part_listed"  # part of a long listing is read and proven, nothing of it written
    PROGRESS_WRITTEN = "progress_written"  # its rows, and how far the listing is, are written
    PROGRESS_STORED = "progress_stored"  # they are committed; the checkpoint is where it was
    LISTED = "listed"  # the whole listing is read, nothing of it written
    ROWS_WRITTEN = "rows_written"  # rows and checkpoint are written
    ROWS_STORED = "rows_stored"  # they are committed
    CLAIM_WRITTEN = "claim_written"  # a batch is leased
    CLAIMED = "claimed"  # the lease is committed
    MAPPED = "mapped"  # records are made, nothing about them is on record
    DOUBT_WRITTEN = "doubt_written"  # "sent, answer unknown" is written (targets that are not `native`)
    CALLING = "calling"  # a doubt, if need be, is committed; the next step is the call of the target
    ANSWERED = "answered"  # the target answered, and nothing of it is on record
    OUTCOME_WRITTEN = "outcome_written"  # receipts are written
    OUTCOME_STORED = "outcome_stored"  # they are committed; Docflo knows nothing
    FAILURE_WRITTEN = "failure_written"  # retries and dead letters of a batch are written
    ASKED = "asked"  # the target said which doubtful records it has; nothing of it is on record
    SETTLED_WRITTEN = "settled_written"  # what it said is written
    SETTLED = "settled"  # it is committed
    FIELDS_SENT = "fields_sent"  # Docflo has the fields; its status is the old one
    STATUS_SENT = "status_sent"  # Docflo has both; the ledger does not know
    COMPLETION_WRITTEN = "completion_written"  # "Docflo shows it" is written
    COMPLETED = "completed"  # it is committed
    ORIGINAL_CLAIMED = "original_claimed"  # the turn of an original file is committed
    ORIGINAL_READ = "original_read"  # the file is here; the target was not asked
    ORIGINAL_DOUBT_WRITTEN = "original_doubt_written"  # "sent, answer unknown" is written
    ORIGINAL_SENDING = "original_sending"  # it is committed; the next step is the upload
    ORIGINAL_SENT = "original_sent"  # the target answered, and nothing of it is on record
    ORIGINAL_WRITTEN = "original_written"  # "the target shows it" is written
    ORIGINAL_STORED = "original_stored"  # it is committed


_lock = threading.Lock()
_arrivals: Counter[Point] = Counter()
_armed = os.environ.get(ARMED)  # once: every document comes by here several times


def crashpoint(point: Point) -> None:
    """Die here, if told so."""
    if _armed is not None:
        _arrive(point, _armed)


def arm(order: str | None) -> None:
    """Put this in the place of what the environment said; None: nothing happens from here on."""
    global _armed  # noqa: PLW0603 of the whole process, as the environment is
    _armed = order


def arrivals() -> Mapping[Point, int]:
    """Give how often each place was reached in this process since it was armed."""
    with _lock:
        return dict(_arrivals)


def _arrive(point: Point, armed: str) -> None:
    with _lock:
        _arrivals[point] += 1
        arrived = _arrivals[point]
    if armed == COUNT:
        return
    name, _, number = armed.partition(":")
    # A misspelt name must not make a test that cannot fail: both conversions refuse it.
    if Point(name) is point and int(number) == arrived:
        die()


def die() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)
