"""The tables; importing this fills ``Row.metadata`` with all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from kiosk.authority.roles import Role
from kiosk.authority.store.records import (
    CardStatus,
    GapKind,
    JointHash,
    KeptKind,
    Outcome,
    PinEvidence,
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


Word = TypeVar("Word", bound=StrEnum)


class Worded(TypeDecorator[Word]):
    """One word of a ``StrEnum``, checked on its way in and on its way out."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[Word]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: Word | str | None, dialect: Dialect) -> str | None:
        """Refuse what is none of the words."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Word | None:
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


T = TypeVar("T")

# What every table shares: one catalogue of their own, named constraints, and records.
#
# A row validates nothing and is mutable, so rows never leave the store: ``TableRow.record``
# copies one into its frozen record. SQLAlchemy's mapper is not used: it would be an eighth of what
# a command takes to start, for sessions that nothing here opens.

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.orm import Mapped

    Record = TypeVar("Record", bound=DataclassInstance)

    class Nullable(Mapped[T | None], Generic[T]):
        """The type of a column that may have no value."""
else:
    Record = TypeVar("Record")


def column(kind: TypeEngine[T] | type[TypeEngine[T]], *more: Any, **options: Any) -> Mapped[T]:
    """Return a column that has a value in each row: of the class an expression, of a row a value.

    Takes what ``Column`` takes.
    """
    return cast("Mapped[T]", Column(kind, *more, nullable=False, **options))


def optional(kind: TypeEngine[T] | type[TypeEngine[T]], *more: Any, **options: Any) -> Nullable[T]:
    """Return a column that may have none."""
    return cast("Nullable[T]", Column(kind, *more, **options))


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


class _TableType(type):
    __table__: FromClause

    def __clause_element__(cls) -> FromClause:
        return cls.__table__


class TableRow(metaclass=_TableType):
    """The root of the tables; SQLAlchemy takes the class of one wherever it takes a table."""

    metadata: ClassVar = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[Any, ...]] = ()
    __table_options__: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__tablename__" not in vars(cls):
            return
        columns = {name: each for name, each in vars(cls).items() if isinstance(each, Column)}
        for name, each in columns.items():
            each.name = name
        parts = *columns.values(), *cls.__table_args__
        cls.__table__ = Table(cls.__tablename__, cls.metadata, *parts, **cls.__table_options__)

    def __init__(self, **given: Any) -> None:
        """Raise ``TypeError`` for a name that is no column, and for a column that is missing."""
        whole = defaults_of(type(self)) | given
        if whole.keys() != set(columns_of(type(self))):
            raise TypeError(f"not the columns of {self.__tablename__}")
        self.__dict__.update(whole)

    def record(self, kind: type[Record]) -> Record:
        """Return a frozen ``kind`` whose fields are named as the columns are."""
        mine = self.__dict__
        return kind(**{name: mine[name] for name in _field_names(kind)})

    def as_dict(self) -> dict[str, Any]:
        """Return the row's columns by their names."""
        return dict(self.__dict__)


class MacRow(TableRow):
    """A row that grants access: it has a MAC over all of its columns but ``uncovered``.

    ``Gateway`` makes the MAC when such a row is written and checks it when one is read.
    """

    uncovered: ClassVar[frozenset[str]] = frozenset()
    """What one atomic statement counts, or what is authenticated by other means."""

    if TYPE_CHECKING:
        mac: Mapped[str]

    def __init_subclass__(cls) -> None:
        if "__tablename__" in vars(cls):  # else it is an alias, which has its own
            cls.mac = column(String)
        super().__init_subclass__()


SomeRow = TypeVar("SomeRow", bound=TableRow)


def alias_of(kind: type[SomeRow]) -> type[SomeRow]:
    """Return the table once more, for a statement in which it occurs twice."""
    table = kind.__table__.alias()
    return type(kind.__name__, (kind,), {"__table__": table, **dict(table.columns)})


@cache
def columns_of(kind: type[TableRow]) -> tuple[str, ...]:
    """Return the names of the columns, in the order in which a ``select(kind)`` gives them."""
    return tuple(kind.__table__.columns.keys())


@cache
def defaults_of(kind: type[TableRow]) -> dict[str, Any]:
    """Return the columns that a new row need not be given, each with what it has then."""
    return {
        name: getattr(column.default, "arg", None)
        for name, column in kind.__table__.columns.items()
        if column.nullable or column.default is not None
    }


