"""The tables; importing this fills ``Row.metadata`` with all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from kiosk.authority.records import (
    AddressKind,
    AddressSource,
    CardStatus,
    GapKind,
    JointHash,
    KeptKind,
    Outcome,
    PinChange,
    PinEvidence,
    PinPolicy,
    SavedCode,
    Scalar,
    SealedSecret,
    UnblockState,
    Verdict,
)
from kiosk.authority.roles import Role
from kiosk.authority.store.audit_chain import canonical
from kiosk.contract.messages import Factor, Purpose, ReadFault, Reason, VisitEnd

# Column types that return a record's types, the same on both databases.


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; a naive one is refused with ``ValueError``.

    SQLite stores no zone, so the zone is added when a value is read.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError("a time without a zone was given to the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Worded(TypeDecorator[StrEnum]):
    """One word of a ``StrEnum``, checked when it is written and when it is read."""

    impl = String
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.words(value)


class Json(TypeDecorator[Any]):
    """A value that is written as JSON text by ``write``, and read from it by ``read``."""

    impl = Text
    cache_ok = True

    def __init__(self, write: Callable[[Any], str], read: Callable[[str], Any]) -> None:
        super().__init__()
        self.write, self.read = write, read

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self.write(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else self.read(value)


def scalars_to_text(scalars: dict[str, Any]) -> str:
    """Return canonical JSON of scalars; ``TypeError`` for another value: it could hide a secret."""
    for name, value in scalars.items():
        if not isinstance(value, str | int | bool | None):
            raise TypeError(f"{name} is neither text, number, truth value nor nothing")
    return canonical(scalars).decode("ascii")


def _hashes_to_text(hashes: Iterable[JointHash]) -> str:
    return json.dumps([[list(one.subset), one.digest, one.pepper_id] for one in hashes])


def _hashes_of(text: str) -> tuple[JointHash, ...]:
    return tuple(JointHash(tuple(one[0]), one[1], one[2]) for one in json.loads(text))


def _numbers_to_text(numbers: Iterable[int]) -> str:
    return json.dumps([int(number) for number in numbers])


def _names_to_text(names: Iterable[str]) -> str:
    return json.dumps([str(name) for name in names])


NAMES = Json(_names_to_text, lambda text: tuple(json.loads(text)))


def _saved_to_text(codes: Iterable[SavedCode]) -> str:
    return json.dumps([asdict(one) | {"made_at": one.made_at.isoformat()} for one in codes])


def _saved_of(text: str) -> tuple[SavedCode, ...]:
    return tuple(
        SavedCode(**one | {"made_at": datetime.fromisoformat(one["made_at"])})
        for one in json.loads(text)
    )


NUMBERS = Json(_numbers_to_text, lambda text: tuple(json.loads(text)))
SCALARS = Json(scalars_to_text, json.loads)
HASHES = Json(_hashes_to_text, _hashes_of)
SAVED_CODES = Json(_saved_to_text, _saved_of)


# What all tables share: one metadata, named constraints, and records.
#
# ``table=True`` validates nothing and a row is mutable, so rows never leave the store:
# ``Row.record`` copies one into its frozen record: a ``VisitRow`` into a ``Visit``.

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Record = TypeVar("Record", bound=DataclassInstance)
else:
    Record = TypeVar("Record")


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


class TableRow(SQLModel):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    def record(self, kind: type[Record], **made: Any) -> Record:
        """Return a frozen ``kind`` whose fields, but those ``made``, have the names of columns."""
        mine = self.__dict__  # SQLAlchemy's attribute lookup takes longer
        if made:
            mine = mine | made
        return kind(**{name: mine[name] for name in _field_names(kind)})


class MacRow(TableRow):
    """A row that grants access: it has a MAC over all of its columns but ``uncovered``.

    ``Gateway`` makes the MAC when such a row is written and checks it when one is read.
    """

    uncovered: ClassVar[frozenset[str]] = frozenset()
    """Columns that one atomic statement counts, or that are authenticated in another way."""

    since: ClassVar[Mapping[str, str]] = {}
    """What an older program does not know, by the migration that came with it: a covered column, as
    "remark", or a word in one, as "how=upgraded". It is written once no older program serves; see
    ``UnitOfWork.level``.
    """

    mac: str = Field(repr=False)


T = TypeVar("T")
SomeRow = TypeVar("SomeRow", bound=TableRow)


def col(attribute: T) -> Mapped[T]:
    """Return the column of a table behind an attribute of its row class.

    Expressions of columns are faster to build, and to find compiled, than those of attributes.
    """
    mapped = cast("InstrumentedAttribute[T]", attribute)
    if not mapped.parent.is_mapper:
        return mapped
    return cast("Mapped[T]", mapped.property.columns[0])


@cache
def columns_of(kind: type[TableRow]) -> tuple[str, ...]:
    return tuple(str(column.key) for column in select(kind).selected_columns)


def loaded(kind: type[SomeRow], values: Sequence[Any]) -> SomeRow:
    """Return a row without session and without Pydantic: either costs more than reading."""
    row: SomeRow = object.__new__(kind)
    row.__dict__.update(zip(columns_of(kind), values, strict=True))
    return row


def index_where(name: str, column: str, condition: str, *, unique: bool = False) -> Index:
    """Return an index over the rows that meet ``condition``, on either database.

    The dialect of PostgreSQL reads it from ``info``: the dialect's own argument would load that
    dialect where SQLite is used as well.
    """
    where = text(condition)
    return Index(name, column, unique=unique, sqlite_where=where, info={"where": where})


def values(record: DataclassInstance, *, without: Iterable[str] = ()) -> dict[str, Any]:
    skipped = frozenset(without)
    names = _field_names(type(record))
    return {name: getattr(record, name) for name in names if name not in skipped}


FOLDED = String().with_variant(String(collation="C"), "postgresql")
"""Ordered by code points on both databases, so that a prefix is one range of the index."""


# Tables of people: cardholders, cards, registrations, questions, charged attempts.


class CardholderRow(MacRow, table=True):
    """See ``Cardholder``; ``sort_name`` is made of the name, and only lists are sorted by it."""

    uncovered = frozenset({"revision", "sort_name"})

    __tablename__ = "cardholder"
    __table_args__ = (
        Index("ix_cardholder_sort_name_id", "sort_name", "id"),
        index_where("ix_cardholder_left", "left_at", "left_at IS NOT NULL"),
    )
    id: str = Field(primary_key=True)
    number: str = Field(unique=True)
    name: str
    sort_name: str = Field(sa_type=FOLDED)
    address_id: str | None = None
    left_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revision: int = 0


WAITING_ADDRESS = "replaces <> ''"


class AddressRow(MacRow, table=True):
    """See ``Address``; holder and registration name theirs, so that none can be put in its place.

    A holder has at most one that waits.
    """

    uncovered = frozenset({"bounced_at", "bounce"})

    __tablename__ = "address"
    __table_args__ = (
        index_where("uq_address_waiting", "holder_id", WAITING_ADDRESS, unique=True),
        index_where("ix_address_bounced", "bounced_at", "bounced_at IS NOT NULL"),
    )
    id: str = Field(primary_key=True)
    holder_id: str = Field(foreign_key="cardholder.id", index=True)
    source: AddressSource = Field(sa_type=Worded(AddressSource))
    value: str
    effective_from: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    kind: AddressKind = Field(default=AddressKind.EMAIL, sa_type=Worded(AddressKind))
    replaces: str = ""
    visit_id: str = ""
    bounced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    bounce: str = ""


class CardRow(MacRow, table=True):
    """See ``Card``; the three columns of the sealed secret are all null or all set.

    The seal authenticates the secret, and atomic statements keep its counters.
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
        index_where("ix_card_set_aside", "set_aside_at", "set_aside_at IS NOT NULL"),
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
    pin_policy: PinPolicy | None = Field(default=None, sa_type=Worded(PinPolicy))
    assisted_pin_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    set_aside_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    secret_seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    key_proven_revision: int | None = None
    key_exchanges: int = 0
    key_exchanged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    def record(self, kind: type[Record], **made: Any) -> Record:
        sealed = None
        if self.sealed_secret is not None:
            key, revision = self.sealed_key_id or "", self.sealed_revision or 0
            sealed = SealedSecret(self.sealed_secret, key, revision, self.derived_from)
        return super().record(kind, sealed_secret=sealed, **made)


