"""What a station reports of a card that it could not read is kept with the visit, within bounds."""

from __future__ import annotations

import pytest

from kiosk.authority.records import Visit, new_id
from kiosk.authority.store.repositories.past import PastKind
from kiosk.contract.errors import AuthorityUnavailable, StepRefused
from kiosk.contract.messages import ReadFault, Reason, UnreadCard, VisitEnd, VisitId
from tests.authority.world import World


def report(world: World, unread: UnreadCard | None, station: str = "A") -> VisitId:
    visit = VisitId(new_id())
    world.at(station).refuse(visit, Reason.CARD_UNREADABLE, unread)
    return visit


def kept(world: World, visit: VisitId) -> Visit:
    with world.store.read() as uow:
        found = uow.visits.get(visit)
    assert found is not None
    return found


def test_cause_and_family_are_kept_with_a_visit_that_is_over(each_world: World) -> None:
    visit = kept(each_world, report(each_world, UnreadCard(ReadFault.NO_IDENTIFIER, "piv")))
    assert (visit.unread, visit.unknown_card) == (ReadFault.NO_IDENTIFIER, "piv")
    assert (visit.how, visit.refusal) == (VisitEnd.REFUSED, Reason.CARD_UNREADABLE)
    assert visit.closed_at is not None


def test_the_audit_which_is_never_purged_has_the_reason_alone(world: World) -> None:
    report(world, UnreadCard(ReadFault.NO_IDENTIFIER, "piv"))
    assert world.events()[-1].detail == {"reason": "card-unreadable"}


def test_a_family_of_the_stations_choosing_is_not_kept(world: World) -> None:
    visit = kept(world, report(world, UnreadCard(ReadFault.TOO_SLOW, "call 0900 123456")))
    assert (visit.unread, visit.unknown_card) == (ReadFault.TOO_SLOW, None)


def test_the_first_report_of_an_open_visit_counts_and_no_other_stations(each_world: World) -> None:
    world = each_world
    station_visit = world.insert(world.registered_card())
    with pytest.raises(StepRefused):
        world.at("B").refuse(
            station_visit.visit, Reason.CARD_UNREADABLE, UnreadCard(ReadFault.SWAPPED)
        )
    assert kept(world, station_visit.visit).unread is None
    for fault in (ReadFault.TOO_SLOW, ReadFault.MALFORMED):
        station_visit.authority.refuse(
            station_visit.visit, Reason.CARD_UNREADABLE, UnreadCard(fault)
        )
    visit = kept(world, station_visit.visit)
    assert visit.unread is ReadFault.TOO_SLOW
    assert visit.closed_at is None


def test_a_station_that_reports_without_end_is_stopped(world: World) -> None:
    """Before: each report was written into the audit, however many came in a minute."""
    most = world.parts.policy().visits_a_minute
    mute = UnreadCard(ReadFault.NO_ANSWER)
    for _ in range(most):
        report(world, mute)
    before = len(world.events())
    for _ in range(3):
        with pytest.raises(AuthorityUnavailable):
            report(world, mute)
    assert [event.kind for event in world.events()[before:]] == ["station-limited"]
    report(world, mute, station="B")
    world.clock.forward(minutes=2)
    report(world, mute)


def test_report_of_an_unread_card_is_deleted_with_its_visit(world: World) -> None:
    visit = report(world, UnreadCard(ReadFault.NO_ANSWER))
    world.clock.forward(days=40)
    with world.store.begin() as uow:
        uow.past.delete(PastKind.VISITS, uow.now, 10)
        uow.commit()
    with world.store.read() as uow:
        assert uow.visits.get(visit) is None
