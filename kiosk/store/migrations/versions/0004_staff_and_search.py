"""Staff, their notes and policy; search terms; alarms and chores; codes given by staff."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from kiosk.store.search_terms import terms_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TERM = sa.String().with_variant(sa.String(collation="C"), "postgresql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)

BATCH = 500
SEARCH_TERM = sa.table("search_term", sa.column("term"), sa.column("holder_id"))
PEOPLE = sa.text("""
SELECT h.id, h.name, h.number, h.email, r.email, c.identifier
FROM (SELECT * FROM cardholder WHERE id > :after ORDER BY id LIMIT :batch) AS h
LEFT JOIN registration AS r ON r.holder_id = h.id
LEFT JOIN card AS c ON c.holder_id = h.id
ORDER BY h.id
""")
NOTICES = sa.text("SELECT id, params FROM outbox_message")
WHOSE = sa.text("""
UPDATE outbox_message
SET holder_id = (SELECT holder_id FROM visit WHERE reference = :reference)
WHERE id = :id
""")


def upgrade() -> None:
    _people()
    _visits()
    _codes()
    _services()
    _staff()
    _policy_setting()
    _action_note()
    _search_term()
    _alarm()
    _chore()
    _counting_indexes()
    _audit_indexes()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")


def _people() -> None:
    op.add_column("cardholder", _counter("revision"))
    op.add_column("registration", sa.Column("unconfirmed_since", MOMENT, nullable=True))


def _visits() -> None:
    op.add_column(
        "visit",
        sa.Column("questions_carried", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def _codes() -> None:
    op.add_column("email_code", sa.Column("issued_by", sa.String(), nullable=True))
    op.add_column("email_code", sa.Column("agreed_by", sa.String(), nullable=True))
    op.add_column(
        "email_code",
        sa.Column("needs_second", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def _services() -> None:
    op.add_column("station", sa.Column("site", sa.String(), nullable=False, server_default=""))
    op.add_column("station", sa.Column("retired_at", MOMENT, nullable=True))
    op.add_column("outbox_message", sa.Column("holder_id", sa.String(), nullable=True))
    name = op.f("ix_outbox_message_holder_id")
    op.create_index(name, "outbox_message", ["holder_id"], unique=False)
    _name_whom_notices_are_about()


def _name_whom_notices_are_about() -> None:
    """So that those which were queued before go, too, when a person is erased."""
    connection = op.get_bind()
    references = [
        {"id": id_, "reference": json.loads(params).get("reference")}
        for id_, params in connection.execute(NOTICES)
    ]
    if references:
        connection.execute(WHOSE, references)


def _staff() -> None:
    op.create_table(
        "staff_member",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_member")),
    )
    op.create_table(
        "staff_key",
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_member.id"], name=op.f("fk_staff_key_staff_id_staff_member")
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_staff_key")),
    )
    op.create_index(op.f("ix_staff_key_staff_id"), "staff_key", ["staff_id"], unique=False)


def _policy_setting() -> None:
    op.create_table(
        "policy_setting",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("note_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_policy_setting")),
    )


def _action_note() -> None:
    op.create_table(
        "action_note",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("holder_id", sa.String(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("identified_by", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_note")),
    )
    op.create_index(op.f("ix_action_note_holder_id"), "action_note", ["holder_id"], unique=False)


def _search_term() -> None:
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
    _make_everybody_found()
    name = op.f("ix_search_term_holder_id_term")
    op.create_index(name, "search_term", ["holder_id", "term"], unique=False)


def _make_everybody_found() -> None:
    """Fill the table for the people who are there; the words are the program's own.

    They may change with it: whatever changes them fills the table anew.
    """
    connection, after = op.get_bind(), ""
    while rows := connection.execute(PEOPLE, {"after": after, "batch": BATCH}).all():
        terms = {
            (term, id_)
            for id_, name, number, *emails, identifier in rows
            for term in terms_of(name, number, emails, (identifier,))
        }
        values = [{"term": term, "holder_id": id_} for term, id_ in sorted(terms)]
        connection.execute(sa.insert(SEARCH_TERM), values)
        after = rows[-1][0]


def _alarm() -> None:
    op.create_table(
        "alarm",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_alarm")),
    )


def _chore() -> None:
    op.create_table(
        "chore",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=False),
        sa.Column("seq", ROW_NUMBER, nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_chore")),
    )


def _counting_indexes() -> None:
    """What counts, and finds the latest of each station, without reading whole tables."""
    op.drop_index(op.f("ix_visit_station"), "visit")
    op.create_index("ix_visit_station_opened_at", "visit", ["station", "opened_at"], unique=False)
    _index_where("ix_registration_blocked", "registration", "blocked_at", "blocked_at IS NOT NULL")
    waiting = "sent_at IS NULL AND failed_at IS NULL"
    _index_where("ix_outbox_message_waiting", "outbox_message", "created_at", waiting)


def _index_where(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def _audit_indexes() -> None:
    """What counts by time, and what filters: newest first, from any row on, without sorting."""
    for name in ("ix_audit_event_at", "ix_audit_event_holder_id"):
        op.drop_index(op.f(name), "audit_event")
    filters = ("at", "kind", "holder_id", "station", "actor")
    for columns in (["kind", "at"], *([each, "seq"] for each in filters)):
        name = op.f(f"ix_audit_event_{'_'.join(columns)}")
        op.create_index(name, "audit_event", columns, unique=False)


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")
