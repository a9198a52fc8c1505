"""Keep which fields Docflo shows already while the status of the document is still to be set."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("fields_shown", sa.Text()))


def downgrade() -> None:
    op.drop_column("delivery", "fields_shown")
