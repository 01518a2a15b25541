"""The tables; importing this fills ``Row.metadata`` with all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from kiosk.authority.roles import Role
from kiosk.authority.store.records import (
    CardStatus,
    GapKind,
    JointHash,
    KeptKind,
    Outcome,
    PinEvidence,
    Scalar,
    UnblockState,
    Verdict,
)
from kiosk.contract.messages import Purpose, ReadFault, Reason, VisitEnd

# Column types that give a record's own types back, the same on both databases.


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; a naive one is refused with ``ValueError``.

    SQLite keeps no zone, so the zone is put back when a value is read.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn into UTC what is aware."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a time without a zone was given to the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give UTC, whatever zone the server speaks."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Worded(TypeDecorator[StrEnum]):
    """One word of a ``StrEnum``, checked on its way in and on its way out."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        """Refuse what is none of the words."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)


class Numbers(TypeDecorator[tuple[int, ...]]):
    """A short list of numbers, kept as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[int, ...] | None, dialect: Dialect) -> str | None:
        """Write it as JSON."""
        return None if value is None else json.dumps([int(number) for number in value])

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[int, ...] | None:
        return None if value is None else tuple(json.loads(value))


class Scalars(TypeDecorator[dict[str, Any]]):
    """A flat dictionary of JSON scalars, kept as canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        """Refuse anything but scalars: an object could hide a secret."""
        return None if value is None else scalars_to_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        return None if value is None else json.loads(value)


class JointHashes(TypeDecorator[tuple[JointHash, ...]]):
    """The joint hashes of one registration, kept as JSON text: they are only read together."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: tuple[JointHash, ...] | None, dialect: Dialect
    ) -> str | None:
        """Write subset, digest and pepper id of each."""
        if value is None:
            return None
        return json.dumps([[list(one.subset), one.digest, one.pepper_id] for one in value])

    def process_result_value(
        self, value: str | None, dialect: Dialect
    ) -> tuple[JointHash, ...] | None:
        if value is None:
            return None
        return tuple(JointHash(tuple(one[0]), one[1], one[2]) for one in json.loads(value))


def scalars_to_text(scalars: dict[str, Any]) -> str:
    """Return canonical JSON; raise ``TypeError`` for anything but str, int, bool and None."""
    for name, value in scalars.items():
        if not isinstance(value, str | int | bool | None):
            raise TypeError(f"{name} is neither text, number, truth value nor nothing")
    return json.dumps(scalars, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


# What every table shares: one catalogue of their own, named constraints, and records.
#
# A row validates nothing and is mutable, so rows never leave the store: ``TableRow.record``
# copies one into its frozen record.

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)
else:
    Record = TypeVar("Record")


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


class TableRow(DeclarativeBase):
    """The root of the tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    def record(self, kind: type[Record]) -> Record:
        """Return a frozen ``kind`` whose fields are named as the columns are."""
        mine = self.__dict__  # an attribute is looked up by SQLAlchemy, and takes longer
        return kind(**{name: mine[name] for name in _field_names(kind)})

    def as_dict(self) -> dict[str, Any]:
        """Return the row's columns by their names."""
        return {name: getattr(self, name) for name in columns_of(type(self))}


class MacRow(TableRow):
    """A row that grants access: it has a MAC over all of its columns but ``uncovered``.

    ``Gateway`` makes the MAC when such a row is written and checks it when one is read.
    """

    __abstract__ = True

    uncovered: ClassVar[frozenset[str]] = frozenset()
    """What one atomic statement counts, or what is authenticated by other means."""

    mac: Mapped[str] = mapped_column(sort_order=-1)


T = TypeVar("T")
SomeRow = TypeVar("SomeRow", bound=TableRow)


def col(attribute: Mapped[T]) -> Mapped[T]:
    """Return the column of a table behind an attribute of its row class.

    Expressions of columns are quicker to build, and to look up compiled, than those of attributes.
    """
    mapped = cast("InstrumentedAttribute[T]", attribute)
    if not mapped.parent.is_mapper:
        return mapped
    return cast("Mapped[T]", mapped.property.columns[0])


@cache
def columns_of(kind: type[TableRow]) -> tuple[str, ...]:
    """Return the names of the columns of a ``select(kind)``, in their order."""
    return tuple(str(column.key) for column in select(kind).selected_columns)


