"""Before: an attempt that was inserted as right was taken for one, though it proved nothing yet."""

from __future__ import annotations

from kiosk.contract.messages import SendCode, SetPin
from tests.attacks.database_writer import at, insert, refused_as_altered
from tests.authority.station_visit import wrong_code
from tests.authority.world import World
from tests.support.stored import live_code

ATTEMPT = "mallorys-attempt"


def insert_charge(world: World, subject: str) -> None:
    insert(
        world,
        "attempt_charge",
        subject=subject,
        attempt_id=ATTEMPT,
        charged_at=at(world.now),
        left_after=4,
        verdict="right",
    )


def test_wrong_answers_of_an_attempt_that_is_recorded_as_right_stay_wrong(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    task = station_visit.questions()
    insert_charge(world, card.holder_id)
    reply = station_visit.answer(task, wrong=True, attempt=ATTEMPT)
    assert not isinstance(reply, SendCode)
    assert refused_as_altered(world, reply, "attempt_charge")


def test_a_wrong_code_of_an_attempt_that_is_recorded_as_right_stays_wrong(world: World) -> None:
    card = world.registered_card()
    station_visit = world.insert(card, blocked=True)
    station_visit.to_code()
    with world.store.read() as uow:
        code = live_code(uow, card.id)
    assert code is not None
    insert_charge(world, code.id)
    reply = station_visit.enter(wrong_code(world.relay.code), attempt=ATTEMPT)
    assert not isinstance(reply, SetPin)
    assert refused_as_altered(world, reply, "attempt_charge")
