"""The table of unblock secrets that are kept beside the current one of a card."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from kiosk.store.secret_records import KeptKind
from kiosk.store.tables.base import Row, index_where
from kiosk.store.tables.columns import UtcDateTime, Worded

PENDING = "kind = 'pending'"


class KeptSecretRow(Row, table=True):
    """See ``KeptSecret``."""

    __tablename__ = "kept_secret"
    __table_args__ = (
        index_where("uq_kept_secret_pending", "card_id", PENDING, unique=True),
        index_where("ix_kept_secret_derived_from", "derived_from", "derived_from <> ''"),
    )
    id: str = Field(primary_key=True)
    card_id: str = Field(foreign_key="card.id", index=True)
    kind: KeptKind = Field(sa_type=Worded(KeptKind))
    sealed_secret: bytes = Field(repr=False)
    sealed_key_id: str = Field(index=True)
    sealed_revision: int
    derived_from: str = ""
    kept_at: datetime = Field(sa_type=UtcDateTime)
    entry_id: str = ""
    presented: bool = False
    refused: bool = False
