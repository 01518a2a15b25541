"""Before: who wrote another address into ``cardholder.email`` was believed as the record."""

from __future__ import annotations

from tests.attacks.database_writer import refused_as_altered, write
from tests.authority.world import World


def test_a_changed_recorded_address_is_not_believed(world: World) -> None:
    card = world.add_card(world.add_holder())
    write(world, "UPDATE cardholder SET email = ?", "mallory@evil.nhs.uk")
    assert refused_as_altered(world, world.insert(card).opened, "cardholder")


def test_a_leaver_is_not_brought_back(world: World) -> None:
    holder = world.add_holder(left_at=world.now)
    card = world.add_card(holder)
    write(world, "UPDATE cardholder SET left_at = NULL")
    assert refused_as_altered(world, world.insert(card).opened, "cardholder")
