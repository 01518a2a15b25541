"""The audit chain, append only, with its head and anchors; the outbox; stations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _audit_event()
    _audit_head()
    _audit_anchor()
    _outbox_message()
    _station()
    _first_head()
    _triggers()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")


def _audit_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("seq", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("visit_id", sa.String(), nullable=True),
        sa.Column("card_id", sa.String(), nullable=True),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_at"), "audit_event", ["at"], unique=False)
    op.create_index(op.f("ix_audit_event_card_id"), "audit_event", ["card_id"], unique=False)
    op.create_index(op.f("ix_audit_event_holder_id"), "audit_event", ["holder_id"], unique=False)
    op.create_index(op.f("ix_audit_event_reference"), "audit_event", ["reference"], unique=False)
    op.create_index(op.f("ix_audit_event_visit_id"), "audit_event", ["visit_id"], unique=False)


def _audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )


def _audit_anchor() -> None:
    op.create_table(
        "audit_anchor",
        sa.Column("seq", ROW_NUMBER, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_anchor")),
    )


def _outbox_message() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("params", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    op.create_index(op.f("ix_outbox_message_next_at"), "outbox_message", ["next_at"], unique=False)


def _station() -> None:
    op.create_table(
        "station",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("reader_state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_station")),
    )


def _first_head() -> None:
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    op.execute(head.insert().values(id=1, seq=0, hash="0" * 64))


# --- append only -----------------------------------------------------------------------

APPEND_ONLY = ("audit_event", "audit_anchor")

REFUSE_ON_SQLITE = "BEGIN SELECT RAISE(ABORT, 'append only'); END"
REFUSE_ON_POSTGRESQL = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'append only' USING ERRCODE = '42501'; END $$
"""


def _triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        statements = [each for table in APPEND_ONLY for each in _sqlite_triggers(table)]
    else:
        statements = [REFUSE_ON_POSTGRESQL, *map(_postgresql_trigger, APPEND_ONLY)]
    for statement in statements:
        op.execute(sa.text(statement))


def _sqlite_triggers(table: str) -> list[str]:
    # INSERT OR REPLACE would delete without a DELETE trigger: hence the third.
    moments = {
        "update": "BEFORE UPDATE ON {}",
        "delete": "BEFORE DELETE ON {}",
        "replace": "BEFORE INSERT ON {0} WHEN EXISTS (SELECT 1 FROM {0} WHERE seq = NEW.seq)",
    }
    return [
        f"CREATE TRIGGER {table}_no_{act} {moment.format(table)} {REFUSE_ON_SQLITE}"
        for act, moment in moments.items()
    ]


def _postgresql_trigger(table: str) -> str:
    return (
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
