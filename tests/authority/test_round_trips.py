"""What a whole unlock asks of PostgreSQL, call by call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from kiosk.authority.enrolment import EnrolledStations
from kiosk.authority.records import Station, StationKey, new_id
from kiosk.authority.stations import CertificatePeer, StationIdentity
from kiosk.contract.messages import (
    AnswerQuestions,
    Answers,
    CardChallenge,
    CardId,
    CardReport,
    Code,
    Factor,
    Finished,
    Grant,
    PinState,
    Purpose,
    UnblockDone,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.registering import start
from tests.authority.station_visit import answers_to
from tests.authority.world import World
from tests.support.round_trips import RoundTrips, counted_round_trips
from tests.support.routes import route_of

pytestmark = pytest.mark.postgresql


@pytest.fixture
def trips() -> Iterator[RoundTrips]:
    with counted_round_trips() as trips:
        yield trips


@pytest.fixture
def world(trips: RoundTrips, postgresql_world: World) -> World:
    return postgresql_world


def unlock(world: World, trips: RoundTrips) -> None:
    """Go the whole way, each call counted by itself."""
    authority, reader_card = (
        world.authority,
        world.known_reader_card(card := world.registered_card()),
    )
    for _ in range(PREPARED):
        world.unlock(card)
        world.clock.forward(hours=2)
    visit = VisitId(new_id())
    named = CardId(card.driver, card.identifier)
    report = CardReport(named, PinState(True), certificate=reader_card.shows)
    with trips.of("begin"):
        opened = authority.begin(visit, report)
    if isinstance(opened, CardChallenge):
        with trips.of("prove"):
            opened = authority.prove(visit, reader_card.answer(opened))
    assert isinstance(opened, VisitOpened), opened
    with trips.of("choose"):
        questions = authority.choose(visit, Purpose.UNLOCK)
    assert isinstance(questions, AnswerQuestions)
    with trips.of("submit answers"):
        asked = authority.submit(visit, new_id(), Answers(answers_to(questions)))
    with trips.of("prepare"):
        authority.prepare(visit, new_id(), Factor.EMAIL_CODE, route_of(asked))
    with trips.of("submit code"):
        authority.submit(visit, new_id(), Code(world.relay.code))
    with trips.of("challenge"):
        challenge = authority.challenge(visit)
    proof = reader_card.answer(challenge) if isinstance(challenge, CardChallenge) else None
    with trips.of("release"):
        grant = authority.release(visit, new_id(), proof)
    assert isinstance(grant, Grant), grant
    with trips.of("record_outcome"):
        done = authority.record_outcome(visit, grant.journal, UnblockDone())
    assert done == Finished(Purpose.UNLOCK)
    with trips.of("rotate_secret"):
        drawn = authority.rotate_secret(visit, grant.journal)
    assert isinstance(drawn, Sensitive)
    with trips.of("confirm_rotation"):
        authority.confirm_rotation(visit, grant.journal, UnblockDone())
    with trips.of("end"):
        authority.end(visit, VisitEnd.FINISHED)


PREPARED = 6
"""Unlocks after which a connection has prepared its statements: each costs one more before."""

MOST = {
    "begin": 5,
    "prove": 8,
    "choose": 6,
    "submit answers": 9,
    "prepare": 11,
    "submit code": 9,
    "challenge": 3,
    "release": 8,
    "record_outcome": 8,
    "rotate_secret": 5,
    "confirm_rotation": 6,
    "end": 3,
}
"""Round trips of each call, at most."""


def test_a_whole_unlock_asks_no_more_than_it_needs(world: World, trips: RoundTrips) -> None:
    unlock(world, trips)
    counted = {asked.name: asked.round_trips for asked in trips.calls}
    assert counted.keys() == MOST.keys()
    more = [name for name, count in counted.items() if count > MOST[name]]
    assert not more, f"more than {[MOST[name] for name in more]} in {more}:\n{trips.table()}"


def test_the_intent_to_change_a_pin_is_one_read_and_one_write(
    world: World, trips: RoundTrips
) -> None:
    card = world.registered_card()
    for _ in range(PREPARED):
        start(world, card, Purpose.CHANGE_PIN).change_pin()
        world.clock.forward(hours=2)
    changing = start(world, card, Purpose.CHANGE_PIN)
    with trips.of("pin_changing") as asked:
        assert changing.authority.pin_changing(changing.visit) is None
    assert asked.round_trips == 2, trips.table()


def test_a_station_is_known_by_one_round_trip(world: World, trips: RoundTrips) -> None:
    until = world.now + timedelta(days=90)
    with world.store.begin() as uow:
        uow.stations.seen(Station("Ward 7", world.now))
        uow.station_keys.add(StationKey("fingerprint", "Ward 7", until, world.now))
        uow.commit()
    stations = EnrolledStations(world.store, {})
    for _ in range(PREPARED):
        stations.identify(CertificatePeer("fingerprint", until))
    with trips.of("identify") as asked:
        found = stations.identify(CertificatePeer("fingerprint", until))
    assert found == StationIdentity("Ward 7")
    assert asked.round_trips == 1
