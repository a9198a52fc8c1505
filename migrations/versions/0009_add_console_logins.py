"""Add who is logged in to the console, logins under way, and tries."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "console_session",
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text()),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_console_session")),
    )
    op.create_table(
        "console_errand",
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("next_path", sa.Text(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_console_errand")),
    )
    op.create_table(
        "console_try",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_console_try")),
    )


def downgrade() -> None:
    op.drop_table("console_try")
    op.drop_table("console_errand")
    op.drop_table("console_session")