@cache
def defaults_of(kind: type[TableRow]) -> dict[str, Any]:
    """Return the columns that a new row need not be given, each with what it has then."""
    columns = cast("Table", kind.__table__).columns
    return {
        str(column.key): getattr(column.default, "arg", None)
        for column in columns
        if column.nullable or column.default is not None
    }


def loaded(kind: type[SomeRow], values: Sequence[Any]) -> SomeRow:
    """Return a row that was read; it belongs to no session, which would cost more than reading."""
    row: SomeRow = kind.__new__(kind)
    row.__dict__.update(zip(columns_of(kind), values, strict=True))
    return row


def index_where(name: str, column: str, condition: str, *, unique: bool = False) -> Index:
    """Return an index over the rows that fulfil ``condition``, on either database.

    The dialect of PostgreSQL takes it from ``info``: its own argument would load that dialect
    where SQLite is used as well.
    """
    where = text(condition)
    return Index(name, column, unique=unique, sqlite_where=where, info={"where": where})


def values(record: DataclassInstance, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return a record's fields, to be written to the columns of the same names."""
    skipped = frozenset(without)
    names = _field_names(type(record))
    return {name: getattr(record, name) for name in names if name not in skipped}


FOLDED = String().with_variant(String(collation="C"), "postgresql")
"""Ordered by code points on both databases, so that a prefix is one range of the index."""


# Tables of people: cardholders, cards, registrations, questions, charged attempts.


class CardholderRow(MacRow):
    """See ``Cardholder``; ``sort_name`` is made of the name, and only lists are sorted by it."""

    uncovered = frozenset({"revision", "sort_name"})

    __tablename__ = "cardholder"
    __table_args__ = (
        Index("ix_cardholder_sort_name_id", "sort_name", "id"),
        index_where("ix_cardholder_left", "left_at", "left_at IS NOT NULL"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    sort_name: Mapped[str] = mapped_column(FOLDED)
    email: Mapped[str | None] = mapped_column(default=None)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revision: Mapped[int] = mapped_column(default=0)


class CardRow(MacRow):
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
    id: Mapped[str] = mapped_column(primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("cardholder.id"), index=True)
    driver: Mapped[str]
    identifier: Mapped[str]
    status: Mapped[CardStatus] = mapped_column(Worded(CardStatus))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    sealed_secret: Mapped[bytes | None] = mapped_column(default=None)
    sealed_key_id: Mapped[str | None] = mapped_column(default=None, index=True)
    sealed_revision: Mapped[int | None] = mapped_column(default=None)
    derived_from: Mapped[str] = mapped_column(default="")
    secret_generation: Mapped[int | None] = mapped_column(default=None)
    secret_limit: Mapped[int | None] = mapped_column(default=None)
    secret_exposure: Mapped[int] = mapped_column(default=0)
    secret_tries_left: Mapped[int | None] = mapped_column(default=None)
    auth_key: Mapped[bytes | None] = mapped_column(default=None)
    auth_key_imported: Mapped[bool] = mapped_column(default=False)
    pin_key: Mapped[bytes | None] = mapped_column(default=None)
    pin_key_imported: Mapped[bool] = mapped_column(default=False)
    set_aside_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    secret_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    key_proven_revision: Mapped[int | None] = mapped_column(default=None)
    key_exchanges: Mapped[int] = mapped_column(default=0)
    key_exchanged_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class QuestionRow(TableRow):
    """See ``SecurityQuestion``."""

    __tablename__ = "security_question"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str]
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class RegistrationRow(MacRow):
    """See ``Registration``."""

    uncovered = frozenset({"failures", "unproven_failures"})

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures"),
        index_where("ix_registration_blocked", "blocked_at", "blocked_at IS NOT NULL"),
    )
    holder_id: Mapped[str] = mapped_column(ForeignKey("cardholder.id"), primary_key=True)
    email: Mapped[str]
    email_verified_at: Mapped[datetime] = mapped_column(UtcDateTime)
    question_ids: Mapped[tuple[int, ...]] = mapped_column(Numbers)
    hashes: Mapped[tuple[JointHash, ...]] = mapped_column(JointHashes)
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    blocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    asked: Mapped[tuple[int, ...] | None] = mapped_column(Numbers, default=None)
    unconfirmed_since: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    proven: Mapped[bool] = mapped_column(default=False)
    unproven_failures: Mapped[int] = mapped_column(default=0)
    unproven_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class AttemptRow(MacRow):
    """One charged attempt: whose (``subject``: a holder, or a code), and what came of it.

    The key is the pair, so that an id that was used for one subject charges another anew.
    """

    __tablename__ = "attempt_charge"
    subject: Mapped[str] = mapped_column(primary_key=True)
    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    charged_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    left_after: Mapped[int]
    given: Mapped[bytes | None] = mapped_column(default=None)
    verdict: Mapped[Verdict | None] = mapped_column(Worded(Verdict), default=None)


class StopNumberRow(MacRow):
    """See ``StopNumber``; ``digest`` is ``<key id>.<hexadecimal>``."""

    __tablename__ = "stop_number"
    id: Mapped[str] = mapped_column(primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("cardholder.id"), index=True)
    visit_id: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class ErasedNumberRow(TableRow):
    """The number of somebody who was erased, as ``<key id>.<hexadecimal>``: it names nobody."""

    __tablename__ = "erased_number"
    digest: Mapped[str] = mapped_column(primary_key=True)


class AddressChangeRow(MacRow):
    """See ``AddressChange``."""

    __tablename__ = "address_change"
    __table_args__ = (
        index_where("uq_address_change_open", "holder_id", "ended_at IS NULL", unique=True),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("cardholder.id"), index=True)
    visit_id: Mapped[str]
    old_email: Mapped[str]
    new_email: Mapped[str]
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    effective_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


# The table of unblock secrets that are kept beside the current one of a card.

PENDING = "kind = 'pending'"


class KeptSecretRow(TableRow):
    """See ``KeptSecret``."""

    __tablename__ = "kept_secret"
    __table_args__ = (
        index_where("uq_kept_secret_pending", "card_id", PENDING, unique=True),
        index_where("ix_kept_secret_derived_from", "derived_from", "derived_from <> ''"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("card.id"), index=True)
    kind: Mapped[KeptKind] = mapped_column(Worded(KeptKind))
    sealed_secret: Mapped[bytes]
    sealed_key_id: Mapped[str] = mapped_column(index=True)
    sealed_revision: Mapped[int]
    derived_from: Mapped[str] = mapped_column(default="")
    kept_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry_id: Mapped[str] = mapped_column(default="")
    presented: Mapped[bool] = mapped_column(default=False)
    refused: Mapped[bool] = mapped_column(default=False)


# Tables of what happens at a station: visits, what they gather, codes, the journal.

LIVE_CODE = "sent_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL"
OPEN_ENTRY = "closed_at IS NULL"


class VisitRow(MacRow):
    """See ``Visit``."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_station_opened_at", "station", "opened_at"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    station: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    card_id: Mapped[str | None] = mapped_column(ForeignKey("card.id"), default=None, index=True)
    holder_id: Mapped[str | None] = mapped_column(
        ForeignKey("cardholder.id"), default=None, index=True
    )
    purpose: Mapped[Purpose | None] = mapped_column(Worded(Purpose), default=None)
    pin_proven_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    questions_proven_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    questions_carried: Mapped[bool] = mapped_column(default=False)
    code_proven_id: Mapped[str | None] = mapped_column(default=None)
    pin_was_blocked: Mapped[bool] = mapped_column(default=False)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    how: Mapped[VisitEnd | None] = mapped_column(Worded(VisitEnd), default=None)
    auth_key: Mapped[bytes | None] = mapped_column(default=None)
    genuine_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    challenge: Mapped[bytes | None] = mapped_column(default=None)
    challenged_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    secret_tries: Mapped[int | None] = mapped_column(default=None)
    judged: Mapped[bytes | None] = mapped_column(default=None)
    refusal: Mapped[Reason | None] = mapped_column(Worded(Reason), default=None)
    key_vouched: Mapped[bool] = mapped_column(default=False)
    pin_evidence: Mapped[PinEvidence | None] = mapped_column(Worded(PinEvidence), default=None)
    pin_key: Mapped[bytes | None] = mapped_column(default=None)
    pin_challenge: Mapped[bytes | None] = mapped_column(default=None)
    pin_challenged_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    owner_email: Mapped[str | None] = mapped_column(default=None)
    pending_id: Mapped[str | None] = mapped_column(default=None)
    unknown_card: Mapped[str | None] = mapped_column(default=None)
    unread: Mapped[ReadFault | None] = mapped_column(Worded(ReadFault), default=None)


class PendingRow(MacRow):
    """See ``PendingChange``."""

    __tablename__ = "pending_change"
    id: Mapped[str] = mapped_column(primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("cardholder.id"), index=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("card.id"), index=True)
    purpose: Mapped[Purpose] = mapped_column(Worded(Purpose))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    email: Mapped[str | None] = mapped_column(default=None)
    question_ids: Mapped[tuple[int, ...] | None] = mapped_column(Numbers, default=None)
    hashes: Mapped[tuple[JointHash, ...] | None] = mapped_column(JointHashes, default=None)
    auth_key: Mapped[bytes | None] = mapped_column(default=None)
    pin_key: Mapped[bytes | None] = mapped_column(default=None)
    pin_evidence: Mapped[PinEvidence] = mapped_column(Worded(PinEvidence))
    owner_email: Mapped[str | None] = mapped_column(default=None)


class CodeRow(MacRow):
    """See ``EmailCode``; no index holds the digest."""

    uncovered = frozenset({"tries"})

    __tablename__ = "email_code"
    __table_args__ = (
        index_where("uq_email_code_live", "card_id", LIVE_CODE, unique=True),
        Index("ix_email_code_card_id_drafted_at", "card_id", "drafted_at"),
        CheckConstraint("tries >= 0 AND tries <= max_tries", name="tries"),
        CheckConstraint("(sent_at IS NULL) = (expires_at IS NULL)", name="sent"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("card.id"))
    holder_id: Mapped[str] = mapped_column(ForeignKey("cardholder.id"), index=True)
    purpose: Mapped[Purpose] = mapped_column(Worded(Purpose))
    visit_id: Mapped[str]
    digest: Mapped[bytes]
    key_id: Mapped[str]
    sent_to: Mapped[str]
    drafted_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    max_tries: Mapped[int]
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    consumed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    questions_proven_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    pending_id: Mapped[str | None] = mapped_column(default=None)
    issued_by: Mapped[str | None] = mapped_column(default=None)
    agreed_by: Mapped[str | None] = mapped_column(default=None)
    needs_second: Mapped[bool] = mapped_column(default=False)
    attempt: Mapped[str] = mapped_column(default="")
    drafted_by: Mapped[str] = mapped_column(default="")
    proves_owner: Mapped[bool] = mapped_column(default=False)
    unproven: Mapped[bool] = mapped_column(default=False)


class UnblockRow(MacRow):
    """See ``UnblockEntry``."""

    __tablename__ = "unblock_journal"
    __table_args__ = (index_where("uq_unblock_journal_open", "card_id", OPEN_ENTRY, unique=True),)
    id: Mapped[str] = mapped_column(primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey("visit.id"), index=True)
    card_id: Mapped[str] = mapped_column(ForeignKey("card.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    was_blocked: Mapped[bool]
    state: Mapped[UnblockState] = mapped_column(Worded(UnblockState))
    detail: Mapped[str] = mapped_column(default="")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    attempt: Mapped[str] = mapped_column(default="")
    proof: Mapped[bytes | None] = mapped_column(default=None)
    cryptogram: Mapped[bytes | None] = mapped_column(default=None)


# Tables beside the visits: audit chains, their heads and anchors, outbox, stations.

GIVEN = {"autoincrement": False}
WAITING = "sent_at IS NULL AND failed_at IS NULL"
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


class AuditEventRow(TableRow):
    """See ``AuditEvent``; ``detail`` is the canonical JSON text whose salted digest was hashed.

    A detail that was redacted is gone with its salt: its digest stays.
    No foreign keys: a person who is erased leaves their ids here.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_at_seq", "at", "seq"),
        Index("ix_audit_event_kind_at", "kind", "at"),
        Index("ix_audit_event_holder_id_at", "holder_id", "at"),
        Index("ix_audit_event_station_at", "station", "at"),
        Index("ix_audit_event_actor_at", "actor", "at"),
    )
    seq: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str]
    reference: Mapped[str] = mapped_column(index=True)
    visit_id: Mapped[str | None] = mapped_column(default=None, index=True)
    card_id: Mapped[str | None] = mapped_column(default=None, index=True)
    holder_id: Mapped[str | None] = mapped_column(default=None)
    station: Mapped[str | None] = mapped_column(default=None)
    actor: Mapped[str | None] = mapped_column(default=None)
    detail: Mapped[str | None] = mapped_column(default=None)
    salt: Mapped[str | None] = mapped_column(default=None)
    detail_sha256: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]
    mac: Mapped[str]
    mac_key: Mapped[str]


