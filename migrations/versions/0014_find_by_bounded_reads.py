"""Let searches read indexes alone, and find parties by every word of their names."""

import re
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KEYS = ("number_key", "number_end_key", "party_key", "amount_key")
_DEAD = (("failure_class",), ("pipeline", "failure_class"))
_BATCH = 1000
_WORD = re.compile(r"\w+")


def upgrade() -> None:
    for key in _KEYS:
        op.drop_index(op.f(f"ix_delivery_{key}"), "delivery")
        op.create_index(op.f(f"ix_delivery_{key}_found_at_id"), "delivery", [key, "found_at", "id"])
    op.create_index(
        op.f("ix_delivery_pipeline_state_found_at_id"), "delivery", ["pipeline", "state", "found_at", "id"]
    )
    for columns in _DEAD:
        op.create_index(
            op.f(f"ix_delivery_dead_{'_'.join(columns)}"),
            "delivery",
            [*columns, "found_at", "id"],
            sqlite_where=sa.text("state = 'dead'"),
            postgresql_where=sa.text("state = 'dead'"),
        )
    op.drop_index(op.f("ix_delivery_state_id"), "delivery")
    op.create_table(
        "party_word",
        sa.Column("word", _KEY, nullable=False),
        sa.Column("party_key", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("word", "party_key", name=op.f("pk_party_word")),
    )
    _fill()


def downgrade() -> None:
    op.drop_table("party_word")
    op.create_index(op.f("ix_delivery_state_id"), "delivery", ["state", "id"])
    for columns in reversed(_DEAD):
        op.drop_index(op.f(f"ix_delivery_dead_{'_'.join(columns)}"), "delivery")
    op.drop_index(op.f("ix_delivery_pipeline_state_found_at_id"), "delivery")
    for key in reversed(_KEYS):
        op.drop_index(op.f(f"ix_delivery_{key}_found_at_id"), "delivery")
        op.create_index(op.f(f"ix_delivery_{key}"), "delivery", [key])


def _fill() -> None:
    """Note the words of every name, as the program does; each name is read once."""
    connection = op.get_bind()
    key: sa.ColumnClause[str] = sa.column("party_key")
    names = sa.select(key).select_from(sa.table("delivery", key)).distinct().order_by(key).limit(_BATCH)
    words = sa.table("party_word", sa.column("word"), sa.column("party_key"))
    last = ""
    while found := connection.execute(names.where(key > last)).scalars().all():
        last = found[-1]
        rows = [{"word": word, "party_key": name} for name in found for word in set(_WORD.findall(name))]
        if rows:
            connection.execute(words.insert(), rows)
