"""Before: a withdrawn code, or one that was used, was good again once its row was written so."""

from __future__ import annotations

from kiosk.contract.messages import SetPin
from tests.attacks.database_writer import refused_as_altered, write
from tests.authority.world import World


def test_a_withdrawn_code_that_was_brought_back_is_refused(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    with world.store.begin() as uow:
        uow.codes.revoke_all(card.id)
        uow.commit()
    write(world, "UPDATE email_code SET revoked_at = NULL")
    reply = station_visit.enter(world.relay.code)
    assert not isinstance(reply, SetPin)
    assert refused_as_altered(world, reply, "email_code")


def test_a_code_that_another_route_is_written_into_is_refused(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    write(world, "UPDATE email_code SET route = 'another'")
    assert refused_as_altered(world, station_visit.enter(world.relay.code), "email_code")