def loaded(kind: type[SomeRow], values: Sequence[Any]) -> SomeRow:
    """Return a row that was read."""
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
    id = column(String, primary_key=True)
    number = column(String, unique=True)
    name = column(String)
    sort_name = column(FOLDED)
    email = optional(String)
    left_at = optional(UtcDateTime)
    revision = column(Integer, default=0)


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
    id = column(String, primary_key=True)
    holder_id = column(String, ForeignKey("cardholder.id"), index=True)
    driver = column(String)
    identifier = column(String)
    status = column(Worded(CardStatus))
    expires_at = optional(UtcDateTime)
    sealed_secret = optional(LargeBinary)
    sealed_key_id = optional(String, index=True)
    sealed_revision = optional(Integer)
    derived_from = column(String, default="")
    secret_generation = optional(Integer)
    secret_limit = optional(Integer)
    secret_exposure = column(Integer, default=0)
    secret_tries_left = optional(Integer)
    auth_key = optional(LargeBinary)
    auth_key_imported = column(Boolean, default=False)
    pin_key = optional(LargeBinary)
    pin_key_imported = column(Boolean, default=False)
    set_aside_at = optional(UtcDateTime)
    secret_seen_at = optional(UtcDateTime)
    key_proven_revision = optional(Integer)
    key_exchanges = column(Integer, default=0)
    key_exchanged_at = optional(UtcDateTime)


class QuestionRow(TableRow):
    """See ``SecurityQuestion``."""

    __tablename__ = "security_question"
    id = column(Integer, primary_key=True, autoincrement=False)
    text = column(String)
    retired_at = optional(UtcDateTime)


class RegistrationRow(MacRow):
    """See ``Registration``."""

    uncovered = frozenset({"failures", "unproven_failures"})

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures"),
        index_where("ix_registration_blocked", "blocked_at", "blocked_at IS NOT NULL"),
    )
    holder_id = column(String, ForeignKey("cardholder.id"), primary_key=True)
    email = column(String)
    email_verified_at = column(UtcDateTime)
    question_ids = column(Numbers)
    hashes = column(JointHashes)
    registered_at = column(UtcDateTime)
    updated_at = column(UtcDateTime)
    failures = column(Integer, default=0)
    blocked_at = optional(UtcDateTime)
    asked = optional(Numbers)
    unconfirmed_since = optional(UtcDateTime)
    proven = column(Boolean, default=False)
    unproven_failures = column(Integer, default=0)
    unproven_until = optional(UtcDateTime)


class AttemptRow(MacRow):
    """One charged attempt: whose (``subject``: a holder, or a code), and what came of it.

    The key is the pair, so that an id that was used for one subject charges another anew.
    """

    __tablename__ = "attempt_charge"
    subject = column(String, primary_key=True)
    attempt_id = column(String, primary_key=True)
    charged_at = column(UtcDateTime, index=True)
    left_after = column(Integer)
    given = optional(LargeBinary)
    verdict = optional(Worded(Verdict))


class StopNumberRow(MacRow):
    """See ``StopNumber``; ``digest`` is ``<key id>.<hexadecimal>``."""

    __tablename__ = "stop_number"
    id = column(String, primary_key=True)
    holder_id = column(String, ForeignKey("cardholder.id"), index=True)
    visit_id = column(String)
    digest = column(String, unique=True)
    made_at = column(UtcDateTime, index=True)
    used_at = optional(UtcDateTime)


class ErasedNumberRow(TableRow):
    """The number of somebody who was erased, as ``<key id>.<hexadecimal>``: it names nobody."""

    __tablename__ = "erased_number"
    digest = column(String, primary_key=True)


class AddressChangeRow(MacRow):
    """See ``AddressChange``."""

    __tablename__ = "address_change"
    __table_args__ = (
        index_where("uq_address_change_open", "holder_id", "ended_at IS NULL", unique=True),
    )
    id = column(String, primary_key=True)
    holder_id = column(String, ForeignKey("cardholder.id"), index=True)
    visit_id = column(String)
    old_email = column(String)
    new_email = column(String)
    requested_at = column(UtcDateTime)
    effective_at = column(UtcDateTime, index=True)
    ended_at = optional(UtcDateTime)


# The table of unblock secrets that are kept beside the current one of a card.

PENDING = "kind = 'pending'"


