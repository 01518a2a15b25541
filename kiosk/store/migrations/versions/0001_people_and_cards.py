"""People: cardholders, cards, questions, registrations, charged attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _cardholder()
    _card()
    _security_question()
    _registration()
    _attempt_charge()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")


def _cardholder() -> None:
    op.create_table(
        "cardholder",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cardholder")),
        sa.UniqueConstraint("number", name=op.f("uq_cardholder_number")),
    )


def _card() -> None:
    op.create_table(
        "card",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("driver", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key_id", sa.String(), nullable=True),
        sa.Column("sealed_revision", sa.Integer(), nullable=True),
        sa.Column("secret_limit", sa.Integer(), nullable=True),
        sa.Column("secret_exposure", sa.Integer(), nullable=False),
        sa.Column("secret_tries_left", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(sealed_secret IS NULL) = (sealed_key_id IS NULL) AND "
            "(sealed_secret IS NULL) = (sealed_revision IS NULL)",
            name=op.f("ck_card_sealed"),
        ),
        sa.CheckConstraint("secret_exposure >= 0", name=op.f("ck_card_exposure")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_card_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("driver", "identifier", name=op.f("uq_card_driver_identifier")),
    )
    op.create_index(op.f("ix_card_holder_id"), "card", ["holder_id"], unique=False)
    op.create_index(op.f("ix_card_sealed_key_id"), "card", ["sealed_key_id"], unique=False)


def _security_question() -> None:
    op.create_table(
        "security_question",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_question")),
    )


def _registration() -> None:
    op.create_table(
        "registration",
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("question_ids", sa.Text(), nullable=False),
        sa.Column("hashes", sa.Text(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_registration_failures")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_registration_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_registration")),
    )


def _attempt_charge() -> None:
    op.create_table(
        "attempt_charge",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("charged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_after", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("subject", "attempt_id", name=op.f("pk_attempt_charge")),
    )
    op.create_index(
        op.f("ix_attempt_charge_charged_at"), "attempt_charge", ["charged_at"], unique=False
    )
