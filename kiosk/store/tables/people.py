"""Tables of people: cardholders, cards, registrations, questions, charged attempts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from kiosk.store.records import CardStatus, JointHash, Verdict
from kiosk.store.tables.base import MacRow, Row, index_where
from kiosk.store.tables.columns import JointHashes, Numbers, UtcDateTime, Worded


class CardholderRow(MacRow, table=True):
    """See ``Cardholder``."""

    uncovered = frozenset({"revision"})

    __tablename__ = "cardholder"
    __table_args__ = (
        Index("ix_cardholder_name_id", "name", "id"),
        index_where("ix_cardholder_left", "left_at", "left_at IS NOT NULL"),
    )
    id: str = Field(primary_key=True)
    number: str = Field(unique=True)
    name: str
    email: str | None = None
    left_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revision: int = 0


class CardRow(MacRow, table=True):
    """See ``Card``; the three columns of the sealed secret are all null or all set.

    What is sealed is authenticated by its seal, and its account is kept by atomic statements.
    """

    uncovered = frozenset(
        {
            "sealed_secret",
            "sealed_key_id",
            "sealed_revision",
            "derived_from",
            "secret_generation",
            "secret_limit",
            "secret_exposure",
            "secret_seen_at",
            "key_proven_revision",
            "key_exchanges",
            "key_exchanged_at",
            "secret_tries_left",
        }
    )

    __tablename__ = "card"
    __table_args__ = (
        UniqueConstraint("driver", "identifier"),
        CheckConstraint("secret_exposure >= 0", name="exposure"),
        CheckConstraint(
            "(sealed_secret IS NULL) = (sealed_key_id IS NULL) AND "
            "(sealed_secret IS NULL) = (sealed_revision IS NULL)",
            name="sealed",
        ),
        index_where("ix_card_derived_from", "derived_from", "derived_from <> ''"),
        index_where("ix_card_expires", "expires_at", "expires_at IS NOT NULL"),
    )
    id: str = Field(primary_key=True)
    holder_id: str = Field(foreign_key="cardholder.id", index=True)
    driver: str
    identifier: str
    status: CardStatus = Field(sa_type=Worded(CardStatus))
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sealed_secret: bytes | None = Field(default=None, repr=False)
    sealed_key_id: str | None = Field(default=None, index=True)
    sealed_revision: int | None = None
    derived_from: str = ""
    secret_generation: int | None = None
    secret_limit: int | None = None
    secret_exposure: int = 0
    secret_tries_left: int | None = None
    auth_key: bytes | None = Field(default=None, repr=False)
    auth_key_imported: bool = False
    pin_key: bytes | None = Field(default=None, repr=False)
    pin_key_imported: bool = False
    set_aside_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    secret_seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    key_proven_revision: int | None = None
    key_exchanges: int = 0
    key_exchanged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class QuestionRow(Row, table=True):
    """See ``SecurityQuestion``."""

    __tablename__ = "security_question"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    text: str
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RegistrationRow(MacRow, table=True):
    """See ``Registration``."""

    uncovered = frozenset({"failures", "unproven_failures"})

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures"),
        index_where("ix_registration_blocked", "blocked_at", "blocked_at IS NOT NULL"),
    )
    holder_id: str = Field(primary_key=True, foreign_key="cardholder.id")
    email: str
    email_verified_at: datetime = Field(sa_type=UtcDateTime)
    question_ids: tuple[int, ...] = Field(sa_type=Numbers)
    hashes: tuple[JointHash, ...] = Field(sa_type=JointHashes, repr=False)
    registered_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    failures: int = 0
    blocked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked: tuple[int, ...] | None = Field(default=None, sa_type=Numbers)
    unconfirmed_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    proven: bool = False
    unproven_failures: int = 0
    unproven_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AttemptRow(MacRow, table=True):
    """One charged attempt: whose (``subject``: a holder, or a code), and what came of it.

    The key is the pair, so that an id that was used for one subject charges another anew.
    """

    __tablename__ = "attempt_charge"
    subject: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    charged_at: datetime = Field(sa_type=UtcDateTime, index=True)
    left_after: int
    given: bytes | None = Field(default=None, repr=False)
    verdict: Verdict | None = Field(default=None, sa_type=Worded(Verdict))


class StopNumberRow(MacRow, table=True):
    """See ``StopNumber``; ``digest`` is ``<key id>.<hexadecimal>``."""

    __tablename__ = "stop_number"
    id: str = Field(primary_key=True)
    holder_id: str = Field(foreign_key="cardholder.id", index=True)
    visit_id: str
    digest: str = Field(unique=True, repr=False)
    made_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ErasedNumberRow(Row, table=True):
    """The number of somebody who was erased, as ``<key id>.<hexadecimal>``: it names nobody."""

    __tablename__ = "erased_number"
    digest: str = Field(primary_key=True, repr=False)


class AddressChangeRow(MacRow, table=True):
    """See ``AddressChange``."""

    __tablename__ = "address_change"
    __table_args__ = (
        index_where("uq_address_change_open", "holder_id", "ended_at IS NULL", unique=True),
    )
    id: str = Field(primary_key=True)
    holder_id: str = Field(foreign_key="cardholder.id", index=True)
    visit_id: str
    old_email: str
    new_email: str
    requested_at: datetime = Field(sa_type=UtcDateTime)
    effective_at: datetime = Field(sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
