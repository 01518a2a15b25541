"""The frozen records that leave the store: never a row, a session or a lazy attribute."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final, NamedTuple
from uuid import uuid4

from kiosk.authority.roles import Role
from kiosk.contract.language import Language, text_in
from kiosk.contract.messages import CardId, Factor, Purpose, ReadFault, Reason, VisitEnd

Progress = Callable[[int, int], None]
"""Takes what is done and the total; called often, so it has to be fast."""

Scalar = str | int | bool | None
"""A value of an audit detail or a mail's parameters: no object that could hide a secret."""


def new_id() -> str:
    return uuid4().hex


# --- people and cards ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cardholder:
    """The person a card was issued to; ``left_at`` marks a leaver.

    ``address_id`` is the address of the record. ``revision`` grows with every act on the person: a
    decision that was based on an older revision is refused.
    """

    id: str
    number: str
    name: str
    address_id: str | None = None
    left_at: datetime | None = None
    revision: int = 0


class AddressKind(StrEnum):
    EMAIL = "email"
    NUMBER = "number"
    """One that gets text messages, as in ITU-T E.164."""


MOST_FURTHER: Final = 3
"""The most further addresses of one person: each is one more mailbox to keep safe."""


class AddressSource(StrEnum):
    """Who says that a holder reads what is sent to an address."""

    RECORD = "record"
    """An import, or staff."""
    HOLDER = "holder"
    """The holder, by a registration; staff may have corrected it since."""
    FURTHER = "further"
    """One more of the same holder, which their registration names beside that one."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one holder is reached; see ``kiosk.authority.addresses`` for what each is used for.

    The ``id`` names the ``value`` for as long as the row exists: another value is another address.
    Codes, visits and pages name it by that id. ``confirmed_at`` is when a right code that was sent
    there was entered; None where none was. Before ``effective_from`` it counts for nothing. Until
    it is in force it ``replaces`` the address that can stop it, and was given in ``visit_id``.
    ``bounce`` is the status (RFC 3463) of a mail that came back or was late, at ``bounced_at``;
    empty where none did since a code that was sent there was entered. It bars nothing.
    """

    id: str
    holder_id: str
    source: AddressSource
    value: str
    effective_from: datetime
    confirmed_at: datetime | None = None
    kind: AddressKind = AddressKind.EMAIL
    replaces: str = ""
    visit_id: str = ""
    bounced_at: datetime | None = None
    bounce: str = ""

    @property
    def is_failing(self) -> bool:
        """Whether the last mail came back for good."""
        return self.bounce.startswith("5")

    def is_late(self, now: datetime) -> bool:
        """Return whether mail was late within ``LATE_FOR``."""
        since = self.bounced_at
        is_new = since is not None and abs(now - since) < LATE_FOR
        return is_new and not self.is_failing and bool(self.bounce)


LATE_FOR: Final = timedelta(days=1)
"""How long it is said of an address that mail to it was late."""