class QuestionRow(TableRow, table=True):
    __tablename__ = "security_question"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    text: str
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    others: dict[str, str] | None = Field(default=None, sa_type=SCALARS)


class RegistrationRow(MacRow, table=True):
    uncovered = frozenset({"failures", "unproven_failures"})

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures"),
        index_where("ix_registration_blocked", "blocked_at", "blocked_at IS NOT NULL"),
    )
    holder_id: str = Field(primary_key=True, foreign_key="cardholder.id")
    address_id: str
    question_ids: tuple[int, ...] = Field(sa_type=NUMBERS)
    hashes: tuple[JointHash, ...] = Field(sa_type=HASHES, repr=False)
    registered_at: datetime = Field(sa_type=UtcDateTime)
    failures: int = 0
    blocked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked: tuple[int, ...] | None = Field(default=None, sa_type=NUMBERS)
    proven: bool = False
    unproven_failures: int = 0
    unproven_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    language: str | None = None
    further: tuple[str, ...] = Field(default=(), sa_type=NAMES)
    saved_codes: tuple[SavedCode, ...] | None = Field(default=None, sa_type=SAVED_CODES, repr=False)


class AttemptRow(MacRow, table=True):
    """One charged attempt: its ``subject`` (a holder or a code), and its verdict.

    The key is the pair, so that an id that was used for one subject is charged again for another.
    ``station`` is None but for answers that were given with a card that is known by name only.
    """

    __tablename__ = "attempt_charge"
    __table_args__ = (index_where("ix_attempt_charge_station", "station", "station IS NOT NULL"),)
    subject: str = Field(primary_key=True)
    attempt_id: str = Field(primary_key=True)
    charged_at: datetime = Field(sa_type=UtcDateTime, index=True)
    left_after: int
    station: str | None = None
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


