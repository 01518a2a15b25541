"""Stations that live visits by a plan, and keep what the authority acknowledged to them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from kiosk.authority.records import Card, Cardholder, new_id
from kiosk.contract.errors import AuthorityBusy, AuthorityUnavailable
from kiosk.contract.messages import (
    AnswerQuestions,
    Answers,
    CardChallenge,
    CardId,
    CardReport,
    Code,
    EnterCode,
    Factor,
    FactorWrong,
    Finished,
    Grant,
    PinState,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    UnblockDone,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.station.client import HttpAuthority
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import answers_to, wrong_code

_PAUSE_S = 0.05


@dataclass(frozen=True)
class Plan:
    """How many wrong sets of answers and wrong codes there are before the right ones."""

    wrong_sets: int
    wrong_codes: int


PLANS = (Plan(0, 0), Plan(1, 2), Plan(2, 1), Plan(3, 0))
"""With the last the registration is blocked."""


@dataclass(frozen=True)
class Person:
    """Somebody with a blocked card, and what they are going to do."""

    holder: Cardholder
    email: str
    card: Card
    reader_card: ReaderCard
    plan: Plan


@dataclass
class Acknowledged:
    """What the authority has answered in one visit."""

    person: Person
    visit: VisitId
    began: float
    attempts: list[str] = field(default_factory=list)
    code_used: bool = False
    blocked: bool = False
    journal: str = ""
    unblocked: bool = False
    rotated: bool = False
    ended: float = 0.0
    interrupted: bool = False


class Station(threading.Thread):
    """One station: takes the next person until there is none, and asks again where none answers."""

    def __init__(
        self,
        name: str,
        client: HttpAuthority,
        people: queue.Queue[Person | None],
        code_of: Callable[[str], str],
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._client = client
        self._people = people
        self._code_of = code_of
        self.visits: list[Acknowledged] = []
        self.answered: list[float] = []
        """When each call was answered, by the monotonic clock."""
        self.outages = 0
        self.failure = ""

    def run(self) -> None:
        while (person := self._people.get()) is not None:
            known = Acknowledged(person, VisitId(new_id()), time.monotonic())
            self.visits.append(known)
            try:
                self._live(person, known)
            except AssertionError as error:
                self.failure = f"{self.name}, {person.plan}: {error}"
                return
            known.ended = time.monotonic()
        self._client.close()

    def _live(self, person: Person, known: Acknowledged) -> None:
        at, visit = self._client.port, known.visit
        card = person.card
        report = CardReport(
            CardId(card.driver, card.identifier),
            PinState(True),
            certificate=person.reader_card.shows,
        )
        opened = self._ask(known, lambda: at.begin(visit, report), (CardChallenge, VisitOpened))
        if isinstance(opened, CardChallenge):
            proof = person.reader_card.answer(opened)
            self._ask(known, lambda: at.prove(visit, proof), VisitOpened)
        task = self._ask(known, lambda: at.choose(visit, Purpose.UNLOCK), AnswerQuestions)
        for number in range(person.plan.wrong_sets):
            last = number == 2
            wrong = Answers(answers_to(task, wrong=True))
            call = partial(at.submit, visit, attempt := new_id(), wrong)
            reply = self._ask(known, call, Refusal if last else FactorWrong)
            known.attempts.append(attempt)
            if last:
                assert reply == Refusal(Reason.REGISTRATION_BLOCKED), reply
                known.blocked = True
                return
        attempt, right = new_id(), answers_to(task)
        asked = self._ask(known, lambda: at.submit(visit, attempt, Answers(right)), SendCode)
        known.attempts.append(attempt)
        send = partial(at.prepare, visit, new_id(), Factor.EMAIL_CODE, asked.routes[0].id)
        self._ask(known, send, EnterCode)
        code = Sensitive(self._code_of(person.email))
        for _ in range(person.plan.wrong_codes):
            self._enter(known, wrong_code(code), FactorWrong)
        self._enter(known, code, SetPin)
        known.code_used = True
        challenge = self._ask(known, lambda: at.challenge(visit), CardChallenge)
        proof, releasing = person.reader_card.answer(challenge), new_id()
        grant = self._ask(known, lambda: at.release(visit, releasing, proof), Grant)
        known.journal = grant.journal
        done = UnblockDone()
        self._ask(known, lambda: at.record_outcome(visit, grant.journal, done), Finished)
        known.unblocked = True
        self._ask(known, lambda: at.rotate_secret(visit, grant.journal), Sensitive)
        self._ask(known, lambda: at.confirm_rotation(visit, grant.journal, done), type(None))
        known.rotated = True
        self._ask(known, lambda: at.end(visit, VisitEnd.CARD_REMOVED), type(None))

    def _enter(self, known: Acknowledged, code: Sensitive, expected: type) -> None:
        attempt = new_id()
        at = self._client.port
        self._ask(known, lambda: at.submit(known.visit, attempt, Code(code)), expected)
        known.attempts.append(attempt)

    def _ask(
        self, known: Acknowledged, call: Callable[[], Any], expected: type | tuple[type, ...]
    ) -> Any:
        """Make one call again until it is answered."""
        while True:
            try:
                reply = call()
            except (AuthorityBusy, AuthorityUnavailable):
                self.outages += 1
                known.interrupted = True
                time.sleep(_PAUSE_S)
                continue
            self.answered.append(time.monotonic())
            assert isinstance(reply, expected), f"{reply!r} instead of {expected}"
            return reply
