"""Before: nobody was told of a station that tried one call after the other, twenty in a second, for
visits and steps that were not due: each was a row of the audit, and none counted as a failure.
"""

from __future__ import annotations

import pytest

from kiosk.authority.administration.alarms import AlarmKind, problems
from kiosk.authority.store.records import new_id
from kiosk.config.settings import NoticeSettings
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import CodeNotSent, Purpose, VisitId
from kiosk.contract.sensitive import Sensitive
from tests.authority.world import World

LIMITS = NoticeSettings()


def alarms(world: World) -> list[str]:
    with world.store.read() as uow:
        found = problems(uow, LIMITS).found
    return [one.subject for one in found if one.kind is AlarmKind.FAILURES_AT_STATION]


def test_staff_are_told_of_it(world: World) -> None:
    stolen = world.at("B")
    for _ in range(LIMITS.failures_at_station):
        with pytest.raises(StepRefused):
            stolen.enter_code(VisitId(new_id()), "1", Sensitive("12345678"))
    assert alarms(world) == ["B"]


def test_staff_are_told_of_codes_that_are_asked_for_again_and_again(world: World) -> None:
    """Of somebody whose card is known by its name, and is nowhere near."""
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    visit = world.insert(card, station="B")
    visit.authority.choose(visit.visit, Purpose.CHANGE_QUESTIONS)
    visit.authority.pin_verified(visit.visit, None)
    visit.send()
    for _ in range(LIMITS.failures_at_station):
        assert isinstance(visit.send(), CodeNotSent)
    assert alarms(world) == ["B"]
