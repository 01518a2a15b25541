"""Every act of staff that can wait for a second member: what was entered, and what it would do.

``decisions`` performs them, by an arm for each.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from kiosk.authority.addresses import read_addresses
from kiosk.authority.administration.fields import CellRefused
from kiosk.authority.administration.intents import (
    Intent,
    PlainIntent,
    ShownKey,
    ToAddAddress,
    ToAddCard,
    ToAddKey,
    ToAddPerson,
    ToAddStaffCard,
    ToCorrectAddress,
    ToGiveRole,
    ToImportFile,
    ToLetIn,
    ToLetInStation,
    ToOfferQuestion,
    ToRedactRow,
    ToReinstateStation,
    ToReplaceCard,
    ToSetPolicy,
    ToSetSecret,
    ToTranslateQuestion,
    ToWithdrawAddress,
)
from kiosk.authority.administration.login import read_public_key
from kiosk.authority.administration.office import StationChange
from kiosk.authority.administration.people_file import read_pasted_key
from kiosk.authority.administration.proposals import (
    OpenedAct,
    StaffAct,
    open_parameters,
    split_seen,
)
from kiosk.authority.administration.views import IssuedFrom, NewCard
from kiosk.authority.crypto.card_keys import fingerprint
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.crypto.station_ca import fingerprint_of
from kiosk.authority.errors import KeyMissing, NotFound, NotTaken, SealBroken
from kiosk.authority.records import Card, ProposedAct
from kiosk.authority.refusals import PlainRefusal, Refusal
from kiosk.authority.roles import Role
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.sensitive import Sensitive

# People.


class AddPerson(StaffAct, frozen=True, tag="people.add"):
    number: str
    name: str
    email: str
    knowingly: bool = False

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToAddPerson(self.name, self.number, self.email)


class CorrectEmail(StaffAct, frozen=True, tag="people.correct_email"):
    email: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        holder = uow.holders.get(opened.holder_id)
        if holder is None:
            return ToCorrectAddress((), self.email)
        return ToCorrectAddress(tuple(read_addresses(uow, holder.id).for_notices), self.email)

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
        return _after(StationChange.READDRESSED, uow, opened)


class AddAddress(StaffAct, frozen=True, tag="people.add_address"):
    email: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        known = read_addresses(uow, opened.holder_id).for_notices if opened.holder_id else ()
        return ToAddAddress(known, self.email)

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
        return _after(StationChange.READDRESSED, uow, opened)


class WithdrawAddress(StaffAct, frozen=True, tag="people.withdraw_address"):
    email: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToWithdrawAddress(self.email)

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
        return _after(StationChange.READDRESSED, uow, opened)


class LiftBlock(StaffAct, frozen=True, tag="people.lift_block"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return PlainIntent.LIFT_BLOCK

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
        return _after(StationChange.BLOCKED, uow, opened)


class RevokeRegistration(StaffAct, frozen=True, tag="people.revoke_registration"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return PlainIntent.REVOKE_REGISTRATION

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
        return _after(StationChange.BLOCKED, uow, opened)


class TakeBackLeaver(StaffAct, frozen=True, tag="people.take_back_leaver"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return PlainIntent.TAKE_BACK_LEAVER


class ErasePerson(StaffAct, frozen=True, tag="people.erase"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return PlainIntent.ERASE_PERSON


def _after(change: StationChange, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
    """Return that it is not done any more, where the person was changed so since."""
    return PlainRefusal.OVERTAKEN if change.came_after(uow, opened.seen) else None


# Cards. An unblock secret is ``secret``, or derives from the key whose id is ``master``.


class _NewCard(StaffAct, frozen=True):
    identifier: str
    driver: str
    expires_at: datetime | None = None
    secret_limit: int | None = None
    master: str = ""
    secret: Sensitive | None = None

    @classmethod
    def of(cls, card: NewCard) -> Self:
        master, secret = _master_or_secret(card.secret)
        entered = card.identifier, card.driver, card.expires_at, card.secret_limit
        return cls(*entered, master=master, secret=secret)

    @property
    def card(self) -> NewCard:
        secret = IssuedFrom(self.master) if self.master else self.secret
        return NewCard(self.identifier, self.driver, self.expires_at, secret, self.secret_limit)

    @property
    def shown(self) -> str:
        return f"{self.driver} {self.identifier}"

    @property
    def has_secret(self) -> bool:
        return bool(self.master) or self.secret is not None


class AddCard(_NewCard, frozen=True, tag="cards.add"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToAddCard(self.shown, self.has_secret)


class ReplaceCard(_NewCard, frozen=True, tag="cards.replace"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToReplaceCard(_card_of(uow, opened), self.shown, self.has_secret)


class SetSecret(StaffAct, frozen=True, tag="cards.set_secret"):
    """``replaced_revision`` is that of the secret which the card had when it was proposed."""

    master: str = ""
    secret: Sensitive | None = None
    tries_full: bool = False
    replaced_revision: int | None = None

    @classmethod
    def of(cls, entered: Sensitive | IssuedFrom, *, tries_full: bool) -> Self:
        master, secret = _master_or_secret(entered)
        return cls(master, secret, tries_full)

    @property
    def entered(self) -> Sensitive | IssuedFrom:
        return IssuedFrom(self.master) if self.master else self.secret or Sensitive("")

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToSetSecret(_card_of(uow, opened), self.tries_full)

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> Refusal | None:
        card = uow.cards.get(opened.card_id)
        is_older = card is not None and self.is_older_than(card)
        return PlainRefusal.SECRET_REPLACED_SINCE if is_older else None

    def is_older_than(self, card: Card) -> bool:
        """Return whether it would replace another secret than when it was proposed.

        A station gives a card a new one after an unblock: the proposed one may be an older one.
        """
        return self.replaced_revision != revision_of(card)


def revision_of(card: Card) -> int:
    """Return the revision of a card's unblock secret; 0 for none."""
    return card.sealed_secret.revision if card.sealed_secret else 0


