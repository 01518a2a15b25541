"""Before: nobody was told of a station that tried one call after the other, twenty in a second, for
visits and steps that were not due: each was a row of the audit, and none counted as a failure.
"""

from __future__ import annotations

import pytest

from kiosk.authority.administration.alarms import AlarmKind, problems
from kiosk.authority.store.records import new_id
from kiosk.config.settings import NoticeSettings
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import VisitId
from kiosk.contract.sensitive import Sensitive
from tests.authority.world import World

LIMITS = NoticeSettings()


def test_staff_are_told_of_it(world: World) -> None:
    stolen = world.at("B")
    for _ in range(LIMITS.failures_at_station):
        with pytest.raises(StepRefused):
            stolen.enter_code(VisitId(new_id()), "1", Sensitive("12345678"))
    with world.store.read() as uow:
        found = problems(uow, LIMITS).found
    (alarm,) = (one for one in found if one.kind is AlarmKind.FAILURES_AT_STATION)
    assert alarm.subject == "B"
