"""Add up the money of dead letters from an index, without a read for each of their rows."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CURRENCY, _AMOUNT = "coalesce(length(currency), 0)", "coalesce(length(amount), 0)"
_INDEXES = {
    "short": (
        ["state", "pipeline", "failure_class", "currency", "amount"],
        f"state = 'dead' AND {_CURRENCY} <= 16 AND {_AMOUNT} <= 40",
    ),
    "long": (
        ["state", "pipeline", "failure_class"],
        f"state = 'dead' AND ({_CURRENCY} > 16 OR {_AMOUNT} > 40)",
    ),
}


def upgrade() -> None:
    for name, (columns, which) in _INDEXES.items():
        op.create_index(
            op.f(f"ix_delivery_dead_{name}_money"),
            "delivery",
            columns,
            sqlite_where=sa.text(which),
            postgresql_where=sa.text(which),
        )


def downgrade() -> None:
    for name in reversed(_INDEXES):
        op.drop_index(op.f(f"ix_delivery_dead_{name}_money"), "delivery")