def _master_or_secret(secret: Sensitive | IssuedFrom | None) -> tuple[str, Sensitive | None]:
    return (secret.master, None) if isinstance(secret, IssuedFrom) else ("", secret)


def _card_of(uow: UnitOfWork, opened: OpenedAct) -> str:
    card = uow.cards.get(opened.card_id)
    return f"{card.driver} {card.identifier}" if card else ""


# Members of staff.


class AddStaff(StaffAct, frozen=True, tag="staff.add"):
    name: str
    role: Role
    public_key: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        key = _login_key(self.public_key) if self.public_key else None
        return ToLetIn(self.name, self.role, key)


class ChangeRole(StaffAct, frozen=True, tag="staff.change_role"):
    role: Role

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToGiveRole(_member_of(uow, opened), self.role)


class AddStaffKey(StaffAct, frozen=True, tag="staff.add_key"):
    public_key: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToAddKey(_member_of(uow, opened), _login_key(self.public_key))


class AddStaffCard(StaffAct, frozen=True, tag="staff.add_card"):
    """``key`` is the one that was taken, also where none was entered."""

    driver: str
    identifier: str
    key: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        try:
            key = read_pasted_key(self.key, self.driver, None)
        except CellRefused:
            key = None
        shown = ShownKey(fingerprint(key) if key else "")
        card = f"{self.driver} {self.identifier}"
        return ToAddStaffCard(card, _member_of(uow, opened), shown)


def _login_key(public_key: str) -> ShownKey:
    try:
        return ShownKey(read_public_key(public_key).fingerprint)
    except NotTaken:
        return ShownKey("")


def _member_of(uow: UnitOfWork, opened: OpenedAct) -> str:
    member = uow.staff.get(opened.staff_id)
    return member.name if member else ""


# Stations.


