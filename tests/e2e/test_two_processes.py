"""A station and the authority as two processes of the installed program, over the socket."""

from __future__ import annotations

import os
import pwd
import signal
from pathlib import Path

import psutil
import pytest

from kiosk.contract.messages import Purpose
from screens.words import waiting
from tests.e2e.conftest import MakeWorld
from tests.e2e.processes import Authority, StationAlone
from tests.e2e.visitor import Visitor
from tests.e2e.world import World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"


@pytest.fixture
def world(make_world: MakeWorld, tmp_path: Path) -> World:
    me = pwd.getpwuid(os.getuid()).pw_name
    return make_world(authority={"socket": str(tmp_path / "a.sock"), "station_user": me})


@pytest.fixture
def machine(world: World) -> StationAlone:
    """A station's machine whose settings and state hold nothing of the estate."""
    return StationAlone(world, f'[authority]\nsocket = "{world.folder.parent / "a.sock"}"\n')


def test_an_unlock_at_a_station_that_holds_nothing(
    world: World, authority: Authority, machine: StationAlone
) -> None:
    ada = world.ada
    world.register(ada)
    world.block(ada)
    visitor = Visitor(world, ada, machine.start())
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    machine.holds_nothing_of_the_authority()
    process = psutil.Process(authority.process.pid)
    assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert {os.sched_getscheduler(each.id) for each in process.threads()} == {os.SCHED_BATCH}
    several = len(os.sched_getaffinity(0)) > 1
    assert {len(os.sched_getaffinity(each.id)) > 1 for each in process.threads()} == {
        False,
        several,  # of a thread that hashed
    }
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    assert authority.end() == 0
    told = world.kiosk("audit", "list", "--limit", "50").stdout
    assert "a name that counts for nothing" not in told
    assert "fault" not in authority.written


def test_the_authority_is_killed_and_comes_back_while_the_station_stays(
    world: World, authority: Authority, machine: StationAlone
) -> None:
    """A kill leaves the socket's file behind; the next one takes its place."""
    display = machine.start(hasty=True)
    authority.end(signal.SIGKILL)
    display.see(waiting.OUTAGE_TITLE)
    authority.log.unlink()
    authority.start()
    display.see(waiting.ATTRACT_TITLE)


def test_a_second_authority_on_the_socket_says_so(world: World, authority: Authority) -> None:
    said = world.kiosk("authority")
    assert said.returncode == 2
    assert "another process listens" in said.stderr


def test_an_account_that_is_none_is_named(world: World) -> None:
    world.more_environ["KIOSK_AUTHORITY__STATION_USER"] = "no-such-account"
    said = world.kiosk("authority")
    assert said.returncode == 2
    assert "authority.station_user: there is no account 'no-such-account'" in said.stderr


def test_an_authority_that_nobody_could_call_does_not_start(world: World) -> None:
    world.more_environ["KIOSK_AUTHORITY__SOCKET"] = ""
    world.more_environ["KIOSK_AUTHORITY__ADDRESSES"] = "authority.example:8443"
    said = world.kiosk("authority")
    assert said.returncode == 2
    assert "authority: nobody could call it: give socket, or listen, or both" in said.stderr
