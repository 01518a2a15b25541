"""Every visit that the authority turns away is counted once, in Today and in every report."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.authority.administration.office import Office
from kiosk.authority.administration.reports import ReportsDesk
from kiosk.authority.administration.today import TodayDesk
from kiosk.authority.administration.views import RefusedFor, Span
from kiosk.authority.roles import Role
from kiosk.contract.messages import Reason, Refusal
from tests.authority.administration.desk.estate import means_beside
from tests.authority.administration.desk.offices import office_of
from tests.authority.world import World

BLOCKED = "Self-service is blocked"


@pytest.fixture
def office(world: World, tmp_path: Path) -> Office:
    return office_of(means_beside(world, tmp_path), Role.MANAGER)


def block(world: World) -> None:
    station_visit = world.insert(world.registered_card(), blocked=True)
    task = station_visit.questions()
    reply = [station_visit.answer(task, wrong=True) for _ in range(3)][-1]
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.REGISTRATION_BLOCKED


def test_being_blocked_is_a_refusal_of_today(world: World, office: Office) -> None:
    """It was the most usual one, and Today said 0."""
    block(world)
    today = TodayDesk(office).look()
    assert today.refusals == (RefusedFor(Reason.REGISTRATION_BLOCKED.value, BLOCKED, 1),)
    assert today.days[-1].refused == 1


@pytest.mark.parametrize("span", Span)
def test_being_blocked_is_in_every_report(world: World, office: Office, span: Span) -> None:
    block(world)
    day = world.now.date()
    report = ReportsDesk(office).make(span, day, day)
    assert report.rows[-1][report.columns.index("Refused")] == "1"
    if span is Span.REASON:
        assert report.rows[0] == (BLOCKED, "1")
