"""Which master key an unblock secret derives from, and how many were derived for a card."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("card", sa.Column("secret_generation", sa.Integer(), nullable=True))
    derived = sa.text("derived_from <> ''")
    for table in ("card", "kept_secret"):
        op.add_column(
            table, sa.Column("derived_from", sa.String(), nullable=False, server_default="")
        )
        op.create_index(
            f"ix_{table}_derived_from",
            table,
            ["derived_from"],
            sqlite_where=derived,
            postgresql_where=derived,
        )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")