class KeptSecretRow(TableRow):
    """See ``KeptSecret``."""

    __tablename__ = "kept_secret"
    __table_args__ = (
        index_where("uq_kept_secret_pending", "card_id", PENDING, unique=True),
        index_where("ix_kept_secret_derived_from", "derived_from", "derived_from <> ''"),
    )
    id = column(String, primary_key=True)
    card_id = column(String, ForeignKey("card.id"), index=True)
    kind = column(Worded(KeptKind))
    sealed_secret = column(LargeBinary)
    sealed_key_id = column(String, index=True)
    sealed_revision = column(Integer)
    derived_from = column(String, default="")
    kept_at = column(UtcDateTime)
    entry_id = column(String, default="")
    presented = column(Boolean, default=False)
    refused = column(Boolean, default=False)


# Tables of what happens at a station: visits, what they gather, codes, the journal.

LIVE_CODE = "sent_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL"
OPEN_ENTRY = "closed_at IS NULL"


class VisitRow(MacRow):
    """See ``Visit``."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_station_opened_at", "station", "opened_at"),)
    id = column(String, primary_key=True)
    reference = column(String, unique=True)
    station = column(String)
    opened_at = column(UtcDateTime, index=True)
    card_id = optional(String, ForeignKey("card.id"), index=True)
    holder_id = optional(String, ForeignKey("cardholder.id"), index=True)
    purpose = optional(Worded(Purpose))
    pin_proven_at = optional(UtcDateTime)
    questions_proven_at = optional(UtcDateTime)
    questions_carried = column(Boolean, default=False)
    code_proven_id = optional(String)
    pin_was_blocked = column(Boolean, default=False)
    finished_at = optional(UtcDateTime)
    closed_at = optional(UtcDateTime)
    how = optional(Worded(VisitEnd))
    auth_key = optional(LargeBinary)
    genuine_at = optional(UtcDateTime)
    challenge = optional(LargeBinary)
    challenged_at = optional(UtcDateTime)
    secret_tries = optional(Integer)
    judged = optional(LargeBinary)
    refusal = optional(Worded(Reason))
    key_vouched = column(Boolean, default=False)
    pin_evidence = optional(Worded(PinEvidence))
    pin_key = optional(LargeBinary)
    pin_challenge = optional(LargeBinary)
    pin_challenged_at = optional(UtcDateTime)
    owner_email = optional(String)
    pending_id = optional(String)
    unknown_card = optional(String)
    unread = optional(Worded(ReadFault))


class PendingRow(MacRow):
    """See ``PendingChange``."""

    __tablename__ = "pending_change"
    id = column(String, primary_key=True)
    holder_id = column(String, ForeignKey("cardholder.id"), index=True)
    card_id = column(String, ForeignKey("card.id"), index=True)
    purpose = column(Worded(Purpose))
    created_at = column(UtcDateTime, index=True)
    email = optional(String)
    question_ids = optional(Numbers)
    hashes = optional(JointHashes)
    auth_key = optional(LargeBinary)
    pin_key = optional(LargeBinary)
    pin_evidence = column(Worded(PinEvidence))
    owner_email = optional(String)


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
    id = column(String, primary_key=True)
    card_id = column(String, ForeignKey("card.id"))
    holder_id = column(String, ForeignKey("cardholder.id"), index=True)
    purpose = column(Worded(Purpose))
    visit_id = column(String)
    digest = column(LargeBinary)
    key_id = column(String)
    sent_to = column(String)
    drafted_at = column(UtcDateTime, index=True)
    max_tries = column(Integer)
    tries = column(Integer, default=0)
    sent_at = optional(UtcDateTime)
    expires_at = optional(UtcDateTime)
    consumed_at = optional(UtcDateTime)
    revoked_at = optional(UtcDateTime)
    questions_proven_at = optional(UtcDateTime)
    pending_id = optional(String)
    issued_by = optional(String)
    agreed_by = optional(String)
    needs_second = column(Boolean, default=False)
    attempt = column(String, default="")
    drafted_by = column(String, default="")
    proves_owner = column(Boolean, default=False)
    unproven = column(Boolean, default=False)


class UnblockRow(MacRow):
    """See ``UnblockEntry``."""

    __tablename__ = "unblock_journal"
    __table_args__ = (index_where("uq_unblock_journal_open", "card_id", OPEN_ENTRY, unique=True),)
    id = column(String, primary_key=True)
    visit_id = column(String, ForeignKey("visit.id"), index=True)
    card_id = column(String, ForeignKey("card.id"), index=True)
    opened_at = column(UtcDateTime)
    was_blocked = column(Boolean)
    state = column(Worded(UnblockState))
    detail = column(String, default="")
    closed_at = optional(UtcDateTime)
    attempt = column(String, default="")
    proof = optional(LargeBinary)
    cryptogram = optional(LargeBinary)


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
    seq = column(ROW_NUMBER, primary_key=True, autoincrement=False)
    at = column(UtcDateTime)
    kind = column(String)
    reference = column(String, index=True)
    visit_id = optional(String, index=True)
    card_id = optional(String, index=True)
    holder_id = optional(String)
    station = optional(String)
    actor = optional(String)
    detail = optional(String)
    salt = optional(String)
    detail_sha256 = column(String)
    previous = column(String)
    hash = column(String)
    mac = column(String)
    mac_key = column(String)


class AuditHeadRow(TableRow):
    """The end of one chain; a writer locks one that nobody else has locked."""

    __tablename__ = "audit_head"
    chain = column(Integer, primary_key=True, autoincrement=False)
    seq = column(ROW_NUMBER)
    hash = column(String)


class AuditAnchorRow(TableRow):
    """See ``AuditAnchor``."""

    __tablename__ = "audit_anchor"
    seq = column(ROW_NUMBER, primary_key=True, autoincrement=False)
    hash = column(String)
    signed_at = column(UtcDateTime)
    signature = column(LargeBinary)
    key_id = column(String)


class AuditGapRow(TableRow):
    """See ``AuditGap``."""

    __tablename__ = "audit_gap"
    last_row = column(ROW_NUMBER, primary_key=True, autoincrement=False)
    first_row = column(ROW_NUMBER)
    hash = column(String)
    kind = column(Worded(GapKind))
    signed_at = column(UtcDateTime)
    signature = column(LargeBinary)
    key_id = column(String)


class KnownKeyRow(TableRow):
    """See ``KnownKeys``."""

    __tablename__ = "known_key"
    id = column(String, primary_key=True)
    purpose = column(String)
    since = column(UtcDateTime)


class OutboxRow(TableRow):
    """See ``OutboxMessage``."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        index_where("ix_outbox_message_waiting", "created_at", WAITING),
        index_where("ix_outbox_message_failed", "failed_at", "failed_at IS NOT NULL"),
    )
    id = column(String, primary_key=True)
    to = column(String)
    template = column(String)
    params = column(Scalars)
    created_at = column(UtcDateTime)
    next_at = column(UtcDateTime, index=True)
    attempts = column(Integer, default=0)
    sent_at = optional(UtcDateTime)
    failed_at = optional(UtcDateTime)
    last_error = column(String, default="")
    holder_id = optional(String, index=True)


