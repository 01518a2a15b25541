"""What an officer has done to the machine: logind is asked for two things, and no program runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from kiosk.contract.messages import Heartbeat, MaintenanceAct, Reason, Refusal, VisitEnd
from kiosk.station.events import Maintained, Replied
from kiosk.station.executor import Actions
from kiosk.station.machine import EndingAct, MachineError, end_machine
from kiosk.station.states import Ending
from tests.station.fakes import FakeAuthority, FakeCards
from tests.station.samples import MAINTAINING
from tests.support.system_bus import REFUSAL, Logind, mute_bus, system_bus


@pytest.fixture
def logind(tmp_path: Path) -> Iterator[Logind]:
    with system_bus(tmp_path) as bus:
        yield bus


def end(act: EndingAct, bus: str, restarts: list[str], answer_s: float = 60.0) -> bool:
    return end_machine(act, lambda: restarts.append("station"), bus, answer_s)


def test_logind_is_asked_to_restart_or_switch_off_without_a_question(logind: Logind) -> None:
    restarts: list[str] = []
    assert end(MaintenanceAct.RESTART_MACHINE, logind.bus, restarts)
    assert end(MaintenanceAct.SWITCH_OFF, logind.bus, restarts)
    assert logind.asked == [("Reboot", (False,)), ("PowerOff", (False,))]
    assert restarts == []


def test_the_program_restarts_by_itself(logind: Logind) -> None:
    restarts: list[str] = []
    assert end(MaintenanceAct.RESTART_STATION, logind.bus, restarts)
    assert (restarts, logind.asked) == (["station"], [])


def test_a_refusal_says_what_logind_says(logind: Logind) -> None:
    logind.refuses = True
    with pytest.raises(MachineError, match=REFUSAL):
        end(MaintenanceAct.RESTART_MACHINE, logind.bus, [])


def test_a_bus_that_is_away_is_said(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="bus gives no answer"):
        end(MaintenanceAct.SWITCH_OFF, f"unix:path={tmp_path / 'nobody'}", [])


@pytest.mark.parametrize("authenticates", [False, True], ids=["from-the-start", "once-let-in"])
def test_a_bus_that_never_answers_is_not_waited_for(tmp_path: Path, authenticates: bool) -> None:
    with (
        mute_bus(tmp_path, authenticates=authenticates) as bus,
        pytest.raises(MachineError, match="bus gives no answer"),
    ):
        end(MaintenanceAct.SWITCH_OFF, bus, [], 0.2)


def test_a_logind_that_never_answers_is_not_waited_for(logind: Logind) -> None:
    logind.is_mute = True
    with pytest.raises(MachineError, match="bus gives no answer"):
        end(MaintenanceAct.SWITCH_OFF, logind.bus, [], 1.0)
    assert logind.asked == [("PowerOff", (False,))]


SWITCH_OFF = replace(MAINTAINING, act=MaintenanceAct.SWITCH_OFF)


def test_what_the_authority_refuses_is_not_done() -> None:
    def end_nothing(_act: EndingAct) -> bool:
        raise AssertionError

    refusal = Refusal(Reason.STATION_RETIRED)
    authority = FakeAuthority(maintain_refused=refusal)
    actions = Actions(authority, FakeCards(), Heartbeat(), end=end_nothing)
    assert actions.perform(SWITCH_OFF) == Replied(SWITCH_OFF.visit, refusal)


def test_the_visit_ends_before_the_machine_does() -> None:
    authority = FakeAuthority()
    actions = Actions(authority, FakeCards(), Heartbeat(), end=lambda _act: True)
    assert actions.perform(SWITCH_OFF) == Maintained(
        SWITCH_OFF.visit, Ending(MaintenanceAct.SWITCH_OFF, really=True)
    )
    assert authority.ended == [(SWITCH_OFF.visit, VisitEnd.FINISHED)]


def test_without_a_machine_of_its_own_it_is_only_said() -> None:
    done = Actions(FakeAuthority(), FakeCards(), Heartbeat()).perform(SWITCH_OFF)
    assert done == Maintained(SWITCH_OFF.visit, Ending(MaintenanceAct.SWITCH_OFF, really=False))
