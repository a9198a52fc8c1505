"""Add the processes that run, and the configuration that each uses."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "replica",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("config_read_at", _MOMENT, nullable=False),
        sa.Column("config_refused", sa.Text()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_replica")),
    )


def downgrade() -> None:
    op.drop_table("replica")
