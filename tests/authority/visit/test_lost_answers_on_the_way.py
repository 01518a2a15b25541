"""Whatever answer of the authority is lost on a holder's way, they come to the same end.

The station's own flow and executor, with the real authority: each way is gone once without a fault.
Then, with a card of its own, once for each call: the authority carries it out, and the answer to
it, or to five in a row, is lost. The holder tries again where the page offers it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import pytest

from kiosk.authority.records import Card, new_id
from kiosk.contract.errors import AuthorityUnavailable, PinWrong
from kiosk.contract.messages import (
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    Code,
    Heartbeat,
    MaintenanceAct,
    MaintenanceReason,
    OnPad,
    PinChallenge,
    PinEntry,
    PinProof,
    PinState,
    Purpose,
    VisitId,
)
from kiosk.contract.policy import Policy
from kiosk.contract.ports import Authority, CardAddress, CardCheck, CardHold, Cards
from kiosk.contract.sensitive import Sensitive
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.executor import Actions
from kiosk.station.step import step
from tests.authority.assisting import give, office_beside
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.lossy_store import somebodys_card
from tests.authority.registering import CHOSEN, OTHER, start
from tests.authority.station_visit import ANSWERS
from tests.authority.world import EMAIL, PUK, World

T = TypeVar("T")

OLD_PIN, NEW_PIN = Sensitive("482915"), Sensitive("736251")
FIRST_SECRET = Sensitive(PUK)
MOST_EVENTS = 200


@dataclass
class HeldCard:
    """A card in the station's reader, which has keys where ``pad``."""

    card: CardId
    keys: ReaderCard
    blocked: bool
    pad: bool
    pin: Sensitive = OLD_PIN
    secret: Sensitive = FIRST_SECRET
    wrong_secrets: int = 0
    pins_set: int = 0

    def read(self, reader: str) -> CardReport:
        pin = PinState(self.blocked)
        return CardReport(self.card, pin, certificate=self.keys.shows, pin_pad=self.pad)

    def verify_pin(
        self, at: CardAddress, pin: PinEntry, challenge: PinChallenge | None = None
    ) -> PinProof | None:
        if not isinstance(pin, OnPad) and pin != self.pin:
            raise PinWrong(2)
        return self.keys.sign_pin(challenge) if challenge is not None else None

    def change_pin(self, at: CardAddress, current: PinEntry, new: PinEntry) -> None:
        self.verify_pin(at, current)
        self._set(new)

    def hold(self, at: CardAddress, use: Callable[[CardHold], T]) -> T:
        return use(cast(CardHold, self))

    def prove(self, challenge: CardChallenge) -> CardProof | None:
        return self.keys.answer(challenge)

    def prepare_unblock(self) -> None:
        pass

    def unblock(self, secret: Sensitive, new: PinEntry) -> None:
        self._compare(secret)
        self._set(new)

    def change_secret(self, current: Sensitive, new: Sensitive) -> None:
        self._compare(current)
        self.secret = new

    def try_out(self, pin: PinEntry) -> CardCheck:
        return CardCheck(signs=None if isinstance(pin, OnPad) else pin == self.pin)

    def _compare(self, secret: Sensitive) -> None:
        if secret != self.secret:
            self.wrong_secrets += 1
            raise PinWrong(4)

    def _set(self, new: PinEntry) -> None:
        self.pin = NEW_PIN if isinstance(new, OnPad) else new
        self.blocked = False
        self.pins_set += 1


@dataclass
class Losing:
    """Carries each call out, and loses the answers of some: ``first``, and ``count`` in a row."""

    authority: Authority
    first: int = 0
    count: int = 0
    calls: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., object]:
        call = getattr(self.authority, name)

        def lossy(*given: object, **named: object) -> object:
            self.calls.append(name)
            number = len(self.calls)
            reply = call(*given, **named)
            if self.first <= number < self.first + self.count:
                raise AuthorityUnavailable("the answer was lost")
            return reply

        return lossy


@dataclass
class Way:
    """One holder on their way: what they want, and what they know."""

    world: World
    purpose: Purpose
    card: Card
    held: HeldCard
    email: str
    given_code: Sensitive | None = None
    stop_number: str = ""

    def go(self, authority: Losing) -> s.State:
        """Go to the last page; return it."""
        actions = Actions(
            cast(Authority, authority), cast(Cards, self.held), Heartbeat(), sleep=lambda _: None
        )
        state: s.State = s.Attract()
        waiting: list[e.Event] = [e.CardIn(VisitId(new_id()), "R", 1)]
        for _ in range(MOST_EVENTS):
            event = waiting.pop(0) if waiting else self._act(state)
            if event is None:
                return state
            following = step(state, event)
            state = following.state
            results = [actions.perform(command) for command in following.commands]
            waiting += [result for result in results if result is not None]
        raise AssertionError(f"no end: {state}")

    def _act(self, state: s.State) -> e.HolderSide | None:
        """Do what the page asks for; None on a last page."""
        # So that no two codes were made at one moment.
        self.world.clock.forward(seconds=1)
        visit = s.visit_of(state)
        if visit is None:
            return None
        match state:
            case s.Menu() | s.ConfirmOwner() if self.purpose is Purpose.REPORT_MISUSE:
                return e.MisuseNoticed(visit)
            case s.Menu():
                return e.Chose(visit, self.purpose)
            case s.ConfirmOwner():
                return e.Confirmed(visit)
            case s.EnterPin():
                return e.PinEntered(visit, self.held.pin)
            case s.NewPin() | s.RepeatPin():
                return e.PinEntered(visit, NEW_PIN)
            case s.PickQuestion():
                taken = {answer.question for answer in state.given}
                return e.QuestionPicked(visit, next(one for one in CHOSEN if one not in taken))
            case s.GiveAnswer():
                return e.AnswerEntered(visit, Sensitive(CHOSEN[state.question.id]))
            case s.AskQuestion():
                return e.AnswerEntered(visit, Sensitive(ANSWERS[state.question.id]))
            case s.EnterEmail():
                return e.EmailEntered(visit, self.email)
            case s.CodeEntry(visit=s.VisitState(purpose=Purpose.FIRST_UNLOCK)):
                assert self.given_code is not None
                return e.EntryMade(visit, Code(self.given_code))
            case s.CodeEntry():
                return e.EntryMade(visit, Code(self.world.relay.code))
            case s.CodeNeeded():
                return e.CodeAsked(visit, state.task.routes[0].id)
            case s.StopNumberEntry():
                return e.StopNumberEntered(visit, Sensitive(self.stop_number))
            case s.PickReason():
                return e.ReasonPicked(visit, MaintenanceReason.CHECK)
            case s.Maintenance():
                return e.ActPicked(visit, MaintenanceAct.TEST_READER)
            case s.NotReached() | s.PadPaused():
                return e.TriedAgain(visit)
            case _:
                return None


