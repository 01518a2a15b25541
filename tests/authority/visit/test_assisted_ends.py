"""A code that staff gave is spent, late, withdrawn, or nobody vouches for it any more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from kiosk.authority.administration.office import Office
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    FactorEnd,
    FactorOver,
    FactorWrong,
    Position,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    UnblockDone,
)
from kiosk.contract.policy import Policy
from tests.authority.assisting import (
    GIVEN,
    agree,
    answered,
    give,
    is_withdrawn,
    nothing_opens,
    office_beside,
    withdraw,
)
from tests.authority.station_visit import opened, wrong_code
from tests.authority.world import World
from tests.support.routes import to

MASKED = "a•••@trust.nhs.uk"


def test_wrong_entries_spend_it_like_any(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    for left in (4, 3, 2, 1):
        assert station_visit.enter(wrong_code(issued.code)) == FactorWrong(
            structs.replace(GIVEN, tries_left=left)
        )
    dead = FactorOver(FactorEnd.SPENT, SendCode(to(MASKED), position=Position(3, 4)))
    assert station_visit.enter(wrong_code(issued.code)) == dead
    assert station_visit.enter(issued.code) == dead
    assert world.registration(card).failures == 0


def test_after_fifteen_minutes_it_is_over(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    world.clock.forward(minutes=15)
    assert station_visit.enter(issued.code) == FactorOver(
        FactorEnd.EXPIRED, SendCode(to(MASKED), position=Position(3, 4))
    )
    assert isinstance(station_visit.send(), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_given_code_works_once(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    station_visit.enter(issued.code)
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    station_visit.pull()
    back = world.insert(card, blocked=True)
    assert back.answer(back.questions()) == SendCode(to(MASKED), position=Position(3, 4))
    with pytest.raises(StepRefused):
        back.enter(issued.code)


def test_pulled_at_the_new_pin_it_still_works_behind_the_answers(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    station_visit.enter(issued.code)
    station_visit.pull()
    back = world.insert(card, blocked=True)
    assert opened(back).resumed is None
    nothing_opens(back)
    assert back.answer(back.questions()) == GIVEN
    assert isinstance(back.enter(issued.code), SetPin)
    back.grant()


def test_withdrawn_while_its_page_is_up(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    withdraw(agent, issued)
    assert station_visit.enter(issued.code) == FactorOver(
        FactorEnd.WITHDRAWN, SendCode(to(MASKED), position=Position(3, 4))
    )
    assert world.events()[-1].detail["withdrawn"] is True
    assert isinstance(station_visit.send(), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_withdrawn_at_the_new_pin_page_nothing_is_released(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    station_visit.enter(issued.code)
    withdraw(agent, issued)
    assert is_withdrawn(station_visit)
    assert world.card(card).secret_exposure == 0


@pytest.mark.parametrize("changes", ["removed", "auditor"])
@pytest.mark.parametrize("who", ["giver", "second"])
def test_given_code_counts_only_as_long_as_its_givers_may(
    world: World, card: Card, agent: Office, changes: str, who: str
) -> None:
    world.policy = Policy(four_eyes=True)
    second = office_beside(world)
    issued = give(agent, card)
    agree(second, issued)
    station_visit = answered(world, card)
    _part_with(world, agent if who == "giver" else second, changes)
    assert station_visit.enter(issued.code) == FactorOver(
        FactorEnd.WITHDRAWN, SendCode(to(MASKED), position=Position(3, 4))
    )
    again = world.insert(card, blocked=True)
    assert again.answer(again.questions()) == SendCode(to(MASKED), position=Position(3, 4))


def test_nothing_is_released_once_the_giver_of_the_code_is_gone(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = answered(world, card)
    assert isinstance(station_visit.enter(issued.code), SetPin)
    _part_with(world, agent, "removed")
    assert is_withdrawn(station_visit)


def _part_with(world: World, office: Office, how: str) -> None:
    with world.store.begin() as uow:
        member = uow.staff.get(office.actor.staff_id)
        assert member is not None
        gone = replace(member, removed_at=world.now)
        assert uow.staff.save(gone if how == "removed" else replace(member, role=Role.AUDITOR))
        uow.commit()


def test_blocked_since_it_was_given(world: World, card: Card, agent: Office) -> None:
    give(agent, card)
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    refused = world.insert(card, blocked=True).opened
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.REGISTRATION_BLOCKED
