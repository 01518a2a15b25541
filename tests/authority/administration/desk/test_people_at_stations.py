"""What staff do about people, seen from a station where one of them stands at that moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import Seen
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    FactorEnd,
    FactorOver,
    Grant,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    reference_of,
)
from tests.authority.administration.desk.estate import means_beside, unlocks
from tests.authority.administration.desk.offices import GROUNDS, office_of
from tests.authority.world import EMAIL, World
from tests.support import staff_words
from tests.support.stored import live_code

NEXT = "asha.bell@nhs.net"

Deed = Callable[[PeopleDesk, Seen], object]


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return office_of(means_beside(world, tmp_path), Role.AGENT)


@pytest.fixture
def desk(office: Office) -> PeopleDesk:
    return PeopleDesk(office)


CLOSING: dict[str, Deed] = {
    "leave": lambda desk, seen: desk.mark_leaver(seen, GROUNDS),
    "revoke": lambda desk, seen: desk.revoke_registration(seen, GROUNDS),
    "readdress": lambda desk, seen: desk.correct_email(seen, NEXT, GROUNDS),
}
SAYS = {
    "leave": Reason.LEAVER,
    "revoke": Reason.NOT_REGISTERED,
    "readdress": Reason.CODE_WITHDRAWN,
}
"""What the page says to whoever stands there with everything proven."""


@pytest.mark.parametrize("name", CLOSING)
def test_visit_with_every_proof_gets_no_secret_once_closed(
    world: World, desk: PeopleDesk, card: Card, name: str
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_new_pin()
    CLOSING[name](desk, desk.person(card.holder_id).seen)
    refused = station_visit.authority.release(station_visit.visit, station_visit.attempt())
    assert isinstance(refused, Refusal)
    assert refused.reason is SAYS[name]
    assert world.card(card).secret_exposure == 0


@pytest.mark.parametrize("name", CLOSING)
def test_a_code_that_is_being_mailed_meanwhile_comes_to_nothing(
    world: World, desk: PeopleDesk, card: Card, name: str
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.answer(station_visit.questions())
    world.relay.on_send = lambda: CLOSING[name](desk, desk.person(card.holder_id).seen)
    with pytest.raises(StepRefused, match="no draft any more"):
        station_visit.send()
    world.relay.on_send = None
    with world.store.read() as uow:
        assert live_code(uow, card.id) is None
        assert uow.codes.open_of_holder(card.holder_id) == ()


def test_a_code_that_was_entered_counts_until_the_new_pin_is_set(
    world: World, desk: PeopleDesk, card: Card
) -> None:
    station_visit = world.insert(card, blocked=True, station="Main entrance")
    station_visit.to_code()
    code = world.relay.code
    assert staff_words.headline(desk.person(card.holder_id)) == (
        "They can unlock: a code was sent by mail and has not been entered."
    )
    station_visit.enter(code)
    station_visit.pull()
    person = desk.person(card.holder_id)
    assert staff_words.headline(person) == (
        "They can unlock: a code was entered at Main entrance, 09:30 today; the new PIN is not set "
        "yet."
    )
    assert staff_words.advice(person) == (
        "They choose the new PIN at the station. If they had to stop, they put the card into any "
        "station and enter the same code again before 09:45."
    )
    again = world.insert(card, blocked=True)
    again.authority.choose(again.visit, Purpose.UNLOCK)
    assert isinstance(again.enter(code), SetPin)
    assert isinstance(again.release(), Grant)
    assert "a code" not in staff_words.headline(desk.person(card.holder_id))


def test_after_an_address_was_corrected_the_visit_goes_on_with_the_new_one(
    world: World, desk: PeopleDesk, card: Card
) -> None:
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    old = world.relay.code
    desk.correct_email(desk.person(card.holder_id).seen, NEXT, GROUNDS)
    dead = station_visit.enter(old)
    assert isinstance(dead, FactorOver)
    assert dead.why is FactorEnd.WITHDRAWN
    world.clock.forward(seconds=61)
    assert isinstance(station_visit.send(), EnterCode)
    assert [message.to for message in world.relay.sent] == [EMAIL, NEXT]
    assert isinstance(station_visit.enter(world.relay.code), SetPin)
    assert isinstance(station_visit.release(), Grant)
    assert world.addresses_of(card).unconfirmed is None


def test_a_block_that_is_lifted_lets_them_unlock(
    world: World, desk: PeopleDesk, card: Card
) -> None:
    station_visit = world.insert(card, blocked=True, station="Main entrance")
    task = station_visit.questions()
    for _ in range(world.policy.max_failures):
        station_visit.answer(task, wrong=True)
    person = desk.person(card.holder_id)
    assert staff_words.headline(person) == (
        "Blocked since 09:30 today: three failed attempts, the last at Main entrance."
    )
    assert {line.reference for line in person.story[:2]} == {reference_of(station_visit.visit)}
    assert staff_words.story(person)[:2] == [
        "Turned away: self-service is blocked.",
        "Self-service was blocked after three failed attempts.",
    ]
    assert not unlocks(world, card)
    desk.lift_block(desk.person(card.holder_id).seen, GROUNDS)
    assert unlocks(world, card)
    told = staff_words.story(desk.person(card.holder_id))
    assert any(line.startswith("Lifted the block. Reason: ") for line in told)
    with world.store.read() as uow:
        assert uow.audit.verify().intact


def test_leaver_who_is_taken_back_unlocks_as_before(
    world: World, desk: PeopleDesk, card: Card
) -> None:
    desk.mark_leaver(desk.person(card.holder_id).seen, GROUNDS)
    assert not unlocks(world, card)
    desk.take_back_leaver(desk.person(card.holder_id).seen, GROUNDS)
    assert unlocks(world, card)
