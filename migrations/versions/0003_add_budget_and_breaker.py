"""Add the request budget and the breakers, both shared by all replicas."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("began_at", _MOMENT),
        sa.Column("reset_at", _MOMENT),
        sa.Column("allowed", sa.BigInteger()),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("unanswered", sa.BigInteger(), nullable=False),
        sa.Column("closed_until", _MOMENT),
        sa.CheckConstraint("used >= 0 AND granted >= 0 AND unanswered >= 0", name=op.f("ck_budget_counters")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budget")),
    )
    op.create_table(
        "breaker",
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_try", _MOMENT, nullable=False),
        sa.Column("probe_until", _MOMENT),
        sa.PrimaryKeyConstraint("side", name=op.f("pk_breaker")),
    )


def downgrade() -> None:
    op.drop_table("breaker")
    op.drop_table("budget")
