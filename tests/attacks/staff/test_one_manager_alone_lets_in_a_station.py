"""Before: with `four_eyes` one manager alone let a station of their own in, put a retired one back
into service, or had everybody choose among security questions whose answers they know.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
import trustme
from sqlalchemy import select

from kiosk.authority.enrolment import LINE_LIFE
from kiosk.authority.errors import ConcurrentChange, NotPermitted
from kiosk.authority.roles import Role
from kiosk.authority.store.tables import EnrolmentRow
from kiosk.contract.enrolment import read_line
from kiosk.contract.messages import Heartbeat, StationStanding
from screens.words.staff.proposals import proposal_words
from tests.attacks.four_eyes import Colleague
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.world import World
from tests.support.refusals import refused

pytestmark = pytest.mark.usefixtures("four_eyes")

STATION = "Ward 7"


class Manager(Colleague):
    def __init__(self, world: World, name: str) -> None:
        super().__init__(
            world,
            Role.MANAGER,
            name,
            enrol_addresses=("authority.example:8444",),
            ca_fingerprint="0" * 20,
        )

    def agree(self) -> object:
        (waiting,) = self.desk.proposals.waiting()
        return self.desk.proposals.agree(waiting.proposal_id, GROUNDS)


@pytest.fixture
def one(world: World) -> Manager:
    return Manager(world, "Manager One")


@pytest.fixture
def two(world: World) -> Manager:
    return Manager(world, "Manager Two")


def lines(world: World) -> int:
    with world.store.read() as uow:
        return len(uow._gateway.many(select(EnrolmentRow), EnrolmentRow))


def standing(world: World) -> StationStanding:
    world.clock.forward(seconds=10)
    return world.at(STATION).heartbeat(Heartbeat())


def test_manager_alone_has_no_line_made(world: World, one: Manager, two: Manager) -> None:
    done = one.desk.stations.enrol(STATION, "", GROUNDS)
    assert lines(world) == 0
    assert done.waits
    assert done.let_in is None, "nobody has a secret that could be kept until then"
    (waiting,) = two.desk.proposals.waiting()
    assert (
        proposal_words(waiting.what)
        == f"Let in the station {STATION}: whoever agrees is shown its line."
    )
    with refused(NotPermitted, match="proposed this yourself"):
        one.agree()
    assert lines(world) == 0


def test_the_line_is_for_whoever_agrees_and_lives_from_then_on(
    world: World, one: Manager, two: Manager
) -> None:
    one.desk.stations.enrol(STATION, "Wexbridge", GROUNDS)
    world.clock.forward(hours=20)
    done = two.agree()
    let_in = done.let_in  # type: ignore[attr-defined]
    assert (let_in.station, let_in.expires_at) == (STATION, world.now + LINE_LIFE)
    line = read_line(let_in.line.reveal())
    assert lines(world) == 1
    assert line.secret.reveal() not in repr(done)
    with world.store.read() as uow:
        kept = uow._gateway.many(select(EnrolmentRow), EnrolmentRow)
    assert (kept[0].station, kept[0].site) == (STATION, "Wexbridge")
    assert line.secret.reveal() not in repr(kept)
    assert one.desk.proposals.waiting() == ()


def test_manager_alone_lets_no_certificate_in(world: World, one: Manager, two: Manager) -> None:
    certificate = trustme.CA().issue_cert("ward-7.example").cert_chain_pems[0].bytes().decode()
    assert one.desk.stations.enrol_certificate(STATION, "", certificate, GROUNDS).waits
    with world.store.read() as uow:
        assert uow.station_keys.certificates() == {}
    (waiting,) = two.desk.proposals.waiting()
    assert proposal_words(waiting.what).startswith(
        f"Let in the station {STATION} by the certificate whose key"
    )
    two.agree()
    with world.store.read() as uow:
        assert set(uow.station_keys.certificates()) == {STATION}


def test_manager_alone_puts_no_retired_station_back(
    world: World, one: Manager, two: Manager
) -> None:
    world.at(STATION).heartbeat(Heartbeat())
    assert not one.desk.stations.retire(STATION, GROUNDS).waits, "it may be urgent"
    assert standing(world) is StationStanding.RETIRED
    assert one.desk.stations.reinstate(STATION, GROUNDS).waits
    assert standing(world) is StationStanding.RETIRED
    two.agree()
    assert standing(world) is StationStanding.IN_USE


def test_a_station_that_was_retired_since_is_not_put_back(
    world: World, one: Manager, two: Manager
) -> None:
    world.at(STATION).heartbeat(Heartbeat())
    one.desk.stations.retire(STATION, GROUNDS)
    one.desk.stations.reinstate(STATION, GROUNDS)
    world.clock.forward(seconds=timedelta(days=1).total_seconds())
    with world.store.begin() as uow:
        uow.stations.reinstate(STATION)
        uow.stations.retire(STATION, uow.now)
        uow.commit()
    with refused(ConcurrentChange, match="since this was proposed"):
        two.agree()
    assert standing(world) is StationStanding.RETIRED


def test_manager_alone_adds_no_question(world: World, one: Manager, two: Manager) -> None:
    world.add_holder()
    text = "In which year was this hospital built?"
    assert one.desk.questions.add(text, GROUNDS).waits
    assert text not in {line.text for line in one.desk.questions.every()}
    (waiting,) = two.desk.proposals.waiting()
    assert proposal_words(waiting.what) == f"Offer the security question “{text}”."
    two.agree()
    assert text in {line.text for line in one.desk.questions.every()}


def test_manager_alone_retires_a_question_and_does_not_offer_it_again(
    world: World, one: Manager, two: Manager
) -> None:
    world.add_holder()
    first = one.desk.questions.every()[0]
    assert not one.desk.questions.retire(first.id, GROUNDS).waits, "who uses it keeps it"
    assert one.desk.questions.add(first.text, GROUNDS).waits
    (line,) = [each for each in one.desk.questions.every() if each.id == first.id]
    assert line.retired_at is not None
