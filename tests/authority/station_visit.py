"""One visit, as a station drives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiosk.authority.records import Card
from kiosk.authority.service import LocalAuthority
from kiosk.authority.visit.context import context_of
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    CardChallenge,
    Code,
    EnterCode,
    Factor,
    FactorTask,
    FactorWrong,
    Grant,
    Purpose,
    Refusal,
    RouteId,
    SendCode,
    SetPin,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import ReaderCard
from tests.support.routes import MADE_UP

if TYPE_CHECKING:
    from tests.authority.world import World

ANSWERS = {number: f"canary answer {number}" for number in range(1, 5)}


@dataclass
class StationVisit:
    """One visit, from the station's side."""

    world: World
    visit: VisitId
    opened: VisitOpened | Refusal
    reader_card: ReaderCard
    station: str = "A"
    attempts: int = 0

    @property
    def authority(self) -> LocalAuthority:
        return self.world.at(self.station)

    def attempt(self) -> str:
        self.attempts += 1
        return f"{self.visit}-{self.attempts}"

    def questions(self) -> AnswerQuestions:
        task = self.authority.choose(self.visit, Purpose.UNLOCK)
        assert isinstance(task, AnswerQuestions), task
        return task

    def answer(self, task: AnswerQuestions, *, wrong: bool = False, attempt: str = "") -> object:
        return self.authority.submit(
            self.visit, attempt or self.attempt(), Answers(answers_to(task, wrong=wrong))
        )

    def send(self, attempt: str = "", route: RouteId | None = None) -> object:
        """Have a code sent, to where one can go now or to a named ``route``."""
        return self.authority.prepare(
            self.visit, attempt or self.attempt(), Factor.EMAIL_CODE, route or self.route()
        )

    def route(self) -> RouteId:
        """Return where a code of the visit can go now; one that is made up where none can."""
        with self.world.store.begin() as uow:
            locked = uow.visit_records.lock_visit(self.visit, at_station=False)
            routes = context_of(uow, self.world.parts, locked).routes if locked else {}
        return RouteId(next(iter(routes), MADE_UP))

    def enter(self, code: Sensitive, attempt: str = "") -> object:
        return self.authority.submit(self.visit, attempt or self.attempt(), Code(code))

    def to_code(self) -> EnterCode:
        """Answer and have a code sent (questions first)."""
        assert isinstance(self.answer(self.questions()), SendCode)
        task = self.send()
        assert isinstance(task, EnterCode), task
        return task

    def to_new_pin(self) -> SetPin:
        """Pass every factor (questions first)."""
        self.to_code()
        task = self.enter(self.world.relay.code)
        assert isinstance(task, SetPin), task
        return task

    def grant(self) -> Grant:
        grant = self.release()
        assert isinstance(grant, Grant), grant
        return grant

    def release(self, attempt: str = "") -> object:
        """Ask for the secret as a station does: the card proves itself first, if it has to."""
        challenge = self.authority.challenge(self.visit)
        if isinstance(challenge, Refusal):
            return challenge
        proof = self.reader_card.answer(challenge) if isinstance(challenge, CardChallenge) else None
        return self.authority.release(self.visit, attempt or self.attempt(), proof)

    def verify_pin(self) -> object:
        """Enter the PIN: the card verifies it, and signs where it has a key for that."""
        challenge = self.authority.pin_challenge(self.visit)
        if isinstance(challenge, Refusal):
            return challenge
        return self.authority.pin_verified(self.visit, self.reader_card.sign_pin(challenge))

    def change_pin(self) -> object:
        """Change the PIN of the card, and report it."""
        refusal = self.authority.pin_changing(self.visit)
        return self.authority.pin_changed(self.visit) if refusal is None else refusal

    def email(self, address: str) -> object:
        return self.authority.give_email(self.visit, address, self.attempt())

    def pull(self) -> None:
        self.authority.end(self.visit, VisitEnd.CARD_REMOVED)


def ready(world: World, card: Card) -> StationVisit:
    """Return a visit that has passed every factor."""
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    return station_visit


def opened(station_visit: StationVisit) -> VisitOpened:
    """Return what opened the visit; it was not refused."""
    assert isinstance(station_visit.opened, VisitOpened), station_visit.opened
    return station_visit.opened


def resumed_by(station_visit: StationVisit) -> tuple[Purpose, EnterCode] | None:
    """Return what the visit goes on with."""
    return opened(station_visit).resumed


def answers_to(task: AnswerQuestions, *, wrong: bool = False) -> tuple[Answer, ...]:
    texts = [ANSWERS[question.id] for question in task.questions]
    if wrong:
        texts[-1] = "canary wrong"
    pairs = zip(task.questions, texts, strict=True)
    return tuple(Answer(question.id, Sensitive(text)) for question, text in pairs)


def wrong_code(code: Sensitive) -> Sensitive:
    digits = code.reveal()
    return Sensitive(digits[:-1] + str((int(digits[-1]) + 1) % 10))


def is_wrong(reply: object, task: type[FactorTask]) -> bool:
    """Return whether ``reply`` says that an entry was wrong, and asks for ``task`` again."""
    return isinstance(reply, FactorWrong) and isinstance(reply.again, task)
