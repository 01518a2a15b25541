"""Before: a manager added a second account, gave a code, and agreed to it with that account."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.login import admit, read_public_key
from kiosk.authority.errors import NotPermitted
from kiosk.authority.roles import Role
from kiosk.config.settings import PolicySettings
from tests.attacks.four_eyes import Colleague, registration_of
from tests.authority.administration.desk.keys import new_key
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.world import World
from tests.support.refusals import refused

pytestmark = pytest.mark.usefixtures("four_eyes")


def test_the_second_account_does_not_come_to_be(world: World) -> None:
    manager = Colleague(world, Role.MANAGER, "Manager One")
    key = new_key()
    assert manager.desk.staff.add("Second Account", Role.AGENT, key, GROUNDS).waits
    with pytest.raises(NotPermitted):
        admit(world.store, read_public_key(key).fingerprint)


def test_key_added_to_a_colleague_alone_opens_nothing(world: World) -> None:
    manager = Colleague(world, Role.MANAGER, "Manager One")
    colleague = Colleague(world, Role.AGENT, "Agent One")
    key = new_key()
    done = manager.desk.staff.add_key(colleague.office.actor.staff_id, key, 0, GROUNDS)
    assert done.waits
    with pytest.raises(NotPermitted):
        admit(world.store, read_public_key(key).fingerprint)


@pytest.mark.parametrize("way", ["account", "key", "account-of-account", "account-of-key"])
def test_what_was_prepared_before_four_eyes_were_set_agrees_to_nothing(
    world: World, way: str
) -> None:
    """The policy was off while the manager made the account, or added a key to a colleague's."""
    card = world.registered_card()
    before = registration_of(world, card.holder_id)
    colleague = Colleague(world, Role.AGENT, "Agent One")
    off = PolicySettings(four_eyes=False)
    world.policy = off.policy()
    manager = Colleague(world, Role.MANAGER, "Manager One", off)
    key = new_key()
    match way:
        case "account":
            manager.desk.staff.add("Second Account", Role.AGENT, key, GROUNDS)
        case "key":
            staff_id = colleague.office.actor.staff_id
            manager.desk.staff.add_key(staff_id, key, 0, GROUNDS)
        case "account-of-key":
            first = new_key()
            adder = Colleague(world, Role.MANAGER, "Manager Three", off).office.actor
            manager.desk.staff.add_key(adder.staff_id, first, 0, GROUNDS)
            second = admit(world.store, read_public_key(first).fingerprint)
            manager.logs_in_as(second).staff.add("Third Account", Role.AGENT, key, GROUNDS)
        case _:
            first = new_key()
            manager.desk.staff.add("Second Account", Role.MANAGER, first, GROUNDS)
            second = admit(world.store, read_public_key(first).fingerprint)
            manager.logs_in_as(second).staff.add("Third Account", Role.AGENT, key, GROUNDS)
    Colleague(world, Role.MANAGER, "Manager Two", off)
    manager.desk.policy.change("four_eyes", "true", 0, GROUNDS)
    world.policy = PolicySettings(four_eyes=True).policy()

    other = manager.logs_in_as(admit(world.store, read_public_key(key).fingerprint))
    issued = manager.desk.codes.issue(as_seen(manager.office, card), card.id, GROUNDS)
    assert issued.waits_for_second
    done = manager.desk.people.correct_email(
        as_seen(manager.office, card), "thief@nhs.net", GROUNDS
    )
    assert done.waits
    for line in other.proposals.waiting():
        with refused(NotPermitted, match="Manager One let you in"):
            other.proposals.agree(line.proposal_id, GROUNDS)
    swapped = other.people.revoke_registration(as_seen(manager.office, card), GROUNDS)
    assert swapped.waits
    (mine,) = (line for line in other.proposals.waiting() if line.is_mine)
    with refused(NotPermitted, match=r"You let .* in here"):
        manager.desk.proposals.agree(mine.proposal_id, GROUNDS)
    own = other.codes.issue(as_seen(manager.office, card), card.id, GROUNDS)
    with refused(NotPermitted, match=r"You let .* in here"):
        manager.desk.codes.agree(own.code_id, GROUNDS)
    assert registration_of(world, card.holder_id) == before


@pytest.mark.parametrize("gone", ["key", "account"])
def test_an_account_that_a_removed_key_added_agrees_to_nothing(world: World, gone: str) -> None:
    """The manager added a key to a colleague's account, used it, and removed it."""
    card = world.registered_card()
    before = registration_of(world, card.holder_id)
    off = PolicySettings(four_eyes=False)
    world.policy = off.policy()
    manager = Colleague(world, Role.MANAGER, "Manager One", off)
    adder = Colleague(world, Role.MANAGER, "Manager Two", off).office.actor
    borrowed, key = new_key(), new_key()
    manager.desk.staff.add_key(adder.staff_id, borrowed, 0, GROUNDS)
    fingerprint = read_public_key(borrowed).fingerprint
    as_adder = manager.logs_in_as(admit(world.store, fingerprint))
    as_adder.staff.add("Third Account", Role.AGENT, key, GROUNDS)
    Colleague(world, Role.MANAGER, "Manager Three", off)
    manager.desk.policy.change("four_eyes", "true", 0, GROUNDS)
    world.policy = PolicySettings(four_eyes=True).policy()
    if gone == "key":
        manager.desk.staff.remove_key(adder.staff_id, fingerprint, 1, GROUNDS)
    else:
        manager.desk.staff.remove(adder.staff_id, 1, GROUNDS)

    third = manager.logs_in_as(admit(world.store, read_public_key(key).fingerprint))
    seen = as_seen(manager.office, card)
    assert manager.desk.people.correct_email(seen, "thief@nhs.net", GROUNDS).waits
    (line,) = third.proposals.waiting()
    with refused(NotPermitted, match="Manager One let you in"):
        third.proposals.agree(line.proposal_id, GROUNDS)
    assert registration_of(world, card.holder_id) == before
