"""Add backfills and their windows, and whose work a delivery is."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = ("delivery", "unreadable")


def upgrade() -> None:
    op.create_table(
        "backfill",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("created_from", _MOMENT, nullable=False),
        sa.Column("created_to", _MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.BigInteger()),
        sa.Column("only_missing", sa.Boolean(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("planned_at", _MOMENT),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'cancelled', 'finished')", name=op.f("ck_backfill_state")
        ),
        sa.CheckConstraint("created_from < created_to", name=op.f("ck_backfill_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_backfill_pipeline_state"), "backfill", ["pipeline", "state"])
    op.create_table(
        "backfill_window",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("backfill_id", _ROW_ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_from", _MOMENT, nullable=False),
        sa.Column("created_to", _MOMENT, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("new", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("unreadable", sa.BigInteger(), nullable=False),
        sa.Column("began_at", _MOMENT),
        sa.Column("rest_from", _MOMENT),
        sa.Column("rest_to", _MOMENT),
        sa.Column("listed_at", _MOMENT),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_epoch", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", _MOMENT),
        sa.CheckConstraint(
            "(lease_owner IS NULL) = (lease_until IS NULL)", name=op.f("ck_backfill_window_lease_end")
        ),
        sa.CheckConstraint(
            "listed_at IS NULL OR lease_owner IS NULL", name=op.f("ck_backfill_window_lease_open")
        ),
        sa.ForeignKeyConstraint(
            ["backfill_id"], ["backfill.id"], name=op.f("fk_backfill_window_backfill_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill_window")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_backfill_window_backfill_id_listed_at"), "backfill_window", ["backfill_id", "listed_at"]
    )
    for table in _TABLES:
        op.add_column(table, sa.Column("backfill_id", _ROW_ID, nullable=False, server_default="0"))
    op.drop_index(op.f("ix_delivery_pipeline_state_due_at"), "delivery")
    op.create_index(
        op.f("ix_delivery_pipeline_state_backfill_id_due_at"),
        "delivery",
        ["pipeline", "state", "backfill_id", "due_at"],
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_delivery_pipeline_state_backfill_id_due_at"), "delivery")
    op.create_index(op.f("ix_delivery_pipeline_state_due_at"), "delivery", ["pipeline", "state", "due_at"])
    for table in _TABLES:
        op.drop_column(table, "backfill_id")
    op.drop_table("backfill_window")
    op.drop_table("backfill")
