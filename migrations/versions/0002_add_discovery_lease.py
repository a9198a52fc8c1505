"""Add the lease of discovery, the low-water mark, and who moved a checkpoint and why."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_TABLES = ("checkpoint", "checkpoint_history")
_COLUMNS: tuple[tuple[str, sa.Text], ...] = (
    ("open_since", _MOMENT),
    ("swept_at", _MOMENT),
    ("scope", sa.Text()),
    ("event", sa.Text()),
    ("actor", sa.Text()),
    ("reason", sa.Text()),
)


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("until", _MOMENT),
        sa.CheckConstraint("(owner IS NULL) = (until IS NULL)", name=op.f("ck_lease_end")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    for table in _TABLES:
        for name, type_ in _COLUMNS:
            op.add_column(table, sa.Column(name, type_))


def downgrade() -> None:
    for table in _TABLES:
        for name, _ in reversed(_COLUMNS):
            op.drop_column(table, name)
    op.drop_table("lease")