class StationAct(StaffAct, frozen=True, kw_only=True):
    """``retired_at`` is when the station was retired, as was known when it was proposed."""

    retired_at: str = ""


class EnrolStation(StationAct, frozen=True, tag="stations.enrol"):
    name: str
    site: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToLetInStation(self.name.strip(), self.site.strip())


class EnrolCertificate(StationAct, frozen=True, tag="stations.enrol_certificate"):
    name: str
    site: str
    pem: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        try:
            key = read_certificate(self.pem)[0]
        except NotTaken:
            key = ""
        return ToLetInStation(self.name.strip(), self.site.strip(), ShownKey(key))


class ReinstateStation(StationAct, frozen=True, tag="stations.reinstate"):
    name: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToReinstateStation(self.name)


def read_certificate(pem: str) -> tuple[str, datetime]:
    """Return the fingerprint of a certificate's key, and its end; raises ``NotTaken``."""
    try:
        shown = x509.load_pem_x509_certificate(pem.encode())
        return fingerprint_of(shown.public_key()), shown.not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        raise NotTaken("certificate", PlainRefusal.NO_CERTIFICATE) from None
    except UnsupportedAlgorithm:
        raise NotTaken("certificate", PlainRefusal.CERTIFICATE_OF_UNKNOWN_KIND) from None


# Policy, questions, audit and import.


class AddQuestion(StaffAct, frozen=True, tag="questions.add"):
    text: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToOfferQuestion(self.text)


class TranslateQuestion(StaffAct, frozen=True, tag="questions.translate"):
    question: int
    language: str
    text: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        known = uow.questions.by_ids((self.question,)).get(self.question)
        english = known.text if known else ""
        return ToTranslateQuestion(self.question, english, self.language, self.text)


class ChangePolicy(StaffAct, frozen=True, tag="policy.change"):
    name: str
    value: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToSetPolicy(self.name, self.value)


class RedactAudit(StaffAct, frozen=True, tag="audit.redact"):
    row: int
    whole: bool = False

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToRedactRow(self.row, self.whole)


class ImportPeopleFile(StaffAct, frozen=True, tag="imports.run"):
    """``known`` is how many people who are known it changes, ``plan`` a digest of how."""

    name: str
    digest: str = ""
    known: int = 0
    plan: str = ""

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> Intent:
        return ToImportFile(self.name, self.digest, self.known)


AnyAct = (
    AddPerson
    | CorrectEmail
    | AddAddress
    | WithdrawAddress
    | LiftBlock
    | RevokeRegistration
    | TakeBackLeaver
    | ErasePerson
    | AddCard
    | ReplaceCard
    | SetSecret
    | AddStaff
    | ChangeRole
    | AddStaffKey
    | AddStaffCard
    | EnrolStation
    | EnrolCertificate
    | ReinstateStation
    | AddQuestion
    | TranslateQuestion
    | ChangePolicy
    | RedactAudit
    | ImportPeopleFile
)


def open_act(sealer: Sealer, kept: ProposedAct) -> tuple[OpenedAct, AnyAct]:
    """Read a proposal, and the act in it; raises ``NotFound`` where it cannot be done as it is.

    An act is read as a whole or not at all: an entry that only another version knows decides what
    is done as well.
    """
    try:
        seen, entered = split_seen(kept, open_parameters(sealer, kept))
    except (SealBroken, KeyMissing):
        raise NotFound(PlainRefusal.PROPOSAL_UNREADABLE) from None
    try:
        act: AnyAct = msgspec.convert({**entered, "act": kept.act}, AnyAct, dec_hook=_as_sealed)
    except msgspec.ValidationError:
        raise NotFound(PlainRefusal.OF_ANOTHER_VERSION) from None
    return OpenedAct(kept, act, seen), act


def _as_sealed(of: type, value: object) -> object:
    """Take what was sealed as a secret where one belongs, and nothing else."""
    if isinstance(value, of):
        return value
    raise ValueError("it was not sealed as a secret")
