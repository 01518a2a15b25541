"""Ports: the protocols of clock, readers, cards, mail and authority, and the reader's events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from msgspec import Struct

from kiosk.contract.messages import (
    Answer,
    AnswersRefused,
    AnswersWrong,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    CodeDead,
    CodeNotSent,
    CodeWrong,
    EmailRefused,
    Grant,
    Heartbeat,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    PinChallenge,
    PinEntry,
    PinProof,
    Purpose,
    Refusal,
    StationStanding,
    StopNumberWrong,
    Task,
    UnblockOutcome,
    UnreadCard,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> datetime:
        """Return the time of day, UTC and aware."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


# Readers.


class CardInserted(Struct, frozen=True):
    """A card answers in ``reader``; ``insertion`` grows by each card that goes in anywhere."""

    reader: str
    insertion: int


class CardMuteSeen(Struct, frozen=True):
    """Something is in ``reader`` that gives no answer to reset."""

    reader: str
    insertion: int


class CardRemoved(Struct, frozen=True):
    """The card of ``insertion`` is out."""

    reader: str
    insertion: int


class ReadersChanged(Struct, frozen=True):
    """The readers that are plugged in now; empty when there is none."""

    readers: tuple[str, ...]


class ServiceLost(Struct, frozen=True):
    """The PC/SC service went away; the monitor keeps trying."""


class ServiceFound(Struct, frozen=True):
    """The PC/SC service answers (again)."""


ReaderEvent = (
    CardInserted | CardMuteSeen | CardRemoved | ReadersChanged | ServiceLost | ServiceFound
)

PostReaderEvent = Callable[[ReaderEvent], None]


class ReaderMonitor(Protocol):
    """Watches readers on a separate thread, and only posts."""

    def start(self) -> None:
        """Begin to post; a card that is already in is posted as inserted."""

    def stop(self) -> None:
        """End the thread; returns once it has ended (within 2 s)."""


# Cards.

T = TypeVar("T")


class CardAddress(Struct, frozen=True):
    """Where a card is, and which card it must be."""

    reader: str
    card: CardId


class CardHold(Protocol):
    """The card that was addressed, held so that no other program and no other card gets between.

    It is only good within ``Cards.hold``. Every call raises only ``CardError`` and its kind.
    """

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        """Let the card prove itself; None where it has no such key. No try is spent."""

    def prepare_unblock(self) -> None:
        """Read what ``unblock`` has to know of the card, before a secret is asked for.

        Nothing is changed and no try is spent: a card that is torn out here costs nothing.
        """

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """Reset the PIN to ``new``; ``PinWrong`` and ``PinBlocked`` speak of ``secret``.

        Raises ``PinRefused``, ``PadLeft`` and, where an answer was lost, ``OutcomeUnknown``.
        """

    def begin_mutual_authentication(self, challenge: KeyChallenge) -> KeyNonce:
        """Send the host's nonce and return the card's; no try of the admin key is spent.

        Raises ``NotAllowed`` where the card's family has no such key.
        """

    def complete_mutual_authentication(self, cryptogram: bytes) -> KeyAnswer:
        """Send the authority's cryptogram and return the card's.

        ``PinWrong`` and ``PinBlocked`` are about the key; raises ``OutcomeUnknown`` where the
        answer was lost.
        """

    def reset_pin(self, new: PinEntry) -> None:
        """Reset the PIN after mutual authentication in this hold.

        Raises ``PinRefused``, ``PadLeft`` and, where an answer was lost, ``OutcomeUnknown``.
        """

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        """Change the unblock secret; ``PinWrong`` and ``PinBlocked`` speak of ``current``.

        Raises ``PinRefused`` and, where an answer was lost, ``OutcomeUnknown``.
        """


