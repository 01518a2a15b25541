"""Tables of RA staff and of what they leave: keys, notes, policy settings, search."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlmodel import Field

from kiosk.store.staff_records import Outcome, Role
from kiosk.store.tables.base import MacRow, Row, index_where
from kiosk.store.tables.columns import UtcDateTime, Worded

TERM = String().with_variant(String(collation="C"), "postgresql")
"""Ordered by code points on both databases, so that a prefix is one range of the index."""


class StaffMemberRow(MacRow, table=True):
    """See ``StaffMember``; one who was removed stays, for the audit names them by id."""

    __tablename__ = "staff_member"
    id: str = Field(primary_key=True)
    name: str
    role: Role = Field(sa_type=Worded(Role))
    added_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revision: int = 0
    added_by: str = ""
    agreed_by: str = ""


class StaffKeyRow(MacRow, table=True):
    """See ``StaffKey``; a key that was taken away is deleted."""

    __tablename__ = "staff_key"
    fingerprint: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff_member.id", index=True)
    public_key: str
    label: str = ""
    added_at: datetime = Field(sa_type=UtcDateTime)
    added_by: str = ""
    agreed_by: str = ""


class PolicySettingRow(MacRow, table=True):
    """See ``PolicySetting``."""

    __tablename__ = "policy_setting"
    name: str = Field(primary_key=True)
    value: str | None = None
    changed_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: str
    note_id: str
    revision: int = 0


class ActionNoteRow(Row, table=True):
    """See ``ActionNote``; deleted with its holder, while the audit keeps its digest."""

    __tablename__ = "action_note"
    id: str = Field(primary_key=True)
    holder_id: str | None = Field(default=None, index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    reason: str
    identified_by: str = ""
    salt: str = Field(repr=False)


class ProposedActRow(Row, table=True):
    """See ``ProposedAct``; its seal covers what it says."""

    __tablename__ = "proposed_act"
    __table_args__ = (index_where("ix_proposed_act_waiting", "expires_at", "outcome = 'waiting'"),)
    id: str = Field(primary_key=True)
    act: str
    action: str
    holder_id: str | None = Field(default=None, index=True)
    card_id: str | None = None
    staff_id: str | None = None
    revision: int
    parameters: bytes = Field(repr=False)
    key_id: str
    proposed_by: str
    proposed_key: str
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    note_id: str
    reference: str
    outcome: Outcome = Field(sa_type=Worded(Outcome))
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by: str = ""


class SearchTermRow(Row, table=True):
    """One word by which a holder is found.

    The key is what a search as one types walks, the index where it looks whether a holder
    that one word found is found by another one, too.
    """

    __tablename__ = "search_term"
    __table_args__ = (
        Index("ix_search_term_holder_id_term", "holder_id", "term"),
        {"sqlite_with_rowid": False},
    )
    term: str = Field(primary_key=True, sa_type=TERM)
    holder_id: str = Field(primary_key=True, foreign_key="cardholder.id")
