"""Before: a stolen, blocked PIV card behind a shim that answers VERIFY changed the questions and
the address of its holder, and was then unlocked; also where every card has to be genuine."""

from __future__ import annotations

import pytest

from kiosk.contract.messages import CardId
from tests.attacks.stolen import ONE_TRY, behind, changes_nothing
from tests.e2e import records
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import Person
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY
from tests.support.hostile.copies import THIEFS_PIN, Key, piv_copy
from tests.support.hostile.shims import KeyShim, VerifyShim

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]


def named(whose: Person) -> CardId:
    return CardId("piv", whose.card.state.guid.hex())


@pytest.mark.parametrize("genuine", ["when-it-can", "always"])
def test_a_stolen_card_behind_a_shim(make_world: MakeWorld, genuine: str) -> None:
    world = make_world(policy={"genuine": genuine, **ONE_TRY})
    ada = world.ada
    world.register(ada)
    world.block(ada)
    station = world.station(program=HASTY)
    shim = VerifyShim(ada.card)
    changes_nothing(world, station, behind(ada, shim), named(ada))
    assert shim.verified == 2
    rows = records.events(world, "pin-verified")
    assert [row.detail["evidence"] for row in rows] == ["claimed", "claimed"]
    # Without the shim it is a blocked card, and the answers are still Ada's.
    visitor = Visitor(world, ada, station).comes().unlocks()
    station.see_any(*ada.answers)
    visitor.goes()
    assert ada.card.state.pin.left == 0


def test_a_shim_with_a_pin_and_a_key_of_its_own(make_world: MakeWorld) -> None:
    """What is signed after VERIFY is a real signature, by a key that is not the card's."""
    world = make_world(policy=ONE_TRY)
    ada = world.ada
    world.register(ada)
    shim = KeyShim(ada.card, piv_copy(ada.card, pin_key=Key.OWN))
    station = world.station(program=HASTY)
    changes_nothing(world, station, behind(ada, shim, THIEFS_PIN), named(ada))
    rows = records.events(world, "pin-verified")
    assert {row.detail["because"] for row in rows} == {"another key than the recorded one"}