class StationRow(MacRow):
    """See ``Station``."""

    uncovered = frozenset({"last_seen_at", "version", "reader_state"})

    __tablename__ = "station"
    name = column(String, primary_key=True)
    last_seen_at = column(UtcDateTime)
    version = column(String, default="")
    reader_state = column(String, default="")
    site = column(String, default="")
    retired_at = optional(UtcDateTime)


class StationKeyRow(MacRow):
    """See ``StationKey``; one that was replaced is deleted."""

    __tablename__ = "station_key"
    fingerprint = column(String, primary_key=True)
    station = column(String, ForeignKey("station.name"), index=True)
    not_after = column(UtcDateTime)
    added_at = column(UtcDateTime)
    ends_at = optional(UtcDateTime)


class EnrolmentRow(MacRow):
    """See ``Enrolment``; one that ran out is deleted when the next is made."""

    uncovered = frozenset({"tries"})

    __tablename__ = "station_enrolment"
    number = column(String, primary_key=True)
    station = column(String, index=True)
    site = column(String, default="")
    digest = column(String)
    expires_at = column(UtcDateTime)
    used_key = optional(String)
    tries = column(Integer, default=0)


# Tables of RA staff and of what they leave: keys, notes, policy settings, search.


class StaffMemberRow(MacRow):
    """See ``StaffMember``; one who was removed stays, for the audit names them by id."""

    __tablename__ = "staff_member"
    id = column(String, primary_key=True)
    name = column(String)
    role = column(Worded(Role))
    added_at = column(UtcDateTime)
    removed_at = optional(UtcDateTime)
    revision = column(Integer, default=0)
    added_by = column(String, default="")
    agreed_by = column(String, default="")


class StaffKeyRow(MacRow):
    """See ``StaffKey``; a key that was taken away is deleted."""

    __tablename__ = "staff_key"
    fingerprint = column(String, primary_key=True)
    staff_id = column(String, ForeignKey("staff_member.id"), index=True)
    public_key = column(String)
    label = column(String, default="")
    added_at = column(UtcDateTime)
    added_by = column(String, default="")
    agreed_by = column(String, default="")


