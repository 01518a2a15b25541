"""Before: who inserted a row with an SSH key of their own logged in as a manager."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.login import admit
from kiosk.authority.errors import NotPermitted
from kiosk.authority.records import StaffKey, StaffMember, new_id
from kiosk.authority.roles import Role
from tests.attacks.database_writer import at, insert, write
from tests.authority.world import World

THEIRS = "SHA256:bWFsbG9yeQ"
LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG1hbGxvcnk"


@pytest.fixture
def manager(world: World) -> StaffMember:
    member = StaffMember(new_id(), "Asha Okafor", Role.MANAGER, world.now)
    with world.store.begin() as uow:
        uow.staff.add(member)
        uow.staff.add_key(StaffKey("SHA256:YXNoYQ", member.id, LINE, "", world.now))
        uow.commit()
    return member


def insert_key(world: World, staff_id: str) -> None:
    insert(
        world,
        "staff_key",
        fingerprint=THEIRS,
        staff_id=staff_id,
        public_key=LINE,
        label="",
        added_at=at(world.now),
    )


def turned_away(world: World) -> bool:
    with pytest.raises(NotPermitted):
        admit(world.store, THEIRS)
    altered = [event for event in world.events() if event.kind == "row-altered"]
    return altered[-1].detail["table"] in ("staff_key", "staff_member")


def test_an_inserted_key_of_a_manager_opens_nothing(world: World, manager: StaffMember) -> None:
    insert_key(world, manager.id)
    assert turned_away(world)


def test_a_key_that_was_put_in_the_place_of_another_opens_nothing(
    world: World, manager: StaffMember
) -> None:
    write(world, "UPDATE staff_key SET fingerprint = ?", THEIRS)
    assert turned_away(world)


def test_an_auditor_does_not_become_a_manager(world: World, manager: StaffMember) -> None:
    auditor = StaffMember(new_id(), "Mallory", Role.AUDITOR, world.now)
    with world.store.begin() as uow:
        uow.staff.add(auditor)
        uow.staff.add_key(StaffKey(THEIRS, auditor.id, LINE, "", world.now))
        uow.commit()
    write(world, "UPDATE staff_member SET role = 'manager' WHERE id = ?", auditor.id)
    assert turned_away(world)
