"""Staff give and withdraw codes while a holder stands at a station: on both databases."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.views import IssuedCode
from kiosk.authority.errors import ConcurrentChange, NotFound
from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    FactorOver,
    Finished,
    Grant,
    Purpose,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
)
from kiosk.contract.policy import Policy
from tests.authority.administration.desk.concurrently import both
from tests.authority.assisting import (
    agree,
    give,
    is_withdrawn,
    nothing_opens,
    office_beside,
    withdraw,
)
from tests.authority.card_in_reader import KeylessCard
from tests.authority.station_visit import is_wrong
from tests.authority.world import World
from tests.support.stored import live_code


@pytest.fixture
def world(each_world: World) -> World:
    each_world.policy = Policy(codes_an_hour=20)
    return each_world


def live_codes(world: World, card: Card) -> str | None:
    with world.store.read() as uow:
        live = live_code(uow, card.id)
    return live.id if live else None


def intact(world: World) -> bool:
    with world.store.read() as uow:
        return uow.audit.verify().intact


def test_the_whole_way(world: World, card: Card) -> None:
    world.policy = Policy(four_eyes=True)
    issued = give(office_beside(world), card)
    agree(office_beside(world), issued)
    station_visit = world.insert(card, blocked=True)
    waiting = station_visit.answer(station_visit.questions())
    assert isinstance(waiting, EnterCode)
    assert waiting.masked == ""
    assert isinstance(station_visit.enter(issued.code), SetPin)
    done = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert done == Finished(Purpose.UNLOCK)
    assert intact(world)


def test_given_and_mailed_at_once_the_later_one_lives_and_works(world: World, card: Card) -> None:
    agent = office_beside(world)
    for _ in range(4):
        station_visit = world.insert(card, blocked=True)
        station_visit.answer(station_visit.questions())
        mailed, issued = both(station_visit.send, lambda: give(agent, card))
        assert isinstance(mailed, EnterCode)
        assert isinstance(issued, IssuedCode)
        given_lives = live_codes(world, card) == issued.code_id
        right, wrong = issued.code, world.relay.code
        if not given_lives:
            right, wrong = wrong, right
        assert is_wrong(station_visit.enter(wrong), EnterCode)
        assert isinstance(station_visit.enter(right), SetPin)
        station_visit.pull()
        world.clock.forward(minutes=16)
    assert intact(world)


def test_withdrawn_while_it_is_entered_it_opens_nothing_afterwards(
    world: World, card: Card
) -> None:
    agent = office_beside(world)
    for _ in range(4):
        issued = give(agent, card)
        station_visit = world.insert(card, blocked=True)
        station_visit.answer(station_visit.questions())
        entered, gone = both(
            lambda: station_visit.enter(issued.code),  # noqa: B023 - called within the round
            lambda: withdraw(agent, issued),  # noqa: B023
        )
        assert gone is None
        assert isinstance(entered, SetPin | FactorOver | StepRefused)
        if isinstance(entered, SetPin):
            assert is_withdrawn(station_visit)
        else:
            nothing_opens(station_visit)
        station_visit.pull()
    assert world.card(card).secret_exposure == 0
    assert intact(world)


def test_withdrawn_while_the_secret_is_released_one_of_them_is_late(
    world: World, card: Card
) -> None:
    agent = office_beside(world)
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True, reader_card=KeylessCard())
    station_visit.answer(station_visit.questions())
    station_visit.enter(issued.code)
    released, gone = both(
        lambda: station_visit.authority.release(station_visit.visit, station_visit.attempt()),
        lambda: withdraw(agent, issued),
    )
    if isinstance(released, Grant):
        assert isinstance(gone, NotFound | ConcurrentChange)
    else:
        assert isinstance(released, Refusal)
        assert released.reason is Reason.CODE_WITHDRAWN
        assert gone is None
    assert intact(world)
