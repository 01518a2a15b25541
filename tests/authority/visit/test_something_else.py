"""A code is waited for, and its holder wants something else: the code goes, the counts stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from msgspec.structs import replace

from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.records import Card, JointHash, PendingChange
from kiosk.authority.store.tables import PendingRow
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    AnswerQuestions,
    CodeNotSent,
    EnterCode,
    Factor,
    Finished,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
)
from kiosk.contract.policy import Genuine, Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority import registering
from tests.authority.card_in_reader import KeylessCard
from tests.authority.registering import OTHER, start
from tests.authority.station_visit import StationVisit, is_wrong, opened, wrong_code
from tests.authority.world import CHEAP, World
from tests.support.stored import stored

CODE_ONLY = Policy(verification=((Factor.EMAIL_CODE,),))


def waits(world: World, card: Card, *, tries: int = 0) -> StationVisit:
    """A holder answered, was mailed a code for an unlock, and comes back with a working PIN."""
    station_visit = world.insert(card)
    station_visit.to_code()
    for _ in range(tries):
        assert is_wrong(station_visit.enter(wrong_code(world.relay.code)), EnterCode)
    station_visit.pull()
    return back(world, card)


def back(world: World, card: Card, *, station: str = "A", blocked: bool = False) -> StationVisit:
    station_visit = world.insert(card, station=station, blocked=blocked)
    assert opened(station_visit).resumed is not None
    return station_visit


def offered(station_visit: StationVisit) -> list[Purpose]:
    return [one.purpose for one in opened(station_visit).offers]


def test_the_rest_of_the_menu_is_offered_beside_the_code(world: World, card: Card) -> None:
    station_visit = waits(world, card)
    assert offered(station_visit) == [
        Purpose.CHANGE_PIN,
        Purpose.CHANGE_QUESTIONS,
        Purpose.CHANGE_EMAIL,
    ]
    steps = {one.purpose: one.steps for one in opened(station_visit).offers}
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    fresh = world.insert(card)
    assert opened(fresh).resumed is None
    assert steps.items() <= {one.purpose: one.steps for one in opened(fresh).offers}.items()


def test_with_a_blocked_pin_there_is_nothing_else(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    station_visit.pull()
    assert offered(back(world, card, blocked=True)) == []


@pytest.mark.parametrize("purpose", [Purpose.CHANGE_PIN, Purpose.CHANGE_EMAIL])
def test_something_else_withdraws_the_code(world: World, card: Card, purpose: Purpose) -> None:
    station_visit = waits(world, card)
    code = world.relay.code
    assert isinstance(station_visit.authority.choose(station_visit.visit, purpose), ProvePin)
    assert world.kinds()[-2:] == ["code-abandoned", "purpose-chosen"]
    assert world.events()[-2].detail["purpose"] == Purpose.UNLOCK.value
    with pytest.raises(StepRefused):
        station_visit.enter(code)
    station_visit.pull()
    assert opened(world.insert(card)).resumed is None


def test_the_other_thing_is_done_in_the_same_visit(world: World, card: Card) -> None:
    station_visit = waits(world, card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    assert isinstance(station_visit.verify_pin(), SetPin)
    assert station_visit.change_pin() == Finished(Purpose.CHANGE_PIN)


def test_the_same_choice_goes_back_to_the_code(world: World, card: Card) -> None:
    station_visit = waits(world, card)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK), EnterCode
    )
    assert isinstance(station_visit.enter(world.relay.code), SetPin)
    assert "code-abandoned" not in world.kinds()


def test_who_mistyped_an_address_begins_the_change_of_it_anew(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.email("mistyped@trust.nhs.uk"), EnterCode)
    station_visit.pull()
    lost, again = world.relay.code, back(world, card)
    assert Purpose.CHANGE_EMAIL in offered(again)
    for _ in range(2):
        reply = again.authority.choose(again.visit, Purpose.CHANGE_EMAIL, anew=True)
        assert isinstance(reply, ProvePin)
    assert world.kinds().count("code-abandoned") == 1
    with pytest.raises(StepRefused):
        again.enter(lost)
    again.verify_pin()
    world.clock.forward(minutes=2)
    assert isinstance(again.email(OTHER), EnterCode)
    assert again.enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)
    assert world.registered_email(card) == OTHER


def test_an_address_is_corrected_in_the_visit_in_which_it_was_mistyped(world: World) -> None:
    """What was gathered stays; the code to the wrong address opens nothing."""
    card = world.add_card(world.add_holder())
    station_visit = registering.to_code(world, card)
    lost = world.relay.code
    world.clock.forward(minutes=2)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    assert is_wrong(station_visit.enter(lost), EnterCode)
    assert station_visit.enter(world.relay.code) == Finished(Purpose.REGISTER)
    assert world.registered_email(card) == OTHER


def test_a_corrected_address_waits_for_its_code_as_any_other(world: World) -> None:
    card = world.add_card(world.add_holder())
    station_visit = registering.to_code(world, card)
    reply = station_visit.email(OTHER)
    assert isinstance(reply, CodeNotSent)
    assert isinstance(reply.again, SendCode)
    assert not reply.mail_away


def test_who_mistyped_an_address_begins_their_registration_anew(world: World) -> None:
    card = world.add_card(world.add_holder())
    registering.to_code(world, card).pull()
    again = back(world, card)
    assert offered(again) == [Purpose.REGISTER, Purpose.CHANGE_PIN]
    reply = again.authority.choose(again.visit, Purpose.REGISTER, anew=True)
    assert isinstance(reply, ProvePin)
    assert world.visit(again).pending_id is None


def test_the_choice_can_be_repeated(world: World, card: Card) -> None:
    station_visit = waits(world, card)
    for _ in range(2):
        reply = station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
        assert isinstance(reply, ProvePin)
    assert world.kinds().count("code-abandoned") == 1


def test_right_answers_do_not_outlive_the_code(world: World, card: Card) -> None:
    """Whoever comes back to the unlock later is asked again."""
    station_visit = waits(world, card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    assert world.proofs(station_visit) == {}
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    station_visit.pull()
    world.clock.forward(minutes=2)
    again = world.insert(card)
    assert isinstance(again.questions(), AnswerQuestions)
    with pytest.raises(StepRefused):
        again.send()


def test_answers_carried_to_another_purpose_unlock_nothing(world: World, card: Card) -> None:
    """A change of address waits; the unlock that is chosen instead begins at its questions."""
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    station_visit.pull()
    code = world.relay.code
    again = back(world, card)
    assert isinstance(again.questions(), AnswerQuestions)
    with pytest.raises(StepRefused):
        again.enter(code)
    with pytest.raises(StepRefused):
        again.grant()


def test_what_was_gathered_goes_with_its_code(world: World) -> None:
    """Answers and address of a registration are in no record once something else was chosen."""
    card = world.add_card(world.add_holder())
    registering.to_code(world, card).pull()
    code, station_visit = world.relay.code, back(world, card)
    gathered = world.visit(station_visit).pending_id
    assert gathered is not None
    assert offered(station_visit) == [Purpose.REGISTER, Purpose.CHANGE_PIN]
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    assert world.visit(station_visit).pending_id is None
    with world.store.read() as uow:
        assert stored(uow, PendingRow, PendingChange, id=gathered) is None
    with pytest.raises(StepRefused):
        station_visit.authority.pin_changing(
            station_visit.visit
        )  # the PIN of the visit before counts no more
    station_visit.pull()
    fresh = world.insert(card)
    assert opened(fresh).resumed is None
    assert isinstance(fresh.authority.choose(fresh.visit, Purpose.REGISTER), ProvePin)
    with pytest.raises(StepRefused):
        fresh.enter(code)


def test_no_limit_of_codes_begins_anew(world: World, card: Card) -> None:
    """Who changes their mind as often as they like is mailed no more codes an hour than others."""
    world.policy = Policy(code_gap=timedelta(seconds=1), codes_an_hour=3, visits_a_minute=1000)
    for _ in range(3):
        station_visit = world.insert(card)
        station_visit.to_code()
        station_visit.pull()
        again = back(world, card)
        again.authority.choose(again.visit, Purpose.CHANGE_PIN)
        again.pull()
        world.clock.forward(seconds=2)
    last = world.insert(card)
    reply = last.authority.choose(last.visit, Purpose.UNLOCK)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.TOO_MANY_CODES
    assert len(world.relay.sent) == 3


def test_the_gap_between_codes_stays(world: World, card: Card) -> None:
    station_visit = waits(world, card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_EMAIL)
    station_visit.verify_pin()
    assert isinstance(station_visit.email(OTHER), CodeNotSent)


def test_no_try_at_the_answers_comes_back(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    asked = station_visit.questions()
    assert is_wrong(station_visit.answer(asked, wrong=True), AnswerQuestions)
    assert isinstance(station_visit.answer(asked), SendCode)
    station_visit.send()
    station_visit.pull()
    before = world.registration(card)
    again = back(world, card)
    again.authority.choose(again.visit, Purpose.CHANGE_PIN)
    assert world.registration(card) == before
    assert before.failures == 1


def test_no_try_at_a_code_comes_back(world: World, card: Card) -> None:
    """The next code has tries of its own, and is one more of the hour's."""
    station_visit = waits(world, card, tries=4)
    with world.store.read() as uow:
        spent = uow.codes.newest(card.id)
    assert spent is not None
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    with world.store.read() as uow:
        after = uow.codes.get(spent.id)
    assert after is not None
    assert (after.tries, after.revoked_at) == (4, world.now)


