"""Ports: the protocols of clock, readers, cards and authority, and the reader's events."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from msgspec import Struct

from kiosk.contract.messages import (
    Answer,
    AnswersRefused,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    CodeNotSent,
    EmailRefused,
    Factor,
    FactorEntry,
    FactorOver,
    FactorWrong,
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
    RouteId,
    StationStanding,
    StopNumberWrong,
    Task,
    UnblockOutcome,
    UnreadCard,
    VisitEnd,
    VisitId,
    VisitOpened,
    Way,
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
    """The card of ``insertion`` was taken out."""

    reader: str
    insertion: int


class ReadersChanged(Struct, frozen=True):
    """The readers that are now plugged in; empty when there is none."""

    readers: tuple[str, ...]


class ServiceLost(Struct, frozen=True):
    """The PC/SC service went away, after the removal of every card; the monitor keeps trying."""


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


class CardCheck(Struct, frozen=True):
    """What a card did with its new PIN.

    ``signs``: it made a signature after VERIFY; None where it has no key for that, or was not
    asked. ``expires_at`` is None where it shows no date. The authority does not see it.
    """

    signs: bool | None = None
    expires_at: datetime | None = None


class CardHold(Protocol):
    """The card that was addressed, held against other programs and cards.

    It is only valid within ``Cards.hold``. Every call raises only subclasses of ``CardError``.
    """

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        """Let the card prove itself; None where it has no such key. No try is spent."""

    def prepare_unblock(self) -> None:
        """Read the state that ``unblock`` needs, before a secret is requested.

        Nothing is changed and no try is spent: a card that is pulled here loses nothing.
        """

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        """Reset the PIN to ``new``; ``PinWrong`` and ``PinBlocked`` are about ``secret``.

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
        """Change the unblock secret; ``PinWrong`` and ``PinBlocked`` are about ``current``.

        Raises ``PinRefused`` and, where an answer was lost, ``OutcomeUnknown``.
        """

    def try_out(self, pin: PinEntry) -> CardCheck:
        """Let the card verify the PIN that it was given in this hold, and sign once.

        A PIN for the reader's keys is not asked for again, and is not verified. Nothing is changed.
        """