class AuditHeadRow(TableRow):
    """The end of one chain; a writer locks one that nobody else has locked."""

    __tablename__ = "audit_head"
    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(ROW_NUMBER)
    hash: Mapped[str]


class AuditAnchorRow(TableRow):
    """See ``AuditAnchor``."""

    __tablename__ = "audit_anchor"
    seq: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True, autoincrement=False)
    hash: Mapped[str]
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signature: Mapped[bytes]
    key_id: Mapped[str]


class AuditGapRow(TableRow):
    """See ``AuditGap``."""

    __tablename__ = "audit_gap"
    last_row: Mapped[int] = mapped_column(ROW_NUMBER, primary_key=True, autoincrement=False)
    first_row: Mapped[int] = mapped_column(ROW_NUMBER)
    hash: Mapped[str]
    kind: Mapped[GapKind] = mapped_column(Worded(GapKind))
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signature: Mapped[bytes]
    key_id: Mapped[str]


class KnownKeyRow(TableRow):
    """See ``KnownKeys``."""

    __tablename__ = "known_key"
    id: Mapped[str] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class OutboxRow(TableRow):
    """See ``OutboxMessage``."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        index_where("ix_outbox_message_waiting", "created_at", WAITING),
        index_where("ix_outbox_message_failed", "failed_at", "failed_at IS NOT NULL"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    to: Mapped[str]
    template: Mapped[str]
    params: Mapped[dict[str, Scalar]] = mapped_column(Scalars)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    last_error: Mapped[str] = mapped_column(default="")
    holder_id: Mapped[str | None] = mapped_column(default=None, index=True)


class StationRow(MacRow):
    """See ``Station``."""

    uncovered = frozenset({"last_seen_at", "version", "reader_state"})

    __tablename__ = "station"
    name: Mapped[str] = mapped_column(primary_key=True)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[str] = mapped_column(default="")
    reader_state: Mapped[str] = mapped_column(default="")
    site: Mapped[str] = mapped_column(default="")
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class StationKeyRow(MacRow):
    """See ``StationKey``; one that was replaced is deleted."""

    __tablename__ = "station_key"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    station: Mapped[str] = mapped_column(ForeignKey("station.name"), index=True)
    not_after: Mapped[datetime] = mapped_column(UtcDateTime)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class EnrolmentRow(MacRow):
    """See ``Enrolment``; one that ran out is deleted when the next is made."""

    uncovered = frozenset({"tries"})

    __tablename__ = "station_enrolment"
    number: Mapped[str] = mapped_column(primary_key=True)
    station: Mapped[str] = mapped_column(index=True)
    site: Mapped[str] = mapped_column(default="")
    digest: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_key: Mapped[str | None] = mapped_column(default=None)
    tries: Mapped[int] = mapped_column(default=0)


# Tables of RA staff and of what they leave: keys, notes, policy settings, search.


class StaffMemberRow(MacRow):
    """See ``StaffMember``; one who was removed stays, for the audit names them by id."""

    __tablename__ = "staff_member"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[Role] = mapped_column(Worded(Role))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    revision: Mapped[int] = mapped_column(default=0)
    added_by: Mapped[str] = mapped_column(default="")
    agreed_by: Mapped[str] = mapped_column(default="")


class StaffKeyRow(MacRow):
    """See ``StaffKey``; a key that was taken away is deleted."""

    __tablename__ = "staff_key"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff_member.id"), index=True)
    public_key: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by: Mapped[str] = mapped_column(default="")
    agreed_by: Mapped[str] = mapped_column(default="")


class StaffCardRow(MacRow):
    """See ``StaffCard``; one that was taken away is deleted."""

    __tablename__ = "staff_card"
    card_id: Mapped[str] = mapped_column(ForeignKey("card.id"), primary_key=True)
    staff_id: Mapped[str] = mapped_column(ForeignKey("staff_member.id"), index=True)
    public_key: Mapped[bytes]
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_by: Mapped[str] = mapped_column(default="")
    agreed_by: Mapped[str] = mapped_column(default="")


class PolicySettingRow(MacRow):
    """See ``PolicySetting``."""

    __tablename__ = "policy_setting"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str | None] = mapped_column(default=None)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str]
    note_id: Mapped[str]
    revision: Mapped[int] = mapped_column(default=0)


class ActionNoteRow(TableRow):
    """See ``ActionNote``; deleted with its holder, while the audit keeps its digest."""

    __tablename__ = "action_note"
    id: Mapped[str] = mapped_column(primary_key=True)
    holder_id: Mapped[str | None] = mapped_column(default=None, index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str]
    identified_by: Mapped[str] = mapped_column(default="")
    salt: Mapped[str]


class ProposedActRow(TableRow):
    """See ``ProposedAct``; its seal covers what it says."""

    __tablename__ = "proposed_act"
    __table_args__ = (index_where("ix_proposed_act_waiting", "expires_at", "outcome = 'waiting'"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    act: Mapped[str]
    action: Mapped[str]
    holder_id: Mapped[str | None] = mapped_column(default=None, index=True)
    card_id: Mapped[str | None] = mapped_column(default=None)
    staff_id: Mapped[str | None] = mapped_column(default=None)
    revision: Mapped[int]
    parameters: Mapped[bytes]
    key_id: Mapped[str]
    proposed_by: Mapped[str]
    proposed_key: Mapped[str]
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    note_id: Mapped[str]
    reference: Mapped[str]
    outcome: Mapped[Outcome] = mapped_column(Worded(Outcome))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    decided_by: Mapped[str] = mapped_column(default="")


class SearchTermRow(TableRow):
    """One word by which a holder is found.

    The key is what a search as one types walks, the index where it looks whether a holder
    that one word found is found by another one, too.
    """

    __tablename__ = "search_term"
    __table_args__ = (
        Index("ix_search_term_holder_id_term", "holder_id", "term"),
        {"sqlite_with_rowid": False},
    )
    term: Mapped[str] = mapped_column(FOLDED, primary_key=True)
    holder_id: Mapped[str] = mapped_column(ForeignKey("cardholder.id"), primary_key=True)


# Tables of the caretaker: alarms that stand, and chores that are done now and then.


class AlarmRow(TableRow):
    """See ``Alarm``; one that is over is deleted."""

    __tablename__ = "alarm"
    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    detail: Mapped[dict[str, Scalar]] = mapped_column(Scalars)


class ChoreRow(TableRow):
    """See ``Chore``; ``seq`` and ``hash`` are the row that it has reached."""

    __tablename__ = "chore"
    name: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seq: Mapped[int] = mapped_column(ROW_NUMBER)
    hash: Mapped[str]


class AuditFeedRow(TableRow):
    """How far the audit was sent on; ``reached`` is JSON, the last row of each chain."""

    __tablename__ = "audit_feed"
    name: Mapped[str] = mapped_column(primary_key=True)
    reached: Mapped[str]
    holder: Mapped[str]
    held_until: Mapped[datetime] = mapped_column(UtcDateTime)


# Tables of the database as a whole: when a backup of it was restored, and its schema.


class RestoreRow(TableRow):
    """See ``Restore``; the row that makes its database another one than the backup."""

    __tablename__ = "store_restore"
    at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    generations_from: Mapped[int]


class ServedProgramRow(TableRow):
    """The single row that says which programs can work with the schema as it is.

    ``least_program`` is the ``REVISION`` of the oldest of them, or words that say why there is
    none: while a database is copied, and once it was copied to another one. A migration that
    only adds what an older program does not touch leaves it; one that takes something away
    raises it.
    """

    __tablename__ = "served_program"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    least_program: Mapped[str]


REVISION = "0001"
"""The migration that these tables are the outcome of; revisions are in order as texts."""
