"""Hand-written stand-ins for the ports, with just enough behaviour to tell a story."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from kiosk.contract.errors import AuthorityBusy, AuthorityUnavailable
from kiosk.contract.messages import (
    AnswerQuestions,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    Code,
    EnterCode,
    Factor,
    FactorEntry,
    FactorWrong,
    Finished,
    Grant,
    Heartbeat,
    JournalId,
    KeepSavedCodes,
    KeyAnswer,
    KeyChallenge,
    KeyNonce,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    OnPad,
    PinChallenge,
    PinEntry,
    PinProof,
    PinRules,
    PinState,
    ProvePin,
    Purpose,
    Question,
    Reason,
    Refusal,
    Route,
    RouteId,
    SetPin,
    StationStanding,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockUnknown,
    UnreadCard,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import CardAddress, CardCheck, CardHold
from kiosk.contract.sensitive import Sensitive
from tests.support.steps import STEP, offers

T = TypeVar("T")

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
QUESTIONS = (Question(1, "First teacher?"), Question(2, "First street?"))
ROUTE = Route(RouteId("a" * 32), "a•••@nhs.net")
CODE = EnterCode(ROUTE, (ROUTE,), 8, 900.0, 60.0, 5, position=STEP)


@dataclass
class FakeCards:
    """One card; ``unblock_raises`` is raised after ``gate`` opens.

    With ``pin_pad`` its reader has keys: ``on_pad`` says how each asking ends, None with a
    PIN, and with none left all do; ``asked`` is what they were asked for.
    """

    card: CardId = field(default_factory=lambda: CardId("piv", "11" * 16))
    pin: str | None = None
    secret: str | None = None
    hold_raises: Exception | None = None
    unblock_raises: Exception | None = None
    read_raises: Exception | None = None
    pin_pad: bool = False
    on_pad: list[Exception | None] = field(default_factory=list)
    asked: list[OnPad] = field(default_factory=list)
    pin_proof: PinProof | None = None
    check: CardCheck = field(default_factory=CardCheck)
    check_raises: Exception | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def read(self, reader: str) -> CardReport:
        if self.read_raises:
            raise self.read_raises
        return CardReport(self.card, PinState(blocked=True, tries_left=0), pin_pad=self.pin_pad)

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        self._arrive()
        self._enter(pin)
        return self.pin_proof if challenge is not None else None

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        self._arrive()
        assert isinstance(current, OnPad) is isinstance(new, OnPad)
        self.pin = self._enter(new)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        if self.hold_raises:
            raise self.hold_raises
        return use(self)

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        return None

    def prepare_unblock(self) -> None:
        pass

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        self._arrive()
        if self.unblock_raises:
            raise self.unblock_raises
        self.pin = self._enter(new)

    def begin_mutual_authentication(self, challenge: KeyChallenge) -> KeyNonce:
        return KeyNonce(challenge.nonce)

    def complete_mutual_authentication(self, cryptogram: bytes) -> KeyAnswer:
        return KeyAnswer(cryptogram)

    def reset_pin(self, new: PinEntry) -> None:
        self.pin = self._enter(new)

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        self.secret = new.reveal()

    def try_out(self, pin: PinEntry) -> CardCheck:
        if self.check_raises:
            raise self.check_raises
        return self.check

    def _arrive(self) -> None:
        self.waiting.set()
        self.gate.wait(60)

    def _enter(self, pin: PinEntry) -> str:
        if not isinstance(pin, OnPad):
            return pin.reveal()
        self.asked.append(pin)
        trouble = self.on_pad.pop(0) if self.on_pad else None
        if trouble is not None:
            raise trouble
        return "on the pad"


@dataclass
class FakeAuthority:
    """Unlocks with two right answers and any code; ``away`` calls fail before they answer.

    A visit opens after ``gate`` opens.
    """

    away: int = 0
    offers: tuple[Purpose, ...] = (Purpose.UNLOCK,)
    challenged: CardChallenge | None = None
    released: int = 0
    outcomes: list[UnblockOutcome] = field(default_factory=list)
    new_secret: Sensitive | None = None
    changes: list[UnblockOutcome] = field(default_factory=list)
    changing: list[str] = field(default_factory=list)
    change_refused: Refusal | None = None
    challenge_refused: Refusal | None = None
    maintain_refused: Refusal | None = None
    ended: list[tuple[VisitId, VisitEnd]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unread: list[UnreadCard | None] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    begun: list[VisitId] = field(default_factory=list)
    busy: int = 0
    heartbeat_raises: Exception | None = None
    standing: StationStanding = StationStanding.IN_USE
    beats: list[Heartbeat] = field(default_factory=list)
    maintained: list[tuple[MaintenanceAct, MaintenanceReason, str]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def _answer(self) -> None:
        if self.busy:
            self.busy -= 1
            raise AuthorityBusy("busy")
        if self.away:
            self.away -= 1
            raise AuthorityUnavailable("away")

    def begin(self, visit: VisitId, report: CardReport) -> VisitOpened | Refusal:
        self._answer()
        self.waiting.set()
        self.gate.wait(60)
        self.begun.append(visit)
        return VisitOpened(visit, "Asha Patel", offers(*self.offers))

    def prove(self, visit: VisitId, proof: CardProof | None) -> VisitOpened | Refusal:
        return VisitOpened(visit, "Asha Patel", offers(Purpose.UNLOCK))

    def challenge(self, visit: VisitId) -> CardChallenge | None:
        return self.challenged

    def choose(
        self, visit: VisitId, purpose: Purpose, anew: bool = False
    ) -> AnswerQuestions | ProvePin:
        self._answer()
        return (
            AnswerQuestions(QUESTIONS, 3, position=STEP)
            if purpose is Purpose.UNLOCK
            else ProvePin(position=STEP)
        )

    def pin_challenge(self, visit: VisitId) -> PinChallenge | Refusal:
        return self.challenge_refused or PinChallenge(b"sign this")

    def pin_verified(self, visit: VisitId, proof: PinProof | None) -> SetPin:
        self._answer()
        return SetPin(PinRules(), position=STEP)

    def save_questions(self, visit: VisitId, answers: object) -> Finished:
        return Finished(Purpose.CHANGE_QUESTIONS)

    def give_email(self, visit: VisitId, email: str, attempt: str) -> EnterCode:
        return CODE

    def choose_way(self, visit: VisitId, way: tuple[Factor, ...]) -> EnterCode:
        return CODE

    def prepare(self, visit: VisitId, attempt: str, factor: Factor, route: RouteId) -> EnterCode:
        return CODE

    def submit(
        self, visit: VisitId, attempt: str, entry: FactorEntry
    ) -> EnterCode | SetPin | FactorWrong:
        if isinstance(entry, Code):
            return SetPin(PinRules(), position=STEP)
        self.attempts.append(attempt)
        self._answer()
        return CODE

    def make_saved_codes(self, visit: VisitId) -> KeepSavedCodes:
        return KeepSavedCodes((Sensitive("17K7QF2M9X4TRD0"),), position=STEP)

    def keep_saved_codes(self, visit: VisitId) -> Finished:
        return Finished(Purpose.SAVED_CODES)

    def enter_stop_number(self, visit: VisitId, attempt: str, number: Sensitive) -> Finished:
        return Finished(Purpose.REPORT_MISUSE)

    def admit(self, visit: VisitId, journal: JournalId, answer: KeyAnswer) -> Refusal | None:
        return None

    def release(
        self, visit: VisitId, attempt: str, proof: CardProof | KeyNonce | None = None
    ) -> Grant:
        self.attempts.append(attempt)
        self._answer()
        self.released += 1
        return Grant(JournalId("j1"), Sensitive("87654321"))

    def record_outcome(
        self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome
    ) -> Finished | SetPin | Refusal:
        self._answer()
        self.outcomes.append(outcome)
        if isinstance(outcome, UnblockDone):
            return Finished(Purpose.UNLOCK)
        if isinstance(outcome, UnblockNotSent):
            return SetPin(PinRules(), position=STEP)
        unknown = isinstance(outcome, UnblockUnknown)
        reason = Reason.OUTCOME_UNKNOWN if unknown else Reason.CARD_REFUSED
        return Refusal(reason)

    def rotate_secret(self, visit: VisitId, journal: JournalId) -> Sensitive | None:
        self._answer()
        return self.new_secret

    def confirm_rotation(self, visit: VisitId, journal: JournalId, outcome: UnblockOutcome) -> None:
        self._answer()
        self.changes.append(outcome)

    def pin_changing(self, visit: VisitId) -> Refusal | None:
        self._answer()
        self.changing.append("begun")
        return self.change_refused

    def pin_kept(self, visit: VisitId) -> Refusal | None:
        self._answer()
        self.changing.append("kept")
        return None

    def pin_changed(self, visit: VisitId) -> Finished:
        self._answer()
        self.changing.append("changed")
        return Finished(Purpose.CHANGE_PIN)

    def maintain(
        self,
        visit: VisitId,
        attempt: str,
        act: MaintenanceAct,
        why: MaintenanceReason,
        words: str = "",
    ) -> Maintain | Refusal:
        self._answer()
        self.maintained.append((act, why, words))
        return self.maintain_refused or Maintain("front-desk", NOON)

    def end(self, visit: VisitId, how: VisitEnd) -> None:
        self.ended.append((visit, how))

    def refuse(self, visit: VisitId, reason: str, unread: UnreadCard | None = None) -> None:
        self.refused.append(reason)
        self.unread.append(unread)

    def heartbeat(self, beat: Heartbeat) -> StationStanding:
        if self.heartbeat_raises:
            raise self.heartbeat_raises
        self.beats.append(beat)
        return self.standing

    def station_standing(self) -> StationStanding:
        return self.standing
