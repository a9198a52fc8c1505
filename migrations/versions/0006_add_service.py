"""Add what the service keeps: pauses, what listings bring, documents to fetch, alarms and their news."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "pause",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("paused_at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pipeline", name=op.f("pk_pause")),
    )
    op.create_table(
        "harvest",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("listings", sa.BigInteger(), nullable=False),
        sa.Column("fruitful", sa.BigInteger(), nullable=False),
        sa.Column("empty", sa.BigInteger(), nullable=False),
        sa.Column("matched_at", _MOMENT),
        sa.PrimaryKeyConstraint("pipeline", name=op.f("pk_harvest")),
    )
    op.create_table(
        "wakeup",
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_wakeup")),
    )
    op.create_table(
        "alarm",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("open_key", sa.Text()),
        sa.CheckConstraint("(ended_at IS NULL) = (open_key IS NOT NULL)", name=op.f("ck_alarm_open")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("open_key", name=op.f("uq_alarm_open_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "news",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("alarm_id", _ROW_ID, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("due_at", _MOMENT),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("told_at", _MOMENT),
        sa.Column("failure", sa.Text()),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_news_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_news_due_at"), "news", ["due_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_news_due_at"), "news")
    for name in ("news", "alarm", "wakeup", "harvest", "pause"):
        op.drop_table(name)
