"""The rounds: what many stations try at the same moment, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from campaigns.races.estate import Call, RacingEstate
from kiosk.authority.addresses import read_addresses
from kiosk.authority.records import AuditQuery, Card, Cardholder, Registration, new_id
from kiosk.contract.errors import AuthorityError, AuthorityUnavailable, StepRefused
from kiosk.contract.messages import (
    Answer,
    AnswerQuestions,
    Answers,
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    Code,
    EnterCode,
    Factor,
    Grant,
    PinState,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import answers_to
from tests.authority.world import World
from tests.support.routes import MADE_UP, route_of

ATTEMPTS = 3


@dataclass
class Rounds:
    """Runs rounds in an order that the seed draws; ``violations`` says what must never happen."""

    world: World
    estate: RacingEstate
    seed: int = 1
    violations: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def run(self, rounds: int) -> None:
        """Run so many."""
        random = Random(self.seed)
        for number in range(rounds):
            kind = random.choice(KINDS)
            self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
            kind(self, number, random)

    def need(self, number: int, rule: str, holds: bool, seen: object = "") -> None:
        """Note a rule that was broken."""
        if not holds:
            self.violations.append(f"round {number}: {rule} {seen}".rstrip())

    # --- people and cards ---

    def newcomer(self, number: int) -> tuple[Cardholder, Card]:
        """Add somebody with a card."""
        email = f"r{number}@nhs.net"
        holder = self.world.add_holder(number=f"{number:012d}", email=email)
        self.world.register(holder, email=email)
        return holder, self.world.add_card(holder, secret_limit=50)

    def begun(self, card: Card, station: str = "A") -> tuple[VisitId, AnswerQuestions]:
        """Open a visit and choose the unlock."""
        visit, at = VisitId(new_id()), self.estate.clients[station].port
        reader_card = self.world.known_reader_card(card)
        opened = at.begin(visit, self.report_of(card))
        if isinstance(opened, CardChallenge):
            opened = at.prove(visit, reader_card.answer(opened))
        assert isinstance(opened, VisitOpened), opened
        task = at.choose(visit, Purpose.UNLOCK)
        assert isinstance(task, AnswerQuestions), task
        return visit, task

    def report_of(self, card: Card) -> CardReport:
        """Return what a reader reports of a card whose PIN is blocked."""
        shown = self.world.known_reader_card(card).shows
        return CardReport(CardId(card.driver, card.identifier), PinState(True), certificate=shown)

    def proof_of(self, card: Card, visit: VisitId) -> CardProof | None:
        """Have the card sign what is drawn before its secret is released."""
        challenge = self.estate.clients["A"].port.challenge(visit)
        assert isinstance(challenge, CardChallenge), challenge
        return self.world.known_reader_card(card).answer(challenge)

    def email_of(self, holder: Cardholder) -> str:
        with self.world.store.read() as uow:
            return read_addresses(uow, holder.id).shown

    def registration(self, holder: Cardholder) -> Registration:
        with self.world.store.read() as uow:
            found = uow.registrations.of_holder(holder.id)
        assert found is not None
        return found

    def journals(self, visit: VisitId) -> int:
        with self.world.store.read() as uow:
            return len(uow.journal.of_visit(visit))

    def audited(self, holder: Cardholder, kind: str) -> int:
        with self.world.store.read() as uow:
            return len(uow.trail.oldest(AuditQuery(holder_id=holder.id, kind=kind)))


def wrong(task: AnswerQuestions) -> tuple[Answer, ...]:
    return tuple(Answer(one.id, Sensitive("wrong")) for one in task.questions)


def three_attempts(rounds: Rounds, number: int, random: Random) -> None:
    """Everybody gives another wrong set: three are looked at, and the registration is blocked."""
    holder, card = rounds.newcomer(number)
    visit, task = rounds.begun(card)
    replies = rounds.estate.race(
        [
            Call.of("A", "submit", visit, new_id(), Answers(wrong(task)))
            for _ in range(rounds.estate.size)
        ]
    )
    after = rounds.registration(holder)
    rounds.need(number, "three failures", after.failures == ATTEMPTS, replies)
    rounds.need(number, "it is blocked", after.blocked_at is not None)
    looked_at = rounds.audited(holder, "answers-wrong")
    rounds.need(number, "three were looked at", looked_at == ATTEMPTS, looked_at)
    charged = rounds.audited(holder, "attempt-charged")
    rounds.need(number, "three were charged", charged == ATTEMPTS, charged)
    passed = [reply for reply in replies if isinstance(reply, SendCode)]
    rounds.need(number, "no wrong set passes", not passed)


def one_code(rounds: Rounds, number: int, random: Random) -> None:
    """Everybody enters the right code, and wants the secret: one code, one journal, one secret."""
    holder, card = rounds.newcomer(number)
    at = rounds.estate.clients["A"].port
    visit, task = rounds.begun(card)
    asked = at.submit(visit, new_id(), Answers(answers_to(task)))
    sent = at.prepare(visit, new_id(), Factor.EMAIL_CODE, route_of(asked))
    assert isinstance(sent, EnterCode)
    code = Sensitive(rounds.estate.code_of(rounds.email_of(holder)))
    size = rounds.estate.size
    calls = [Call.of("A", "submit", visit, new_id(), Code(code)) for _ in range(size)]
    entered = [reply for reply in rounds.estate.race(calls) if isinstance(reply, SetPin)]
    rounds.need(number, "the code is right", bool(entered))
    proof = rounds.proof_of(card, visit)
    calls = [Call.of("A", "release", visit, new_id(), proof) for _ in range(size)]
    replies = rounds.estate.race(calls)
    grants = {reply.journal for reply in replies if isinstance(reply, Grant)}
    rounds.need(number, "one secret goes out", len(grants) == 1, len(grants))
    rounds.need(number, "one journal", rounds.journals(visit) == 1, rounds.journals(visit))
    again = _tried(lambda: at.submit(visit, new_id(), Code(code)))
    rounds.need(number, "the code is used up", not isinstance(again, SetPin), again)
    others = [r for r in replies if not isinstance(r, Grant | StepRefused | Refusal)]
    rounds.need(number, "nothing else is answered", not others, others)


def block_and_success(rounds: Rounds, number: int, random: Random) -> None:
    """With one attempt left, right and wrong sets come at once: blocked, or passed, never both."""
    holder, card = rounds.newcomer(number)
    at = rounds.estate.clients["A"].port
    visit, task = rounds.begun(card)
    for _ in range(ATTEMPTS - 1):
        at.submit(visit, new_id(), Answers(wrong(task)))
    right = answers_to(task)
    sets = [random.choice((right, wrong(task))) for _ in range(rounds.estate.size)]
    replies = rounds.estate.race(
        [Call.of("A", "submit", visit, new_id(), Answers(each)) for each in sets]
    )
    after = rounds.registration(holder)
    passed = any(isinstance(reply, SendCode) for reply in replies)
    blocked = Refusal(Reason.REGISTRATION_BLOCKED) in replies
    is_blocked = after.blocked_at is not None
    rounds.need(number, "one truth", passed != is_blocked, (passed, is_blocked, after.failures))
    rounds.need(number, "who is told of a block is blocked", not blocked or is_blocked)
    rounds.need(number, "at most three failures", after.failures <= ATTEMPTS, after.failures)
    route = next((route_of(reply) for reply in replies if isinstance(reply, SendCode)), MADE_UP)
    following = _tried(lambda: at.prepare(visit, new_id(), Factor.EMAIL_CODE, route))
    went_on = isinstance(following, EnterCode)
    rounds.need(number, "the visit goes on where it passed", went_on == passed, following)


def two_stations(rounds: Rounds, number: int, random: Random) -> None:
    """One card's name at two stations, unlocked at both: one open journal at any time."""
    holder, card = rounds.newcomer(number)
    at = rounds.estate.clients["A"].port
    visit, task = rounds.begun(card)
    asked = at.submit(visit, new_id(), Answers(answers_to(task)))
    at.prepare(visit, new_id(), Factor.EMAIL_CODE, route_of(asked))
    code = Sensitive(rounds.estate.code_of(rounds.email_of(holder)))
    assert isinstance(at.submit(visit, new_id(), Code(code)), SetPin)
    proof = rounds.proof_of(card, visit)
    calls: list[Call] = []
    for place in range(rounds.estate.size):
        if place % 2:
            calls.append(Call.of("B", "begin", VisitId(new_id()), rounds.report_of(card)))
        else:
            calls.append(Call.of("A", "release", visit, new_id(), proof))
    random.shuffle(calls)
    replies = rounds.estate.race(calls)
    grants = {reply.journal for reply in replies if isinstance(reply, Grant)}
    rounds.need(number, "one secret at most", len(grants) <= 1, len(grants))
    made = rounds.journals(visit)
    rounds.need(number, "a journal for what was released", made == len(grants), (made, len(grants)))
    lost = [reply for reply in replies if isinstance(reply, AuthorityUnavailable)]
    rounds.need(number, "everybody is answered", not lost, lost[:1])


def _tried(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except AuthorityError as error:
        return error


KINDS = (three_attempts, one_code, block_and_success, two_stations)
