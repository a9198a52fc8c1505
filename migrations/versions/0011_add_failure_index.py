"""Add an index over what failed, by its class: also over what is tried again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_delivery_failed"),
        "delivery",
        ["failure_class", "found_at", "id"],
        sqlite_where=sa.text("failure_class IS NOT NULL"),
        postgresql_where=sa.text("failure_class IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_delivery_failed"), "delivery")