def test_an_unlock_that_would_be_refused_leaves_the_code(world: World, card: Card) -> None:
    """Choosing it in vain costs nothing: the change of address still waits for its code."""
    world.policy = Policy(code_gap=timedelta(seconds=1), codes_an_hour=1, visits_a_minute=1000)
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    station_visit.pull()
    again = back(world, card)
    reply = again.authority.choose(again.visit, Purpose.UNLOCK)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.TOO_MANY_CODES
    assert back(world, card).enter(world.relay.code) == Finished(Purpose.CHANGE_EMAIL)


# Only while nothing was proven in this very visit.


def test_not_once_the_code_was_entered(world: World, card: Card) -> None:
    station_visit = waits(world, card)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    assert station_visit.grant().secret.reveal()


def test_not_once_the_secret_was_released(world: World, card: Card) -> None:
    station_visit = waits(world, card)
    station_visit.enter(world.relay.code)
    station_visit.grant()
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)


def test_not_in_the_visit_that_answered(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    station_visit.to_code()
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_not_in_the_visit_that_proved_its_pin(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)


def test_not_where_no_code_is_due_yet(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    station_visit.questions()
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)


class _Interrupted(AnswerHasher):
    """Looks at a set while something else happens."""

    during: Callable[[], object]

    def check(self, owner: str, answers: Mapping[int, Sensitive], kept: JointHash) -> bool:
        verdict = super().check(owner, answers, kept)
        self.during()
        return verdict


def test_answers_that_are_looked_at_meanwhile_prove_nothing_for_it(
    world: World, card: Card
) -> None:
    """The questions are answered once more, and something else is chosen at another replica."""
    station_visit = world.insert(card)
    asked = station_visit.questions()
    assert isinstance(station_visit.answer(asked), SendCode)
    station_visit.send()
    station_visit.pull()
    again = back(world, card)

    hasher = _Interrupted(world.ring, CHEAP)
    replica = World(world.folder, time=world.clock)
    hasher.during = lambda: replica.authority.choose(again.visit, Purpose.CHANGE_PIN)
    object.__setattr__(world.parts, "hasher", hasher)
    with pytest.raises(StepRefused):
        again.answer(asked)
    replica.store.close()
    left = world.visit(again)
    assert left.purpose is Purpose.CHANGE_PIN
    assert world.proofs(again) == {}
    assert world.events()[-2].detail == {"proves": "nothing"}
    with pytest.raises(StepRefused):
        again.authority.choose(again.visit, Purpose.UNLOCK)
    with pytest.raises(StepRefused):
        again.send()
    with pytest.raises(StepRefused):
        again.grant()


def test_a_code_alone_is_withdrawn_too(world: World, card: Card) -> None:
    world.policy = CODE_ONLY
    station_visit = world.insert(card)
    assert isinstance(station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK), SendCode)
    station_visit.send()
    station_visit.pull()
    again, code = back(world, card), world.relay.code
    again.authority.choose(again.visit, Purpose.CHANGE_PIN)
    with pytest.raises(StepRefused):
        again.enter(code)
    with pytest.raises(StepRefused):
        again.grant()


