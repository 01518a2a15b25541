"""Before: who marked a visit's row as proven was given the unblock secret without a factor."""

from __future__ import annotations

from kiosk.contract.messages import Grant, SendCode
from tests.attacks.database_writer import at, refused_as_altered, write
from tests.authority.world import World
from tests.support.stored import live_code


def test_a_visit_that_was_marked_as_proven_is_refused(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.questions()
    write(world, "UPDATE visit SET questions_proven_at = ?", at(world.now))
    sent = station_visit.send()
    if not isinstance(sent, SendCode):
        with world.store.read() as uow:
            code = live_code(uow, card.id)
        if code is not None:
            write(world, "UPDATE visit SET code_proven_id = ?", code.id)
    reply = station_visit.release()
    assert not isinstance(reply, Grant)
    assert refused_as_altered(world, reply, "visit")
    assert world.relay.sent == []
