"""The records of what goes on at stations: visits, codes, and the journal of unblocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kiosk.dialogue import Purpose, ReadFault, Reason, VisitEnd
from kiosk.store.records import PinEvidence


@dataclass(frozen=True, slots=True)
class Visit:
    """One sitting: what it is for and what has been proven in it.

    ``questions_proven_at`` may be carried over from the code that was resumed; then
    ``questions_carried`` is set, until they are answered in this very visit.
    ``code_proven_id`` names the code that was entered rightly and is not yet consumed.
    ``auth_key`` is what the card has to prove in it, and has, where ``genuine_at`` is set;
    while a ``challenge`` is there, its answer is waited for: a number that was drawn or, of
    a card with an admin key that was sent its cryptogram, the digest of the only right one.
    ``key_vouched``: an issuer whom the settings name certified that key for this card.
    ``pin_evidence`` is what shows that the card took its PIN, ``pin_key`` the key that signed,
    and ``pin_challenge`` what it has to sign. ``owner_email`` is the known address whose code
    was entered in it because the PIN was only claimed.
    ``pending_id`` names what the visit gathers.
    ``secret_tries`` is what the card told of its unblock secret when it went in; nothing is
    made of it before the card has proven what it has to.
    ``judged`` is the digest of the proof that was judged last, and ``refusal`` why the
    authority closed the visit: a call that is repeated gets the same answer.
    ``unknown_card`` is the family and identifier of a card that is not recorded, by its
    station's report; of one that could not be read the family alone, or None. ``unread`` is
    why the station could not read it.
    """

    id: str
    reference: str
    station: str
    opened_at: datetime
    card_id: str | None = None
    holder_id: str | None = None
    purpose: Purpose | None = None
    pin_proven_at: datetime | None = None
    questions_proven_at: datetime | None = None
    questions_carried: bool = False
    code_proven_id: str | None = None
    pin_was_blocked: bool = False
    finished_at: datetime | None = None
    closed_at: datetime | None = None
    how: VisitEnd | None = None
    auth_key: bytes | None = field(default=None, repr=False)
    genuine_at: datetime | None = None
    challenge: bytes | None = field(default=None, repr=False)
    challenged_at: datetime | None = None
    secret_tries: int | None = None
    judged: bytes | None = field(default=None, repr=False)
    refusal: Reason | None = None
    key_vouched: bool = False
    pin_evidence: PinEvidence | None = None
    pin_key: bytes | None = field(default=None, repr=False)
    pin_challenge: bytes | None = field(default=None, repr=False)
    pin_challenged_at: datetime | None = None
    owner_email: str | None = None
    pending_id: str | None = None
    unknown_card: str | None = None
    unread: ReadFault | None = None
    """Family and identifier of a card that is not recorded; forgotten with the visit."""


@dataclass(frozen=True, slots=True)
class EmailCode:
    """One code that was, or is about to be, sent; the digest is keyed, the code is not here.

    While ``sent_at`` is None it is a draft: counted as a send, but not live.
    ``questions_proven_at`` and ``pending_id`` carry the progress of the visit that asked for
    it to the visit in which it is entered. ``proves_owner``: it went to a known address because
    a PIN was only claimed. ``unproven``: a card that is known by name only asked for it.
    ``issued_by`` names the member of staff who gave the code by word of mouth: nothing was
    mailed then, ``sent_to`` and ``visit_id`` are empty, and while it ``needs_second`` and nobody
    ``agreed_by`` it stays a draft.
    ``attempt`` is the id of the call that asked for it, and ``drafted_by`` the process
    that mails it.
    """

    id: str
    card_id: str
    holder_id: str
    purpose: Purpose
    visit_id: str
    digest: bytes = field(repr=False)
    key_id: str
    sent_to: str
    drafted_at: datetime
    max_tries: int
    tries: int = 0
    sent_at: datetime | None = None
    expires_at: datetime | None = None
    consumed_at: datetime | None = None
    revoked_at: datetime | None = None
    questions_proven_at: datetime | None = None
    pending_id: str | None = None
    issued_by: str | None = None
    agreed_by: str | None = None
    needs_second: bool = False
    attempt: str = ""
    drafted_by: str = ""
    proves_owner: bool = False
    unproven: bool = False


class UnblockState(StrEnum):
    """Where an unblock stands; ``INTENT`` and ``UNKNOWN`` are open, the others closed."""

    INTENT = "intent"
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"
    NOT_SENT = "not-sent"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class UnblockEntry:
    """One unblock from its intent to its outcome; a card has at most one that is open.

    ``attempt`` is the id of the call that released its secret, and ``proof`` the digest of
    what the card had answered; ``cryptogram`` is what an admin key made, while nothing is
    reported of it.
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
