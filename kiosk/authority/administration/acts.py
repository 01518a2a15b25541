"""Every act of staff that can wait for a second member: what was entered, and what it would do.

``decisions`` performs them, by an arm for each.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from kiosk.authority.addresses import read_addresses
from kiosk.authority.administration.fields import CellRefused
from kiosk.authority.administration.login import read_public_key
from kiosk.authority.administration.office import StationChange
from kiosk.authority.administration.people_file import read_pasted_key
from kiosk.authority.administration.proposals import (
    OVERTAKEN,
    OpenedAct,
    StaffAct,
    open_parameters,
    split_seen,
)
from kiosk.authority.administration.views import IssuedFrom, NewCard
from kiosk.authority.audit.rows import row_name
from kiosk.authority.crypto.card_keys import fingerprint
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.crypto.station_ca import fingerprint_of
from kiosk.authority.errors import KeyMissing, NotFound, NotTaken, SealBroken
from kiosk.authority.records import Card, ProposedAct
from kiosk.authority.refusals import PlainRefusal
from kiosk.authority.roles import Role
from kiosk.authority.store.database import UnitOfWork
from kiosk.contract.sensitive import Sensitive

# People.


class AddPerson(StaffAct, frozen=True, tag="people.add"):
    number: str
    name: str
    email: str
    knowingly: bool = False

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return f"Add {self.name} ({self.number}), with the address {self.email}."


class CorrectEmail(StaffAct, frozen=True, tag="people.correct_email"):
    email: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        """Say the addresses that are known now, too: a colleague compares the new one with them."""
        holder, known = uow.holders.get(opened.holder_id), ""
        if holder is not None:
            known = " and ".join(read_addresses(uow, holder.id).for_notices)
        return f"Correct the email address from {known or 'none'} to {self.email}."

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return OVERTAKEN if StationChange.READDRESSED.came_after(uow, opened.seen) else ""


class LiftBlock(StaffAct, frozen=True, tag="people.lift_block"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return "Lift the block."

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return OVERTAKEN if StationChange.BLOCKED.came_after(uow, opened.seen) else ""


class RevokeRegistration(StaffAct, frozen=True, tag="people.revoke_registration"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return "Revoke the registration, so that they register anew."

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return OVERTAKEN if StationChange.BLOCKED.came_after(uow, opened.seen) else ""


class TakeBackLeaver(StaffAct, frozen=True, tag="people.take_back_leaver"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return "Take them back from the leavers."


class ErasePerson(StaffAct, frozen=True, tag="people.erase"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return "Erase the person, with everything about them."


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

    def _in_words(self) -> str:
        has_secret = self.master or self.secret is not None
        with_secret = ", with an unblock secret" if has_secret else ""
        return f"{self.driver} {self.identifier}{with_secret}"


class AddCard(_NewCard, frozen=True, tag="cards.add"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return f"Add the card {self._in_words()}."


class ReplaceCard(_NewCard, frozen=True, tag="cards.replace"):
    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return f"Replace the card {_card_of(uow, opened)} by {self._in_words()}."


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

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        full = " The card was just given it." if self.tries_full else ""
        return f"Set the unblock secret of the card {_card_of(uow, opened)}.{full}"

    def overtaken(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        card = uow.cards.get(opened.card_id)
        return REPLACED_SINCE if card is not None and self.is_older_than(card) else ""

    def is_older_than(self, card: Card) -> bool:
        """Return whether it would replace another secret than when it was proposed.

        A station gives a card a new one after an unblock: the proposed one may be an older one.
        """
        return self.replaced_revision != revision_of(card)


REPLACED_SINCE: Final = (
    "Another unblock secret was recorded for this card since this was proposed: decline it, look "
    "again, and propose it anew."
)


def revision_of(card: Card) -> int:
    """Return the revision of a card's unblock secret; 0 for none."""
    return card.sealed_secret.revision if card.sealed_secret else 0


def _master_or_secret(secret: Sensitive | IssuedFrom | None) -> tuple[str, Sensitive | None]:
    return (secret.master, None) if isinstance(secret, IssuedFrom) else ("", secret)


def _card_of(uow: UnitOfWork, opened: OpenedAct) -> str:
    card = uow.cards.get(opened.card_id)
    return f"{card.driver} {card.identifier}" if card else "that is not recorded any more"


# Members of staff.


class AddStaff(StaffAct, frozen=True, tag="staff.add"):
    name: str
    role: Role
    public_key: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        key = f", with the key {_login_key(self.public_key)}" if self.public_key else ""
        return f"Let in {self.name} as {self.role.value}{key}."


class ChangeRole(StaffAct, frozen=True, tag="staff.change_role"):
    role: Role

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return f"Give {_member_of(uow, opened)} the role {self.role.value}."


