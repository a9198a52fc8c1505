"""Add what each process knows of the tokens that it holds: never the tokens themselves."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("replica", sa.Column("tokens", sa.Text()))


def downgrade() -> None:
    op.drop_column("replica", "tokens")