RECORDED, UNRECORDED, NO_KEYS = "recorded keys", "unrecorded keys", "no keys"

WAYS = [
    *((Purpose.REGISTER, keys, EMAIL) for keys in (RECORDED, UNRECORDED, NO_KEYS)),
    *((Purpose.REGISTER, keys, OTHER) for keys in (UNRECORDED, NO_KEYS)),
    *((Purpose.UNLOCK, keys, EMAIL) for keys in (RECORDED, UNRECORDED, NO_KEYS)),
    *((Purpose.FIRST_UNLOCK, keys, EMAIL) for keys in (RECORDED, NO_KEYS)),
    (Purpose.FIRST_UNLOCK, NO_KEYS, ""),
    *((Purpose.CHANGE_PIN, keys, EMAIL) for keys in (RECORDED, NO_KEYS)),
    *((Purpose.CHANGE_QUESTIONS, keys, EMAIL) for keys in (RECORDED, NO_KEYS)),
    *((Purpose.CHANGE_EMAIL, keys, EMAIL) for keys in (RECORDED, NO_KEYS)),
    *((Purpose.CHANGE_EMAIL, keys, OTHER) for keys in (RECORDED, NO_KEYS)),
    *((Purpose.REPORT_MISUSE, keys, EMAIL) for keys in (RECORDED, NO_KEYS)),
    (Purpose.MAINTENANCE, RECORDED, EMAIL),
]
"""Purpose, what is known of the card, and the address; "": no code can be mailed any more."""


def way(world: World, purpose: Purpose, keys: str, email: str, *, pad: bool) -> Way:
    """Return somebody new at the beginning of a way."""
    unlocks = purpose in (Purpose.UNLOCK, Purpose.FIRST_UNLOCK)
    card = somebodys_card(world, purpose not in (Purpose.REGISTER, Purpose.FIRST_UNLOCK))
    by_keys = {UNRECORDED: ReaderCard, NO_KEYS: KeylessCard}
    own = by_keys[keys]() if keys in by_keys else world.known_reader_card(card)
    held = HeldCard(CardId(card.driver, card.identifier), own, blocked=unlocks, pad=pad)
    made = Way(world, purpose, card, held, email)
    if not email:
        earlier = start(world, card, Purpose.REGISTER, own)
        earlier.send()
        earlier.pull()
    if purpose is Purpose.FIRST_UNLOCK:
        made.given_code = give(office_beside(world), card).code
    if purpose is Purpose.REPORT_MISUSE:
        unlocking = world.insert(card, blocked=True, reader_card=own)
        unlocking.to_code()
        unlocking.pull()
        made.stop_number = world.relay.sent[-1].html
    if purpose is Purpose.MAINTENANCE:
        world.officers_card(card)
    return made


def _end(state: s.State) -> tuple[object, ...]:
    match state:
        case s.Success():
            return s.Success, state.purpose
        case s.Refused():
            return s.Refused, state.reason
        case _:
            return (type(state),)


@pytest.mark.parametrize(
    ("lost", "pad"), [(1, False), (5, True)], ids=["one, typed", "five, on the reader's keys"]
)
@pytest.mark.parametrize(
    ("purpose", "keys", "email"), WAYS, ids=[", ".join(filter(None, one)) for one in WAYS]
)
def test_the_holder_comes_to_the_same_end(
    world: World, purpose: Purpose, keys: str, email: str, lost: int, pad: bool
) -> None:
    if not email:
        world.policy = Policy(codes_an_hour=1, visits_a_minute=1000)
    sent = len(world.relay.sent)
    first, whole = way(world, purpose, keys, email, pad=pad), Losing(world.authority)
    end = _end(first.go(whole))
    assert end[0] in (s.Success, s.ActDone), end
    sent = len(world.relay.sent) - sent
    for number, name in enumerate(whole.calls, 1):
        if name in ("begin", "prove"):  # the card is taken out and put in again
            continue
        before = len(world.relay.sent)
        again, losing = (
            way(world, purpose, keys, email, pad=pad),
            Losing(world.authority, number, lost),
        )
        where = f"{lost} from {name}, call {number}"
        assert _end(again.go(losing)) == end, f"{where}: {losing.calls}"
        assert len(world.relay.sent) - before == sent, f"{where}: mails"
        assert again.held.pins_set == first.held.pins_set, where
        assert again.held.wrong_secrets == 0, where