class ErasedNumberRow(TableRow, table=True):
    """The number of an erased person, as ``<key id>.<hexadecimal>``: it identifies nobody."""

    __tablename__ = "erased_number"
    digest: str = Field(primary_key=True, repr=False)


# The table of unblock secrets beside the current one of a card.

PENDING = "kind = 'pending'"


class KeptSecretRow(TableRow, table=True):
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

    def record(self, kind: type[Record], **made: Any) -> Record:
        about = self.sealed_key_id, self.sealed_revision, self.derived_from
        return super().record(kind, sealed=SealedSecret(self.sealed_secret, *about), **made)


# Tables of what happens at a station: visits, their pending changes, codes, the journal.

LIVE_CODE = "sent_at IS NOT NULL AND consumed_at IS NULL AND revoked_at IS NULL"
OPEN_ENTRY = "closed_at IS NULL"


class VisitRow(MacRow, table=True):
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
    way: str | None = None
    pin_was_blocked: bool = False
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    how: VisitEnd | None = Field(default=None, sa_type=Worded(VisitEnd))
    auth_key: bytes | None = Field(default=None, repr=False)
    genuine_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    challenge: bytes | None = Field(default=None, repr=False)
    challenged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    nonce: bytes | None = Field(default=None, repr=False)
    nonce_drawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    secret_tries: int | None = None
    other_kind: str | None = None
    judged: bytes | None = Field(default=None, repr=False)
    refusal: Reason | None = Field(default=None, sa_type=Worded(Reason))
    key_vouched: bool = False
    pin_evidence: PinEvidence | None = Field(default=None, sa_type=Worded(PinEvidence))
    pin_key: bytes | None = Field(default=None, repr=False)
    pin_challenge: bytes | None = Field(default=None, repr=False)
    pin_challenged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    owner_route: str | None = None
    pending_id: str | None = None
    pin_change: PinChange | None = Field(default=None, sa_type=Worded(PinChange))
    unknown_card: str | None = None
    unread: ReadFault | None = Field(default=None, sa_type=Worded(ReadFault))
    language: str | None = None


class ProofRow(MacRow, table=True):
    __tablename__ = "proof"
    visit_id: str = Field(primary_key=True, foreign_key="visit.id", ondelete="CASCADE")
    factor: Factor = Field(primary_key=True, sa_type=Worded(Factor))
    at: datetime = Field(sa_type=UtcDateTime)
    subject: str = ""
    carried_from: str | None = None
    spent_by: str | None = None


