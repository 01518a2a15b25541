"""Before: who wrote another address into ``registration.email`` was mailed the unlock code."""

from __future__ import annotations

from tests.attacks.database_writer import refused_as_altered, write
from tests.authority.world import World


def test_a_changed_registered_address_gets_no_code(world: World) -> None:
    card = world.registered_card()
    write(
        world,
        "UPDATE registration SET email = ? WHERE holder_id = ?",
        "mallory@evil.nhs.uk",
        card.holder_id,
    )
    opened = world.insert(card, blocked=True).opened
    assert refused_as_altered(world, opened, "registration")
    assert world.relay.sent == []


def test_a_lifted_block_is_noticed(world: World) -> None:
    card = world.registered_card()
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    write(world, "UPDATE registration SET blocked_at = NULL")
    opened = world.insert(card, blocked=True).opened
    assert refused_as_altered(world, opened, "registration")
