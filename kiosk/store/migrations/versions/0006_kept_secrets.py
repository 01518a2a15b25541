"""Unblock secrets beside the current one of a card, and cards that are set aside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("card", sa.Column("set_aside_at", MOMENT, nullable=True))
    op.create_table(
        "kept_secret",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key_id", sa.String(), nullable=False),
        sa.Column("sealed_revision", sa.Integer(), nullable=False),
        sa.Column("kept_at", MOMENT, nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("presented", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name="fk_kept_secret_card_id_card"),
        sa.PrimaryKeyConstraint("id", name="pk_kept_secret"),
    )
    op.create_index("ix_kept_secret_card_id", "kept_secret", ["card_id"])
    op.create_index("ix_kept_secret_sealed_key_id", "kept_secret", ["sealed_key_id"])
    pending = sa.text("kind = 'pending'")
    op.create_index(
        "uq_kept_secret_pending",
        "kept_secret",
        ["card_id"],
        unique=True,
        sqlite_where=pending,
        postgresql_where=pending,
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")