class PendingRow(MacRow, table=True):
    __tablename__ = "pending_change"
    id: str = Field(primary_key=True)
    holder_id: str = Field(foreign_key="cardholder.id", index=True)
    card_id: str = Field(foreign_key="card.id", index=True)
    purpose: Purpose = Field(sa_type=Worded(Purpose))
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    email: str | None = None
    question_ids: tuple[int, ...] | None = Field(default=None, sa_type=NUMBERS)
    hashes: tuple[JointHash, ...] | None = Field(default=None, sa_type=HASHES, repr=False)
    auth_key: bytes | None = Field(default=None, repr=False)
    pin_key: bytes | None = Field(default=None, repr=False)
    pin_evidence: PinEvidence = Field(sa_type=Worded(PinEvidence))
    owner_route: str | None = None
    saved_codes: tuple[SavedCode, ...] | None = Field(default=None, sa_type=SAVED_CODES, repr=False)


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
    route: str
    drafted_at: datetime = Field(sa_type=UtcDateTime, index=True)
    max_tries: int
    digits: int
    tries: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    consumed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    pending_id: str | None = None
    issued_by: str | None = None
    issued_key: str = ""
    agreed_by: str | None = None
    needs_second: bool = False
    attempt: str = ""
    drafted_by: str = ""
    proves_owner: bool = False
    unproven: bool = False


class UnblockRow(MacRow, table=True):
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
    awaited: bytes | None = Field(default=None, repr=False)
    admitted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


# Tables beside the visits: audit chains, their heads and anchors, outbox, stations.

GIVEN = {"autoincrement": False}
WAITING = "sent_at IS NULL AND failed_at IS NULL"
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")


