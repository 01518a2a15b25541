"""A station and the authority as two processes of the installed program, over the socket."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.contract.messages import Purpose
from screens.words import waiting
from tests.app.composition.test_station_alone import FORBIDDEN
from tests.e2e.conftest import MakeWorld
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import PROGRAM, SECONDS, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"
LOOKED_INTO = (Path(sys.executable), Path(__file__).with_name("looked_into.py"))
LIBRARIES = ("sqlite", "libpq", "psycopg", "argon2", "sqlalchemy", "pydantic", "emails", "aiohttp")


class Authority:
    """``kiosk authority`` of a world; it is started again after a kill."""

    def __init__(self, world: World, until: str = "serving on") -> None:
        self.world = world
        self.log = world.folder / "authority.log"
        self.start(until)

    def start(self, until: str = "serving on") -> None:
        """Start it, and wait until its log has a text."""
        command: list[str | Path] = [
            PROGRAM,
            "authority",
            "--config",
            self.world.config,
            "--log",
            self.log,
        ]
        self.process = subprocess.Popen(command, env=self.world.environ, cwd=self.world.folder)
        while until not in self.written:
            assert self.process.poll() is None, self.written
            time.sleep(0.05)

    @property
    def written(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(SECONDS)


@pytest.fixture
def world(make_world: MakeWorld, tmp_path: Path) -> World:
    me = pwd.getpwuid(os.getuid()).pw_name
    return make_world(authority={"socket": str(tmp_path / "a.sock"), "station_user": me})


@pytest.fixture
def authority(world: World) -> Iterator[Authority]:
    made = Authority(world)
    yield made
    if made.process.poll() is None:
        made.end()


def station(world: World, dump: Path) -> Station:
    """Start ``kiosk station`` with settings and a state that hold nothing of the estate."""
    own = world.folder / "station"
    own.mkdir(exist_ok=True)
    config = own / "station.toml"
    socket = world.folder.parent / "a.sock"
    config.write_text(
        f'[station]\nname = "a name that counts for nothing"\nmotion = false\n'
        f'[authority]\nsocket = "{socket}"\n'
    )
    environ = {
        **world.environ,
        "STATE_DIRECTORY": str(own),
        "KIOSK_PCSC__READER": world.pcscd.reader_names[0],
    }
    command = [*LOOKED_INTO, dump, "station", "--config", config, "--log", own / "station.log"]
    made = Station(command, environ, 80, 24, own)
    world.stations.append(made)
    made.see(waiting.ATTRACT_TITLE)
    return made


def test_an_unlock_at_a_station_that_holds_nothing(world: World, authority: Authority) -> None:
    ada = world.ada
    world.register(ada)
    dump = world.folder / "dump"
    visitor = Visitor(world, ada, station(world, dump))
    world.insert(ada)
    world.block(ada)
    world.remove(ada)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    dump.touch()
    while len(written := list(dump.parent.glob("dump.*.json"))) < 2:  # this visit's, and the next
        time.sleep(0.05)
    for found in map(json.loads, (one.read_text() for one in written)):
        assert [one for one in found["modules"] if one.startswith((*FORBIDDEN, "aiohttp"))] == []
        held = [
            path
            for path in (*found["maps"], *found["files"])
            if any(name in path.lower() for name in LIBRARIES) or path.startswith(str(world.state))
        ]
        assert held == []
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    assert authority.end() == 0
    told = world.kiosk("audit", "list", "--limit", "50").stdout
    assert "a name that counts for nothing" not in told
    assert "fault" not in authority.written


def test_the_authority_is_killed_and_comes_back_while_the_station_stays(
    world: World, authority: Authority
) -> None:
    """A kill leaves the socket's file behind; the next one takes its place."""
    glass = station(world, world.folder / "dump")
    authority.end(signal.SIGKILL)
    glass.see(waiting.OUTAGE_TITLE)
    authority.log.unlink()
    authority.start()
    glass.see(waiting.ATTRACT_TITLE, seconds=60)


def test_a_second_authority_on_the_socket_says_so(world: World, authority: Authority) -> None:
    said = world.kiosk("authority")
    assert said.returncode == 2
    assert "another process listens" in said.stderr


def test_an_account_that_is_none_is_named(world: World) -> None:
    world.more_environ["KIOSK_AUTHORITY__STATION_USER"] = "no-such-account"
    said = world.kiosk("authority")
    assert said.returncode == 2
    assert "authority.station_user: there is no account 'no-such-account'" in said.stderr
