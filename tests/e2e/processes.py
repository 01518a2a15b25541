"""``kiosk authority`` and ``kiosk station`` as two processes of the installed program."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from screens.words import waiting
from tests.app.composition.test_station_alone import FORBIDDEN
from tests.e2e.station import PreparedStation, Station
from tests.e2e.world import PROGRAM, SECONDS, World
from tests.support.prepared import Forked, prepared_program

LOOKED_INTO = (Path(sys.executable), Path(__file__).with_name("looked_into.py"))
LIBRARIES = ("sqlite", "libpq", "psycopg", "argon2", "sqlalchemy", "pydantic", "emails", "aiohttp")


class Authority:
    """``kiosk authority`` of a world; it is started again after a kill.

    With ``forked`` it is no process of the installed program, but is there at once.
    """

    def __init__(
        self,
        world: World,
        until: str = "serving on",
        name: str = "authority",
        environ: Mapping[str, str] = {},
        *,
        forked: bool = False,
    ) -> None:
        self.world = world
        self.forked = forked
        self.name = name
        self.log = world.folder / f"{name}.log"
        self.environ = {**world.environ, **environ}
        self.start(until)

    def start(self, until: str = "serving on") -> None:
        """Start it, and wait until its log has a text."""
        words = ["authority", "--config", str(self.world.config), "--log", str(self.log)]
        folder = self.world.folder
        self.process: Forked | subprocess.Popen[bytes] = (
            prepared_program().start(words, self.environ, folder, 1, 2)
            if self.forked
            else subprocess.Popen([PROGRAM, *words], env=self.environ, cwd=folder)
        )
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


class StationAlone:
    """A station's machine: its state and its settings, in a folder that holds nothing else."""

    def __init__(self, world: World, settings: str = "") -> None:
        self.world = world
        self.folder = world.folder / "station"
        self.folder.mkdir(exist_ok=True, mode=0o700)
        self.config = self.folder / "station.toml"
        self.config.write_text(
            '[station]\nname = "a name that counts for nothing"\nmotion = false\n'
            f"idle_s = 600\nidle_answer_s = 120\ncard_timeout_s = 60\n{settings}"
        )
        self.log = self.folder / "station.log"
        self.dump = world.folder / "dump"

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            **self.world.environ,
            "STATE_DIRECTORY": str(self.folder),
            "KIOSK_PCSC__READER": self.world.pcscd.reader_names[0],
        }

    def kiosk(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        return prepared_program().run(words, self.environ, self.folder, SECONDS)

    @property
    def command(self) -> list[str | Path]:
        """What starts ``kiosk station`` there."""
        return [*LOOKED_INTO, self.dump, *self._arguments]

    @property
    def _arguments(self) -> list[str | Path]:
        return ["station", "--config", self.config, "--log", self.log]

    def start(self, title: str = waiting.ATTRACT_TITLE, *, hasty: bool = False) -> Station:
        """Start ``kiosk station``; returns when ``title`` can be read.

        With ``hasty`` it is forked, from a process that has loaded an authority as well.
        """
        made = (
            PreparedStation(self._arguments, self.environ, 80, 24, self.folder)
            if hasty
            else Station(self.command, self.environ, 80, 24, self.folder)
        )
        self.world.stations.append(made)
        made.see(title)
        return made

    def holds_nothing_of_the_authority(self) -> None:
        """Look at modules, mappings and open files of this visit's process and of the next."""
        self.dump.touch()
        while len(written := list(self.dump.parent.glob("dump.*.json"))) < 2:
            time.sleep(0.05)
        for found in map(json.loads, (one.read_text() for one in written)):
            modules = [one for one in found["modules"] if one.startswith((*FORBIDDEN, "aiohttp"))]
            assert modules == []
            held = [
                path
                for path in (*found["maps"], *found["files"])
                if any(name in path.lower() for name in LIBRARIES)
                or path.startswith(str(self.world.state))
            ]
            assert held == []
