"""Tables beside the visits: audit chain, its head and anchors, outbox, stations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer
from sqlmodel import Field

from kiosk.store.records import Scalar
from kiosk.store.tables.base import MacRow, Row, index_where
from kiosk.store.tables.columns import Scalars, UtcDateTime

GIVEN = {"autoincrement": False}
WAITING = "sent_at IS NULL AND failed_at IS NULL"
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


class AuditEventRow(Row, table=True):
    """See ``AuditEvent``; ``detail`` is the canonical JSON text whose salted digest was hashed.

    A detail that was redacted is gone with its salt: its digest stays.
    No foreign keys: a person who is erased leaves their ids here.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_at_seq", "at", "seq"),
        Index("ix_audit_event_kind_at", "kind", "at"),
        Index("ix_audit_event_kind_seq", "kind", "seq"),
        Index("ix_audit_event_holder_id_seq", "holder_id", "seq"),
        Index("ix_audit_event_station_seq", "station", "seq"),
        Index("ix_audit_event_actor_seq", "actor", "seq"),
    )
    seq: int = Field(primary_key=True, sa_type=ROW_NUMBER, sa_column_kwargs=GIVEN)
    at: datetime = Field(sa_type=UtcDateTime)
    kind: str
    reference: str = Field(index=True)
    visit_id: str | None = Field(default=None, index=True)
    card_id: str | None = Field(default=None, index=True)
    holder_id: str | None = None
    station: str | None = None
    actor: str | None = None
    detail: str | None = None
    salt: str | None = Field(default=None, repr=False)
    detail_sha256: str
    previous: str
    hash: str
    mac: str
    mac_key: str


class AuditHeadRow(Row, table=True):
    """The single row that every writer of the audit locks."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id: int = Field(primary_key=True, sa_column_kwargs=GIVEN)
    seq: int = Field(sa_type=ROW_NUMBER)
    hash: str


class AuditAnchorRow(Row, table=True):
    """See ``AuditAnchor``."""

    __tablename__ = "audit_anchor"
    seq: int = Field(primary_key=True, sa_type=ROW_NUMBER, sa_column_kwargs=GIVEN)
    hash: str
    signed_at: datetime = Field(sa_type=UtcDateTime)
    signature: bytes
    key_id: str


class KnownKeyRow(Row, table=True):
    """See ``KnownKeys``."""

    __tablename__ = "known_key"
    id: str = Field(primary_key=True)
    purpose: str
    since: datetime = Field(sa_type=UtcDateTime)


class OutboxRow(Row, table=True):
    """See ``OutboxMessage``."""

    __tablename__ = "outbox_message"
    __table_args__ = (index_where("ix_outbox_message_waiting", "created_at", WAITING),)
    id: str = Field(primary_key=True)
    to: str
    template: str
    params: dict[str, Scalar] = Field(sa_type=Scalars)
    created_at: datetime = Field(sa_type=UtcDateTime)
    next_at: datetime = Field(sa_type=UtcDateTime, index=True)
    attempts: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_error: str = ""
    holder_id: str | None = Field(default=None, index=True)


class StationRow(MacRow, table=True):
    """See ``Station``."""

    uncovered = frozenset({"last_seen_at", "version", "reader_state"})

    __tablename__ = "station"
    name: str = Field(primary_key=True)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    version: str = ""
    reader_state: str = ""
    site: str = ""
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
