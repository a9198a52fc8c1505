"""The table of original files, as `migrations/` creates it. Each invariant stands beside its constraint."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from connector.ledger.columns import Moment, RowId, Words
from connector.ledger.naming import metadata
from connector.ledger.original import OPEN_ORIGINALS, OriginalState


def _any_of(states: frozenset[OriginalState]) -> str:
    return ", ".join(f"'{state.value}'" for state in OriginalState if state in states)


# The original files that targets are to show: each an errand of its own, beside the state of its delivery.
original = Table(
    "original",
    metadata,
    Column("delivery_id", RowId, ForeignKey("delivery.id"), primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("receipt_id", Text, nullable=False),  # of the record that shows it
    Column("due_at", Moment),
    Column("epoch", BigInteger, nullable=False),  # grows with each turn
    Column("attempts", Integer, nullable=False),
    Column("fingerprint", Text),  # of what may have been sent
    Column("target_id", Text),  # in the target
    Column("failure_class", Text),
    Column("failure_code", Words),
    Column("failure_reason", Words),
    Column("detail", Words),
    Column("changed_at", Moment, nullable=False),
    CheckConstraint(f"state IN ({_any_of(frozenset(OriginalState))})", name="state"),
    # An open one without a due time would never be claimed again.
    CheckConstraint(f"(state IN ({_any_of(OPEN_ORIGINALS)})) = (due_at IS NOT NULL)", name="due"),
    # Without it nobody could ask the target whether it is there.
    CheckConstraint("state <> 'in_doubt' OR fingerprint IS NOT NULL", name="fingerprint"),
    CheckConstraint("state <> 'dead' OR failure_reason IS NOT NULL", name="dead_reason"),
    CheckConstraint("(failure_class IS NULL) = (failure_reason IS NULL)", name="failure"),
    CheckConstraint("attempts >= 0 AND epoch >= 0", name="counters"),
    Index(None, "pipeline", "state", "due_at"),  # what is due; also counts by state
)