class AuditEventRow(TableRow, table=True):
    """See ``AuditEvent``; ``detail`` is the canonical JSON text whose salted digest was hashed.

    A redacted detail is deleted with its salt; its digest stays. No foreign keys: the ids of an
    erased person stay here.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_at_seq", "at", "seq"),
        Index("ix_audit_event_kind_at", "kind", "at"),
        Index("ix_audit_event_holder_id_at", "holder_id", "at"),
        Index("ix_audit_event_station_at", "station", "at"),
        Index("ix_audit_event_actor_at", "actor", "at"),
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


class AuditHeadRow(TableRow, table=True):
    """The end of one chain; a writer locks one that nobody else has locked."""

    __tablename__ = "audit_head"
    chain: int = Field(primary_key=True, sa_column_kwargs=GIVEN)
    seq: int = Field(sa_type=ROW_NUMBER)
    hash: str


class AuditAnchorRow(TableRow, table=True):
    __tablename__ = "audit_anchor"
    seq: int = Field(primary_key=True, sa_type=ROW_NUMBER, sa_column_kwargs=GIVEN)
    hash: str
    signed_at: datetime = Field(sa_type=UtcDateTime)
    signature: bytes
    key_id: str


class AuditGapRow(TableRow, table=True):
    __tablename__ = "audit_gap"
    last_row: int = Field(primary_key=True, sa_type=ROW_NUMBER, sa_column_kwargs=GIVEN)
    first_row: int = Field(sa_type=ROW_NUMBER)
    hash: str
    kind: GapKind = Field(sa_type=Worded(GapKind))
    signed_at: datetime = Field(sa_type=UtcDateTime)
    signature: bytes
    key_id: str


class KnownKeyRow(TableRow, table=True):
    __tablename__ = "known_key"
    id: str = Field(primary_key=True)
    purpose: str
    since: datetime = Field(sa_type=UtcDateTime)


class OutboxRow(TableRow, table=True):
    __tablename__ = "outbox_message"
    __table_args__ = (
        index_where("ix_outbox_message_waiting", "created_at", WAITING),
        index_where("ix_outbox_message_failed", "failed_at", "failed_at IS NOT NULL"),
    )
    id: str = Field(primary_key=True)
    to: str
    template: str
    params: dict[str, Scalar] = Field(sa_type=SCALARS)
    created_at: datetime = Field(sa_type=UtcDateTime)
    next_at: datetime = Field(sa_type=UtcDateTime, index=True)
    attempts: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    denied: bool = False
    holder_id: str | None = Field(default=None, index=True)
    language: str | None = None


class StationRow(MacRow, table=True):
    uncovered = frozenset({"last_seen_at", "version", "reader_state"})

    __tablename__ = "station"
    name: str = Field(primary_key=True)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    version: str = ""
    reader_state: str = ""
    site: str = ""
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StationKeyRow(MacRow, table=True):
    """See ``StationKey``; a key that was replaced is deleted."""

    __tablename__ = "station_key"
    fingerprint: str = Field(primary_key=True)
    station: str = Field(foreign_key="station.name", index=True)
    not_after: datetime = Field(sa_type=UtcDateTime)
    added_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replaces: str | None = None


class EnrolmentRow(MacRow, table=True):
    """See ``Enrolment``; an expired one is deleted when the next is made."""

    uncovered = frozenset({"tries"})

    __tablename__ = "station_enrolment"
    number: str = Field(primary_key=True)
    station: str = Field(index=True)
    site: str = ""
    digest: str = Field(repr=False)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    used_key: str | None = None
    tries: int = 0


# Tables of RA staff and of their acts: keys, notes, policy settings, search.


class StaffMemberRow(MacRow, table=True):
    """See ``StaffMember``; a removed one stays, as the audit refers to their id."""

    __tablename__ = "staff_member"
    id: str = Field(primary_key=True)
    name: str
    role: Role = Field(sa_type=Worded(Role))
    added_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revision: int = 0
    added_by: str = ""
    agreed_by: str = ""
    past_key_adders: str = ""


class StaffKeyRow(MacRow, table=True):
    """See ``StaffKey``; a removed key is deleted."""

    __tablename__ = "staff_key"
    fingerprint: str = Field(primary_key=True)
    staff_id: str = Field(foreign_key="staff_member.id", index=True)
    public_key: str
    label: str = ""
    added_at: datetime = Field(sa_type=UtcDateTime)
    added_by: str = ""
    agreed_by: str = ""


class StaffCardRow(MacRow, table=True):
    """See ``StaffCard``; a removed one is deleted."""

    __tablename__ = "staff_card"
    card_id: str = Field(primary_key=True, foreign_key="card.id")
    staff_id: str = Field(foreign_key="staff_member.id", index=True)
    public_key: bytes
    added_at: datetime = Field(sa_type=UtcDateTime)
    added_by: str = ""
    agreed_by: str = ""


class PolicySettingRow(MacRow, table=True):
    __tablename__ = "policy_setting"
    name: str = Field(primary_key=True)
    value: str | None = None
    changed_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: str
    note_id: str
    revision: int = 0


class ActionNoteRow(TableRow, table=True):
    """See ``ActionNote``; deleted with its holder, while the audit keeps its digest."""

    __tablename__ = "action_note"
    id: str = Field(primary_key=True)
    holder_id: str | None = Field(default=None, index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    reason: str
    identified_by: str = ""
    salt: str = Field(repr=False)


class ProposedActRow(TableRow, table=True):
    """See ``ProposedAct``; its seal covers its content."""

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


class SearchTermRow(TableRow, table=True):
    """One word by which a holder is found.

    A search walks the key while somebody types, and uses the index to check whether a holder of one
    word also has another.
    """

    __tablename__ = "search_term"
    __table_args__ = (
        Index("ix_search_term_holder_id_term", "holder_id", "term"),
        {"sqlite_with_rowid": False},
    )
    term: str = Field(primary_key=True, sa_type=FOLDED)
    holder_id: str = Field(primary_key=True, foreign_key="cardholder.id")


# Tables of the caretaker: present alarms, and jobs.


class AlarmRow(TableRow, table=True):
    """See ``Alarm``; one that is over is deleted."""

    __tablename__ = "alarm"
    name: str = Field(primary_key=True)
    kind: str
    since: datetime = Field(sa_type=UtcDateTime)
    detail: dict[str, Scalar] = Field(sa_type=SCALARS)


class JobRow(TableRow, table=True):
    __tablename__ = "job"
    name: str = Field(primary_key=True)
    since: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime = Field(sa_type=UtcDateTime)
    reached: str


class AuditFeedRow(TableRow, table=True):
    """How far the audit was sent on; ``reached`` is JSON, the last row of each chain."""

    __tablename__ = "audit_feed"
    name: str = Field(primary_key=True)
    reached: str
    holder: str
    held_until: datetime = Field(sa_type=UtcDateTime)


# Tables of the database as a whole: when a backup of it was restored, and its schema.


class RestoreRow(TableRow, table=True):
    """See ``Restore``; this row distinguishes its database from the backup."""

    __tablename__ = "store_restore"
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    generations_from: int


class ServedProgramRow(TableRow, table=True):
    """The single row that says which programs can work with the schema as it is.

    ``least_program`` is the ``REVISION`` of the oldest of them, or the reason why there is none:
    while a database is copied, and after it was copied to another one. A migration that only adds
    what an older program does not touch leaves it unchanged; one that removes something raises it,
    and so does `kiosk store finish-upgrade`.
    """

    __tablename__ = "served_program"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)
    id: int = Field(primary_key=True, sa_column_kwargs=GIVEN)
    least_program: str


REVISION = "0002"
"""The migration that produces these tables; revisions are in order as texts."""
