"""Decides; what crosses it is plain frozen data."""

from __future__ import annotations

from typing import Protocol

from kiosk.dialogue import (
    Answer,
    AnswersRefused,
    AnswersWrong,
    CardChallenge,
    CardProof,
    CardReport,
    CodeDead,
    CodeNotSent,
    CodeWrong,
    EmailRefused,
    Grant,
    Health,
    Heartbeat,
    JournalId,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    PinChallenge,
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
from kiosk.sensitive import Sensitive


class Authority(Protocol):
    """Decides. It believes nothing of the station's progress and recomputes every step.

    Calls block and may come from several threads. They raise ``AuthorityUnavailable``
    (nothing was charged, ask again) and ``StepRefused`` (the call does not fit).
    Every call can be repeated when its answer was lost, and gets the same answer. Where a
    call costs something (a try, a mail, a secret), ``attempt`` makes it so: the caller draws
    an id for each act of the holder, of 1 to 64 characters, and repeats the call with the
    same id and the same arguments. It is charged, mailed or released once.
    """

    def begin(
        self, visit: VisitId, station: str, report: CardReport
    ) -> VisitOpened | CardChallenge | Refusal:
        """Open a visit for the card that went in, or have it prove itself first."""

    def prove(self, visit: VisitId, proof: CardProof | None) -> VisitOpened | Refusal:
        """Open the visit whose card was challenged; None says that it gave no answer."""

    def choose(self, visit: VisitId, purpose: Purpose) -> Task | Refusal:
        """Start on one of the offers; for an unlock the holder has confirmed the card is theirs."""

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

        ``proof`` answers what ``challenge`` drew; None says that nothing was drawn, or that
        the card gave no answer. An admin key is never released: what it made is. While
        nothing was reported of a release, the same ``attempt`` gets the same grant again; a
        cryptogram only for the same number of the card.
        """

    def admit(self, visit: VisitId, journal: JournalId, answer: KeyAnswer) -> Refusal | None:
        """Judge whether the card has the admin key, too; only then is its PIN reset.

        None: it has. A refusal ends the visit, and the PIN is left as it is.
        """

    def settle(self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome) -> Task | Refusal:
        """Record what the card did with a grant."""

    def renew(self, visit: VisitId, journal: JournalId) -> Sensitive | None:
        """Draw the secret that a card is to take after a grant was used; None: it keeps its own.

        It is sealed and durable when it comes back. Asked twice, it is the same.
        """

    def renewed(self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome) -> None:
        """Record what the card made of that; what is not told, the next unlock finds out."""

    def pin_changed(self, visit: VisitId) -> Task | Refusal:
        """Record that the card took a new PIN in a change-PIN visit."""

    def end(self, visit: VisitId, how: VisitEnd) -> None:
        """Close a visit; closing a closed or unknown one does nothing."""

    def refuse(
        self, visit: VisitId, station: str, reason: str, unread: UnreadCard | None = None
    ) -> str:
        """Record a refusal that the station made by itself; return its reference number.

        ``unread`` says what it reports of a card that it could not read.
        """

    def health(self) -> Health:
        """Say what answers."""

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        """Note that a station lives, and tell it whether it may serve anybody."""
