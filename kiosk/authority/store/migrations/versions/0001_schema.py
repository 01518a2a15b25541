"""The whole schema. Version 0.1 was never released, so a change edits this file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UTC = sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TERM = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    _tables()
    _first_rows()
    _triggers()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")


def _tables() -> None:
    op.create_table(
        "action_note",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.Column("at", UTC, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("identified_by", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_note")),
    )
    op.create_index(op.f("ix_action_note_holder_id"), "action_note", ["holder_id"], unique=False)
    op.create_table(
        "alarm",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.Column("seen_at", UTC, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarm")),
    )
    op.create_table(
        "attempt_charge",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("charged_at", UTC, nullable=False),
        sa.Column("left_after", sa.Integer(), nullable=False),
        sa.Column("given", sa.LargeBinary(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("subject", "attempt_id", name=op.f("pk_attempt_charge")),
    )
    op.create_index(
        op.f("ix_attempt_charge_charged_at"), "attempt_charge", ["charged_at"], unique=False
    )
    op.create_table(
        "audit_anchor",
        sa.Column("seq", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("signed_at", UTC, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_anchor")),
    )
    op.create_table(
        "audit_event",
        sa.Column("seq", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=True),
        sa.Column("card_id", sa.String(), nullable=True),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("detail_sha256", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("mac_key", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_actor_at", "audit_event", ["actor", "at"], unique=False)
    op.create_index("ix_audit_event_at_seq", "audit_event", ["at", "seq"], unique=False)
    op.create_index(op.f("ix_audit_event_card_id"), "audit_event", ["card_id"], unique=False)
    op.create_index("ix_audit_event_holder_id_at", "audit_event", ["holder_id", "at"], unique=False)
    op.create_index("ix_audit_event_kind_at", "audit_event", ["kind", "at"], unique=False)
    op.create_index(op.f("ix_audit_event_reference"), "audit_event", ["reference"], unique=False)
    op.create_index("ix_audit_event_station_at", "audit_event", ["station", "at"], unique=False)
    op.create_index(op.f("ix_audit_event_visit_id"), "audit_event", ["visit_id"], unique=False)
    op.create_table(
        "audit_gap",
        sa.Column("last_row", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("first_row", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("signed_at", UTC, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("last_row", name=op.f("pk_audit_gap")),
    )
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "store_restore",
        sa.Column("at", UTC, nullable=False),
        sa.Column("generations_from", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_store_restore")),
    )
    op.create_table(
        "served_program",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("least_program", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_served_program_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_served_program")),
    )
    op.create_table(
        "cardholder",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("left_at", UTC, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cardholder")),
        sa.UniqueConstraint("number", name=op.f("uq_cardholder_number")),
    )
    op.create_index(
        "ix_cardholder_left",
        "cardholder",
        ["left_at"],
        unique=False,
        sqlite_where=sa.text("left_at IS NOT NULL"),
        postgresql_where=sa.text("left_at IS NOT NULL"),
    )
    op.create_index("ix_cardholder_name_id", "cardholder", ["name", "id"], unique=False)
    op.create_table(
        "chore",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.Column("done_at", UTC, nullable=False),
        sa.Column("seq", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chore")),
    )
    op.create_table(
        "audit_feed",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("reached", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("held_until", UTC, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_feed")),
    )
    op.create_table(
        "known_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("since", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_key")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("next_at", UTC, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTC, nullable=True),
        sa.Column("failed_at", UTC, nullable=True),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    op.create_index(
        op.f("ix_outbox_message_holder_id"), "outbox_message", ["holder_id"], unique=False
    )
    op.create_index(op.f("ix_outbox_message_next_at"), "outbox_message", ["next_at"], unique=False)
    op.create_index(
        "ix_outbox_message_failed",
        "outbox_message",
        ["failed_at"],
        unique=False,
        sqlite_where=sa.text("failed_at IS NOT NULL"),
        postgresql_where=sa.text("failed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_message_waiting",
        "outbox_message",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "policy_setting",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("changed_at", UTC, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("note_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_policy_setting")),
    )
    op.create_table(
        "proposed_act",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.Column("card_id", sa.String(), nullable=True),
        sa.Column("staff_id", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_key", sa.String(), nullable=False),
        sa.Column("proposed_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("note_id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("decided_at", UTC, nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposed_act")),
    )
    op.create_index(op.f("ix_proposed_act_holder_id"), "proposed_act", ["holder_id"], unique=False)
    op.create_index(
        "ix_proposed_act_waiting",
        "proposed_act",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("outcome = 'waiting'"),
        postgresql_where=sa.text("outcome = 'waiting'"),
    )
    op.create_table(
        "security_question",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("retired_at", UTC, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_question")),
    )
    op.create_table(
        "staff_member",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("added_at", UTC, nullable=False),
        sa.Column("removed_at", UTC, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("agreed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_member")),
    )
    op.create_table(
        "station",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("last_seen_at", UTC, nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("reader_state", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("retired_at", UTC, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_station")),
    )
    op.create_table(
        "station_key",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("not_after", UTC, nullable=False),
        sa.Column("added_at", UTC, nullable=False),
        sa.Column("ends_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(
            ["station"], ["station.name"], name=op.f("fk_station_key_station_station")
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_station_key")),
    )
    op.create_index(op.f("ix_station_key_station"), "station_key", ["station"], unique=False)
    op.create_table(
        "station_enrolment",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("used_key", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_station_enrolment")),
    )
    op.create_index(
        op.f("ix_station_enrolment_station"), "station_enrolment", ["station"], unique=False
    )
    op.create_table(
        "erased_number",
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_erased_number")),
    )
    op.create_table(
        "stop_number",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("used_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_stop_number_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop_number")),
        sa.UniqueConstraint("digest", name=op.f("uq_stop_number_digest")),
    )
    op.create_index(op.f("ix_stop_number_holder_id"), "stop_number", ["holder_id"], unique=False)
    op.create_index(op.f("ix_stop_number_made_at"), "stop_number", ["made_at"], unique=False)
    op.create_table(
        "address_change",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("old_email", sa.String(), nullable=False),
        sa.Column("new_email", sa.String(), nullable=False),
        sa.Column("requested_at", UTC, nullable=False),
        sa.Column("effective_at", UTC, nullable=False),
        sa.Column("ended_at", UTC, nullable=True),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_address_change_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
    )
    op.create_index(
        op.f("ix_address_change_effective_at"), "address_change", ["effective_at"], unique=False
    )
    op.create_index(
        op.f("ix_address_change_holder_id"), "address_change", ["holder_id"], unique=False
    )
    op.create_index(
        "uq_address_change_open",
        "address_change",
        ["holder_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "card",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("driver", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("expires_at", UTC, nullable=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key_id", sa.String(), nullable=True),
        sa.Column("sealed_revision", sa.Integer(), nullable=True),
        sa.Column("derived_from", sa.String(), nullable=False),
        sa.Column("secret_generation", sa.Integer(), nullable=True),
        sa.Column("secret_limit", sa.Integer(), nullable=True),
        sa.Column("secret_exposure", sa.Integer(), nullable=False),
        sa.Column("secret_tries_left", sa.Integer(), nullable=True),
        sa.Column("auth_key", sa.LargeBinary(), nullable=True),
        sa.Column("auth_key_imported", sa.Boolean(), nullable=False),
        sa.Column("pin_key", sa.LargeBinary(), nullable=True),
        sa.Column("pin_key_imported", sa.Boolean(), nullable=False),
        sa.Column("set_aside_at", UTC, nullable=True),
        sa.Column("secret_seen_at", UTC, nullable=True),
        sa.Column("key_proven_revision", sa.Integer(), nullable=True),
        sa.Column("key_exchanges", sa.Integer(), nullable=False),
        sa.Column("key_exchanged_at", UTC, nullable=True),
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
    op.create_index(
        "ix_card_derived_from",
        "card",
        ["derived_from"],
        unique=False,
        sqlite_where=sa.text("derived_from <> ''"),
        postgresql_where=sa.text("derived_from <> ''"),
    )
    op.create_index(
        "ix_card_expires",
        "card",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_card_holder_id"), "card", ["holder_id"], unique=False)
    op.create_index(op.f("ix_card_sealed_key_id"), "card", ["sealed_key_id"], unique=False)
    op.create_table(
        "registration",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("email_verified_at", UTC, nullable=False),
        sa.Column("question_ids", sa.Text(), nullable=False),
        sa.Column("hashes", sa.Text(), nullable=False),
        sa.Column("registered_at", UTC, nullable=False),
        sa.Column("updated_at", UTC, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("blocked_at", UTC, nullable=True),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.Column("unconfirmed_since", UTC, nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("unproven_failures", sa.Integer(), nullable=False),
        sa.Column("unproven_until", UTC, nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_registration_failures")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_registration_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_registration")),
    )
    op.create_index(
        "ix_registration_blocked",
        "registration",
        ["blocked_at"],
        unique=False,
        sqlite_where=sa.text("blocked_at IS NOT NULL"),
        postgresql_where=sa.text("blocked_at IS NOT NULL"),
    )
    op.create_table(
        "search_term",
        sa.Column("term", TERM, nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_search_term_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("term", "holder_id", name=op.f("pk_search_term")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_search_term_holder_id_term", "search_term", ["holder_id", "term"], unique=False
    )
    op.create_table(
        "staff_key",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("added_at", UTC, nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("agreed_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name=op.f("fk_staff_key_staff_id_staff_member")
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_staff_key")),
    )
    op.create_index(op.f("ix_staff_key_staff_id"), "staff_key", ["staff_id"], unique=False)
    op.create_table(
        "staff_card",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", UTC, nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("agreed_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_staff_card_card_id_card")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name=op.f("fk_staff_card_staff_id_staff_member")
        ),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_staff_card")),
    )
    op.create_index(op.f("ix_staff_card_staff_id"), "staff_card", ["staff_id"], unique=False)
    op.create_table(
        "email_code",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("sent_to", sa.String(), nullable=False),
        sa.Column("drafted_at", UTC, nullable=False),
        sa.Column("max_tries", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTC, nullable=True),
        sa.Column("expires_at", UTC, nullable=True),
        sa.Column("consumed_at", UTC, nullable=True),
        sa.Column("revoked_at", UTC, nullable=True),
        sa.Column("questions_proven_at", UTC, nullable=True),
        sa.Column("pending_id", sa.String(), nullable=True),
        sa.Column("issued_by", sa.String(), nullable=True),
        sa.Column("agreed_by", sa.String(), nullable=True),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("drafted_by", sa.String(), nullable=False),
        sa.Column("proves_owner", sa.Boolean(), nullable=False),
        sa.Column("unproven", sa.Boolean(), nullable=False),
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
    op.create_table(
        "kept_secret",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_key_id", sa.String(), nullable=False),
        sa.Column("sealed_revision", sa.Integer(), nullable=False),
        sa.Column("derived_from", sa.String(), nullable=False),
        sa.Column("kept_at", UTC, nullable=False),
        sa.Column("entry_id", sa.String(), nullable=False),
        sa.Column("presented", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_kept_secret_card_id_card")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_secret")),
    )
    op.create_index(op.f("ix_kept_secret_card_id"), "kept_secret", ["card_id"], unique=False)
    op.create_index(
        "ix_kept_secret_derived_from",
        "kept_secret",
        ["derived_from"],
        unique=False,
        sqlite_where=sa.text("derived_from <> ''"),
        postgresql_where=sa.text("derived_from <> ''"),
    )
    op.create_index(
        op.f("ix_kept_secret_sealed_key_id"), "kept_secret", ["sealed_key_id"], unique=False
    )
    op.create_index(
        "uq_kept_secret_pending",
        "kept_secret",
        ["card_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'pending'"),
        postgresql_where=sa.text("kind = 'pending'"),
    )
    op.create_table(
        "pending_change",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("question_ids", sa.Text(), nullable=True),
        sa.Column("hashes", sa.Text(), nullable=True),
        sa.Column("auth_key", sa.LargeBinary(), nullable=True),
        sa.Column("pin_key", sa.LargeBinary(), nullable=True),
        sa.Column("pin_evidence", sa.String(), nullable=False),
        sa.Column("owner_email", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["card_id"], ["card.id"], name=op.f("fk_pending_change_card_id_card")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_pending_change_holder_id_cardholder")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_change")),
    )
    op.create_index(op.f("ix_pending_change_card_id"), "pending_change", ["card_id"], unique=False)
    op.create_index(
        op.f("ix_pending_change_created_at"), "pending_change", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_pending_change_holder_id"), "pending_change", ["holder_id"], unique=False
    )
    op.create_table(
        "visit",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("card_id", sa.String(), nullable=True),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("pin_proven_at", UTC, nullable=True),
        sa.Column("questions_proven_at", UTC, nullable=True),
        sa.Column("questions_carried", sa.Boolean(), nullable=False),
        sa.Column("code_proven_id", sa.String(), nullable=True),
        sa.Column("pin_was_blocked", sa.Boolean(), nullable=False),
        sa.Column("finished_at", UTC, nullable=True),
        sa.Column("closed_at", UTC, nullable=True),
        sa.Column("how", sa.String(), nullable=True),
        sa.Column("auth_key", sa.LargeBinary(), nullable=True),
        sa.Column("genuine_at", UTC, nullable=True),
        sa.Column("challenge", sa.LargeBinary(), nullable=True),
        sa.Column("challenged_at", UTC, nullable=True),
        sa.Column("secret_tries", sa.Integer(), nullable=True),
        sa.Column("judged", sa.LargeBinary(), nullable=True),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("key_vouched", sa.Boolean(), nullable=False),
        sa.Column("pin_evidence", sa.String(), nullable=True),
        sa.Column("pin_key", sa.LargeBinary(), nullable=True),
        sa.Column("pin_challenge", sa.LargeBinary(), nullable=True),
        sa.Column("pin_challenged_at", UTC, nullable=True),
        sa.Column("owner_email", sa.String(), nullable=True),
        sa.Column("pending_id", sa.String(), nullable=True),
        sa.Column("unknown_card", sa.String(), nullable=True),
        sa.Column("unread", sa.String(), nullable=True),
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
    op.create_index("ix_visit_station_opened_at", "visit", ["station", "opened_at"], unique=False)
    op.create_table(
        "unblock_journal",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=False),
        sa.Column("card_id", sa.String(), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("was_blocked", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("closed_at", UTC, nullable=True),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("cryptogram", sa.LargeBinary(), nullable=True),
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


def _first_rows() -> None:
    head = sa.table("audit_head", sa.column("chain"), sa.column("seq"), sa.column("hash"))
    op.execute(head.insert().values(chain=1, seq=0, hash="0" * 64))
    served = sa.table("served_program", sa.column("id"), sa.column("least_program"))
    op.execute(served.insert().values(id=1, least_program=revision))


# --- append only -----------------------------------------------------------------------

KEY_OF = {"audit_event": "seq", "audit_anchor": "seq", "audit_gap": "last_row"}

# Rows that a signed gap covers were purged, and may go; of anchors, those before its last row.
# The triggers keep mistakes out. What keeps out somebody who can drop a trigger is the
# signature of the gap, at which a verification looks.
PURGED = {
    "audit_event": "OLD.seq BETWEEN first_row AND last_row",
    "audit_anchor": "OLD.seq >= first_row AND OLD.seq < last_row",
}
IS_PURGED = "EXISTS (SELECT 1 FROM audit_gap WHERE kind = 'purged' AND {})"

REFUSE_ON_SQLITE = "BEGIN SELECT RAISE(ABORT, 'append only'); END"
REFUSE_ON_POSTGRESQL = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'append only' USING ERRCODE = '42501'; END $$
"""
REFUSE_UNLESS_PURGED = """
CREATE FUNCTION {table}_purged() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF {purged} THEN RETURN OLD; END IF;
  RAISE EXCEPTION 'append only' USING ERRCODE = '42501';
END $$
"""


