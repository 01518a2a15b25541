"""Before: who had the card, its PIN and a look into the mailbox added an address of their own.

A minute later the code for an unlock went there.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.authority.records import Card
from kiosk.contract.messages import EnterCode, Finished, GiveEmail, Purpose, SendCode
from kiosk.contract.policy import SecondRoute
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World
from tests.support.routes import routes_in

THIEF = "thief@nhs.net"


@pytest.fixture(autouse=True)
def _offered(world: World) -> None:
    world.policy = replace(world.policy, second_route=SecondRoute.OFFER)


def added(world: World, card: Card) -> StationVisit:
    """Return the visit in which the thief has added their address."""
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.ADD_ADDRESS)
    assert isinstance(visit.authority.pin_verified(visit.visit, None), SendCode)
    visit.send()
    assert [each.to for each in world.relay.sent] == [EMAIL]
    assert isinstance(visit.enter(world.relay.code), GiveEmail)
    assert isinstance(visit.authority.give_email(visit.visit, THIEF, visit.attempt()), EnterCode)
    assert isinstance(visit.enter(world.relay.code), Finished)
    return visit


def test_address_added_a_minute_ago_gets_no_code(world: World, card: Card) -> None:
    added(world, card)
    world.clock.forward(minutes=5)
    visit = world.insert(card, blocked=True)
    assert len(routes_in(visit.answer(visit.questions()))) == 1
    visit.send()
    assert world.relay.sent[-1].to == EMAIL


def test_number_of_the_notice_ends_the_added_address(world: World, card: Card) -> None:
    added(world, card)
    (notice,) = (
        one for one in world.outbox() if one.to == EMAIL and one.template == "further-added"
    )
    visit = world.insert(card)
    visit.authority.choose(visit.visit, Purpose.REPORT_MISUSE)
    number = Sensitive(str(notice.params["stop_number"]))
    visit.authority.enter_stop_number(visit.visit, visit.attempt(), number)
    assert world.addresses_of(card).further == ()
