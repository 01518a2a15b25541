"""Before: a manager switched off, alone, the setting that asked for a second member of staff."""

from __future__ import annotations

import pytest

from kiosk.authority.roles import Role
from kiosk.config.settings import PolicySettings
from screens.words.staff.proposals import proposal_words
from tests.attacks.four_eyes import Colleague
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.world import World

OFF_IN_FILE = PolicySettings()


pytestmark = pytest.mark.usefixtures("four_eyes")


def test_the_file_sets_it_and_a_manager_overrides_it(world: World) -> None:
    manager = Colleague(world, Role.MANAGER, "Manager One")
    assert manager.desk.policy.change("four_eyes", "false", 0, GROUNDS).waits
    assert counts(manager) == "true"
    card = world.registered_card()
    assert manager.desk.people.revoke_registration(as_seen(manager.office, card), GROUNDS).waits


def test_staff_set_it_and_a_manager_takes_that_back(world: World) -> None:
    world.policy = OFF_IN_FILE.policy()
    manager = Colleague(world, Role.MANAGER, "Manager One", OFF_IN_FILE)
    Colleague(world, Role.MANAGER, "Manager Two", OFF_IN_FILE)
    assert not manager.desk.policy.change("four_eyes", "true", 0, GROUNDS).waits
    assert manager.desk.policy.change("four_eyes", "false", 1, GROUNDS).waits
    assert counts(manager) == "true"


def test_two_managers_switch_it_off_together(world: World) -> None:
    one, two = (Colleague(world, Role.MANAGER, f"Manager {name}") for name in ("One", "Two"))
    one.desk.policy.change("four_eyes", "false", 0, GROUNDS)
    (waiting,) = two.desk.proposals.waiting()
    assert proposal_words(waiting.what) == "Set four_eyes to false."
    two.desk.proposals.agree(waiting.proposal_id, GROUNDS)
    assert counts(one) == "false"


def counts(colleague: Colleague) -> str:
    (line,) = (line for line in colleague.desk.policy.every() if line.name == "four_eyes")
    return line.value
