"""Add the jobs that targets do by themselves, so that a crash forgets none."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "target_job",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("record_keys", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "job_id", name=op.f("pk_target_job")),
    )


def downgrade() -> None:
    op.drop_table("target_job")
