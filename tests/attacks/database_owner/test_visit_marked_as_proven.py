"""Before: who marked a visit as proven was given the unblock secret without a factor."""

from __future__ import annotations

import pytest

from kiosk.contract.messages import Factor, Grant, SendCode
from tests.attacks.database_writer import at, refused_as_altered, write
from tests.authority import saving
from tests.authority.world import World

PROOF = "INSERT INTO proof (visit_id, factor, at, subject, mac) VALUES (?, ?, ?, ?, ?)"


def test_a_proof_that_was_inserted_is_refused(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.questions()
    for factor in Factor:
        made_up = station_visit.visit, factor.value, at(world.now), "code", "key.0"
        write(world, PROOF, *made_up)
    reply = station_visit.release()
    assert not isinstance(reply, Grant)
    assert refused_as_altered(world, reply, "proof")
    assert world.relay.sent == []


def test_proof_of_another_visit_is_no_proof_of_this_one(world: World) -> None:
    card = world.registered_card()
    proven = world.insert(card, blocked=True)
    assert isinstance(proven.answer(proven.questions()), SendCode)
    proven.pull()
    station_visit = world.insert(card, blocked=True)
    station_visit.questions()
    route = station_visit.route()
    write(world, "UPDATE proof SET visit_id = ?", station_visit.visit)
    assert refused_as_altered(world, station_visit.send(route=route), "proof")


@pytest.mark.parametrize("factor", Factor)
def test_proof_that_is_said_to_be_unspent_is_refused(world: World, factor: Factor) -> None:
    if factor is Factor.SAVED_CODE:
        world.policy = saving.POLICY
        card = world.registered_card()
        station_visit = saving.to_new_pin(world, card, saving.save_codes(world, card)[0])
    else:
        station_visit = world.insert(world.registered_card(), blocked=True)
        station_visit.to_new_pin()
    station_visit.grant()
    write(world, "UPDATE proof SET spent_by = NULL WHERE factor = ?", factor.value)
    assert refused_as_altered(world, station_visit.release(), "proof")