# A copy, which gives the card's name alone.


def test_a_copy_withdraws_no_code_that_a_proven_card_asked_for(world: World, card: Card) -> None:
    station_visit = world.insert(card)
    station_visit.to_code()
    station_visit.pull()
    proving, world.policy = world.policy, replace(world.policy, genuine=Genuine.NEVER)
    copy = world.insert(card, station="B", reader_card=KeylessCard())
    assert opened(copy).resumed is not None
    assert offered(copy) == []
    with pytest.raises(StepRefused):
        copy.authority.choose(copy.visit, Purpose.CHANGE_PIN)
    copy.pull()
    world.policy = proving
    assert isinstance(back(world, card).enter(world.relay.code), SetPin)


def test_a_copy_withdraws_nothing_while_a_visit_of_the_card_is_open(world: World) -> None:
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    station_visit = world.insert(card)
    station_visit.to_code()
    station_visit.pull()
    at_holder = back(world, card)
    copy = world.insert(card, station="B")
    assert offered(copy) == []
    with pytest.raises(StepRefused):
        copy.authority.choose(copy.visit, Purpose.CHANGE_PIN)
    copy.pull()
    assert isinstance(at_holder.enter(world.relay.code), SetPin)


def test_a_card_that_proves_nothing_may_change_its_mind(world: World) -> None:
    """Where no card has a key, each holder is known by the card's name."""
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    station_visit = world.insert(card)
    station_visit.to_code()
    station_visit.pull()
    again = back(world, card)
    assert isinstance(again.authority.choose(again.visit, Purpose.CHANGE_PIN), ProvePin)
    assert "code-abandoned" in world.kinds()
