"""Add the original files that targets are to show beside their records."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_STATES = "'wanted', 'in_doubt', 'attached', 'linked', 'left_out', 'absent', 'dead'"


def upgrade() -> None:
    op.create_table(
        "original",
        sa.Column("delivery_id", _ROW_ID, nullable=False),
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("due_at", _MOMENT),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("target_id", sa.Text()),
        sa.Column("failure_class", sa.Text()),
        sa.Column("failure_code", sa.Text()),
        sa.Column("failure_reason", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_original")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_original_delivery_id")),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_original_state")),
        sa.CheckConstraint(
            "(state IN ('wanted', 'in_doubt')) = (due_at IS NOT NULL)", name=op.f("ck_original_due")
        ),
        sa.CheckConstraint(
            "state <> 'in_doubt' OR fingerprint IS NOT NULL", name=op.f("ck_original_fingerprint")
        ),
        sa.CheckConstraint(
            "state <> 'dead' OR failure_reason IS NOT NULL", name=op.f("ck_original_dead_reason")
        ),
        sa.CheckConstraint(
            "(failure_class IS NULL) = (failure_reason IS NULL)", name=op.f("ck_original_failure")
        ),
        sa.CheckConstraint("attempts >= 0 AND epoch >= 0", name=op.f("ck_original_counters")),
    )
    op.create_index(op.f("ix_original_pipeline_state_due_at"), "original", ["pipeline", "state", "due_at"])


def downgrade() -> None:
    op.drop_table("original")
