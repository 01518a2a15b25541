"""Before: a held card that was moved to the thief's own record opened with the thief's answers."""

from __future__ import annotations

from tests.attacks.database_writer import refused_as_altered, write
from tests.authority.card_in_reader import KeylessCard
from tests.authority.world import EMAIL, World


def test_a_card_that_was_moved_to_another_holder_opens_for_nobody(world: World) -> None:
    victim = world.add_card(world.add_holder())
    thief = world.add_holder(number="900000000002", name="Mallory", email=EMAIL)
    world.register(thief)
    write(world, "UPDATE card SET holder_id = ? WHERE id = ?", thief.id, victim.id)
    station_visit = world.insert(victim, blocked=True, reader_card=KeylessCard())
    if not refused_as_altered(world, station_visit.opened, "card"):
        station_visit.to_new_pin()
        raise AssertionError(f"the card of another was opened: {station_visit.grant()}")


def test_a_revoked_card_is_not_brought_back(world: World) -> None:
    card = world.registered_card()
    with world.store.begin() as uow:
        uow.cards.revoke(card.id)
        uow.commit()
    write(world, "UPDATE card SET status = 'active'")
    assert refused_as_altered(
        world, world.insert(card, blocked=True, reader_card=KeylessCard()).opened, "card"
    )
