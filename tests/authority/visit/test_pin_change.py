"""A change of the PIN is on record before the card is asked: none stays untold."""

from __future__ import annotations

import pytest

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.notices import Notice
from kiosk.authority.records import Card
from kiosk.config.settings import NoticeSettings
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import CardId, CardReport, Finished, PinState, Purpose, VisitEnd
from tests.authority.card_in_reader import KeylessCard
from tests.authority.registering import start
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World

DONE = Finished(Purpose.CHANGE_PIN)


@pytest.fixture
def begun(world: World, card: Card) -> StationVisit:
    """A visit that has just sent a new PIN to its card."""
    station_visit = start(world, card, Purpose.CHANGE_PIN)
    assert station_visit.authority.pin_changing(station_visit.visit) is None
    return station_visit


def changed(station_visit: StationVisit) -> object:
    return station_visit.authority.pin_changed(station_visit.visit)


def mails(world: World) -> list[tuple[str, str]]:
    return [(one.to, one.template) for one in world.outbox()]


CHANGED, MAYBE = (EMAIL, Notice.PIN_CHANGED), (EMAIL, Notice.PIN_MAYBE_CHANGED)


def test_nothing_was_changed_that_was_not_begun(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.CHANGE_PIN)
    with pytest.raises(StepRefused):
        changed(station_visit)
    assert mails(world) == []


def test_unreported_pin_change_is_mailed_when_the_visit_ends(
    world: World, begun: StationVisit
) -> None:
    begun.pull()
    begun.pull()
    assert mails(world) == [MAYBE]
    assert world.kinds()[-2:] == ["pin-change-unknown", "visit-ended"]


def test_a_report_after_the_visit_ended_is_recorded_once(world: World, begun: StationVisit) -> None:
    begun.pull()
    assert changed(begun) == DONE
    assert changed(begun) == DONE
    assert mails(world) == [MAYBE, CHANGED]
    assert world.kinds().count("pin-changed") == 1


def test_kept_pin_is_not_mailed(world: World, begun: StationVisit) -> None:
    for _ in range(2):
        assert begun.authority.pin_kept(begun.visit) is None
    with pytest.raises(StepRefused):
        changed(begun)
    begun.pull()
    assert mails(world) == []


def test_a_change_that_the_card_refused_can_be_begun_again(
    world: World, begun: StationVisit
) -> None:
    begun.authority.pin_kept(begun.visit)
    assert begun.change_pin() == DONE
    begun.pull()
    assert mails(world) == [CHANGED]


def test_report_of_a_kept_pin_after_the_mail_changes_nothing(
    world: World, begun: StationVisit
) -> None:
    begun.pull()
    begun.authority.pin_kept(begun.visit)
    assert changed(begun) == DONE


def test_unreported_pin_change_is_mailed_when_its_card_is_seen_again(
    world: World, card: Card, begun: StationVisit
) -> None:
    world.insert(card, station="B")
    assert mails(world) == [MAYBE]


def test_a_copy_at_another_station_tells_of_nothing(world: World) -> None:
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    begun = start(world, card, Purpose.CHANGE_PIN)
    begun.authority.pin_changing(begun.visit)
    world.insert(card, station="B", reader_card=KeylessCard())
    assert mails(world) == []
    assert changed(begun) == DONE


def test_unreported_pin_change_is_mailed_within_a_day(world: World, begun: StationVisit) -> None:
    caretaker = Caretaker(world.store, AnchorSigner(world.ring), NoticeSettings(), "ra@nhs.uk")
    world.clock.forward(minutes=2)
    assert caretaker.run()
    assert mails(world) == []
    for _ in range(2):
        world.clock.forward(days=1)
        assert caretaker.run()
        assert [one for one in mails(world) if one[0] == EMAIL] == [MAYBE]
    with pytest.raises(StepRefused):
        changed(begun)


def test_what_was_begun_is_not_forgotten_by_beginning_again(
    world: World, card: Card, begun: StationVisit
) -> None:
    named = CardId(card.driver, card.identifier)
    with pytest.raises(StepRefused):
        begun.authority.begin(
            begun.visit, CardReport(named, PinState(False), certificate=begun.reader_card.shows)
        )
    with pytest.raises(StepRefused):
        begun.authority.choose(begun.visit, Purpose.REPORT_MISUSE)
    assert changed(begun) == DONE


def test_a_visit_that_is_over_begins_no_change(world: World, card: Card) -> None:
    station_visit = start(world, card, Purpose.CHANGE_PIN)
    station_visit.pull()
    with pytest.raises(StepRefused):
        station_visit.authority.pin_changing(station_visit.visit)


def test_pin_change_is_not_reported_by_another_station(world: World, begun: StationVisit) -> None:
    at = world.at("B")
    for call in (at.pin_kept, at.pin_changed):
        with pytest.raises(StepRefused):
            call(begun.visit)
    with pytest.raises(StepRefused):
        at.end(begun.visit, VisitEnd.CARD_REMOVED)
    assert mails(world) == []
