"""The call that all of this is for: blocked at a station, put right by telephone, unlocked."""

from __future__ import annotations

import pytest

from kiosk.authority.mail.words import TO_HOLDERS
from kiosk.contract.messages import Purpose, Reason
from screens.words import questions
from screens.words.reasons import YOUR_REFERENCE, refusal
from tests.e2e.admin.ssh_login import Door
from tests.e2e.records import registration
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"
WRONG = {2: "no idea"}


def test_a_block_is_lifted_over_the_telephone(door: Door) -> None:
    world, ada = door.world, door.world.ada
    world.register(ada)
    ada.card.state.pin.left = 0
    visitor = Visitor(world, ada, world.station(program=HASTY))
    reference = _blocks_herself(visitor)
    visitor.goes()

    key = door.staff("Asha Okafor", "agent")
    agent = door.log_in(key, 100, 30)
    agent.see("log out")
    agent.press("f2")
    agent.see("Find")
    agent.type(reference.replace("-", "").lower())
    agent.see(ada.number, ada.name, "blocked")
    agent.press("enter")
    agent.see("Blocked since", "lift the block", reference)
    agent.press("b")
    agent.see("Identified by")
    agent.enter("Photo ID, on a video call")
    agent.enter("Rang from ward 7 and named her cards")
    agent.see("lifted")
    assert registration(world, ada).blocked_at is None
    told = world.wait_for_mail(ada.email, TO_HOLDERS["block-lifted"].subject)
    assert ada.name in told.text

    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email))
    visitor.sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()

    agent.press("escape")
    agent.see("Find a person")
    agent.type("quill ada")
    agent.see("Ready")
    agent.press("enter")
    agent.see("Unlocked the card and set a new PIN.")
    agent.send("\x11")
    agent.wait_for("You are logged out.")
    _both_stories_are_told(world, door, reference)


def _blocks_herself(visitor: Visitor) -> str:
    """Give three wrong sets; return the reference that the screen shows."""
    visitor.comes().unlocks()
    for left in (2, 1, 0):
        visitor.answers(wrong=WRONG)
        if left:
            visitor.station.see(questions.wrong(left))
    title = refusal(Reason.REGISTRATION_BLOCKED).title
    shown = visitor.station.see(title, YOUR_REFERENCE)
    return shown.rpartition(f"{YOUR_REFERENCE} ")[2].split()[0]


def _both_stories_are_told(world: World, door: Door, reference: str) -> None:
    kinds = world.kiosk("people", "show", world.ada.number, "--json", check=True).stdout
    for words in ("blocked", "lifted the block", "unlocked"):
        assert words in kinds.lower()
    assert reference in kinds
    assert len(door.told("registration-blocked")) == 1
    (lifted,) = door.told("block-lifted")
    assert str(lifted["key"]).startswith("SHA256:")
    assert "Rang from ward 7" not in str(lifted), "the audit holds no reason in clear"
    assert len(door.told("unblock-done")) == 1
    verdict = world.kiosk("audit", "verify", check=True)
    assert "fit" in verdict.stdout
