"""Visits: what they gather, codes, the unblock journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _visit()
    _pending_change()
    _email_code()
    _unblock_journal()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")


def _visit() -> None:
    op.create_table(
        "visit",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("card_id", sa.String(), nullable=True),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("pin_proven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("questions_proven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code_proven_id", sa.String(), nullable=True),
        sa.Column("pin_was_blocked", sa.Boolean(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("how", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_visit_card_id_card")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_visit_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("reference", name=op.f("uq_visit_reference")),
    )
    op.create_index(op.f("ix_visit_card_id"), "visit", ["card_id"], unique=False)
    op.create_index(op.f("ix_visit_holder_id"), "visit", ["holder_id"], unique=False)
    op.create_index(op.f("ix_visit_opened_at"), "visit", ["opened_at"], unique=False)
    op.create_index(op.f("ix_visit_station"), "visit", ["station"], unique=False)


def _pending_change() -> None:
    op.create_table(
        "pending_change",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("question_ids", sa.Text(), nullable=True),
        sa.Column("hashes", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["card_id"], ["card.id"], name=op.f("fk_pending_change_card_id_card")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_pending_change_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_change")),
        sa.UniqueConstraint("card_id", "purpose", name=op.f("uq_pending_change_card_id_purpose")),
    )
    op.create_index(
        op.f("ix_pending_change_created_at"), "pending_change", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_pending_change_holder_id"), "pending_change", ["holder_id"], unique=False
    )


def _email_code() -> None:
    op.create_table(
        "email_code",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("sent_to", sa.String(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("max_tries", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("questions_proven", sa.Boolean(), nullable=False),
        sa.Column("pending_id", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(sent_at IS NULL) = (expires_at IS NULL)", name=op.f("ck_email_code_sent")
        ),
        sa.CheckConstraint("tries >= 0 AND tries <= max_tries", name=op.f("ck_email_code_tries")),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_email_code_card_id_card")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_email_code_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_code")),
    )
    op.create_index(
        "ix_email_code_card_id_drafted_at", "email_code", ["card_id", "drafted_at"], unique=False
    )
    op.create_index(op.f("ix_email_code_drafted_at"), "email_code", ["drafted_at"], unique=False)
    op.create_index(op.f("ix_email_code_holder_id"), "email_code", ["holder_id"], unique=False)
    op.create_index(
        "uq_email_code_live",
        "email_code",
        ["card_id"],
        unique=True,
        sqlite_where=sa.text("sent_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL"),
        postgresql_where=sa.text(
            "sent_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL"
        ),
    )


def _unblock_journal() -> None:
    op.create_table(
        "unblock_journal",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("was_blocked", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["card_id"], ["card.id"], name=op.f("fk_unblock_journal_card_id_card")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_unblock_journal_visit_id_visit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unblock_journal")),
    )
    op.create_index(
        op.f("ix_unblock_journal_card_id"), "unblock_journal", ["card_id"], unique=False
    )
    op.create_index(
        op.f("ix_unblock_journal_visit_id"), "unblock_journal", ["visit_id"], unique=False
    )
    op.create_index(
        "uq_unblock_journal_open",
        "unblock_journal",
        ["card_id"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
