"""A sequence of calls, and an account of what was proven by what was put in.

The account rests on what the test knows (which answers and codes are right) and not on
what the authority recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kiosk.authority.administration.office import Office
from kiosk.authority.errors import AdministrationError
from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    CodeNotSent,
    EnterCode,
    Factor,
    FactorOver,
    FactorWrong,
    Grant,
    Purpose,
    Refusal,
    SendCode,
    SetPin,
    UnblockDone,
    UnblockUnknown,
    VisitOpened,
)
from tests.authority.assisting import give, office_beside, withdraw
from tests.authority.calls import OUTCOMES
from tests.authority.issued_code import Code
from tests.authority.station_visit import StationVisit, wrong_code
from tests.authority.world import World


@dataclass
class Walk:
    """One sequence of calls, and the test's own account of them."""

    world: World
    card: Card
    station_visit: StationVisit = field(init=False)
    staff: Office = field(init=False)
    proven: list[Factor] = field(default_factory=list)
    answered_here: bool = False
    purpose: Purpose | None = None
    codes: list[Code] = field(default_factory=list)
    entered: Code | None = None
    """The one that counts in this visit: staff may give another one after it."""
    task: object = None
    asked: AnswerQuestions | None = None
    grant: Grant | None = None
    may_release: bool = True
    grants: int = 0

    def __post_init__(self) -> None:
        self.staff = office_beside(self.world)
        self._insert("blocked")

    def act(self, action: str) -> None:
        """Do one thing; a call that does not fit must be refused and change nothing here."""
        try:
            self._act(self._next() if action == "go-on" else action)
        except StepRefused:
            self.task = None
        self._probe()

    def _probe(self) -> None:
        """Ask for the secret wherever it must not be given."""
        if self._lacks() is None:
            return
        try:
            reply = self.station_visit.release()
        except StepRefused:
            return
        assert not isinstance(reply, Grant), self._lacks()

    def _lacks(self) -> str | None:
        """Say why nothing may be released now, by the test's own account."""
        (order,) = self.world.policy.verification
        firsts = [self.proven.index(factor) for factor in order if factor in self.proven]
        if len(firsts) != len(order):
            return "a factor is missing"
        if firsts != sorted(firsts):
            return "the order was not kept"
        return None if self.may_release else "it was released, or the visit is over"

    def _next(self) -> str:
        match self.task:
            case VisitOpened(resumed=None):
                return "call-unlock"
            case VisitOpened() | EnterCode() | FactorWrong():
                return "enter-right"
            case AnswerQuestions() | FactorWrong():
                return "answer-right"
            case SendCode() | FactorOver():
                return "send"
            case CodeNotSent():
                return "wait-second"
            case SetPin():
                return "release"
            case Grant():
                return "settle-done"
            case _:
                return "insert-blocked"

    def _act(self, action: str) -> None:
        kind, _, how = action.partition("-")
        calls: dict[str, Callable[[str], None]] = {
            "insert": self._insert,
            "answer": self._answer,
            "send": self._send,
            "enter": self._enter,
            "assist": self._assist,
            "release": self._release,
            "settle": self._settle,
            "wait": self._wait,
            "pull": self._pull,
        }
        calls.get(kind, self._other)(how)

    def _other(self, how: str) -> None:
        """Make a call of another purpose, or choose one."""
        authority, visit = self.world.authority, self.station_visit.visit
        calls: dict[str, Callable[[], object]] = {
            "unlock": lambda: self._choose(Purpose.UNLOCK),
            "change-pin": lambda: self._choose(Purpose.CHANGE_PIN),
            "change-email": lambda: self._choose(Purpose.CHANGE_EMAIL),
            "pin-proven": lambda: self.station_visit.verify_pin(),
            "pin-changing": lambda: authority.pin_changing(visit),
            "pin-changed": lambda: authority.pin_changed(visit),
            "email": lambda: authority.give_email(visit, "x@nhs.net", self.station_visit.attempt()),
        }
        self._see(calls[how]())

    def _choose(self, purpose: Purpose) -> object:
        """Choose; something else than what a code waits for withdraws that code."""
        reply = self.world.authority.choose(self.station_visit.visit, purpose)
        switched = self.purpose is Purpose.UNLOCK and purpose is not Purpose.UNLOCK
        if switched and not isinstance(reply, Refusal):
            self.proven = []
            newest = self.codes[-1] if self.codes else None
            if newest is not None and newest.given is None:
                newest.withdrawn = True
        if not isinstance(reply, Refusal):
            self.purpose = purpose
        return reply

    def _wait(self, how: str) -> None:
        self.world.clock.forward(seconds=1 if how == "second" else 16 * 60)
        if isinstance(self.task, CodeNotSent):
            self.task = self.task.again

    def _see(self, reply: object) -> None:
        self.task = reply
        if isinstance(reply, AnswerQuestions):
            self.asked = reply

    def _insert(self, how: str) -> None:
        self.station_visit = self.world.insert(self.card, blocked=how == "blocked")
        self.proven, self.grant, self.may_release = [], None, True
        self.answered_here = False
        self._see(self.station_visit.opened)
        self.purpose = None
        if isinstance(self.task, VisitOpened) and self.task.resumed:
            self.purpose = self.task.resumed[0]
            newest = self.codes[-1]
            assert newest.given is None
            assert newest.is_good(self.world.now, self.world.policy)
            if not self._code_first:  # a code that comes first was sent on no answers
                self.proven = [one for one in newest.basis if one is Factor.QUESTIONS]

    def _pull(self, _: str) -> None:
        self.station_visit.pull()
        self.may_release = False

    def _answer(self, how: str) -> None:
        if self.asked is None:
            return
        right = how == "right"
        reply = self.station_visit.answer(self.asked, wrong=not right)
        if isinstance(reply, SendCode | EnterCode | SetPin):
            assert right
            self.proven.append(Factor.QUESTIONS)
            self.answered_here = True
        self._see(reply)

    def _send(self, _: str) -> None:
        before, basis = len(self.world.relay.sent), tuple(self.proven)
        self._see(self.station_visit.send())
        if len(self.world.relay.sent) > before:
            first = self.world.policy.verification[0][0]
            assert first is Factor.EMAIL_CODE or first in basis
            self.codes.append(Code(self.world.relay.code, self.world.now, basis))

    def _assist(self, how: str) -> None:
        """Let staff give a code, or withdraw the newest one; they may be refused."""
        try:
            self._give() if how == "give" else self._withdraw()
        except AdministrationError:
            return

    def _give(self) -> None:
        issued = give(self.staff, self.card)
        self.codes.append(Code(issued.code, self.world.now, given=issued))

    def _withdraw(self) -> None:
        newest = self.codes[-1] if self.codes else None
        if newest is not None and newest.given is not None:
            withdraw(self.staff, newest.given)
            newest.withdrawn = True

    def _enter(self, how: str) -> None:
        if not self.codes:
            return
        chosen = self.codes[0 if how == "old" else -1]
        code = wrong_code(chosen.code) if how == "wrong" else chosen.code
        reply = self.station_visit.enter(code)
        if isinstance(reply, SetPin) or (isinstance(reply, AnswerQuestions) and self._code_first):
            assert how != "wrong"
            self._check_entry(chosen)
            self.proven.append(Factor.EMAIL_CODE)
            self.entered = self.codes[-1]
        self._see(reply)

    @property
    def _code_first(self) -> bool:
        return self.world.policy.verification[0][0] is Factor.EMAIL_CODE

    def _check_entry(self, chosen: Code) -> None:
        newest = self.codes[-1]
        assert chosen.code == newest.code
        assert newest.is_good(self.world.now, self.world.policy)
        if newest.given and not self._code_first:
            assert self.answered_here

    def _release(self, _: str) -> None:
        reply = self.station_visit.release()
        if isinstance(reply, Grant):
            self._check_grant()
            self.grant, self.may_release = reply, False
        self._see(reply)

    def _check_grant(self) -> None:
        assert self._lacks() is None
        assert self.entered is not None
        self.entered.released += 1
        self.grants += 1

    def _settle(self, how: str) -> None:
        if self.grant is None:
            return
        outcome = OUTCOMES[f"settle-{how}"]
        reply = self.station_visit.authority.record_outcome(
            self.station_visit.visit, self.grant.journal, outcome
        )
        if isinstance(reply, SetPin) and not self.may_release:
            self.may_release = True
            assert self.entered is not None
            self.entered.released = 0
        if isinstance(outcome, UnblockDone | UnblockUnknown) or isinstance(reply, Refusal):
            self.may_release = False
        self.grant = None
        self._see(reply)
