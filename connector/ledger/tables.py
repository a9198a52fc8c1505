"""The tables of the ledger, as `migrations/` creates them. Each invariant stands beside its constraint."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

import connector.ledger.console_tables
import connector.ledger.original_table
import connector.ledger.service_tables  # noqa: F401 all three register their tables
from connector.ledger.columns import Amount, Moment, RowId, Sealed, SearchKey, Words
from connector.ledger.delivery import OPEN_STATES, State
from connector.ledger.naming import metadata as metadata  # noqa: PLC0414 those who need it need every table

MIGRATIONS = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
    "0012",
    "0013",
    "0014",
    "0015",
    "0016",
    "0017",
)
"""Every migration, oldest first. Known here so that a check of the schema need not import alembic."""


def _any_of(states: frozenset[State]) -> str:
    return ", ".join(f"'{state.value}'" for state in State if state in states)


_CURRENCY, _AMOUNT = "coalesce(length(currency), 0)", "coalesce(length(amount), 0)"
DEAD_SHORT_MONEY = text(f"state = 'dead' AND {_CURRENCY} <= 16 AND {_AMOUNT} <= 40")
DEAD_LONG_MONEY = text(f"state = 'dead' AND ({_CURRENCY} > 16 OR {_AMOUNT} > 40)")
"""Dead letters whose money fits an index, which has its limit, and those of which a document wrote something
longer. A database uses the index for a question in its very words only."""


delivery = Table(
    "delivery",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("document_type", Words),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("snapshot", Sealed, nullable=False),
    Column("number", Words),
    Column("party", Words),
    Column("amount", Amount),
    Column("currency", Words),
    Column("document_date", Date),
    Column("created_on", Moment),
    Column("found_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment),
    Column("failure_class", Text),
    Column("failure_code", Words),
    Column("failure_reason", Words),
    Column("died_in", Text),
    Column("receipt_id", Text),
    Column("receipt_url", Text),
    Column("written_back_at", Moment),
    Column("lease_owner", Text),
    Column("lease_epoch", BigInteger, nullable=False),
    Column("lease_until", Moment),
    Column("doubted_at", Moment),  # when a request without an answer may last have been under way
    Column("delivered_at", Moment),
    Column("record", Sealed),  # of this revision, as it was last sent; JSON
    Column("send_as", Text),  # "record": send the stored record again; none: map the document
    # Telling Docflo why it is dead is an errand of its own, beside the state.
    Column("notice_due_at", Moment),
    Column("notice_attempts", Integer),
    Column("notice_failure", Words),
    Column("notice_shown_at", Moment),  # from here on Docflo may show the reason
    Column("backfill_id", RowId, nullable=False, server_default="0"),  # whose work it is; 0: the pipeline's
    # What people search by, in the form that their words are compared in: `search_keys.py`.
    Column("number_key", SearchKey),
    Column("number_end_key", SearchKey),  # from its end: people type the last digits
    Column("party_key", SearchKey),
    Column("amount_key", SearchKey),
    Column("receipt_key", SearchKey),
    Column("fields_shown", Text),  # a fingerprint of what was written back before the status could be
    Column("failure_cause", Words),  # the reason without what differs from document to document
    # One delivery per document and pipeline: listing a document twice can never deliver it twice.
    UniqueConstraint("pipeline", "document_id"),
    # The states of `State`, and no other word.
    CheckConstraint(f"state IN ({_any_of(frozenset(State))})", name="state"),
    # What was given up says where replay continues, and nothing else claims to have died there.
    CheckConstraint("(state IN ('dead', 'dismissed')) = (died_in IS NOT NULL)", name="died_in"),
    # Work is due in the open states only; nobody continues from a final one.
    CheckConstraint(f"died_in IS NULL OR died_in IN ({_any_of(OPEN_STATES)})", name="died_in_open"),
    # A dead letter says why.
    CheckConstraint("state <> 'dead' OR failure_reason IS NOT NULL", name="dead_reason"),
    CheckConstraint("(failure_class IS NULL) = (failure_reason IS NULL)", name="failure"),
    # An open delivery without a due time would never be claimed again: lost without a trace.
    CheckConstraint(f"(state IN ({_any_of(OPEN_STATES)})) = (due_at IS NOT NULL)", name="due"),
    # Somebody busy with a final delivery is a contradiction.
    CheckConstraint(f"lease_owner IS NULL OR state IN ({_any_of(OPEN_STATES)})", name="lease_open"),
    # A lease without an end could never be taken over.
    CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="lease_end"),
    # "The target has it" is only true with the id it has there.
    CheckConstraint("state NOT IN ('delivered', 'completed') OR receipt_id IS NOT NULL", name="receipt"),
    CheckConstraint("attempts >= 0 AND revision >= 1 AND lease_epoch >= 0", name="counters"),
    Index(None, "pipeline", "state", "backfill_id", "due_at"),  # what is due; also counts by state
    Index(None, "pipeline", "notice_due_at"),  # which reasons are to be told
    # Lists, newest first: of everything, of a state, of a pipeline, of both.
    Index(None, "found_at", "id"),
    Index(None, "state", "found_at", "id"),
    Index(None, "pipeline", "found_at", "id"),
    Index(None, "pipeline", "state", "found_at", "id"),
    # What is searched by; with the time, so that the newest are found without reading the rows.
    Index(None, "number_key", "found_at", "id"),
    Index(None, "number_end_key", "found_at", "id"),
    Index(None, "party_key", "found_at", "id"),
    Index(None, "amount_key", "found_at", "id"),
    Index(None, "document_id"),
    Index(None, "receipt_key"),
    Index(None, "delivered_at"),  # what was delivered today
    # Dead letters of a class, newest first; and by their cause.
    *(
        Index(
            f"ix_delivery_dead_{'_'.join(columns)}",
            *(*columns, "found_at", "id"),
            sqlite_where=text("state = 'dead'"),
            postgresql_where=text("state = 'dead'"),
        )
        for columns in (("failure_class",), ("pipeline", "failure_class"))
    ),
    # Their money, added up from the index alone: rows lie far apart. SQLite wants the state in it too.
    Index(
        "ix_delivery_dead_short_money",
        *("state", "pipeline", "failure_class", "currency", "amount"),
        sqlite_where=DEAD_SHORT_MONEY,
        postgresql_where=DEAD_SHORT_MONEY,
    ),
    Index(
        "ix_delivery_dead_long_money",
        *("state", "pipeline", "failure_class"),
        sqlite_where=DEAD_LONG_MONEY,
        postgresql_where=DEAD_LONG_MONEY,
    ),
    Index(
        "ix_delivery_dead",
        *("failure_class", "failure_cause", "pipeline", "changed_at"),
        sqlite_where=text("state = 'dead'"),
        postgresql_where=text("state = 'dead'"),
    ),
    # Never give an id a second time, also after the newest row was removed: events refer to it.
    sqlite_autoincrement=True,
)

delivery_event = Table(
    "delivery_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("delivery_id", RowId, ForeignKey("delivery.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("event", Text, nullable=False),
    Column("from_state", Text),  # none when the document was found
    Column("to_state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),  # which try at the arrow this was; 0 when nothing was tried
    Column("detail", Words),
    Column("actor", Words),  # the owner of the lease, or the person
    Column("requests", Words),  # what was sent and answered meanwhile, one line each; never contents
    Index(None, "delivery_id", "id"),  # one delivery's story, in order
    sqlite_autoincrement=True,
)


def _checkpoint_columns() -> tuple[Column[Any], ...]:
    return (
        Column("listed_until", Moment),
        Column("moved_at", Moment, nullable=False),
        Column("open_since", Moment),
        Column("swept_at", Moment),
        Column("rescanned_at", Moment),
        Column("scope", Text),
        Column("event", Text),
        Column("actor", Words),
        Column("reason", Words),
    )


checkpoint = Table("checkpoint", metadata, Column("pipeline", Text, primary_key=True), *_checkpoint_columns())

# How the checkpoint came to be where it is: what people did for ever, the latest listings beside it.
checkpoint_history = Table(
    "checkpoint_history",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("pipeline", Text, nullable=False),
    *_checkpoint_columns(),
    Index(None, "pipeline", "id"),
    sqlite_autoincrement=True,
)

# Listings under way: what of each is proven. A row goes when the checkpoint moves.
listing_progress = Table(
    "listing_progress",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("created_from", Moment, nullable=False),
    Column("done_from", Moment),
    Column("open_since", Moment),
    Column("part", Integer, nullable=False),
    Column("rest_from", Moment),
    Column("rest_to", Moment),
)

# Listed documents that could not be read, until a listing that reaches them no longer meets them.
unreadable = Table(
    "unreadable",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("mark", Text, primary_key=True),
    Column("reason", Words, nullable=False),
    Column("created_on", Moment),
    Column("first_seen_at", Moment, nullable=False),
    Column("last_seen_at", Moment, nullable=False),
    Column(
        "backfill_id", RowId, nullable=False, server_default="0"
    ),  # that met it; 0: the pipeline's listings
)

# One-time loads of what was created in a closed range.
backfill = Table(
    "backfill",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("created_from", Moment, nullable=False),
    Column("created_to", Moment, nullable=False),  # not part of it
    Column("state", Text, nullable=False),
    Column("total", BigInteger, nullable=False),  # documents, as counted when it was planned
    Column("most", BigInteger),  # new documents that it may bring; none: all
    Column("only_missing", Boolean, nullable=False),  # what the ledger knows is left as it is
    Column("began_at", Moment, nullable=False),
    Column("planned_at", Moment),  # from here on its windows and its total stay as they are
    Column("changed_at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("reason", Words),  # why it is paused, cancelled
    # The states of `BackfillState`, and no other word.
    CheckConstraint("state IN ('running', 'paused', 'cancelled', 'finished')", name="state"),
    # A range without an inside would be done before it began.
    CheckConstraint("created_from < created_to", name="range"),
    Index(None, "pipeline", "state"),
    sqlite_autoincrement=True,
)

# The parts of a backfill: each is one query, listed by whoever holds it.
backfill_window = Table(
    "backfill_window",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("backfill_id", RowId, ForeignKey("backfill.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_from", Moment, nullable=False),
    Column("created_to", Moment, nullable=False),  # not part of it
    Column("total", BigInteger, nullable=False),  # documents, as counted when it was planned
    Column("found", BigInteger, nullable=False),  # documents listed so far
    Column("new", BigInteger, nullable=False),  # of these, what the ledger did not know
    Column("changed", BigInteger, nullable=False),  # of these, a new revision
    Column("unreadable", BigInteger, nullable=False),
    Column("began_at", Moment),
    Column("rest_from", Moment),  # what is left to be listed; none: all of it
    Column("rest_to", Moment),
    Column("listed_at", Moment),  # all of it was
    Column("lease_owner", Text),
    Column("lease_epoch", BigInteger, nullable=False),
    Column("lease_until", Moment),
    # A lease without an end could never be taken over.
    CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="lease_end"),
    # Nobody is busy with what is done.
    CheckConstraint("listed_at IS NULL OR lease_owner IS NULL", name="lease_open"),
    Index(None, "backfill_id", "listed_at"),
    sqlite_autoincrement=True,
)

# What is known of Docflo's hourly limit: one row per API key. The key is a hash, never the key itself.
budget = Table(
    "budget",
    metadata,
    Column("key", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("began_at", Moment),
    Column("reset_at", Moment),
    Column("allowed", BigInteger),
    Column("used", BigInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("unanswered", BigInteger, nullable=False),
    Column("closed_until", Moment),
    CheckConstraint("used >= 0 AND granted >= 0 AND unanswered >= 0", name="counters"),
)

# Sides that nothing is sent to before `next_try`; a side that works has no row.
breaker = Table(
    "breaker",
    metadata,
    Column("side", Text, primary_key=True),
    Column("error_class", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("next_try", Moment, nullable=False),
    Column("probe_until", Moment),
)

# Who may do what only one may do at a time. A row stays for ever: its epoch only grows.
lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),  # "discovery <pipeline>"
    Column("owner", Text),
    Column("epoch", BigInteger, nullable=False),
    Column("until", Moment),
    # A lease without an end could never be taken over.
    CheckConstraint("(owner IS NULL) = (until IS NULL)", name="end"),
)

# The dead letters since the last success, while all are of one class: a long run halts the pipeline.
dead_run = Table(
    "dead_run",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("errand", Text, primary_key=True),  # what they died of: delivering, or writing back
    Column("error_class", Text, nullable=False),
    Column("length", Integer, nullable=False),
    Column("reason", Words, nullable=False),  # of the last one
    Column("halted_at", Moment),  # stays until a person lifts it, whatever succeeds meanwhile
)

# Only ever appended to: what people did to deliveries.
act = Table(
    "act",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("act", Text, nullable=False),
    Column("filter", Words, nullable=False),  # how the deliveries were chosen
    Column("count", Integer, nullable=False),
    Column("reason", Words, nullable=False),
    sqlite_autoincrement=True,
)

# Pipelines that a person wants left alone.
pause = Table(
    "pause",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("paused_at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("reason", Words, nullable=False),
)

# Jobs that a target does by itself, from before anything is uploaded until somebody has seen their end.
target_job = Table(
    "target_job",
    metadata,
    Column("target", Text, primary_key=True),
    Column("job_id", Text, primary_key=True),  # the target's own
    Column("opened_at", Moment, nullable=False),
    Column("record_keys", Text, nullable=False),  # JSON: of the records that it may write
)
