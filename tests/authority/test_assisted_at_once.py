"""Staff give and withdraw codes while a holder stands at a station: on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.authority.administration.views import IssuedCode
from kiosk.authority.store.records import Card
from kiosk.contract.errors import ConcurrentChange, NotFound, StepRefused
from kiosk.contract.messages import (
    CodeDead,
    CodeWrong,
    EnterCode,
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
from tests.authority.card_in_reader import Quiet
from tests.authority.world import World, copy_template


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def world(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        world = World(copy_template(sqlite_template, tmp_path))
    else:
        world = World(tmp_path, url=request.getfixturevalue("postgres_server").fresh())
    world.policy = Policy(codes_an_hour=20)
    yield world
    world.store.close()


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card()


def live_codes(world: World, card: Card) -> str | None:
    with world.store.read() as uow:
        live = uow.codes.live(card.id)
    return live.id if live else None


def intact(world: World) -> bool:
    with world.store.read() as uow:
        return uow.audit.verify().intact


def test_the_whole_way(world: World, card: Card) -> None:
    world.policy = Policy(four_eyes=True)
    issued = give(office_beside(world), card)
    agree(office_beside(world), issued)
    sitting = world.insert(card, blocked=True)
    waiting = sitting.answer(sitting.questions())
    assert isinstance(waiting, EnterCode)
    assert waiting.masked == ""
    assert isinstance(sitting.enter(issued.code), SetPin)
    done = sitting.authority.record_outcome(sitting.visit, sitting.grant().journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)
    assert intact(world)


def test_given_and_mailed_at_once_the_later_one_lives_and_works(world: World, card: Card) -> None:
    agent = office_beside(world)
    for _ in range(4):
        sitting = world.insert(card, blocked=True)
        sitting.answer(sitting.questions())
        mailed, issued = both(sitting.send, lambda: give(agent, card))
        assert isinstance(mailed, EnterCode)
        assert isinstance(issued, IssuedCode)
        given_lives = live_codes(world, card) == issued.code_id
        right, wrong = issued.code, world.relay.code
        if not given_lives:
            right, wrong = wrong, right
        assert isinstance(sitting.enter(wrong), CodeWrong)
        assert isinstance(sitting.enter(right), SetPin)
        sitting.pull()
        world.clock.forward(minutes=16)
    assert intact(world)


def test_withdrawn_while_it_is_entered_it_opens_nothing_afterwards(
    world: World, card: Card
) -> None:
    agent = office_beside(world)
    for _ in range(4):
        issued = give(agent, card)
        sitting = world.insert(card, blocked=True)
        sitting.answer(sitting.questions())
        entered, gone = both(
            lambda: sitting.enter(issued.code),  # noqa: B023 - called within the round
            lambda: withdraw(agent, issued),  # noqa: B023
        )
        assert gone is None
        assert isinstance(entered, SetPin | CodeDead | StepRefused)
        if isinstance(entered, SetPin):
            assert is_withdrawn(sitting)
        else:
            nothing_opens(sitting)
        sitting.pull()
    assert world.card(card).secret_exposure == 0
    assert intact(world)


def test_withdrawn_while_the_secret_is_released_one_of_them_is_late(
    world: World, card: Card
) -> None:
    agent = office_beside(world)
    issued = give(agent, card)
    sitting = world.insert(card, blocked=True, plastic=Quiet())
    sitting.answer(sitting.questions())
    sitting.enter(issued.code)
    released, gone = both(
        lambda: sitting.authority.release(sitting.visit, sitting.attempt()),
        lambda: withdraw(agent, issued),
    )
    if isinstance(released, Grant):
        assert isinstance(gone, NotFound | ConcurrentChange)
    else:
        assert isinstance(released, Refusal)
        assert released.reason is Reason.CODE_WITHDRAWN
        assert gone is None
    assert intact(world)
