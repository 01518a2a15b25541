"""What leaves the store: frozen records, never a row, a session or a lazy attribute.

Ids are 32 hexadecimal digits drawn by the caller (``new_id``). Times are UTC and aware;
a naive one is refused when it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from kiosk.dialogue import CardId, Purpose

Scalar = str | int | bool | None
"""What an audit detail or a mail's parameter may be: nothing that could hide a secret object."""


def new_id() -> str:
    """Return a fresh random id."""
    return uuid4().hex


# --- people and cards ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cardholder:
    """The person a card was issued to; ``left_at`` marks a leaver.

    ``revision`` grows with everything that is done about the person: what was decided on
    an older one loses.
    """

    id: str
    number: str
    name: str
    email: str | None = None
    left_at: datetime | None = None
    revision: int = 0


class CardStatus(StrEnum):
    """Whether the Registration Authority lets a card be used."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """An unblock secret under AEAD; ``revision`` grows each time it is sealed anew.

    ``derived_from`` is the id of the master key that it derives from; then what is sealed
    only says how. It is empty for one that is sealed itself.
    """

    ciphertext: bytes = field(repr=False)
    key_id: str
    revision: int
    derived_from: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A physical token, unique by ``(driver, identifier)``.

    ``secret_limit`` is how many wrong unblock secrets the card takes in a row, and
    ``secret_tries_left`` what it last told; None where nobody knows.
    ``secret_exposure`` counts unblocks whose outcome may have cost a try since then.
    ``auth_key`` is the key that it proves itself with (SubjectPublicKeyInfo in DER);
    ``auth_key_imported`` says that a file named it, not the card itself.
    ``pin_key`` is the key that it uses only after its PIN, ``pin_key_imported`` likewise.
    ``set_aside_at`` is when it refused every secret that it could have had.
    ``secret_seen_at`` is when a secret left the authority that was not changed since.
    ``key_proven_revision`` is the revision of the admin key that the card has shown to have;
    ``key_exchanges`` counts what that key made since a card last answered rightly, and
    ``key_exchanged_at`` is when it last did.
    ``secret_generation`` is the number of the secret that was derived for it last, 0 being
    that of the one that it was issued with; None where none was.
    """

    id: str
    holder_id: str
    driver: str
    identifier: str
    status: CardStatus = CardStatus.ACTIVE
    expires_at: datetime | None = None
    sealed_secret: SealedSecret | None = None
    secret_limit: int | None = None
    secret_exposure: int = 0
    secret_tries_left: int | None = None
    auth_key: bytes | None = field(default=None, repr=False)
    auth_key_imported: bool = False
    pin_key: bytes | None = field(default=None, repr=False)
    pin_key_imported: bool = False
    set_aside_at: datetime | None = None
    secret_generation: int | None = None
    secret_seen_at: datetime | None = None
    key_proven_revision: int | None = None
    key_exchanges: int = 0
    key_exchanged_at: datetime | None = None

    @property
    def identity(self) -> CardId:
        """The family and identifier by which a reader knows it."""
        return CardId(self.driver, self.identifier)


@dataclass(frozen=True, slots=True)
class KnownCard:
    """A card together with its holder, read in one statement."""

    card: Card
    holder: Cardholder


# --- registration ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SecurityQuestion:
    """One question of the list; a retired one is offered to nobody new."""

    id: int
    text: str
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class JointHash:
    """The encoded Argon2id hash of the answers to ``subset`` taken together.

    The digest begins with what says how the answers were folded.
    """

    subset: tuple[int, ...]
    digest: str = field(repr=False)
    pepper_id: str


@dataclass(frozen=True, slots=True)
class Registration:
    """A holder's self-service: one a holder, whatever cards they have.

    ``asked`` are the questions that keep coming back until they are answered.
    ``unconfirmed_since`` is when staff put another address in place: a code that was sent
    there and entered rightly confirms it.
    ``proven``: the card or its PIN was proven by a signature when the holder registered.
    ``unproven_failures`` counts wrong answers given with cards that are known by name only;
    until ``unproven_until`` no more of them are taken.
    """

    holder_id: str
    email: str
    email_verified_at: datetime
    question_ids: tuple[int, ...]
    hashes: tuple[JointHash, ...]
    registered_at: datetime
    updated_at: datetime
    failures: int = 0
    blocked_at: datetime | None = None
    asked: tuple[int, ...] | None = None
    unconfirmed_since: datetime | None = None
    proven: bool = False
    unproven_failures: int = 0
    unproven_until: datetime | None = None


class PinEvidence(StrEnum):
    """What shows that a card took its PIN: a signature by a known key, or a status word."""

    PROVEN = "proven"
    CLAIMED = "claimed"


class Verdict(StrEnum):
    """What came of an attempt that was charged."""

    RIGHT = "right"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt, charged once whatever number of times its id is presented.

    ``left`` is how many attempts remain after this one. ``fresh`` is True only for the
    call that charged it. A repeated one is answered with its ``verdict``; None there means
    that no call has concluded. Then ``given`` is the keyed digest of what the charge was
    paid for: that may be looked at again, and nothing else.
    """

    attempt_id: str
    left: int
    fresh: bool
    verdict: Verdict | None = None
    given: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PendingChange:
    """What a registration or a change has gathered before its code is entered.

    It survives walking away: the code that was sent for it names it.
    ``auth_key`` is what the card had proven when its PIN was verified, ``pin_key`` the key that
    signed then. ``owner_email`` is the known address whose code was entered because the PIN was
    only claimed.
    """

    id: str
    holder_id: str
    card_id: str
    purpose: Purpose
    created_at: datetime
    email: str | None = None
    question_ids: tuple[int, ...] | None = None
    hashes: tuple[JointHash, ...] | None = None
    auth_key: bytes | None = field(default=None, repr=False)
    pin_key: bytes | None = field(default=None, repr=False)
    pin_evidence: PinEvidence = PinEvidence.CLAIMED
    owner_email: str | None = None


@dataclass(frozen=True, slots=True)
class StopNumber:
    """A number that a notice gave, to be entered or read out by a holder: "this was not me"."""

    id: str
    holder_id: str
    visit_id: str
    digest: str = field(repr=False)
    made_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A change of address on a claimed PIN: until ``effective_at`` the old one can stop it."""

    id: str
    holder_id: str
    visit_id: str
    old_email: str
    new_email: str
    requested_at: datetime
    effective_at: datetime
    ended_at: datetime | None = None
