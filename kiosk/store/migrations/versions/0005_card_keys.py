"""What a card proves itself with, and what a visit has asked it to prove."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("card", sa.Column("auth_key", sa.LargeBinary(), nullable=True))
    op.add_column(
        "card",
        sa.Column("auth_key_imported", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("pending_change", sa.Column("auth_key", sa.LargeBinary(), nullable=True))
    op.add_column("visit", sa.Column("auth_key", sa.LargeBinary(), nullable=True))
    op.add_column("visit", sa.Column("genuine_at", MOMENT, nullable=True))
    op.add_column("visit", sa.Column("challenge", sa.LargeBinary(), nullable=True))
    op.add_column("visit", sa.Column("challenged_at", MOMENT, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")
