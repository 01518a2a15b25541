"""Tables of what happens at a station: visits, what they gather, codes, the journal."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from kiosk.dialogue import Purpose, ReadFault, Reason, VisitEnd
from kiosk.store.records import JointHash, PinEvidence
from kiosk.store.tables.base import MacRow, index_where
from kiosk.store.tables.columns import JointHashes, Numbers, UtcDateTime, Worded
from kiosk.store.visit_records import UnblockState

LIVE_CODE = "sent_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL"
OPEN_ENTRY = "closed_at IS NULL"


class VisitRow(MacRow, table=True):
    """See ``Visit``."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_station_opened_at", "station", "opened_at"),)
    id: str = Field(primary_key=True)
    reference: str = Field(unique=True)
    station: str
    opened_at: datetime = Field(sa_type=UtcDateTime, index=True)
    card_id: str | None = Field(default=None, foreign_key="card.id", index=True)
    holder_id: str | None = Field(default=None, foreign_key="cardholder.id", index=True)
    purpose: Purpose | None = Field(default=None, sa_type=Worded(Purpose))
    pin_proven_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    questions_proven_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    questions_carried: bool = False
    code_proven_id: str | None = None
    pin_was_blocked: bool = False
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    how: VisitEnd | None = Field(default=None, sa_type=Worded(VisitEnd))
    auth_key: bytes | None = Field(default=None, repr=False)
    genuine_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    challenge: bytes | None = Field(default=None, repr=False)
    challenged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    secret_tries: int | None = None
    judged: bytes | None = Field(default=None, repr=False)
    refusal: Reason | None = Field(default=None, sa_type=Worded(Reason))
    key_vouched: bool = False
    pin_evidence: PinEvidence | None = Field(default=None, sa_type=Worded(PinEvidence))
    pin_key: bytes | None = Field(default=None, repr=False)
    pin_challenge: bytes | None = Field(default=None, repr=False)
    pin_challenged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    owner_email: str | None = None
    pending_id: str | None = None
    unknown_card: str | None = None
    unread: ReadFault | None = Field(default=None, sa_type=Worded(ReadFault))


class PendingRow(MacRow, table=True):
    """See ``PendingChange``."""

    __tablename__ = "pending_change"
    id: str = Field(primary_key=True)
    holder_id: str = Field(foreign_key="cardholder.id", index=True)
    card_id: str = Field(foreign_key="card.id", index=True)
    purpose: Purpose = Field(sa_type=Worded(Purpose))
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    email: str | None = None
    question_ids: tuple[int, ...] | None = Field(default=None, sa_type=Numbers)
    hashes: tuple[JointHash, ...] | None = Field(default=None, sa_type=JointHashes, repr=False)
    auth_key: bytes | None = Field(default=None, repr=False)
    pin_key: bytes | None = Field(default=None, repr=False)
    pin_evidence: PinEvidence = Field(sa_type=Worded(PinEvidence))
    owner_email: str | None = None


class CodeRow(MacRow, table=True):
    """See ``EmailCode``; no index holds the digest."""

    uncovered = frozenset({"tries"})

    __tablename__ = "email_code"
    __table_args__ = (
        index_where("uq_email_code_live", "card_id", LIVE_CODE, unique=True),
        Index("ix_email_code_card_id_drafted_at", "card_id", "drafted_at"),
        CheckConstraint("tries >= 0 AND tries <= max_tries", name="tries"),
        CheckConstraint("(sent_at IS NULL) = (expires_at IS NULL)", name="sent"),
    )
    id: str = Field(primary_key=True)
    card_id: str = Field(foreign_key="card.id")
    holder_id: str = Field(foreign_key="cardholder.id", index=True)
    purpose: Purpose = Field(sa_type=Worded(Purpose))
    visit_id: str
    digest: bytes = Field(repr=False)
    key_id: str
    sent_to: str
    drafted_at: datetime = Field(sa_type=UtcDateTime, index=True)
    max_tries: int
    tries: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    consumed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    questions_proven_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    pending_id: str | None = None
    issued_by: str | None = None
    agreed_by: str | None = None
    needs_second: bool = False
    attempt: str = ""
    drafted_by: str = ""
    proves_owner: bool = False
    unproven: bool = False


class UnblockRow(MacRow, table=True):
    """See ``UnblockEntry``."""

    __tablename__ = "unblock_journal"
    __table_args__ = (index_where("uq_unblock_journal_open", "card_id", OPEN_ENTRY, unique=True),)
    id: str = Field(primary_key=True)
    visit_id: str = Field(foreign_key="visit.id", index=True)
    card_id: str = Field(foreign_key="card.id", index=True)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    was_blocked: bool
    state: UnblockState = Field(sa_type=Worded(UnblockState))
    detail: str = ""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempt: str = ""
    proof: bytes | None = Field(default=None, repr=False)
    cryptogram: bytes | None = Field(default=None, repr=False)
