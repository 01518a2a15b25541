"""Before: a right Global PIN cost tries of another PIN, and was still blocked after "unlocked"."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hardware.virtual.piv import CardProfile, new_card
from kiosk.authority.records import new_id
from kiosk.contract.messages import Finished, Heartbeat, Purpose, Reason, VisitId, VisitOpened
from kiosk.station.commands import OpenVisit
from kiosk.station.events import GaveUp
from kiosk.station.executor import Actions
from tests.authority.headless_station import Desk
from tests.authority.world import PUK, World
from tests.hardware.failing import CHANGE, GET_DATA, PIN, RESET, VERIFY, FailingCard, cards_with
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

GLOBAL_PIN = "271828"
ASK_POLICY = bytes.fromhex("5c017e")


def card_with(pin_policy: int, *, blocked: bool = False) -> FailingCard:
    profile = CardProfile(pin_policy=pin_policy)
    card = new_card(
        holder_name="Asha Okafor",
        pin=PIN.reveal(),
        puk=PUK,
        global_pin=GLOBAL_PIN,
        blocked=blocked,
        expires=datetime(2035, 1, 1, tzinfo=UTC),
        profile=profile,
    )
    return FailingCard(card)


@pytest.mark.parametrize("blocked", [False, True])
def test_global_pin_in_use_is_refused_before_a_pin_is_asked(
    world: World, insert: Insert, blocked: bool
) -> None:
    card = card_with(0x6020)
    state = card.card.state
    assert state.global_pin is not None
    state.global_pin.left = 0 if blocked else state.global_pin.limit
    world.registered_card(identifier=state.guid.hex())
    visit = VisitId(new_id())
    actions = Actions(world.authority, cards_with(), Heartbeat())
    refused = actions.perform(OpenVisit(visit, insert(card).reader))
    assert isinstance(refused, GaveUp), refused
    assert refused.reason is Reason.GLOBAL_PIN
    assert card.count(VERIFY) == card.count(CHANGE) == card.count(RESET) == 0
    assert (state.pin.left, state.puk.left) == (3, 3)
    assert "secret-released" not in world.kinds()
    assert world.events()[-1].detail == {"reason": "global-pin"}


def test_global_pin_beside_the_pin_in_use_is_served(world: World, insert: Insert) -> None:
    card = card_with(0x6010, blocked=True)
    world.registered_card(identifier=card.card.state.guid.hex())
    desk = Desk(world)
    assert isinstance(desk.open(insert(card).reader).reply, VisitOpened)
    desk.pass_every_factor()
    assert desk.unblock(desk.at) == Finished(Purpose.UNLOCK)
    asked = [apdu for apdu in card.apdus if apdu[1] == GET_DATA and ASK_POLICY in apdu]
    assert len(asked) == 1, "a slow card is asked once"
