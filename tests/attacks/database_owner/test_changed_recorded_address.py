"""Before: who wrote another address into a record was believed."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.import_people import PeopleImport
from kiosk.authority.administration.verification import check_rows
from kiosk.authority.errors import RowAltered
from kiosk.contract.messages import Reason, Refusal
from tests.attacks.database_writer import refused_as_altered, write
from tests.authority.administration.importing import csv_of
from tests.authority.world import World


def test_a_changed_recorded_address_is_not_believed(world: World) -> None:
    card = world.add_card(world.add_holder())
    write(world, "UPDATE address SET value = ?", "mallory@evil.nhs.uk")
    assert refused_as_altered(world, world.insert(card).opened, "address")


def test_a_record_that_names_another_address_is_not_believed(world: World) -> None:
    card, other = (world.add_card(world.add_holder(number=number)) for number in ("1", "2"))
    address = world.addresses_of(other).recorded
    assert address is not None
    this = "UPDATE cardholder SET address_id = ? WHERE id = ?"
    write(world, this, address.id, card.holder_id)
    assert refused_as_altered(world, world.insert(card).opened, "cardholder")


def test_an_address_that_is_moved_to_another_holder_is_not_believed(world: World) -> None:
    mine, theirs = (world.add_card(world.add_holder(number=number)) for number in ("1", "2"))
    address = world.addresses_of(theirs).recorded
    assert address is not None
    this = "UPDATE address SET holder_id = ? WHERE id = ?"
    write(world, this, mine.holder_id, address.id)
    assert refused_as_altered(world, world.insert(mine).opened, "address")


def test_a_recorded_address_that_is_deleted_is_missed(world: World) -> None:
    """Without one a claimed PIN could not be shown to its owner."""
    card = world.add_card(world.add_holder())
    write(world, "DELETE FROM address")
    assert "says less than the audit: address " in check_rows(world.store).found
    reply = world.insert(card).opened
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.RECORD_ALTERED


def test_import_does_not_take_a_record_whose_address_is_deleted_for_one_without(
    world: World,
) -> None:
    """It would give the record another one, with no mail to the one that was there."""
    holder = world.add_holder()
    write(world, "DELETE FROM address")
    line = f"{holder.number},{holder.name},mallory@nhs.net,,"
    work = PeopleImport(world.store, world.parts.sealer, 12)
    with pytest.raises(RowAltered):
        work.run(csv_of(world.folder, line), "command line: test")


def test_a_leaver_is_not_brought_back(world: World) -> None:
    holder = world.add_holder(left_at=world.now)
    card = world.add_card(holder)
    write(world, "UPDATE cardholder SET left_at = NULL")
    assert refused_as_altered(world, world.insert(card).opened, "cardholder")
