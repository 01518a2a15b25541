"""What was passed in a visit becomes a row for each factor; cards say when their keys ask for PINs.

Nothing of the visits that are open at this moment goes on: see ``store.schema``.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op

from kiosk.authority.store.covered_rows import CoveredTable
from kiosk.authority.store.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT, BYTES, NUMBER, TRUTH, TIME = (
    sa.String(),
    sa.LargeBinary(),
    sa.Integer(),
    sa.Boolean(),
    UtcDateTime(),
)

VISIT = CoveredTable(
    "visit",
    key=("id",),
    required={"id": TEXT, "reference": TEXT, "station": TEXT, "opened_at": TIME},
    nullable={
        "card_id": TEXT,
        "holder_id": TEXT,
        "purpose": TEXT,
        "pin_proven_at": TIME,
        "questions_proven_at": TIME,
        "code_proven_id": TEXT,
        "finished_at": TIME,
        "closed_at": TIME,
        "how": TEXT,
        "auth_key": BYTES,
        "genuine_at": TIME,
        "challenge": BYTES,
        "challenged_at": TIME,
        "nonce": BYTES,
        "nonce_drawn_at": TIME,
        "secret_tries": NUMBER,
        "other_kind": TEXT,
        "judged": BYTES,
        "refusal": TEXT,
        "pin_evidence": TEXT,
        "pin_key": BYTES,
        "pin_challenge": BYTES,
        "pin_challenged_at": TIME,
        "owner_email": TEXT,
        "pending_id": TEXT,
        "pin_change": TEXT,
        "unknown_card": TEXT,
        "unread": TEXT,
    },
    truths=("questions_carried", "pin_was_blocked", "key_vouched"),
)
CODE = CoveredTable(
    "email_code",
    key=("id",),
    required={
        "id": TEXT,
        "card_id": TEXT,
        "holder_id": TEXT,
        "purpose": TEXT,
        "visit_id": TEXT,
        "digest": BYTES,
        "key_id": TEXT,
        "sent_to": TEXT,
        "drafted_at": TIME,
        "max_tries": NUMBER,
        "digits": NUMBER,
    },
    nullable={
        "sent_at": TIME,
        "expires_at": TIME,
        "consumed_at": TIME,
        "revoked_at": TIME,
        "questions_proven_at": TIME,
        "pending_id": TEXT,
        "issued_by": TEXT,
        "agreed_by": TEXT,
    },
    texts=("issued_key", "attempt", "drafted_by"),
    truths=("needs_second", "proves_owner", "unproven"),
)
PROOF = CoveredTable(
    "proof",
    key=("visit_id", "factor"),
    required={"visit_id": TEXT, "factor": TEXT, "at": TIME},
    nullable={"carried_from": TEXT, "spent_by": TEXT},
    texts=("subject",),
)

# An unlock whose answers were right, and whose holder went away to read the mail.
WAITS = (
    "questions_proven_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL "
    "AND purpose = 'unlock' AND visit_id IN (SELECT id FROM visit WHERE closed_at IS NOT NULL)"
)


def upgrade() -> None:
    op.add_column("card", sa.Column("pin_policy", TEXT, nullable=True))
    op.add_column("card", sa.Column("assisted_pin_at", TIME, nullable=True))
    op.add_column("attempt_charge", sa.Column("station", TEXT, nullable=True))
    of_station = sa.text("station IS NOT NULL")
    op.create_index(
        "ix_attempt_charge_station",
        "attempt_charge",
        ["station"],
        sqlite_where=of_station,
        postgresql_where=of_station,
    )
    op.create_table(
        "proof",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("visit_id", TEXT, nullable=False),
        sa.Column("factor", TEXT, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("carried_from", TEXT, nullable=True),
        sa.Column("spent_by", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("visit_id", "factor", name=op.f("pk_proof")),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_proof_visit_id_visit"), ondelete="CASCADE"
        ),
    )
    bind, macs = op.get_bind(), context.config.attributes["macs"]
    waiting = {code["visit_id"]: code for code in CODE.genuine(bind, macs, WAITS)}
    for visit_id, code in waiting.items():
        PROOF.add(
            bind,
            macs,
            {"visit_id": visit_id, "factor": "questions", "at": code["questions_proven_at"]},
        )
    VISIT.drop(bind, macs, "questions_proven_at", "questions_carried", "code_proven_id")
    CODE.drop(bind, macs, "questions_proven_at")
    op.add_column("visit", sa.Column("way", TEXT, nullable=True))
    for table in ("visit", "registration", "outbox_message"):
        op.add_column(table, sa.Column("language", TEXT, nullable=True))
    op.add_column("security_question", sa.Column("others", sa.Text(), nullable=True))
    op.execute("UPDATE served_program SET least_program = '0002'")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")
