"""Add what a listing under way has proven, documents that could not be read, and the last rescan."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_TABLES = ("checkpoint", "checkpoint_history")


def upgrade() -> None:
    op.create_table(
        "listing_progress",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("created_from", _MOMENT, nullable=False),
        sa.Column("done_from", _MOMENT),
        sa.Column("open_since", _MOMENT),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("rest_from", _MOMENT),
        sa.Column("rest_to", _MOMENT),
        sa.PrimaryKeyConstraint("pipeline", "kind", name=op.f("pk_listing_progress")),
    )
    op.create_table(
        "unreadable",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_on", _MOMENT),
        sa.Column("first_seen_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "mark", name=op.f("pk_unreadable")),
    )
    for table in _TABLES:
        op.add_column(table, sa.Column("rescanned_at", _MOMENT))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "rescanned_at")
    op.drop_table("unreadable")
    op.drop_table("listing_progress")
