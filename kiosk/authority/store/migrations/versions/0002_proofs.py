"""What was passed, and each address, becomes a row; cards say when their keys ask for PINs.

Nothing of the visits that are open at this moment goes on: see ``store.schema``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa
from alembic import context, op

from kiosk.authority.store.covered_rows import CoveredTable
from kiosk.authority.store.tables import HASHES, NUMBERS, UtcDateTime

if TYPE_CHECKING:
    from kiosk.authority.crypto.macs import KeyedRowMacs

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

HOLDER = CoveredTable(
    "cardholder",
    key=("id",),
    required={"id": TEXT, "number": TEXT, "name": TEXT},
    nullable={"email": TEXT, "left_at": TIME},
)
REGISTRATION = CoveredTable(
    "registration",
    key=("holder_id",),
    required={
        "holder_id": TEXT,
        "email": TEXT,
        "email_verified_at": TIME,
        "question_ids": NUMBERS,
        "hashes": HASHES,
        "registered_at": TIME,
    },
    nullable={
        "blocked_at": TIME,
        "asked": NUMBERS,
        "unconfirmed_since": TIME,
        "unproven_until": TIME,
    },
    truths=("proven",),
)
PENDING = CoveredTable(
    "pending_change",
    key=("id",),
    required={
        "id": TEXT,
        "holder_id": TEXT,
        "card_id": TEXT,
        "purpose": TEXT,
        "created_at": TIME,
        "pin_evidence": TEXT,
    },
    nullable={
        "email": TEXT,
        "question_ids": NUMBERS,
        "hashes": HASHES,
        "auth_key": BYTES,
        "pin_key": BYTES,
        "owner_email": TEXT,
    },
)
CHANGE = CoveredTable(
    "address_change",
    key=("id",),
    required={
        "id": TEXT,
        "holder_id": TEXT,
        "visit_id": TEXT,
        "old_email": TEXT,
        "new_email": TEXT,
        "requested_at": TIME,
        "effective_at": TIME,
    },
    nullable={"ended_at": TIME},
)
ADDRESS = CoveredTable(
    "address",
    key=("id",),
    required={
        "id": TEXT,
        "holder_id": TEXT,
        "source": TEXT,
        "value": TEXT,
        "effective_from": TIME,
    },
    nullable={"confirmed_at": TIME},
    texts=("replaces", "visit_id"),
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
    _move_addresses(bind, macs)
    op.add_column("visit", sa.Column("way", TEXT, nullable=True))
    for table in ("visit", "registration", "outbox_message"):
        op.add_column(table, sa.Column("language", TEXT, nullable=True))
    further = sa.Column("further", sa.Text(), nullable=False, server_default="[]")
    op.add_column("registration", further)
    for table in ("registration", "pending_change"):
        op.add_column(table, sa.Column("saved_codes", sa.Text(), nullable=True))
    op.add_column("security_question", sa.Column("others", sa.Text(), nullable=True))
    # Where there is a reason in its place, nobody may serve: a copy from a file is not complete.
    op.execute(
        "UPDATE served_program SET least_program = '0002' WHERE least_program NOT LIKE '% %'"
    )


def _move_addresses(bind: sa.Connection, macs: KeyedRowMacs) -> None:
    """Make a row of each address, and let what had it name the row.

    So with an altered row: what it names counts no more than the row does, until it is accepted.
    """
    op.create_table(
        "address",
        sa.Column("mac", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.Column("effective_from", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("kind", TEXT, nullable=False, server_default="email"),
        sa.Column("replaces", TEXT, nullable=False),
        sa.Column("visit_id", TEXT, nullable=False),
        sa.Column("bounced_at", TIME, nullable=True),
        sa.Column("bounce", TEXT, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["cardholder.id"], name=op.f("fk_address_holder_id_cardholder")
        ),
    )
    op.create_index(op.f("ix_address_holder_id"), "address", ["holder_id"])
    waiting = sa.text("replaces <> ''")
    op.create_index(
        "uq_address_waiting",
        "address",
        ["holder_id"],
        unique=True,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    bounced = sa.text("bounced_at IS NOT NULL")
    op.create_index(
        "ix_address_bounced",
        "address",
        ["bounced_at"],
        sqlite_where=bounced,
        postgresql_where=bounced,
    )
    now = datetime.now(UTC)

    def recorded(holder: Mapping[str, Any]) -> dict[str, Any]:
        # The record does not say since when it has it.
        values = {"source": "record", "value": holder["email"], "effective_from": now}
        return {"address_id": _add(bind, macs, holder["id"], values)}

    def registered(registration: Mapping[str, Any]) -> dict[str, Any]:
        unconfirmed = registration["unconfirmed_since"]
        verified = registration["email_verified_at"]
        values = {
            "source": "holder",
            "value": registration["email"],
            "effective_from": unconfirmed or verified,
            "confirmed_at": None if unconfirmed else verified,
        }
        return {"address_id": _add(bind, macs, registration["holder_id"], values)}

    HOLDER.rename(bind, macs, {"email": "address_id"}, recorded, "email IS NOT NULL")
    gone = "email_verified_at", "unconfirmed_since"
    REGISTRATION.rename(bind, macs, {"email": "address_id"}, registered, gone=gone)
    for change in list(CHANGE.genuine(bind, macs, "ended_at IS NULL")):
        before = _route(bind, change["holder_id"], change["old_email"], "holder")
        values = {
            "source": "holder",
            "value": change["new_email"],
            "effective_from": change["effective_at"],
            "confirmed_at": change["requested_at"],
            "replaces": before,
            "visit_id": change["visit_id"],
        }
        if before:
            _add(bind, macs, change["holder_id"], values)
    op.drop_table("address_change")

    def owner(found: Mapping[str, Any]) -> dict[str, Any]:
        known = _route(bind, found["holder_id"] or "", found["owner_email"])
        return {"owner_route": known or None}

    def sent(code: Mapping[str, Any]) -> dict[str, Any]:
        is_over = code["consumed_at"] is not None or code["revoked_at"] is not None
        if is_over or not code["sent_to"]:
            return {"route": ""}
        if code["pending_id"] and not code["proves_owner"]:
            return {"route": code["pending_id"]}
        return {"route": _route(bind, code["holder_id"], code["sent_to"])}

    has_owner, owners = "owner_email IS NOT NULL", {"owner_email": "owner_route"}
    VISIT.without("questions_proven_at", "questions_carried", "code_proven_id").rename(
        bind, macs, owners, owner, has_owner
    )
    PENDING.rename(bind, macs, owners, owner, has_owner)
    CODE.without("questions_proven_at").rename(bind, macs, {"sent_to": "route"}, sent)


def _add(bind: sa.Connection, macs: KeyedRowMacs, holder_id: str, values: Mapping[str, Any]) -> str:
    id_ = uuid4().hex
    ADDRESS.add(bind, macs, {"id": id_, "holder_id": holder_id} | dict(values))
    return id_


def _route(bind: sa.Connection, holder_id: str, email: str, source: str = "") -> str:
    """Return the id of a holder's address: the registered one before that of the record."""
    address = sa.table("address", *(sa.column(each) for each in _ROUTE_COLUMNS))
    known = sa.select(address.c.id).where(
        address.c.holder_id == holder_id, address.c.value == email, address.c.replaces == ""
    )
    if source:
        known = known.where(address.c.source == source)
    return bind.scalar(known.order_by(address.c.source).limit(1)) or ""


_ROUTE_COLUMNS = "id", "holder_id", "source", "value", "replaces"


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose rows")
