"""Create the ledger: deliveries with their events, checkpoints with their history."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Written as aware UTC text of constant width on SQLite, where it sorts; see connector/ledger/columns.py.
_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("document_type", sa.Text()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Text()),
        sa.Column("party", sa.Text()),
        sa.Column("amount", sa.Text()),
        sa.Column("currency", sa.Text()),
        sa.Column("document_date", sa.Date()),
        sa.Column("created_on", _MOMENT),
        sa.Column("found_at", _MOMENT, nullable=False),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", _MOMENT),
        sa.Column("failure_class", sa.Text()),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("died_in", sa.Text()),
        sa.Column("receipt_id", sa.Text()),
        sa.Column("receipt_url", sa.Text()),
        sa.Column("written_back_at", _MOMENT),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_epoch", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", _MOMENT),
        sa.CheckConstraint(
            "state IN ('pending', 'in_doubt', 'delivered', 'completed', 'skipped', 'dead')",
            name=op.f("ck_delivery_state"),
        ),
        sa.CheckConstraint("(state = 'dead') = (died_in IS NOT NULL)", name=op.f("ck_delivery_died_in")),
        sa.CheckConstraint(
            "died_in IS NULL OR died_in IN ('pending', 'in_doubt', 'delivered')",
            name=op.f("ck_delivery_died_in_open"),
        ),
        sa.CheckConstraint(
            "state <> 'dead' OR failure_reason IS NOT NULL", name=op.f("ck_delivery_dead_reason")
        ),
        sa.CheckConstraint(
            "(failure_class IS NULL) = (failure_reason IS NULL)",
            name=op.f("ck_delivery_failure"),
        ),
        sa.CheckConstraint(
            "(state IN ('pending', 'in_doubt', 'delivered')) = (due_at IS NOT NULL)",
            name=op.f("ck_delivery_due"),
        ),
        sa.CheckConstraint(
            "lease_owner IS NULL OR state IN ('pending', 'in_doubt', 'delivered')",
            name=op.f("ck_delivery_lease_open"),
        ),
        sa.CheckConstraint(
            "(lease_owner IS NULL) = (lease_until IS NULL)", name=op.f("ck_delivery_lease_end")
        ),
        sa.CheckConstraint(
            "state NOT IN ('delivered', 'completed') OR receipt_id IS NOT NULL",
            name=op.f("ck_delivery_receipt"),
        ),
        sa.CheckConstraint(
            "attempts >= 0 AND revision >= 1 AND lease_epoch >= 0",
            name=op.f("ck_delivery_counters"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("pipeline", "document_id", name=op.f("uq_delivery_pipeline_document_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delivery_pipeline_state_due_at"), "delivery", ["pipeline", "state", "due_at"])
    op.create_index(op.f("ix_delivery_state_id"), "delivery", ["state", "id"])
    op.create_table(
        "delivery_event",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("delivery_id", _ROW_ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text()),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text()),
        sa.Column("actor", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_event")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_event_delivery_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delivery_event_delivery_id_id"), "delivery_event", ["delivery_id", "id"])
    op.create_table(
        "checkpoint",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("listed_until", _MOMENT),
        sa.Column("moved_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", name=op.f("pk_checkpoint")),
    )
    op.create_table(
        "checkpoint_history",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("listed_until", _MOMENT),
        sa.Column("moved_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint_history")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_checkpoint_history_pipeline_id"), "checkpoint_history", ["pipeline", "id"])


def downgrade() -> None:
    op.drop_table("checkpoint_history")
    op.drop_table("checkpoint")
    op.drop_table("delivery_event")
    op.drop_table("delivery")