class Cards(Protocol):
    """Acts on the card in a reader; each call connects, works and disconnects with a reset.

    Every call blocks, raises only ``CardError`` and its kind, and, but for ``read``,
    first reads the card's identifier again and raises ``CardSwapped`` when it is not the
    one addressed: no PIN and no secret ever reaches another card.
    """

    def read(self, reader: str) -> CardReport:
        """Return what the card shows without a PIN; no try is spent."""

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        """Let the card verify ``pin``; raise ``PinWrong``, ``PinBlocked`` or ``PadLeft``.

        Directly after VERIFY, in the same hold, the card signs ``challenge`` with a key that it
        uses only after VERIFY. None where it has no such key, or did not sign: the PIN was
        verified all the same.
        """

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        """Change the PIN; ``PinWrong`` and ``PinBlocked`` speak of ``current``.

        Both are entered on the reader's keys, or neither. Raises ``PinRefused``, ``PadLeft``
        and, where an answer was lost, ``OutcomeUnknown``.
        """

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Reset the card, hold it while ``use`` works with it, and return or raise what that does.

        ``use`` runs on another thread. What it does between two of the card's answers is
        not counted against the card; it must come to an end by itself. Where the card
        hangs, ``hold`` raises while ``use`` is still stuck: ``use`` gets no answer then,
        and nothing that it would do next is done.
        """


# Mail.


@dataclass(frozen=True, slots=True)
class Message:
    """One mail; ``text`` and ``html`` have the same content. ``secret``: it is never queued."""

    to: str
    subject: str
    text: str
    html: str
    secret: bool = False

    def __repr__(self) -> str:
        return f"Message(to=…, subject={self.subject!r})"


class Mailer(Protocol):
    """Hands one message to the relay."""

    def send(self, message: Message) -> None:
        """Return when the relay took it; raise a ``MailError`` otherwise."""

    def check(self) -> None:
        """Connect, verify and log in without sending; raise a ``MailError`` otherwise."""


class Authority(Protocol):
    """Decides; only frozen data crosses it. It recomputes every step from its own records.

    It is the authority as one station has it. Which station that is, the authority knows from
    the connection; no call names it, and a call about another station's visit is refused.

    Calls block and may come from several threads. They raise ``AuthorityUnavailable``
    (nothing was charged, ask again; ``AuthorityBusy`` where it has too much to do) and
    ``StepRefused`` (the call does not fit).
    Every call can be repeated when its answer was lost, and gets the same answer. Where a
    call costs something (a try, a mail, a secret), ``attempt`` makes it so: the caller draws
    an id for each act of the holder, of 1 to 64 characters, and repeats the call with the
    same id and the same arguments. It is charged, mailed or released once.
    """

    def begin(self, visit: VisitId, report: CardReport) -> VisitOpened | CardChallenge | Refusal:
        """Open a visit for the card that went in, or have it prove itself first."""

    def prove(self, visit: VisitId, proof: CardProof | None) -> VisitOpened | Refusal:
        """Open the visit whose card was challenged; None: the card gave no answer."""

    def choose(self, visit: VisitId, purpose: Purpose, anew: bool = False) -> Task | Refusal:
        """Start on one of the offers; for an unlock the holder has confirmed the card is theirs.

        In a visit that waits for a code, and has proven nothing itself, another choice than the
        code's withdraws the code, and what was proven or gathered before it. The code's own leads
        to it, and does the same as another where it is to begin ``anew``.
        """

    def pin_challenge(self, visit: VisitId) -> PinChallenge | Refusal:
        """Draw what the card signs directly after VERIFY, to prove that it took the PIN."""

    def pin_verified(self, visit: VisitId, proof: PinProof | None) -> Task | Refusal:
        """Record that the card verified its PIN; without a proof that counts it is a claim.

        On a claimed PIN recovery data changes only after a code to an address that is known
        already.
        """

    def save_questions(
        self, visit: VisitId, answers: tuple[Answer, ...]
    ) -> Task | AnswersRefused | Refusal:
        """Take the questions that the holder chose, with their answers."""

    def give_email(
        self, visit: VisitId, email: str, attempt: str
    ) -> Task | EmailRefused | CodeNotSent | Refusal:
        """Take an address and send a code to it."""

    def answer(
        self, visit: VisitId, attempt: str, answers: tuple[Answer, ...]
    ) -> Task | AnswersWrong | Refusal:
        """Check one full set of answers; charged before it is looked at."""

    def send_code(self, visit: VisitId, attempt: str) -> Task | CodeNotSent | Refusal:
        """Send the code that is due, or a fresh one in its place."""

    def enter_code(
        self, visit: VisitId, attempt: str, code: Sensitive
    ) -> Task | CodeWrong | CodeDead | Refusal:
        """Check one entered code; charged before it is looked at."""

    def enter_stop_number(
        self, visit: VisitId, attempt: str, number: Sensitive
    ) -> Task | StopNumberWrong | Refusal:
        """Check one entered stop number; charged before it is looked at.

        A right one ends what is under way for the holder, and blocks self-service.
        """

    def challenge(self, visit: VisitId) -> CardChallenge | KeyChallenge | Refusal | None:
        """Draw what the card has to answer before its secret is released; None: nothing."""

    def release(
        self, visit: VisitId, attempt: str, proof: CardProof | KeyNonce | None = None
    ) -> Grant | KeyGrant | Refusal:
        """Release the unblock secret, once, after every factor: the intent is journaled first.

        ``proof`` answers what ``challenge`` drew; None: nothing was drawn, or the card gave no
        answer. An admin key is never released, only its cryptogram. Until an outcome is recorded
        the same ``attempt`` gets the same grant again; a cryptogram only for the same nonce.
        """

    def admit(self, visit: VisitId, journal: JournalId, answer: KeyAnswer) -> Refusal | None:
        """Verify that the card has the admin key, too; only then is its PIN reset.

        None: it has. A refusal ends the visit, and the PIN is left as it is.
        """

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Task | Refusal:
        """Record what the card did with a grant."""

    def rotate_secret(self, visit: VisitId, journal: JournalId) -> Sensitive | None:
        """Draw the secret that a card is to take after a grant was used; None: it keeps its own.

        It is sealed and durable when it comes back. Asked twice, it is the same.
        """

    def confirm_rotation(self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome) -> None:
        """Record whether the card took it; the next unlock resolves what was not recorded."""

    def pin_changed(self, visit: VisitId) -> Task | Refusal:
        """Record that the card took a new PIN in a change-PIN visit."""

    def maintain(
        self,
        visit: VisitId,
        attempt: str,
        act: MaintenanceAct,
        why: MaintenanceReason,
        words: str = "",
    ) -> Maintain | Refusal:
        """Record what an officer has the station do and why, before it is done.

        ``words`` say why where that is ``OTHER``, and are empty otherwise.
        """

    def end(self, visit: VisitId, how: VisitEnd) -> None:
        """Close a visit; closing a closed or unknown one does nothing."""

    def refuse(self, visit: VisitId, reason: str, unread: UnreadCard | None = None) -> None:
        """Record a refusal that the station made by itself.

        ``unread`` is its report of a card that it could not read. Of a visit that ended
        because its card was pulled nothing is recorded: nobody was refused.
        """

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        """Record that a station lives, and return whether it may serve anybody.

        ``AuthorityUnavailable`` where nobody can be served: the database or a key is away.
        """

    def station_standing(self) -> StationStanding:
        """Return whether the station may serve anybody, without recording that it lives."""


# The machine's own clock.


class SystemClock:
    """Implements ``kiosk.contract.ports.Clock``."""

    def now(self) -> datetime:
        """Return the time of day, UTC and aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()