# Redacting takes a detail and its salt out of a row, and changes nothing else in it.
KEPT_WHEN_REDACTED = (
    "seq", "at", "kind", "reference", "visit_id", "card_id", "holder_id", "station", "actor",
    "detail_sha256", "previous", "hash", "mac", "mac_key",
)  # fmt: skip


def _triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        statements = [each for table in KEY_OF for each in _sqlite_triggers(table)]
    else:
        statements = [REFUSE_ON_POSTGRESQL, *_postgresql_triggers()]
    for statement in statements:
        op.execute(sa.text(statement))


def _unless_redacted(same: str) -> str:
    kept = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in KEPT_WHEN_REDACTED)
    return f"WHEN (NOT (NEW.detail IS NULL AND NEW.salt IS NULL AND {kept}))"


def _sqlite_triggers(table: str) -> list[str]:
    # INSERT OR REPLACE would delete without a DELETE trigger: hence the third.
    unless = _unless_redacted("IS") if table == "audit_event" else ""
    purged = f"WHEN NOT {IS_PURGED.format(PURGED[table])}" if table in PURGED else ""
    moments = {
        "update": f"BEFORE UPDATE ON {{0}} {unless}",
        "delete": f"BEFORE DELETE ON {{0}} {purged}",
        "replace": "BEFORE INSERT ON {0} WHEN EXISTS (SELECT 1 FROM {0} WHERE {1} = NEW.{1})",
    }
    return [
        f"CREATE TRIGGER {table}_no_{act} {moment.format(table, KEY_OF[table])} {REFUSE_ON_SQLITE}"
        for act, moment in moments.items()
    ]


def _postgresql_triggers() -> list[str]:
    acts = {
        "audit_event": "TRUNCATE",
        "audit_anchor": "UPDATE OR TRUNCATE",
        "audit_gap": "UPDATE OR DELETE OR TRUNCATE",
    }
    refused = [
        f"CREATE TRIGGER {table}_append_only BEFORE {act} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        for table, act in acts.items()
    ]
    unless = _unless_redacted("IS NOT DISTINCT FROM")
    redacted = (
        "CREATE TRIGGER audit_event_only_redacted BEFORE UPDATE ON audit_event "
        f"FOR EACH ROW {unless} EXECUTE FUNCTION refuse_change()"
    )
    for table, purged in PURGED.items():
        refused.append(REFUSE_UNLESS_PURGED.format(table=table, purged=IS_PURGED.format(purged)))
        refused.append(
            f"CREATE TRIGGER {table}_only_purged BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_purged()"
        )
    return [*refused, redacted]
