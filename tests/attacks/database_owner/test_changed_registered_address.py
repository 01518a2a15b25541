"""Before: who wrote another address into a registration was mailed the unlock code."""

from __future__ import annotations

from datetime import timedelta

from kiosk.authority.administration.verification import check_rows
from kiosk.contract.messages import Reason, Refusal
from tests.attacks.database_writer import at, refused_as_altered, write
from tests.authority.store.samples import waiting_address
from tests.authority.world import World


def test_a_changed_registered_address_gets_no_code(world: World) -> None:
    card = world.registered_card()
    write(
        world,
        "UPDATE address SET value = ? WHERE source = 'holder' AND holder_id = ?",
        "mallory@evil.nhs.uk",
        card.holder_id,
    )
    opened = world.insert(card, blocked=True).opened
    assert refused_as_altered(world, opened, "address")
    assert world.relay.sent == []


def test_registered_address_that_is_deleted_sends_no_code_to_the_recorded_one(
    world: World,
) -> None:
    card = world.registered_card()
    write(world, "DELETE FROM address WHERE source = 'holder'")
    assert "says less than the audit: address " in check_rows(world.store).found
    opened = world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.RECORD_ALTERED
    assert world.relay.sent == []


def test_registration_that_names_the_address_of_somebody_else_gets_no_code(world: World) -> None:
    card = world.registered_card()
    other = world.add_holder(number="2")
    world.register(other, email="mallory@nhs.net")
    theirs = world.addresses_of(world.add_card(other)).registered
    assert theirs is not None
    this = "UPDATE registration SET address_id = ? WHERE holder_id = ?"
    write(world, this, theirs.id, card.holder_id)
    opened = world.insert(card, blocked=True).opened
    assert refused_as_altered(world, opened, "registration")


def test_address_that_comes_into_force_by_another_row_is_refused(world: World) -> None:
    """The cooling-off is over when its row says so: it has a MAC."""
    card = world.registered_card()
    waits = waiting_address(
        world.registration(card), "mallory@nhs.net", world.now + timedelta(hours=24)
    )
    with world.store.begin() as uow:
        uow.addresses.add(waits)
        uow.commit()
    write(world, "UPDATE address SET effective_from = ? WHERE id = ?", at(world.now), waits.id)
    opened = world.insert(card, blocked=True).opened
    assert refused_as_altered(world, opened, "address")
    assert world.relay.sent == []


def test_a_lifted_block_is_noticed(world: World) -> None:
    card = world.registered_card()
    with world.store.begin() as uow:
        uow.registrations.block(card.holder_id)
        uow.commit()
    write(world, "UPDATE registration SET blocked_at = NULL")
    opened = world.insert(card, blocked=True).opened
    assert refused_as_altered(world, opened, "registration")