class StaffCardRow(MacRow):
    """See ``StaffCard``; one that was taken away is deleted."""

    __tablename__ = "staff_card"
    card_id = column(String, ForeignKey("card.id"), primary_key=True)
    staff_id = column(String, ForeignKey("staff_member.id"), index=True)
    public_key = column(LargeBinary)
    added_at = column(UtcDateTime)
    added_by = column(String, default="")
    agreed_by = column(String, default="")


class PolicySettingRow(MacRow):
    """See ``PolicySetting``."""

    __tablename__ = "policy_setting"
    name = column(String, primary_key=True)
    value = optional(String)
    changed_at = column(UtcDateTime)
    changed_by = column(String)
    note_id = column(String)
    revision = column(Integer, default=0)


class ActionNoteRow(TableRow):
    """See ``ActionNote``; deleted with its holder, while the audit keeps its digest."""

    __tablename__ = "action_note"
    id = column(String, primary_key=True)
    holder_id = optional(String, index=True)
    at = column(UtcDateTime)
    reason = column(String)
    identified_by = column(String, default="")
    salt = column(String)


class ProposedActRow(TableRow):
    """See ``ProposedAct``; its seal covers what it says."""

    __tablename__ = "proposed_act"
    __table_args__ = (index_where("ix_proposed_act_waiting", "expires_at", "outcome = 'waiting'"),)
    id = column(String, primary_key=True)
    act = column(String)
    action = column(String)
    holder_id = optional(String, index=True)
    card_id = optional(String)
    staff_id = optional(String)
    revision = column(Integer)
    parameters = column(LargeBinary)
    key_id = column(String)
    proposed_by = column(String)
    proposed_key = column(String)
    proposed_at = column(UtcDateTime)
    expires_at = column(UtcDateTime)
    note_id = column(String)
    reference = column(String)
    outcome = column(Worded(Outcome))
    decided_at = optional(UtcDateTime)
    decided_by = column(String, default="")


class SearchTermRow(TableRow):
    """One word by which a holder is found.

    The key is what a search as one types walks, the index where it looks whether a holder
    that one word found is found by another one, too.
    """

    __tablename__ = "search_term"
    __table_args__ = (Index("ix_search_term_holder_id_term", "holder_id", "term"),)
    __table_options__: ClassVar = {"sqlite_with_rowid": False}
    term = column(FOLDED, primary_key=True)
    holder_id = column(String, ForeignKey("cardholder.id"), primary_key=True)


# Tables of the caretaker: alarms that stand, and chores that are done now and then.


class AlarmRow(TableRow):
    """See ``Alarm``; one that is over is deleted."""

    __tablename__ = "alarm"
    name = column(String, primary_key=True)
    kind = column(String)
    since = column(UtcDateTime)
    seen_at = column(UtcDateTime)
    detail = column(Scalars)


class ChoreRow(TableRow):
    """See ``Chore``; ``seq`` and ``hash`` are the row that it has reached."""

    __tablename__ = "chore"
    name = column(String, primary_key=True)
    since = column(UtcDateTime)
    done_at = column(UtcDateTime)
    seq = column(ROW_NUMBER)
    hash = column(String)


class AuditFeedRow(TableRow):
    """How far the audit was sent on; ``reached`` is JSON, the last row of each chain."""

    __tablename__ = "audit_feed"
    name = column(String, primary_key=True)
    reached = column(String)
    holder = column(String)
    held_until = column(UtcDateTime)


# Tables of the database as a whole: when a backup of it was restored, and its schema.


class RestoreRow(TableRow):
    """See ``Restore``; the row that makes its database another one than the backup."""

    __tablename__ = "store_restore"
    at = column(UtcDateTime, primary_key=True)
    generations_from = column(Integer)


class ServedProgramRow(TableRow):
    """The single row that says which programs can work with the schema as it is.

    ``least_program`` is the ``REVISION`` of the oldest of them, or words that say why there is
    none: while a database is copied, and once it was copied to another one. A migration that
    only adds what an older program does not touch leaves it; one that takes something away
    raises it.
    """

    __tablename__ = "served_program"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id = column(Integer, primary_key=True, autoincrement=False)
    least_program = column(String)


REVISION = "0001"
"""The migration that these tables are the outcome of; revisions are in order as texts."""
