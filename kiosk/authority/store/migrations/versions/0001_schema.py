"""The schema of version 0.1: its tables, their first rows and their triggers.

It stays as it was released: a change is a migration of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT, JSON, BYTES = sa.String(), sa.Text(), sa.LargeBinary()
NUMBER, TRUTH, TIME = sa.Integer(), sa.Boolean(), sa.DateTime(timezone=True)
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FOLDED = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    _make_tables()
    head = sa.table("audit_head", sa.column("chain"), sa.column("seq"), sa.column("hash"))
    op.execute(head.insert().values(chain=1, seq=0, hash="0" * 64))
    served = sa.table("served_program", sa.column("id"), sa.column("least_program"))
    op.execute(served.insert().values(id=1, least_program=revision))
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _sqlite_triggers() if on_sqlite else _postgresql_triggers():
        op.execute(sa.text(statement))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")


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


def _unless_redacted(same: str) -> str:
    kept = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in KEPT_WHEN_REDACTED)
    return f"WHEN (NOT (NEW.detail IS NULL AND NEW.salt IS NULL AND {kept}))"


def _sqlite_triggers() -> Iterator[str]:
    for table, key in KEY_OF.items():
        unless = _unless_redacted("IS") if table == "audit_event" else ""
        purged = f"WHEN NOT {IS_PURGED.format(PURGED[table])}" if table in PURGED else ""
        key_exists = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - ours
        moments = {
            "update": f"BEFORE UPDATE ON {table} {unless}",
            "delete": f"BEFORE DELETE ON {table} {purged}",
            # INSERT OR REPLACE would delete without a DELETE trigger.
            "replace": f"BEFORE INSERT ON {table} WHEN {key_exists}",
        }
        for act, moment in moments.items():
            yield f"CREATE TRIGGER {table}_no_{act} {moment} {REFUSE_ON_SQLITE}"


def _postgresql_triggers() -> Iterator[str]:
    yield REFUSE_ON_POSTGRESQL
    acts = {
        "audit_event": "TRUNCATE",
        "audit_anchor": "UPDATE OR TRUNCATE",
        "audit_gap": "UPDATE OR DELETE OR TRUNCATE",
    }
    for table, act in acts.items():
        yield (
            f"CREATE TRIGGER {table}_append_only BEFORE {act} ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table, purged in PURGED.items():
        yield REFUSE_UNLESS_PURGED.format(table=table, purged=IS_PURGED.format(purged))
        yield (
            f"CREATE TRIGGER {table}_only_purged BEFORE DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_purged()"
        )
    yield (
        "CREATE TRIGGER audit_event_only_redacted BEFORE UPDATE ON audit_event "
        f"FOR EACH ROW {_unless_redacted('IS NOT DISTINCT FROM')} EXECUTE FUNCTION refuse_change()"
    )


# --- tables ----------------------------------------------------------------------------


def where(condition: str) -> dict[str, Any]:
    """Return the condition of an index over some of the rows, for either database."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _make_tables() -> None:
    op.create_table(
        "action_note",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("identified_by", TEXT, nullable=False),
        sa.Column("salt", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_note")),
    )
    op.create_index(op.f("ix_action_note_holder_id"), "action_note", ["holder_id"])
    op.create_table(
        "alarm",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarm")),
    )
    op.create_table(
        "attempt_charge",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("attempt_id", TEXT, nullable=False),
        sa.Column("charged_at", TIME, nullable=False),
        sa.Column("left_after", NUMBER, nullable=False),
        sa.Column("given", BYTES, nullable=True),
        sa.Column("verdict", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("subject", "attempt_id", name=op.f("pk_attempt_charge")),
    )
    op.create_index(op.f("ix_attempt_charge_charged_at"), "attempt_charge", ["charged_at"])
    op.create_table(
        "audit_anchor",
        sa.Column("seq", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("signed_at", TIME, nullable=False),
        sa.Column("signature", BYTES, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_anchor")),
    )
    op.create_table(
        "audit_event",
        sa.Column("seq", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("visit_id", TEXT, nullable=True),
        sa.Column("card_id", TEXT, nullable=True),
        sa.Column("holder_id", TEXT, nullable=True),
        sa.Column("station", TEXT, nullable=True),
        sa.Column("actor", TEXT, nullable=True),
        sa.Column("detail", TEXT, nullable=True),
        sa.Column("salt", TEXT, nullable=True),
        sa.Column("detail_sha256", TEXT, nullable=False),
        sa.Column("previous", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("mac_key", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
    )
    op.create_index("ix_audit_event_actor_at", "audit_event", ["actor", "at"])
    op.create_index("ix_audit_event_at_seq", "audit_event", ["at", "seq"])
    op.create_index(op.f("ix_audit_event_card_id"), "audit_event", ["card_id"])
    op.create_index("ix_audit_event_holder_id_at", "audit_event", ["holder_id", "at"])
    op.create_index("ix_audit_event_kind_at", "audit_event", ["kind", "at"])
    op.create_index(op.f("ix_audit_event_reference"), "audit_event", ["reference"])
    op.create_index("ix_audit_event_station_at", "audit_event", ["station", "at"])
    op.create_index(op.f("ix_audit_event_visit_id"), "audit_event", ["visit_id"])
    op.create_table(
        "audit_feed",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("reached", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("held_until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_feed")),
    )
    op.create_table(
        "audit_gap",
        sa.Column("last_row", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("first_row", ROW_NUMBER, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("signed_at", TIME, nullable=False),
        sa.Column("signature", BYTES, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("last_row", name=op.f("pk_audit_gap")),
    )
    op.create_table(
        "audit_head",
        sa.Column("chain", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", ROW_NUMBER, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "cardholder",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("sort_name", FOLDED, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("left_at", TIME, nullable=True),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cardholder")),
        sa.UniqueConstraint("number", name=op.f("uq_cardholder_number")),
    )
    op.create_index("ix_cardholder_left", "cardholder", ["left_at"], **where("left_at IS NOT NULL"))
    op.create_index("ix_cardholder_sort_name_id", "cardholder", ["sort_name", "id"])
    op.create_table(
        "erased_number",
        sa.Column("digest", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_erased_number")),
    )
    op.create_table(
        "job",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("done_at", TIME, nullable=False),
        sa.Column("reached", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job")),
    )
    op.create_table(
        "known_key",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_key")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("to", TEXT, nullable=False),
        sa.Column("template", TEXT, nullable=False),
        sa.Column("params", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("failed_at", TIME, nullable=True),
        sa.Column("denied", TRUTH, nullable=False),
        sa.Column("holder_id", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    op.create_index(
        "ix_outbox_message_failed",
        "outbox_message",
        ["failed_at"],
        **where("failed_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_outbox_message_holder_id"), "outbox_message", ["holder_id"])
    op.create_index(op.f("ix_outbox_message_next_at"), "outbox_message", ["next_at"])
    op.create_index(
        "ix_outbox_message_waiting",
        "outbox_message",
        ["created_at"],
        **where("sent_at IS NULL AND failed_at IS NULL"),
    )
    op.create_table(
        "policy_setting",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", TEXT, nullable=False),
        sa.Column("note_id", TEXT, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_policy_setting")),
    )
    op.create_table(
        "proposed_act",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=True),
        sa.Column("card_id", TEXT, nullable=True),
        sa.Column("staff_id", TEXT, nullable=True),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("parameters", BYTES, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("proposed_by", TEXT, nullable=False),
        sa.Column("proposed_key", TEXT, nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("note_id", TEXT, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposed_act")),
    )
    op.create_index(op.f("ix_proposed_act_holder_id"), "proposed_act", ["holder_id"])
    op.create_index(
        "ix_proposed_act_waiting", "proposed_act", ["expires_at"], **where("outcome = 'waiting'")
    )
    op.create_table(
        "security_question",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_question")),
    )
    op.create_table(
        "served_program",
        sa.Column("id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("least_program", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_served_program")),
        sa.CheckConstraint("id = 1", name=op.f("ck_served_program_single")),
    )
    op.create_table(
        "staff_member",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("added_by", TEXT, nullable=False),
        sa.Column("agreed_by", TEXT, nullable=False),
        sa.Column("past_key_adders", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_member")),
    )
    op.create_table(
        "station",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("last_seen_at", TIME, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("reader_state", TEXT, nullable=False),
        sa.Column("site", TEXT, nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_station")),
    )
    op.create_table(
        "station_enrolment",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("station", TEXT, nullable=False),
        sa.Column("site", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_key", TEXT, nullable=True),
        sa.Column("tries", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_station_enrolment")),
    )
    op.create_index(op.f("ix_station_enrolment_station"), "station_enrolment", ["station"])
    op.create_table(
        "store_restore",
        sa.Column("at", TIME, nullable=False),
        sa.Column("generations_from", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_store_restore")),
    )
    op.create_table(
        "address_change",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("visit_id", TEXT, nullable=False),
        sa.Column("old_email", TEXT, nullable=False),
        sa.Column("new_email", TEXT, nullable=False),
        sa.Column("requested_at", TIME, nullable=False),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_address_change_holder_id_cardholder")
        ),
    )
    op.create_index(op.f("ix_address_change_effective_at"), "address_change", ["effective_at"])
    op.create_index(op.f("ix_address_change_holder_id"), "address_change", ["holder_id"])
    op.create_index(
        "uq_address_change_open",
        "address_change",
        ["holder_id"],
        unique=True,
        **where("ended_at IS NULL"),
    )
    op.create_table(
        "card",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("driver", TEXT, nullable=False),
        sa.Column("identifier", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("sealed_secret", BYTES, nullable=True),
        sa.Column("sealed_key_id", TEXT, nullable=True),
        sa.Column("sealed_revision", NUMBER, nullable=True),
        sa.Column("derived_from", TEXT, nullable=False),
        sa.Column("secret_generation", NUMBER, nullable=True),
        sa.Column("secret_limit", NUMBER, nullable=True),
        sa.Column("secret_exposure", NUMBER, nullable=False),
        sa.Column("secret_tries_left", NUMBER, nullable=True),
        sa.Column("auth_key", BYTES, nullable=True),
        sa.Column("auth_key_imported", TRUTH, nullable=False),
        sa.Column("pin_key", BYTES, nullable=True),
        sa.Column("pin_key_imported", TRUTH, nullable=False),
        sa.Column("set_aside_at", TIME, nullable=True),
        sa.Column("secret_seen_at", TIME, nullable=True),
        sa.Column("key_proven_revision", NUMBER, nullable=True),
        sa.Column("key_exchanges", NUMBER, nullable=False),
        sa.Column("key_exchanged_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("driver", "identifier", name=op.f("uq_card_driver_identifier")),
        sa.CheckConstraint("secret_exposure >= 0", name=op.f("ck_card_exposure")),
        sa.CheckConstraint(
            "(sealed_secret IS NULL) = (sealed_key_id IS NULL) AND "
            "(sealed_secret IS NULL) = (sealed_revision IS NULL)",
            name=op.f("ck_card_sealed"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_card_holder_id_cardholder")
        ),
    )
    op.create_index("ix_card_derived_from", "card", ["derived_from"], **where("derived_from <> ''"))
    op.create_index("ix_card_expires", "card", ["expires_at"], **where("expires_at IS NOT NULL"))
    op.create_index(op.f("ix_card_holder_id"), "card", ["holder_id"])
    op.create_index(op.f("ix_card_sealed_key_id"), "card", ["sealed_key_id"])
    op.create_index(
        "ix_card_set_aside", "card", ["set_aside_at"], **where("set_aside_at IS NOT NULL")
    )
    op.create_table(
        "registration",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_verified_at", TIME, nullable=False),
        sa.Column("question_ids", JSON, nullable=False),
        sa.Column("hashes", JSON, nullable=False),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("failures", NUMBER, nullable=False),
        sa.Column("blocked_at", TIME, nullable=True),
        sa.Column("asked", JSON, nullable=True),
        sa.Column("unconfirmed_since", TIME, nullable=True),
        sa.Column("proven", TRUTH, nullable=False),
        sa.Column("unproven_failures", NUMBER, nullable=False),
        sa.Column("unproven_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_registration")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_registration_failures")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_registration_holder_id_cardholder")
        ),
    )
    op.create_index(
        "ix_registration_blocked", "registration", ["blocked_at"], **where("blocked_at IS NOT NULL")
    )
    op.create_table(
        "search_term",
        sa.Column("term", FOLDED, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("term", "holder_id", name=op.f("pk_search_term")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_search_term_holder_id_cardholder")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_search_term_holder_id_term", "search_term", ["holder_id", "term"])
    op.create_table(
        "staff_key",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("staff_id", TEXT, nullable=False),
        sa.Column("public_key", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("added_by", TEXT, nullable=False),
        sa.Column("agreed_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_staff_key")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name=op.f("fk_staff_key_staff_id_staff_member")
        ),
    )
    op.create_index(op.f("ix_staff_key_staff_id"), "staff_key", ["staff_id"])
    op.create_table(
        "station_key",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("station", TEXT, nullable=False),
        sa.Column("not_after", TIME, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=True),
        sa.Column("replaces", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_station_key")),
        sa.ForeignKeyConstraint(
            ["station"], ["station.name"], name=op.f("fk_station_key_station_station")
        ),
    )
    op.create_index(op.f("ix_station_key_station"), "station_key", ["station"])
    op.create_table(
        "stop_number",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("visit_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop_number")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_stop_number_holder_id_cardholder")
        ),
        sa.UniqueConstraint("digest", name=op.f("uq_stop_number_digest")),
    )
    op.create_index(op.f("ix_stop_number_holder_id"), "stop_number", ["holder_id"])
    op.create_index(op.f("ix_stop_number_made_at"), "stop_number", ["made_at"])
    op.create_table(
        "email_code",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("visit_id", TEXT, nullable=False),
        sa.Column("digest", BYTES, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("sent_to", TEXT, nullable=False),
        sa.Column("drafted_at", TIME, nullable=False),
        sa.Column("max_tries", NUMBER, nullable=False),
        sa.Column("digits", NUMBER, nullable=False),
        sa.Column("tries", NUMBER, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("consumed_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("questions_proven_at", TIME, nullable=True),
        sa.Column("pending_id", TEXT, nullable=True),
        sa.Column("issued_by", TEXT, nullable=True),
        sa.Column("issued_key", TEXT, nullable=False),
        sa.Column("agreed_by", TEXT, nullable=True),
        sa.Column("needs_second", TRUTH, nullable=False),
        sa.Column("attempt", TEXT, nullable=False),
        sa.Column("drafted_by", TEXT, nullable=False),
        sa.Column("proves_owner", TRUTH, nullable=False),
        sa.Column("unproven", TRUTH, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_code")),
        sa.CheckConstraint("tries >= 0 AND tries <= max_tries", name=op.f("ck_email_code_tries")),
        sa.CheckConstraint(
            "(sent_at IS NULL) = (expires_at IS NULL)", name=op.f("ck_email_code_sent")
        ),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_email_code_card_id_card")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_email_code_holder_id_cardholder")
        ),
    )
    op.create_index("ix_email_code_card_id_drafted_at", "email_code", ["card_id", "drafted_at"])
    op.create_index(op.f("ix_email_code_drafted_at"), "email_code", ["drafted_at"])
    op.create_index(op.f("ix_email_code_holder_id"), "email_code", ["holder_id"])
    op.create_index(
        "uq_email_code_live",
        "email_code",
        ["card_id"],
        unique=True,
        **where("sent_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL"),
    )
    op.create_table(
        "kept_secret",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("sealed_secret", BYTES, nullable=False),
        sa.Column("sealed_key_id", TEXT, nullable=False),
        sa.Column("sealed_revision", NUMBER, nullable=False),
        sa.Column("derived_from", TEXT, nullable=False),
        sa.Column("kept_at", TIME, nullable=False),
        sa.Column("entry_id", TEXT, nullable=False),
        sa.Column("presented", TRUTH, nullable=False),
        sa.Column("refused", TRUTH, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_secret")),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_kept_secret_card_id_card")),
    )
    op.create_index(op.f("ix_kept_secret_card_id"), "kept_secret", ["card_id"])
    op.create_index(
        "ix_kept_secret_derived_from",
        "kept_secret",
        ["derived_from"],
        **where("derived_from <> ''"),
    )
    op.create_index(op.f("ix_kept_secret_sealed_key_id"), "kept_secret", ["sealed_key_id"])
    op.create_index(
        "uq_kept_secret_pending",
        "kept_secret",
        ["card_id"],
        unique=True,
        **where("kind = 'pending'"),
    )
    op.create_table(
        "pending_change",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("question_ids", JSON, nullable=True),
        sa.Column("hashes", JSON, nullable=True),
        sa.Column("auth_key", BYTES, nullable=True),
        sa.Column("pin_key", BYTES, nullable=True),
        sa.Column("pin_evidence", TEXT, nullable=False),
        sa.Column("owner_email", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pending_change")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_pending_change_holder_id_cardholder")
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["card.id"], name=op.f("fk_pending_change_card_id_card")
        ),
    )
    op.create_index(op.f("ix_pending_change_card_id"), "pending_change", ["card_id"])
    op.create_index(op.f("ix_pending_change_created_at"), "pending_change", ["created_at"])
    op.create_index(op.f("ix_pending_change_holder_id"), "pending_change", ["holder_id"])
    op.create_table(
        "staff_card",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("staff_id", TEXT, nullable=False),
        sa.Column("public_key", BYTES, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("added_by", TEXT, nullable=False),
        sa.Column("agreed_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("card_id", name=op.f("pk_staff_card")),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_staff_card_card_id_card")),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name=op.f("fk_staff_card_staff_id_staff_member")
        ),
    )
    op.create_index(op.f("ix_staff_card_staff_id"), "staff_card", ["staff_id"])
    op.create_table(
        "visit",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("station", TEXT, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("card_id", TEXT, nullable=True),
        sa.Column("holder_id", TEXT, nullable=True),
        sa.Column("purpose", TEXT, nullable=True),
        sa.Column("pin_proven_at", TIME, nullable=True),
        sa.Column("questions_proven_at", TIME, nullable=True),
        sa.Column("questions_carried", TRUTH, nullable=False),
        sa.Column("code_proven_id", TEXT, nullable=True),
        sa.Column("pin_was_blocked", TRUTH, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("how", TEXT, nullable=True),
        sa.Column("auth_key", BYTES, nullable=True),
        sa.Column("genuine_at", TIME, nullable=True),
        sa.Column("challenge", BYTES, nullable=True),
        sa.Column("challenged_at", TIME, nullable=True),
        sa.Column("nonce", BYTES, nullable=True),
        sa.Column("nonce_drawn_at", TIME, nullable=True),
        sa.Column("secret_tries", NUMBER, nullable=True),
        sa.Column("other_kind", TEXT, nullable=True),
        sa.Column("judged", BYTES, nullable=True),
        sa.Column("refusal", TEXT, nullable=True),
        sa.Column("key_vouched", TRUTH, nullable=False),
        sa.Column("pin_evidence", TEXT, nullable=True),
        sa.Column("pin_key", BYTES, nullable=True),
        sa.Column("pin_challenge", BYTES, nullable=True),
        sa.Column("pin_challenged_at", TIME, nullable=True),
        sa.Column("owner_email", TEXT, nullable=True),
        sa.Column("pending_id", TEXT, nullable=True),
        sa.Column("pin_change", TEXT, nullable=True),
        sa.Column("unknown_card", TEXT, nullable=True),
        sa.Column("unread", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("reference", name=op.f("uq_visit_reference")),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_visit_card_id_card")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_visit_holder_id_cardholder")
        ),
    )
    op.create_index(op.f("ix_visit_card_id"), "visit", ["card_id"])
    op.create_index(op.f("ix_visit_holder_id"), "visit", ["holder_id"])
    op.create_index(op.f("ix_visit_opened_at"), "visit", ["opened_at"])
    op.create_index("ix_visit_station_opened_at", "visit", ["station", "opened_at"])
    op.create_table(
        "unblock_journal",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("visit_id", TEXT, nullable=False),
        sa.Column("card_id", TEXT, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("was_blocked", TRUTH, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("attempt", TEXT, nullable=False),
        sa.Column("proof", BYTES, nullable=True),
        sa.Column("cryptogram", BYTES, nullable=True),
        sa.Column("awaited", BYTES, nullable=True),
        sa.Column("admitted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unblock_journal")),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_unblock_journal_visit_id_visit")
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["card.id"], name=op.f("fk_unblock_journal_card_id_card")
        ),
    )
    op.create_index(op.f("ix_unblock_journal_card_id"), "unblock_journal", ["card_id"])
    op.create_index(op.f("ix_unblock_journal_visit_id"), "unblock_journal", ["visit_id"])
    op.create_index(
        "uq_unblock_journal_open",
        "unblock_journal",
        ["card_id"],
        unique=True,
        **where("closed_at IS NULL"),
    )
