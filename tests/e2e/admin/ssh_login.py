"""The door of the RA application: a world, an sshd before it, and staff with keys."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from tests.e2e.records import events
from tests.e2e.station import Station
from tests.e2e.world import SECONDS, World
from tests.support.prepared import prepared_program
from tests.support.sshd import Sshd, make_key

PLACES = """
[store]
url = "sqlite:///{state}/kiosk.db"
[keys]
file = "{state}/keys.json"
[admin]
imports = "{state}/imports"
exports = "{state}/exports"
"""


class Session(Station):
    """One session of staff: a key that is held there repeats, and F1 is a page."""

    tells_presses_apart = False


class Door:
    """Staff come in here; everything that was started ends with ``close``."""

    def __init__(self, world: World, careless: Path | None = None) -> None:
        self.world = world
        self.keys = world.folder / "staff"
        self.config = world.folder / "ra.toml"
        self.sshd = Sshd(world.folder / "sshd", self.config, careless)
        self.sessions: list[Session] = []

    def open(self) -> None:
        """Write settings that name every place, and start sshd."""
        self.keys.mkdir(mode=0o700)
        places = PLACES.format(state=self.world.state)
        self.config.touch(mode=0o600)
        self.config.write_text(self.world.config.read_text() + places)
        self.sshd.start()

    def close(self) -> None:
        """End every session, then the server."""
        self.close_sessions()
        self.sshd.stop()

    def close_sessions(self) -> None:
        """End every session, and wait until nothing runs for one."""
        for session in self.sessions:
            session.close()
        self.sessions.clear()
        _, left = psutil.wait_procs(self.programs(), timeout=SECONDS)
        assert not left

    def key(self, name: str) -> Path:
        """Make a key that nobody knows."""
        return make_key(self.keys / name)

    def staff(self, name: str, role: str) -> Path:
        """Add a member of staff on the command line; return their key."""
        key = self.key(name.split()[0].lower())
        self.kiosk("staff", "add", name, "--role", role, "--key", f"{key}.pub", "--reason", "new")
        return key

    def kiosk(self, *words: str) -> str:
        """Run a command on the service's machine; return what it said."""
        environ = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        line = [*words, "--config", str(self.config)]
        done = prepared_program().run(line, environ, self.world.folder, 60)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def log_in(
        self, key: Path, columns: int = 80, rows: int = 24, options: tuple[str, ...] = ()
    ) -> Session:
        """Log in from a terminal of that size, as a person does."""
        command = self.sshd.client(key, options=options)
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.keys)}
        session = Session(command, environ, columns, rows)
        self.sessions.append(session)
        return session

    def try_to(
        self, key: Path, *words: str, options: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run an ssh client that wants something else than the screen, to its end."""
        return subprocess.run(
            self.sshd.client(key, *words, options=options),
            env={"PATH": os.environ["PATH"], "HOME": str(self.keys)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def programs(self) -> list[psutil.Process]:
        """Return what runs for the sessions of this server.

        Without sshd's own processes, and its query for keys, which outlives a client that is gone.
        """
        server = psutil.Process(int((self.sshd.folder / "sshd.pid").read_text()))
        found = []
        for one in server.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it has ended since
                if "sshd" not in one.name() and "authorized-keys" not in one.cmdline():
                    found.append(one)
        return found

    def named(self, role: str) -> Path:
        """Return the key of the member of staff who is called by this."""
        return self.keys / role

    def told(self, kind: str) -> list[dict[str, object]]:
        """Return the details of the audit's rows of a kind, oldest first."""
        return [dict(row.detail) for row in reversed(events(self.world, kind))]