class Cards(Protocol):
    """Acts on the card in a reader; each call connects, works and disconnects with a reset.

    Every call blocks and raises only subclasses of ``CardError``. Every call but ``read`` first
    reads the card's identifier again and raises ``CardSwapped`` when another card is in: no PIN and
    no secret ever reaches it.
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
        """Change the PIN; ``PinWrong`` and ``PinBlocked`` are about ``current``.

        Both are entered on the reader's keys, or neither. Raises ``PinRefused``, ``PadLeft`` and,
        where an answer was lost, ``OutcomeUnknown``.
        """

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        """Reset the card, hold it while ``use`` works with it, and return or raise what that does.

        ``use`` runs on another thread. The card's deadline does not cover the time between two of
        its answers, so ``use`` must end by itself. Where the card hangs, ``hold`` raises while
        ``use`` is still stuck: ``use`` then gets no answer, and its next command is not sent.
        """


class Authority(Protocol):
    """Decides; takes and returns frozen data only. It recomputes every step from its own records.

    This is one station's view of the authority. The connection identifies the station; no call
    names it, and a call about another station's visit is refused.

    Calls block and may come from several threads. They raise ``AuthorityUnavailable`` (repeat the
    call; ``AuthorityBusy`` where it has too much to do) and ``StepRefused`` (the call does not
    fit); over the wire another ``AuthorityError`` for a fault of the authority. A call whose answer
    was lost, or the answer of the authority's database, can be repeated, and gets the same answer.
    Where a call costs something (a try, a mail, a secret), ``attempt`` ensures that: the caller
    draws an id of 1 to 64 characters for each act of the holder, and repeats the call with the same
    id and the same arguments. It is charged, mailed or released once.
    """

    def begin(self, visit: VisitId, report: CardReport) -> VisitOpened | CardChallenge | Refusal:
        """Open a visit for the card that went in, or have it prove itself first."""

    def prove(self, visit: VisitId, proof: CardProof | None) -> VisitOpened | Refusal:
        """Open the visit whose card was challenged; None: the card gave no answer."""

    def choose(self, visit: VisitId, purpose: Purpose, anew: bool = False) -> Task | Refusal:
        """Start on one of the offers; for an unlock the holder has confirmed the card is theirs.

        Where the card waits for a code of an earlier visit, the code's purpose leads to its entry.
        Any other purpose, and the same one with ``anew``, withdraws the code and what was proven or
        gathered for it.
        """

    def pin_challenge(self, visit: VisitId) -> PinChallenge | Refusal:
        """Draw what the card signs directly after VERIFY, to prove that it took the PIN."""

    def pin_verified(self, visit: VisitId, proof: PinProof | None) -> Task | Refusal:
        """Record that the card verified its PIN; without a valid proof it is a claim.

        On a claimed PIN, recovery data changes only after a code to an address that is already
        recorded.
        """

    def save_questions(
        self, visit: VisitId, answers: tuple[Answer, ...]
    ) -> Task | AnswersRefused | Refusal:
        """Take the questions that the holder chose, with their answers."""

    def give_email(
        self, visit: VisitId, email: str, attempt: str
    ) -> Task | EmailRefused | CodeNotSent | Refusal:
        """Take an address and send a code to it."""

    def choose_way(self, visit: VisitId, way: Way) -> Task | Refusal:
        """Take one of the ways that were offered, also in place of the one that was begun."""

    def prepare(
        self, visit: VisitId, attempt: str, factor: Factor, route: RouteId
    ) -> Task | CodeNotSent | Refusal:
        """Send what the factor needs, or a fresh one in its place: for an emailed code, the mail.

        ``route`` is the one that the page has shown. Where it is not open to this visit now,
        whatever the reason, nothing is sent or counted, and the answer is the present task. A
        factor that needs nothing sent is refused as a step.
        """

    def submit(
        self, visit: VisitId, attempt: str, entry: FactorEntry
    ) -> Task | FactorWrong | FactorOver | Refusal:
        """Check what was entered for a factor; charged before it is checked."""

    def make_saved_codes(self, visit: VisitId) -> Task | Refusal:
        """Make the codes that the holder writes down, once in a visit; they do not count yet."""

    def keep_saved_codes(self, visit: VisitId) -> Task | Refusal:
        """Let the codes that were shown count, now that the holder has written them down."""

    def enter_stop_number(
        self, visit: VisitId, attempt: str, number: Sensitive
    ) -> Task | StopNumberWrong | Refusal:
        """Check one entered stop number; charged before it is checked.

        A right one ends everything that is open for the holder, and blocks self-service.
        """

    def challenge(self, visit: VisitId) -> CardChallenge | KeyChallenge | Refusal | None:
        """Draw what the card has to answer before its secret is released; None: nothing."""

    def release(
        self, visit: VisitId, attempt: str, proof: CardProof | KeyNonce | None = None
    ) -> Grant | KeyGrant | Refusal:
        """Release the unblock secret for one attempt, after every factor; journal the intent first.

        ``proof`` answers what ``challenge`` drew; None: nothing was drawn, or the card gave no
        answer. An admin key is never released, only its cryptogram. Until an outcome is recorded
        the same ``attempt`` gets the same grant again; a cryptogram only for the same nonce.
        """

    def admit(self, visit: VisitId, journal: JournalId, answer: KeyAnswer) -> Refusal | None:
        """Verify that the card also has the admin key; only then is its PIN reset.

        Returns None where it has. A refusal ends the visit, and the PIN stays as it is.
        """

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Task | Refusal:
        """Record what the card did with a grant."""

    def rotate_secret(self, visit: VisitId, journal: JournalId) -> Sensitive | None:
        """Draw the secret that a card takes after a grant was used; None: it keeps its present one.

        It is sealed and committed before it is returned. A repeated call returns the same secret.
        """

    def confirm_rotation(self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome) -> None:
        """Record whether the card took it; the next unlock resolves a missing record."""

    def pin_changing(self, visit: VisitId) -> Refusal | None:
        """Record that a change of the PIN goes to the card now; None: it may.

        Without a report of what became of it, the holder is told that the PIN may be another one.
        """

    def pin_kept(self, visit: VisitId) -> Refusal | None:
        """Record that the card kept its PIN in the change that was begun."""

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
        """Record an officer's act at the station and its reason, before it is done.

        ``words`` give the reason where that is ``OTHER``, and are empty otherwise.
        """

    def end(self, visit: VisitId, how: VisitEnd) -> None:
        """Close a visit; closing a closed or unknown one does nothing."""

    def refuse(self, visit: VisitId, reason: str, unread: UnreadCard | None = None) -> None:
        """Record a refusal that the station made by itself.

        ``unread`` is its report of a card that it could not read. A visit that ended because its
        card was pulled is no refusal and is not recorded here.
        """

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        """Record that a station is running, and return whether it may serve anybody.

        Raises ``AuthorityUnavailable`` where the database or a key cannot be reached.
        """

    def station_standing(self) -> StationStanding:
        """Return whether the station may serve anybody, without recording a heartbeat."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
