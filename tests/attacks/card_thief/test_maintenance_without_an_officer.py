"""Before: nothing, there was no way in. Who has no officer's card and PIN must not open one.

The card may be a copy, or behind a device that answers VERIFY by itself; the station may be
rewritten, and somebody may write the database without its keys.
"""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card, StaffCard, StaffMember, new_id
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    MaintenanceAct,
    MaintenanceReason,
    PinChallenge,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    VisitOpened,
)
from tests.attacks.database_writer import at, insert, refused_as_altered, write
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.claimed_pins import (
    Proof,
    by_another_key,
    by_the_key_without_a_pin,
    forged,
    no_proof,
    replayed,
)
from tests.authority.station_visit import StationVisit
from tests.authority.visit.test_maintenance import REFUSED, card, officer
from tests.authority.world import World

__all__ = ["card", "officer"]


def choose(world: World, card: Card, reader_card: ReaderCard | None = None) -> StationVisit:
    station_visit = world.insert(card, reader_card=reader_card)
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE), ProvePin
    )
    return station_visit


def challenged(station_visit: StationVisit) -> PinChallenge:
    challenge = station_visit.authority.pin_challenge(station_visit.visit)
    assert isinstance(challenge, PinChallenge)
    return challenge


def act(station_visit: StationVisit) -> object:
    return station_visit.authority.maintain(
        station_visit.visit,
        station_visit.attempt(),
        MaintenanceAct.SWITCH_OFF,
        MaintenanceReason.CHECK,
    )


def nothing_was_done(world: World) -> bool:
    return "maintained" not in world.kinds()


@pytest.mark.parametrize(
    "trick",
    [no_proof, by_another_key, forged, replayed, by_the_key_without_a_pin],
)
def test_a_pin_that_is_only_claimed_opens_nothing(
    world: World, card: Card, officer: StaffMember, trick: Proof
) -> None:
    first = choose(world, card)
    earlier = first.reader_card.sign_pin(challenged(first))
    assert earlier is not None
    first.pull()
    station_visit = choose(world, card)
    asked = challenged(station_visit)
    reply = station_visit.authority.pin_verified(
        station_visit.visit, trick(world, station_visit, asked, earlier)
    )
    assert reply == REFUSED
    assert act(station_visit) == REFUSED
    assert nothing_was_done(world)
    (row,) = (event for event in world.events() if event.kind == "pin-verified")
    assert row.detail["evidence"] == "claimed"
    refused = [event for event in world.events() if event.kind == "refused"]
    assert {event.detail["because"] for event in refused} == {"the card did not prove its PIN"}
    # The same again gets the same answer, and a true proof comes too late in this visit.
    assert station_visit.authority.pin_verified(station_visit.visit, earlier) == REFUSED


@pytest.mark.parametrize("copy", [KeylessCard(), ReaderCard()])
def test_a_copy_of_the_identifier_opens_nothing(
    world: World, card: Card, officer: StaffMember, copy: ReaderCard
) -> None:
    """It has the public identifier, and a PIN and perhaps keys of its own."""
    station_visit = world.insert(card, reader_card=copy)
    assert station_visit.opened == Refusal(Reason.NOT_GENUINE)
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)
    with pytest.raises(StepRefused):
        act(station_visit)
    assert nothing_was_done(world)


def test_a_card_known_by_name_that_cannot_sign_opens_nothing(world: World) -> None:
    """Its family proves nothing before the PIN; staff could not have named a key for it."""
    card = world.add_card(world.add_holder(), driver="openpgp", identifier="000500001234")
    member = StaffMember(new_id(), "Sam Reed", Role.TECHNICIAN, world.now)
    with world.store.begin() as uow:
        uow.staff.add(member)
        uow.staff.add_card(StaffCard(card.id, member.id, ReaderCard().pin_public, world.now))
        uow.commit()
    station_visit = choose(world, card, KeylessCard())
    assert station_visit.authority.pin_verified(station_visit.visit, None) == REFUSED
    assert nothing_was_done(world)


def test_a_station_that_leaves_the_steps_out_gets_nothing(
    world: World, card: Card, officer: StaffMember
) -> None:
    station_visit = world.insert(card)
    with pytest.raises(StepRefused):
        act(station_visit)
    station_visit.authority.choose(station_visit.visit, Purpose.MAINTENANCE)
    with pytest.raises(StepRefused):
        act(station_visit)
    station_visit.pull()
    changing = world.insert(card)
    changing.authority.choose(changing.visit, Purpose.CHANGE_PIN)
    changing.verify_pin()
    with pytest.raises(StepRefused):
        act(changing)
    assert nothing_was_done(world)


def test_an_inserted_row_makes_nobody_an_officer(world: World) -> None:
    card, member = world.add_card(world.add_holder()), new_id()
    with world.store.begin() as uow:
        uow.staff.add(StaffMember(member, "Sam Reed", Role.TECHNICIAN, world.now))
        uow.commit()
    mine = world.known_reader_card(card).pin_public
    insert(
        world,
        "staff_card",
        card_id=card.id,
        staff_id=member,
        public_key=mine,
        added_at=at(world.now),
    )
    assert refused_as_altered(world, world.insert(card).opened, "staff_card")


def test_foreign_key_written_into_an_officers_row_opens_nothing(
    world: World, card: Card, officer: StaffMember
) -> None:
    write(world, "UPDATE staff_card SET public_key = ?", ReaderCard().pin_public)
    assert refused_as_altered(world, world.insert(card).opened, "staff_card")


def test_a_role_that_was_written_opens_nothing(world: World, card: Card) -> None:
    world.officers_card(card, Role.AUDITOR)
    write(world, "UPDATE staff_member SET role = 'technician'")
    assert refused_as_altered(world, world.insert(card).opened, "staff_member")


def test_a_row_that_was_moved_to_another_card_opens_nothing(
    world: World, card: Card, officer: StaffMember
) -> None:
    other = world.add_card(world.add_holder(number="900123456790", email=None))
    assert isinstance(world.insert(other).opened, VisitOpened)
    write(world, "UPDATE staff_card SET card_id = ?", other.id)
    assert refused_as_altered(world, world.insert(other).opened, "staff_card")
