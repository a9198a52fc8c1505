"""Add what the console searches and groups by, and what people note about groups and views."""

import re
import unicodedata
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.Text().with_variant(sa.DateTime(timezone=True), "postgresql")
_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KEYS = ("number_key", "number_end_key", "party_key", "amount_key", "receipt_key")
_INDEXES = (
    ("found_at", "id"),
    ("state", "found_at", "id"),
    ("pipeline", "found_at", "id"),
    ("number_key",),
    ("number_end_key",),
    ("party_key",),
    ("amount_key",),
    ("document_id",),
    ("receipt_key",),
    ("delivered_at",),
)
_BATCH = 1000
_LONGEST = 200
_PLACE = re.compile(r"(\S+\.ya?ml:\d+(?::\d+)?)")
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'|“[^”]*”')
_NUMBER = re.compile(r"\d[\d.,]*")


def upgrade() -> None:
    for name in _KEYS:
        op.add_column("delivery", sa.Column(name, _KEY))
    op.add_column("delivery", sa.Column("failure_cause", sa.Text()))
    _fill()
    for columns in _INDEXES:
        op.create_index(op.f(f"ix_delivery_{'_'.join(columns)}"), "delivery", list(columns))
    op.create_index(
        op.f("ix_delivery_dead"),
        "delivery",
        ["failure_class", "failure_cause", "pipeline", "changed_at"],
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_table(
        "problem",
        sa.Column("pipeline", sa.Text(), nullable=False),
        sa.Column("failure_class", sa.Text(), nullable=False),
        sa.Column("failure_cause", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("snoozed_until", _MOMENT),
        sa.Column("example", sa.Text(), nullable=False),
        sa.Column("touched_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "failure_class", "failure_cause", name=op.f("pk_problem")),
    )
    op.create_table(
        "saved_view",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("saved_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_saved_view")),
    )


def downgrade() -> None:
    op.drop_table("saved_view")
    op.drop_table("problem")
    op.drop_index(op.f("ix_delivery_dead"), "delivery")
    for columns in reversed(_INDEXES):
        op.drop_index(op.f(f"ix_delivery_{'_'.join(columns)}"), "delivery")
    for name in ("failure_cause", *reversed(_KEYS)):
        op.drop_column("delivery", name)


def _fill() -> None:
    """Give every row its keys, as the program writes them; a million rows take a minute or two."""
    connection = op.get_bind()
    texts = ("number", "party", "amount", "receipt_id", "failure_reason")
    rows = sa.table("delivery", *map(sa.column, ("id", *texts, *_KEYS, "failure_cause")))
    page = sa.select(rows.c.id, *(rows.c[name] for name in texts)).order_by(rows.c.id).limit(_BATCH)
    change = (
        rows.update()
        .where(rows.c.id == sa.bindparam("row"))
        .values({name: sa.bindparam(f"new_{name}") for name in (*_KEYS, "failure_cause")})
    )
    last = 0
    while found := connection.execute(page.where(rows.c.id > last)).all():
        last = found[-1].id
        values = [
            {
                "row": row.id,
                "new_number_key": _key(row.number),
                "new_number_end_key": (_key(row.number) or "")[::-1] or None,
                "new_party_key": _key(row.party),
                "new_amount_key": _amount_key(row.amount),
                "new_receipt_key": _key(row.receipt_id),
                "new_failure_cause": _cause(row.failure_reason),
            }
            for row in found
        ]
        connection.execute(change, values)


def _key(text: str | None) -> str | None:
    if text is None:
        return None
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())[:_LONGEST] or None


def _amount_key(text: str | None) -> str | None:
    if text is None:
        return None
    return (text.rstrip("0").rstrip(".") if "." in text else text)[:_LONGEST] or "0"


def _cause(reason: str | None) -> str | None:
    if reason is None:
        return None
    parts = _PLACE.split(reason)
    parts[::2] = [_NUMBER.sub("#", _QUOTED.sub('"…"', part)) for part in parts[::2]]
    return "".join(parts)[:_LONGEST]
