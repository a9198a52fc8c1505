"""Add what operating deliveries needs: doubts with times, halts, notices, records sent, acts of people."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_STATES = "'pending', 'in_doubt', 'delivered', 'completed', 'skipped', 'dead'"
_COLUMNS = (
    ("doubted_at", _MOMENT),
    ("delivered_at", _MOMENT),
    ("record", sa.LargeBinary()),
    ("send_as", sa.Text()),
    ("notice_due_at", _MOMENT),
    ("notice_attempts", sa.Integer()),
    ("notice_failure", sa.Text()),
    ("notice_shown_at", _MOMENT),
)
_BEFORE = {"state": f"state IN ({_STATES})", "died_in": "(state = 'dead') = (died_in IS NOT NULL)"}
_AFTER = {
    "state": f"state IN ({_STATES}, 'dismissed')",
    "died_in": "(state IN ('dead', 'dismissed')) = (died_in IS NOT NULL)",
}


def upgrade() -> None:
    for name, type_ in _COLUMNS:
        op.add_column("delivery", sa.Column(name, type_))
    _change_checks(_AFTER)
    op.add_column("delivery_event", sa.Column("requests", sa.Text()))
    op.create_index(op.f("ix_delivery_pipeline_notice_due_at"), "delivery", ["pipeline", "notice_due_at"])
    op.create_table(
        "dead_run",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("errand", sa.Text(), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("halted_at", _MOMENT),
        sa.PrimaryKeyConstraint("pipeline", "errand", name=op.f("pk_dead_run")),
    )
    op.create_table(
        "act",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_act")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("act")
    op.drop_table("dead_run")
    op.drop_index(op.f("ix_delivery_pipeline_notice_due_at"), "delivery")
    op.drop_column("delivery_event", "requests")
    op.execute(
        "UPDATE delivery SET state = 'dead', failure_class = coalesce(failure_class, 'Dismissed'), "
        "failure_reason = coalesce(failure_reason, 'dismissed by a person') WHERE state = 'dismissed'"
    )
    _change_checks(_BEFORE)
    for name, _ in reversed(_COLUMNS):
        op.drop_column("delivery", name)


def _change_checks(changed: dict[str, str]) -> None:
    # SQLite changes a check by copying the table, and a table that others refer to cannot be dropped.
    is_copied = op.get_context().dialect.name == "sqlite"
    if is_copied:
        op.execute("CREATE TABLE kept_event AS SELECT * FROM delivery_event")
        op.execute("DELETE FROM delivery_event")
    with op.batch_alter_table("delivery", table_kwargs={"sqlite_autoincrement": True}) as batch:
        for name, condition in changed.items():
            batch.drop_constraint(op.f(f"ck_delivery_{name}"), type_="check")
            batch.create_check_constraint(op.f(f"ck_delivery_{name}"), condition)
    if is_copied:
        op.execute("INSERT INTO delivery_event SELECT * FROM kept_event")
        op.execute("DROP TABLE kept_event")
