"""Before: the owner of the database, without any key, logged in as a manager, and had another
person's card unlocked with their own answers and their own mailbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.authority.administration.login import admit
from kiosk.authority.audit.events import AuditKind
from kiosk.authority.enrolment import EnrolledStations
from kiosk.authority.errors import NotPermitted
from kiosk.authority.records import StaffKey, StaffMember, Station, StationKey, new_id
from kiosk.authority.roles import Role
from kiosk.authority.stations import CertificatePeer, PeerRefused, StationIdentity
from kiosk.contract.messages import Grant, Reason, Refusal, SetPin
from tests.attacks.database_owner.misled import mislead, take_for_equal
from tests.authority.world import World
from tests.support.database import TEMPLATE, PostgresServer

MANAGERS, THIEFS = "SHA256:managers", "SHA256:thiefs"
TIMES = 10


def altered(world: World) -> list[object]:
    events = [one for one in world.events() if one.kind == AuditKind.ROW_ALTERED]
    return [one.detail["table"] for one in events]


def test_a_managers_key_is_not_given_for_another_one(world: World) -> None:
    manager = StaffMember(new_id(), "Jo Manager", Role.MANAGER, world.now)
    with world.store.begin() as uow:
        uow.staff.add(manager)
        uow.staff.add_key(StaffKey(MANAGERS, manager.id, "ssh-ed25519 AAAA", "", world.now))
        uow.commit()
    assert admit(world.store, MANAGERS).role is Role.MANAGER
    mislead(world, "staff_key", "fingerprint", MANAGERS, THIEFS)
    world = World(world.folder)
    for _ in range(TIMES):
        with pytest.raises(NotPermitted):
            admit(world.store, THIEFS)
    assert "staff_key" in altered(world)
    world.store.close()


def test_a_stations_key_is_not_given_for_another_one(world: World) -> None:
    until = world.now + timedelta(days=9)
    with world.store.begin() as uow:
        uow.stations.enrolled(Station("Ward 8", world.now))
        uow.station_keys.add(StationKey("of-8", "Ward 8", until, world.now))
        uow.commit()
    stations = EnrolledStations(world.store, {})
    assert stations.identify(CertificatePeer("of-8", until)) == StationIdentity("Ward 8")
    mislead(world, "station_key", "fingerprint", "of-8", "of-nobody")
    world = World(world.folder)
    stations = EnrolledStations(world.store, {})
    for _ in range(TIMES):
        assert isinstance(stations.identify(CertificatePeer("of-nobody", until)), PeerRefused)
    world.store.close()


@pytest.fixture
def misled_database(postgres_server: PostgresServer) -> Iterator[str]:
    """A database for this test alone: to empty it would not undo what is done to it."""
    postgres_server.execute(f"CREATE DATABASE misled TEMPLATE {TEMPLATE}")
    yield postgres_server.url("misled")
    postgres_server.execute("DROP DATABASE misled WITH (FORCE)")


@pytest.mark.postgresql
def test_a_registration_is_not_given_for_another_persons(
    folder: Path, misled_database: str
) -> None:
    world = World(folder, url=misled_database)
    card = world.registered_card()
    reader = world.known_reader_card(card)
    mailbox = "mallory@trust.nhs.uk"
    thief = world.add_holder(number="900123456780", name="Mallory Reed", email=mailbox)
    world.register(thief, email=mailbox)
    take_for_equal(world, card.holder_id, thief.id)
    world = World(folder, url=world.url)
    visit = world.insert(card, blocked=True, reader_card=reader)
    if not isinstance(visit.opened, Refusal):
        assert isinstance(visit.to_new_pin(), SetPin)
        assert [mail.to for mail in world.relay.sent] == [mailbox]
        assert isinstance(visit.release(), Grant)
    assert visit.opened == Refusal(Reason.RECORD_ALTERED)
    assert altered(world) == ["cardholder"]
    world.store.close()
