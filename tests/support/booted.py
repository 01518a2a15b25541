"""A Debian 13 that its own systemd runs in a container, with a console of this machine.

It has a network of its own, and so no way out. Its tty1 is a virtual console of this machine that
nobody uses: what is on it is read from the kernel, and keys are put into it. cgroups of the host
may lack controllers, so that limits of memory and tasks are not enforced here.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from hardware.virtual.link import CardLink, Chip
from hardware.virtual.pcscd import Slot
from tests.support.waiting import PATIENCE_S, wait_for

Answer = TypeVar("Answer")

_CONSOLE = 37
"""The number of the virtual console: far from those that anybody logs in at."""
_VCS_MAJOR, _VCSU, _VCSA = 7, 64, 128
"""See vcs(4): the letters of a console in Unicode; its size, and its letters with colours."""
_CLONE_NEWNET = 0x40000000
_READER_PORT = 0x8C7B
OFF, RESTARTS = 0, 133
"""How a container ends whose manager is to start it anew, systemd-nspawn(1): --keep-unit."""
ENVIRONMENT = "PATH=/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive"


class Booted:
    """One machine in the folder ``root``; ``start`` and ``stop``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._unicode, self._attributes = root.parent / "vcsu", root.parent / "vcsa"

    def start(self) -> None:
        """Boot, and wait until systemd says that it is done."""
        for path, first in ((self._unicode, _VCSU), (self._attributes, _VCSA)):
            path.unlink(missing_ok=True)
            os.mknod(path, 0o20600, os.makedev(_VCS_MAJOR, first + _CONSOLE))
        # The kernel keeps no picture of a console that nobody has open.
        self._keeps = os.open(f"/dev/tty{_CONSOLE}", os.O_RDWR | os.O_NOCTTY)
        self._log = (self.root.parent / "boot.log").open("ab")
        self._process = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", f"--directory={self.root}", "--register=no"),
                f"--machine=kiosk-{os.getpid()}",
                *("--keep-unit", "--private-network", f"--bind=/dev/tty{_CONSOLE}:/dev/tty1"),
                *("--boot", "systemd.unit=multi-user.target"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        wait_for(lambda: bool(self._inits()), "systemd")
        [self.init] = self._inits()
        wait_for(lambda: self.ask("systemctl is-system-running") in ("running", "degraded"), "boot")

    def stop(self) -> None:
        """Switch it off."""
        self._process.terminate()
        self._process.wait()
        os.close(self._keeps)
        self._log.close()

    def ended(self) -> int:
        """Wait until it has gone down by itself; return ``OFF``, or ``RESTARTS``."""
        code = self._process.wait(PATIENCE_S)
        self.stop()
        return code

    def _inits(self) -> list[int]:
        """Return its process 1, once it is that: a helper of the container's comes before it."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        named = {int(each): Path(f"/proc/{each}/comm") for each in children}
        return [each for each, comm in named.items() if comm.read_text() == "systemd\n"]

    def inside(self, line: str) -> list[str]:
        """Return the command that runs a line in it as root."""
        return [
            *("nsenter", "--target", str(self.init)),
            *("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"),
            *("env", "--ignore-environment", *ENVIRONMENT.split(), "bash", "-c", line),
        ]

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line in it as root, with both outputs as one."""
        return subprocess.run(
            self.inside(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def do(self, line: str) -> str:
        """Run a line that has to end well; return what it said."""
        done = self.run(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout.strip()

    def ask(self, line: str) -> str:
        """Run a line that may end in any way; return what it said."""
        return self.run(line).stdout.strip()

    def kill(self, unit: str, number: signal.Signals) -> None:
        """Send a signal to the main process of a unit."""
        self.do(f"systemctl kill --kill-whom=main --signal={number.value} {unit}")

    @property
    def screen(self) -> str:
        """What is on the console."""
        rows, columns = self._attributes.read_bytes()[:2]
        signs = self._unicode.read_bytes()
        text = "".join(map(chr, struct.unpack(f"={len(signs) // 4}I", signs)))
        lines = [text[row * columns :][:columns].rstrip() for row in range(rows)]
        return "\n".join(lines)

    def see(self, text: str) -> None:
        """Wait until the console shows a text."""
        wait_for(lambda: text in self.screen, text, lambda: self.screen)

    def press(self, keys: str) -> None:
        """Put keys into the console."""
        # What was open before the service began is hung up.
        console = os.open(f"/dev/tty{_CONSOLE}", os.O_RDWR | os.O_NOCTTY)
        for key in keys.encode():
            fcntl.ioctl(console, termios.TIOCSTI, bytes([key]))
        os.close(console)

    def in_its_network(self, call: Callable[[], Answer]) -> Answer:
        """Return what ``call`` does in its network; the threads that it starts stay there."""

        def there() -> Answer:
            _move_to_network(self.init)
            return call()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(there).result()

    def processes(self, unit: str) -> list[int]:
        """Return the process ids, on this machine, of a unit's processes; the oldest first."""
        its_own = Path(f"/proc/{self.init}/ns/pid").readlink()
        found = []
        for one in psutil.process_iter():
            place = Path("/proc", str(one.pid))
            with suppress(OSError):  # it has ended
                if (place / "ns" / "pid").readlink() != its_own:
                    continue
                if f"/{unit}\n" in (place / "cgroup").read_text():
                    found.append((one.create_time(), one.pid))
        return [pid for _, pid in sorted(found)]

    def link(self, chip: Chip) -> CardLink:
        """Return what puts a card into its first reader, and takes it out."""
        return CardLink(chip, _SlotInside(Path(), 0, "Virtual PCD 00 00", self.init))


def _move_to_network(pid: int) -> None:
    """Move the thread that calls to the network of a process."""
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(network, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(network)


@dataclass(frozen=True, slots=True)
class _SlotInside(Slot):
    """The reader's slot in the network of a process; the thread that calls moves there."""

    pid: int = 0

    def dial(self) -> socket.socket:
        """Return a connection to the reader; raises ``OSError`` while there is none."""
        _move_to_network(self.pid)
        return socket.create_connection(("127.0.0.1", _READER_PORT + self.number))
