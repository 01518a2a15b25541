"""Somebody at the terminal: types bytes, and sees the picture that a terminal would show."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping
from fcntl import ioctl
from pathlib import Path
from typing import Any, ClassVar

import pexpect
import pyte

from tests.support.prepared import prepared

PATIENCE_S = 120.0


class Outside:
    """One run of ``PROGRAM`` in a pseudo-terminal of 80 columns and 24 rows."""

    PROGRAM: ClassVar[str] = "tests.screens.terminal.program"

    def __init__(self, scenario: str, notes: Path, **environment: str) -> None:
        self._notes = notes
        self._screen = pyte.Screen(80, 24)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        seen = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        self.child = self._start([scenario, str(notes)], seen)
        self._gone = False

    def _start(self, words: list[str], environ: Mapping[str, str]) -> Any:
        """Start the program with these arguments on a terminal of its own."""
        child = pexpect.spawn(
            sys.executable,
            ["-m", self.PROGRAM, *words],
            dimensions=(24, 80),
            env=environ,
            timeout=PATIENCE_S,
            echo=True,
        )
        child.delaybeforesend = None
        return child

    def type(self, data: bytes) -> None:
        """Send bytes and read at the same time, so that neither side waits for the other."""
        for start in range(0, len(data), 1024):
            self.child.send(data[start : start + 1024])
            self.read(0.0)

    def read(self, wait_s: float = 0.05) -> None:
        """Take in what the program has written, until it is quiet for ``wait_s``."""
        if self._gone:
            time.sleep(wait_s)
            return
        try:
            while True:
                data = self.child.read_nonblocking(65536, wait_s)
                self.written += data
                self._stream.feed(data)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return

    @property
    def picture(self) -> str:
        """What the terminal shows."""
        return "\n".join(self._screen.display)

    @property
    def notes(self) -> list[str]:
        """What the program noted."""
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    @property
    def memory(self) -> int:
        """Resident bytes."""
        pages = Path(f"/proc/{self.child.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def wait_until(self, what: Callable[[], bool]) -> None:
        """Read until ``what`` is true; fail with the picture when it takes too long."""
        deadline = time.monotonic() + PATIENCE_S
        while not what():
            assert time.monotonic() < deadline, f"{self.picture}\n{self.notes}"
            self.read()

    def wait_for(self, text: str) -> None:
        """Read until the picture has ``text``."""
        self.wait_until(lambda: text in self.picture)

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        self.child.ptyproc.fileobj.close()
        self._gone = True

    def wait_for_end(self) -> int | None:
        """Read until the program ends; return its exit code."""
        self.wait_until(lambda: not self.child.isalive())
        self.read()
        code: int | None = self.child.exitstatus
        return code

    def close(self) -> None:
        """End the program, whatever state it is in."""
        self.child.close(force=True)


class ForkedOutside(Outside):
    """The same, forked from a process that has loaded the program: it is there at once."""

    def _start(self, words: list[str], environ: Mapping[str, str]) -> _Forked:
        return _Forked(self.PROGRAM, words, environ)

    def hang_up(self) -> None:
        """Close the terminal under the program."""
        self.child.hang_up()
        self._gone = True


class _Forked:
    """What ``Outside`` uses of pexpect's ``spawn``."""

    def __init__(self, program: str, words: list[str], environ: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._process = prepared(program).start_on(slave, words, environ, Path.cwd())
        os.close(slave)
        self._is_open = True
        self.pid = self._process.pid

    @property
    def exitstatus(self) -> int | None:
        return self._process.returncode

    def isalive(self) -> bool:
        return self._process.poll() is None

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def read_nonblocking(self, size: int, timeout_s: float) -> bytes:
        """Return what there is; raises what pexpect raises where there is nothing, or no more."""
        if not select.select([self._master], [], [], timeout_s)[0]:
            raise pexpect.TIMEOUT("nothing")
        try:
            data = os.read(self._master, size)
        except OSError:  # EIO: the program has ended
            data = b""
        if not data:
            raise pexpect.EOF("ended")
        return data

    def kill(self, number: int) -> None:
        self._process.send_signal(number)

    def hang_up(self) -> None:
        if self._is_open:
            self._is_open = False
            os.close(self._master)

    def close(self, *, force: bool) -> None:
        if force:
            self.kill(signal.SIGKILL)
        self.hang_up()
        self._process.wait(PATIENCE_S)