class AddStaffKey(StaffAct, frozen=True, tag="staff.add_key"):
    public_key: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        key = _login_key(self.public_key)
        return f"Let {_member_of(uow, opened)} in with the key {key}, too."


class AddStaffCard(StaffAct, frozen=True, tag="staff.add_card"):
    """``key`` is the one that was taken, also where none was entered."""

    driver: str
    identifier: str
    key: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        try:
            key = read_pasted_key(self.key, self.driver, None)
        except CellRefused:
            key = None
        shown = fingerprint(key) if key else _UNREADABLE_KEY
        whose = f"the card {self.driver} {self.identifier} of {_member_of(uow, opened)}"
        return f"Let {whose} open stations' maintenance pages, with the key {shown}."


_UNREADABLE_KEY = "that cannot be read"


def _login_key(public_key: str) -> str:
    try:
        return read_public_key(public_key).fingerprint
    except NotTaken:
        return _UNREADABLE_KEY


def _member_of(uow: UnitOfWork, opened: OpenedAct) -> str:
    member = uow.staff.get(opened.staff_id)
    return member.name if member else "somebody who is not recorded any more"


# Stations.


class StationAct(StaffAct, frozen=True, kw_only=True):
    """``retired_at`` is when the station was retired, as was known when it was proposed."""

    retired_at: str = ""


class EnrolStation(StationAct, frozen=True, tag="stations.enrol"):
    name: str
    site: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        station = _at_site(self.name, self.site)
        return f"Let in the station {station}: whoever agrees is shown its line."


class EnrolCertificate(StationAct, frozen=True, tag="stations.enrol_certificate"):
    name: str
    site: str
    pem: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        try:
            key = read_certificate(self.pem)[0]
        except NotTaken:
            key = _UNREADABLE_KEY
        station = _at_site(self.name, self.site)
        return f"Let in the station {station} by the certificate whose key is {key[:16]}…"


class ReinstateStation(StationAct, frozen=True, tag="stations.reinstate"):
    name: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return f"Put the station {self.name} back into service."


def _at_site(name: str, site: str) -> str:
    return f"{name.strip()} ({site.strip()})" if site.strip() else name.strip()


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

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return f"Offer the security question “{self.text}”."


class TranslateQuestion(StaffAct, frozen=True, tag="questions.translate"):
    question: int
    language: str
    text: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        known = uow.questions.by_ids((self.question,)).get(self.question)
        english = known.text if known else f"question {self.question}"
        if not self.text:
            return f"Ask “{english}” in English again where the language is {self.language}."
        return f"Ask “{english}” as “{self.text}” where the language is {self.language}."


class ChangePolicy(StaffAct, frozen=True, tag="policy.change"):
    name: str
    value: str

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        return f"Set {self.name} to {self.value or 'an empty list'}."


class RedactAudit(StaffAct, frozen=True, tag="audit.redact"):
    row: int
    whole: bool = False

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        what = "everything in words" if self.whole else "the reason"
        return f"Take {what} out of row {row_name(self.row)} of the audit."


class ImportPeopleFile(StaffAct, frozen=True, tag="imports.run"):
    """``known`` is how many people who are known it changes, ``plan`` a digest of how."""

    name: str
    digest: str = ""
    known: int = 0
    plan: str = ""

    def describe(self, uow: UnitOfWork, opened: OpenedAct) -> str:
        one = self.known == 1
        changes, them = ("one change", "it") if one else (f"{self.known} changes", "them")
        return (
            f"Import the file {self.name} (SHA-256 {self.digest[:16]}...), with {changes} of "
            "addresses, cards, keys or secrets of people who are known already or were erased. "
            f"The page Import (F9) shows {them}: try the file there."
        )


AnyAct = (
    AddPerson
    | CorrectEmail
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


OF_ANOTHER_VERSION = "This version of the program cannot do what was proposed."
UNREADABLE = (
    "This was altered in the database, or its key is gone: decline it, and propose it anew."
)


def open_act(sealer: Sealer, kept: ProposedAct) -> tuple[OpenedAct, AnyAct]:
    """Read a proposal, and the act in it; raises ``NotFound`` where it cannot be done as it is.

    An act is read as a whole or not at all: an entry that only another version knows decides what
    is done as well.
    """
    try:
        seen, entered = split_seen(kept, open_parameters(sealer, kept))
    except (SealBroken, KeyMissing):
        raise NotFound(UNREADABLE) from None
    try:
        act: AnyAct = msgspec.convert({**entered, "act": kept.act}, AnyAct, dec_hook=_as_sealed)
    except msgspec.ValidationError:
        raise NotFound(OF_ANOTHER_VERSION) from None
    return OpenedAct(kept, act, seen), act


def _as_sealed(of: type, value: object) -> object:
    """Take what was sealed as a secret where one belongs, and nothing else."""
    if isinstance(value, of):
        return value
    raise ValueError("it was not sealed as a secret")