class CardStatus(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """An unblock secret under AEAD; ``revision`` grows each time it is sealed again.

    ``derived_from`` is the id of the master key that it derives from; the sealed content then only
    says how. It is empty where the secret itself is sealed.
    """

    ciphertext: bytes = field(repr=False)
    key_id: str
    revision: int
    derived_from: str = ""


class PinPolicy(StrEnum):
    """When a card asks for its PIN before it uses a key, as an import declared it of the key."""

    NEVER = "never"
    ONCE = "once"
    """Once after each reset."""
    ALWAYS = "always"
    """Before each use."""


class NamedKey(Enum):
    """Which of the two key ids of a sealed secret; the value is its column."""

    SEAL = "sealed_key_id"
    MASTER = "derived_from"


@dataclass(frozen=True, slots=True)
class Card:
    """A physical token, unique by ``(driver, identifier)``.

    ``secret_limit`` is how many wrong unblock secrets the card takes in a row, and
    ``secret_tries_left`` its last report; None where unknown. ``secret_exposure`` counts later
    unblocks that may have cost a try. ``auth_key`` is the key with which it proves itself
    (SubjectPublicKeyInfo in DER); ``auth_key_imported``: the key is from a file and not from the
    card. ``pin_key`` is the key that it uses only after its PIN, ``pin_key_imported`` likewise;
    ``pin_policy`` is what an import declared of that key, None where none did.
    ``assisted_pin_at`` is when its secret last left with a code that staff gave.
    ``set_aside_at`` is when it refused every secret that it could have. ``secret_seen_at`` is when
    its secret left the authority, where it was not changed since. ``key_proven_revision`` is the
    revision of the admin key that the card has proven; ``key_exchanges`` counts the uses of that
    key since the card's last right answer, and ``key_exchanged_at`` is the last use.
    ``secret_generation`` is the number of the last secret that was derived for it, 0 for the one
    that it was issued with; None where none was derived.
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
    pin_policy: PinPolicy | None = None
    assisted_pin_at: datetime | None = None
    set_aside_at: datetime | None = None
    secret_generation: int | None = None
    secret_seen_at: datetime | None = None
    key_proven_revision: int | None = None
    key_exchanges: int = 0
    key_exchanged_at: datetime | None = None

    @property
    def identity(self) -> CardId:
        return CardId(self.driver, self.identifier)


@dataclass(frozen=True, slots=True)
class KnownCard:
    card: Card
    holder: Cardholder


# --- registration ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SecurityQuestion:
    """One question of the list; a retired one is offered to no new holder.

    ``others`` are its texts in other languages than that of ``text``.
    """

    id: int
    text: str
    retired_at: datetime | None = None
    others: dict[Language, str] | None = None

    def in_language(self, language: Language | None) -> str:
        return text_in(self.others or {}, language or "") or self.text


@dataclass(frozen=True, slots=True)
class JointHash:
    """The encoded Argon2id hash of the answers to ``subset`` taken together.

    The digest begins with the version of the folding.
    """

    subset: tuple[int, ...]
    digest: str = field(repr=False)
    pepper_id: str


@dataclass(frozen=True, slots=True)
class SavedCode:
    """One code that a holder has written down: the encoded Argon2id hash of it.

    ``digit`` begins the code, and names it among those of its holder. ``nonce`` is what it was made
    of, for as long as it may be shown in ``visit_id``; without it nobody can make the code again. A
    code that ``replaces`` another one counts once an unblock has used that up.
    """

    id: str
    digit: int
    digest: str = field(repr=False)
    pepper_id: str
    made_at: datetime
    visit_id: str
    nonce: str = field(default="", repr=False)
    replaces: str = ""


FIRST_PAUSE: Final = timedelta(hours=1)
"""After the last of the wrong answers that cards known by name only may give."""

PAUSE_GROWTH: Final = 4
"""Factor of the pause after each further wrong answer."""

LONGEST_PAUSE: Final = timedelta(days=60)


def pause_after(failures: int, most: int) -> timedelta:
    """Return how long answers with cards known by name only pause after so many wrong ones."""
    if failures < most:
        return timedelta(0)
    growth: int = PAUSE_GROWTH ** min(failures - most, 6)
    return min(FIRST_PAUSE * growth, LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Registration:
    """A holder's self-service: one for each holder, whatever cards they have.

    ``address_id`` is the address to which codes go; ``further`` are those to which they can go as
    well, oldest first. ``asked`` are the questions that are asked until they are answered.
    ``proven``: a signature proved the card or its PIN when the holder registered.
    ``unproven_failures`` counts wrong answers with cards that are known by name only; until
    ``unproven_until`` no more are accepted from such cards. ``language`` is that of the visit that
    made it, for notices. Of ``saved_codes`` a used one leaves no trace here; None: none.
    """

    holder_id: str
    address_id: str
    question_ids: tuple[int, ...]
    hashes: tuple[JointHash, ...]
    registered_at: datetime
    failures: int = 0
    blocked_at: datetime | None = None
    asked: tuple[int, ...] | None = None
    proven: bool = False
    unproven_failures: int = 0
    unproven_until: datetime | None = None
    language: Language | None = None
    further: tuple[str, ...] = ()
    saved_codes: tuple[SavedCode, ...] | None = None

    @property
    def saved_left(self) -> tuple[SavedCode, ...]:
        """The saved codes that can be entered."""
        return tuple(one for one in self.saved_codes or () if not one.replaces)

    def paused_until(self, now: datetime, most: int) -> datetime | None:
        """Return the end of the pause; None where there is none, or a wrong clock began it.

        ``most`` wrong answers make the first one. A pause that has more before it than its whole
        length began in what is still to come.
        """
        until, longest = self.unproven_until, pause_after(self.unproven_failures, most)
        is_on = until is not None and now < until <= now + longest + CLOCKS_DIFFER
        return until if is_on else None


class PinEvidence(StrEnum):
    """How a card showed that it verified its PIN: a signature by a known key, or a status word."""

    PROVEN = "proven"
    CLAIMED = "claimed"


class PinChange(StrEnum):
    """A change of the PIN that the station began and has not reported."""

    BEGUN = "begun"
    UNKNOWN = "unknown"
    """Its holder got a notice that the PIN may have been changed."""


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    UNCHECKED = "unchecked"
    """It could not be checked, and may be charged once more."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt, charged once however often its id is presented.

    ``left`` is how many attempts remain after this one. ``fresh`` is True only for the call that
    charged it. ``verdict`` None means that no call has concluded: only the same entry, by its keyed
    digest ``given``, may then be checked again.
    """

    attempt_id: str
    left: int
    fresh: bool
    verdict: Verdict | None = None
    given: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PendingChange:
    """What a registration or a change has gathered before its code is entered.

    It outlives the visit: the code that was sent for it refers to it. ``auth_key`` is the key that
    the card had proven when its PIN was verified, ``pin_key`` the key that signed then.
    ``owner_route`` is the known address whose code was entered because the PIN was only claimed.
    ``saved_codes`` are shown, and their holder has not confirmed that they are written down.
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
    owner_route: str | None = None
    saved_codes: tuple[SavedCode, ...] | None = None


@dataclass(frozen=True, slots=True)
class StopNumber:
    """A number from a notice, which a holder enters or reads out: "this was not me"."""

    id: str
    holder_id: str
    visit_id: str
    digest: str = field(repr=False)
    made_at: datetime
    used_at: datetime | None = None


# Records of unblock secrets beside the one that a card is known to have.


class KeptKind(StrEnum):
    """Why a secret is kept: the card may have it now, or had or may have had it once."""

    PENDING = "pending"
    FORMER = "former"


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """One sealed secret of a card beside its current one.

    A card has at most one that is pending. ``entry_id`` names the unblock after which it was drawn.
    ``presented``: of the two secrets that the card may have, it was given this one last. Former
    ones are never deleted: a file may bring one back years later. A former one is ``refused`` where
    the card was to take it and reportedly did not: the card has it where the current one turns out
    to be wrong. A pending one is ``refused`` where that report took tries off the account.
    """

    id: str
    card_id: str
    kind: KeptKind
    sealed: SealedSecret
    kept_at: datetime
    entry_id: str = ""
    presented: bool = False
    refused: bool = False


# Records of what happens at stations: visits, codes, and the journal of unblocks.


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit: its purpose and what has been proven in it.

    ``way`` is the way to unlock that was chosen, where several are open: see ``Proof`` for what was
    passed of it. ``auth_key`` is the key that the card has to prove, and has
    proven where ``genuine_at`` is set. A ``challenge`` is what it has to sign, open until it is
    answered; ``nonce`` is ours for a card with an admin key, until a cryptogram is made with it.
    ``key_vouched``: an issuer in the settings certified that key for this card.
    ``pin_evidence`` is the evidence that the card verified its PIN, ``pin_key`` the key that
    signed, and ``pin_challenge`` what it has to sign. ``owner_route`` is the known address whose
    code was entered because the PIN was only claimed. ``pending_id`` is the change that the visit
    gathers. ``pin_change`` is a change of the PIN whose outcome is not recorded. ``secret_tries``
    is the card's count of tries of its unblock secret when it went in; it is not used before the
    card has proven what it has to. ``other_kind`` is the kind of unblock secret that its station
    would present, where another one is stored. ``judged`` is the digest of the last proof that was
    checked, and ``refusal`` why the authority closed the visit: a call that is repeated gets the
    same answer.
    ``language`` is that of its pages and of the code's mail.
    ``unknown_card`` is the family and identifier of a card that is not recorded, by its station's
    report; for a card that could not be read only the family, or None. ``unread`` is why the
    station could not read it.
    """

    id: str
    reference: str
    station: str
    opened_at: datetime
    card_id: str | None = None
    holder_id: str | None = None
    purpose: Purpose | None = None
    pin_proven_at: datetime | None = None
    way: str | None = None
    pin_was_blocked: bool = False
    finished_at: datetime | None = None
    closed_at: datetime | None = None
    how: VisitEnd | None = None
    auth_key: bytes | None = field(default=None, repr=False)
    genuine_at: datetime | None = None
    challenge: bytes | None = field(default=None, repr=False)
    challenged_at: datetime | None = None
    nonce: bytes | None = field(default=None, repr=False)
    nonce_drawn_at: datetime | None = None
    secret_tries: int | None = None
    other_kind: str | None = None
    judged: bytes | None = field(default=None, repr=False)
    refusal: Reason | None = None
    key_vouched: bool = False
    pin_evidence: PinEvidence | None = None
    pin_key: bytes | None = field(default=None, repr=False)
    pin_challenge: bytes | None = field(default=None, repr=False)
    pin_challenged_at: datetime | None = None
    owner_route: str | None = None
    pending_id: str | None = None
    pin_change: PinChange | None = None
    unknown_card: str | None = None
    unread: ReadFault | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A factor that was passed in a visit; nothing else says that one was.

    ``at`` is when it was passed: here, or in the visit ``carried_from``, whose code the holder came
    back to enter. ``subject`` is the id of what was shown, such as a code; empty where there is
    nothing to name. ``spent_by`` is the unblock that was granted on it.
    """

    visit_id: str
    factor: Factor
    at: datetime
    subject: str = ""
    carried_from: str | None = None
    spent_by: str | None = None


class CardKeys(NamedTuple):
    """What is recorded of a card in use by which the policy may stop it."""

    id: str
    driver: str
    identifier: str
    auth_key: bytes | None
    pin_key: bytes | None


CLOCKS_DIFFER: Final = timedelta(minutes=2)
"""How far the clock of a database server may be behind that of the one before it."""


@dataclass(frozen=True, slots=True)
class EmailCode:
    """One code that was sent or is about to be sent: its keyed digest, not the code.

    While ``sent_at`` is None it is a draft: counted as a send, but not live.
    ``visit_id`` and ``pending_id`` carry the progress of the visit that asked for it to the visit
    in which it is entered. ``proves_owner``: it went to a recorded address because a PIN
    was only claimed. ``unproven``: a card that is known by name only asked for it. ``issued_by`` is
    the member of staff who gave the code by word of mouth, logged in with ``issued_key`` (empty on
    the command line): it was not mailed, ``route`` and ``visit_id`` are empty, and while it
    ``needs_second`` without an ``agreed_by`` it stays a draft. ``route`` is where it went: the id
    of an address, or of the change that gathered the one to be confirmed. ``attempt`` is the id of
    the call that asked for it, and ``drafted_by`` the process that mails it.
    """

    id: str
    card_id: str
    holder_id: str
    purpose: Purpose
    visit_id: str
    digest: bytes = field(repr=False)
    key_id: str
    route: str
    drafted_at: datetime
    max_tries: int
    digits: int
    tries: int = 0
    sent_at: datetime | None = None
    expires_at: datetime | None = None
    consumed_at: datetime | None = None
    revoked_at: datetime | None = None
    pending_id: str | None = None
    issued_by: str | None = None
    issued_key: str = ""
    agreed_by: str | None = None
    needs_second: bool = False
    attempt: str = ""
    drafted_by: str = ""
    proves_owner: bool = False
    unproven: bool = False

    def is_alive(self, now: datetime) -> bool:
        """Return whether it was sent, and its life is not over.

        It is over, too, where it was sent later than now: the clock was put back since.
        """
        if self.sent_at is None or self.expires_at is None:
            return False
        return self.sent_at <= now + CLOCKS_DIFFER and now < self.expires_at


class UnblockState(StrEnum):
    """The state of an unblock; ``INTENT`` and ``UNKNOWN`` are open, the others closed."""

    INTENT = "intent"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"
    NOT_SENT = "not-sent"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class UnblockEntry:
    """One unblock from its intent to its outcome; a card has at most one that is open.

    ``attempt`` is the id of the call that released its secret, ``proof`` the digest of the card's
    answer. ``cryptogram`` is the admin key's, ``awaited`` the digest of the only right answer to
    it: both until the card has answered, rightly at ``admitted_at``, or an outcome is reported.
    """

    id: str
    visit_id: str
    card_id: str
    opened_at: datetime
    was_blocked: bool
    state: UnblockState = UnblockState.INTENT
    detail: str = ""
    closed_at: datetime | None = None
    attempt: str = ""
    proof: bytes | None = field(default=None, repr=False)
    cryptogram: bytes | None = field(default=None, repr=False)
    awaited: bytes | None = field(default=None, repr=False)
    admitted_at: datetime | None = None


# Records of the audit: events, anchors, and the result of a verification.


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One link of the chain: ``hash`` covers its content and ``previous``.

    A detail that was redacted reads ``{"redacted": True}``.
    """

    seq: int
    at: datetime
    kind: str
    reference: str
    visit_id: str | None
    card_id: str | None
    holder_id: str | None
    station: str | None
    actor: str | None
    detail: dict[str, Scalar]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Sought:
    """Audit events of one kind; with ``name``, only those whose detail has that ``value``."""

    kind: str
    name: str = ""
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """A filter of events; None does not narrow.

    ``actors`` and ``holder_ids`` are the ids of any of them, at most 500; an event is any of those
    ``sought``, and of no kind ``without``. ``since`` is included, ``until`` is not.
    """

    holder_id: str | None = None
    holder_ids: tuple[str, ...] | None = None
    station: str | None = None
    actors: tuple[str, ...] | None = None
    kind: str | None = None
    kinds: frozenset[str] | None = None
    sought: tuple[Sought, ...] | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The number and hash of a chain's last event; place 0 and the zero hash before the first."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditAnchor:
    """A head that was signed with a key outside the database."""

    seq: int
    hash: str
    signed_at: datetime
    signature: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Restore:
    """A backup of the database was restored.

    Unblock secrets made since have generations from ``generations_from`` on, above the card's base,
    so that no secret from between backup and restore is made again.
    """

    at: datetime
    generations_from: int


class GapKind(StrEnum):
    PURGED = "purged"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class AuditGap:
    """The rows of a chain from ``first`` to ``last`` are absent for a good reason; signed.

    Purged rows were deleted after the retention time, from the chain's first row on. Restored rows
    were lost: an older copy of the database was restored, and numbers are not reused. ``hash`` is
    the previous hash that the row after ``last`` must have.
    """

    first: int
    last: int
    hash: str
    kind: GapKind
    signed_at: datetime
    signature: bytes
    key_id: str


Signed = AuditAnchor | AuditGap


class FaultKind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    REORDERED = "reordered"
    UNLINKED = "unlinked"
    CUT = "cut"
    ADDED = "added"
    HEAD = "head"
    ANCHOR = "anchor"
    SIGNATURE = "signature"
    FORGED = "forged"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class AuditFault:
    """The first row that does not fit, and the reason in one plain sentence."""

    kind: FaultKind
    seq: int
    because: str


@dataclass(frozen=True, slots=True)
class AuditPiece:
    """A part of a verification; ``last`` is the last row that fitted.

    ``over``: no more come, as after a ``fault``.
    """

    last: AuditHead
    over: bool
    fault: AuditFault | None = None


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What a verification of all chains found; ``anchored`` rows are covered by good anchors.

    Rows that no anchor covers could have been cut together with their head by somebody who writes
    the database; where the rows' MACs were not checked (``keyed``), recomputed too.
    """

    rows: int
    anchors: int
    anchored: int
    fault: AuditFault | None = None
    keyed: bool = False
    gaps: tuple[AuditGap, ...] = ()

    @property
    def intact(self) -> bool:
        return self.fault is None


# Records beside the visits: notices to be mailed, and stations.


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """One notice to be mailed; ``params`` fill its template and hold no secret.

    ``next_at`` is when it may next be claimed: for one that is claimed, when its lease ends.
    ``failed_at`` is set after the last attempt failed, ``denied`` where a policy of the relay made
    the newest fail. ``holder_id`` is the person with whom it is erased. ``language`` None is that
    of the service.
    """

    id: str
    to: str
    template: str
    params: dict[str, Scalar]
    created_at: datetime
    next_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    denied: bool = False
    holder_id: str | None = None
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """One kiosk of the estate, as it last reported itself.

    ``last_seen_at`` is when it was enrolled, until it has started. Only the RA sets ``retired_at``.
    """

    name: str
    last_seen_at: datetime
    version: str = ""
    reader_state: str = ""
    site: str = ""
    retired_at: datetime | None = None

    @property
    def has_started(self) -> bool:
        """Every heartbeat sets the version."""
        return bool(self.version)


@dataclass(frozen=True, slots=True)
class StationKey:
    """A key that a station may call with, by the SHA-256 of its SubjectPublicKeyInfo (hex).

    ``not_after`` is its certificate's. ``replaces`` is the key that this one is to follow, until
    the first call with this one, which sets ``ends_at`` of the other.
    """

    fingerprint: str
    station: str
    not_after: datetime
    added_at: datetime
    ends_at: datetime | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A line that staff handed out, with which one station may enrol once.

    ``digest`` is the keyed digest of its secret; ``used_key`` is the fingerprint of the key that
    enrolled with it.
    """

    number: str
    station: str
    site: str
    digest: str = field(repr=False)
    expires_at: datetime
    used_key: str | None = None
    tries: int = 0


# Records of RA staff and of their acts.


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One member of staff; ``removed_at`` marks one who may not log in any more.

    A change that was based on an older ``revision`` is refused. ``added_by`` is who added them, by
    id, or the command line's name; ``agreed_by`` is the second member, empty where nobody had to
    agree. ``past_key_adders`` are the ids of who added the keys that were removed since, one a
    line.
    """

    id: str
    name: str
    role: Role
    added_at: datetime
    removed_at: datetime | None = None
    revision: int = 0
    added_by: str = ""
    agreed_by: str = ""
    past_key_adders: str = ""


@dataclass(frozen=True, slots=True)
class StaffKey:
    """One SSH public key; ``fingerprint`` as OpenSSH writes it, ``SHA256:...``.

    ``public_key`` is its type and base64 body, as a line of an ``authorized_keys`` file
    begins; ``label`` is its comment. ``added_by`` and ``agreed_by`` as of a member.
    """

    fingerprint: str
    staff_id: str
    public_key: str
    label: str
    added_at: datetime
    added_by: str = ""
    agreed_by: str = ""


@dataclass(frozen=True, slots=True)
class StaffCard:
    """The card of a member of staff, which opens the maintenance page of a station.

    ``public_key`` is the key that it uses only after its PIN (SubjectPublicKeyInfo in DER): no
    other key is accepted. ``added_by`` and ``agreed_by`` as of a member.
    """

    card_id: str
    staff_id: str
    public_key: bytes = field(repr=False)
    added_at: datetime
    added_by: str = ""
    agreed_by: str = ""


@dataclass(frozen=True, slots=True)
class PolicySetting:
    """One policy setting that staff changed: ``value`` as JSON, None: back to the file's value."""

    name: str
    value: str | None
    changed_at: datetime
    changed_by: str
    note_id: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class ActionNote:
    """Why staff acted, in their own words; separate from the audit, so that it can be erased.

    The digest in the audit reveals a later change.
    """

    id: str
    holder_id: str | None
    at: datetime
    reason: str
    identified_by: str = ""
    salt: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def digest(self) -> str:
        parts = (self.salt, self.reason, self.identified_by)
        framed = "".join(f"{len(part)}:{part}" for part in parts)
        return hashlib.sha256(framed.encode("utf-8")).hexdigest()

    def named(self) -> dict[str, Scalar]:
        return {"note": self.id, "note_sha256": self.digest}


class Outcome(StrEnum):
    WAITING = "waiting"
    AGREED = "agreed"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ProposedAct:
    """An act of staff that waits for a second member, or waited.

    ``act`` names the use case and ``action`` what it asks of a role. ``revision`` is the subject's
    when it was proposed. ``parameters`` are sealed, and bound to every other field that decides
    what is done; the decision empties them.
    """

    id: str
    act: str
    action: str
    holder_id: str | None
    card_id: str | None
    staff_id: str | None
    revision: int
    parameters: bytes = field(repr=False)
    key_id: str
    proposed_by: str
    proposed_key: str
    proposed_at: datetime
    expires_at: datetime
    note_id: str
    reference: str
    outcome: Outcome = Outcome.WAITING
    decided_at: datetime | None = None
    decided_by: str = ""


# Records of the caretaker: present alarms, and jobs.


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong at present; ``name`` is unique within its ``kind``.

    ``detail`` holds ids, names of stations and counts, never a person's data.
    """

    name: str
    kind: str
    since: datetime
    detail: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class Job:
    """Periodic work that any one of many processes does when it is due.

    ``since`` is when it first ran without a longer pause after it, ``done_at`` the last run.
    ``reached`` is where a job in pieces goes on, in the job's own form; empty at the beginning.
    """

    name: str
    since: datetime
    done_at: datetime
    reached: str


# What is read together for a visit.


@dataclass(frozen=True, slots=True)
class LockedVisit:
    """A visit and its card, locked, with all that its decisions need.

    ``code`` is the card's live code, ``proven_code`` the one that was entered rightly in the visit.
    ``rows`` are the holder's addresses. ``staff_card`` is set where the card is an officer's,
    ``station`` where it was requested and is recorded.
    """

    visit: Visit
    card: Card
    holder: Cardholder
    rows: tuple[Address, ...]
    proofs: tuple[Proof, ...]
    registration: Registration | None
    pending: PendingChange | None
    code: EmailCode | None
    proven_code: EmailCode | None
    staff_card: StaffCard | None
    staff_member: StaffMember | None
    station: Station | None


@dataclass(frozen=True, slots=True)
class LockedGrant:
    """A grant in the journal, and for whom it was; card and visit are locked.

    ``rows`` are the holder's addresses. ``generations_from`` is of the last restore. ``overtaken``:
    the card was granted an unblock in another visit since.
    """

    entry: UnblockEntry
    visit: Visit
    card: Card
    holder: Cardholder
    registration: Registration | None
    rows: tuple[Address, ...]
    station: Station | None
    generations_from: int
    overtaken: bool
