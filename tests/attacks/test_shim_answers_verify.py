"""Before: a stolen, blocked PIV card behind a shim that answers VERIFY changed the questions and
the address of its holder, and was then unlocked; also where every card has to be genuine."""

from __future__ import annotations

import pytest

from kiosk.dialogue import Purpose
from screens.words import choices, questions
from tests.attacks.stolen import behind, tries_everything
from tests.e2e import records
from tests.e2e.conftest import MakeWorld
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY
from tests.support.hostile.copies import THIEFS_PIN, Key, piv_copy
from tests.support.hostile.shims import KeyShim, VerifyShim

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]


@pytest.mark.parametrize("genuine", ["when-it-can", "always"])
def test_a_stolen_card_behind_a_shim(make_world: MakeWorld, genuine: str) -> None:
    world = make_world(policy={"genuine": genuine})
    ada = world.ada
    world.register(ada)
    world.insert(ada, slot=1)
    world.block(ada)
    world.remove(ada)
    station = world.station(program=HASTY)
    shim = VerifyShim(ada.card)
    tries_everything(world, station, behind(ada, shim))
    assert shim.verified >= 2
    assert {row.detail["evidence"] for row in records.events(world, "pin-verified")} == {"claimed"}
    for purpose in ("questions", "email address"):
        mail = world.wait_for_mail(ada.email, "Show that it is you")
        assert "Somebody is changing your" in mail.text, purpose
    # Without the shim the card is blocked, and asks for the answers that only Ada knows.
    visitor = Visitor(world, behind(ada, ada.card), station)
    visitor.comes().unlocks()
    station.see(*[text for text in ada.answers if text in station.read][:1] or ["?"])
    visitor.goes()
    assert ada.card.state.pin.left == 0
    assert choices.success(Purpose.UNLOCK)[0] not in station.read
    assert questions.lead(1, 3) not in station.read


def test_a_shim_with_a_pin_and_a_key_of_its_own(make_world: MakeWorld) -> None:
    """What is signed after VERIFY is a real signature, by a key that is not the card's."""
    world = make_world()
    ada = world.ada
    world.register(ada)
    shim = KeyShim(ada.card, piv_copy(ada.card, pin_key=Key.OWN))
    tries_everything(world, world.station(program=HASTY), behind(ada, shim, THIEFS_PIN))
    rows = records.events(world, "pin-verified")
    assert {row.detail["because"] for row in rows} == {"another key than the recorded one"}
