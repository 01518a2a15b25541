"""A program in a terminal, whose paint is dated.

A thread does nothing but read and date what the program writes. The emulator is fed
afterwards, once the program is quiet, so that it takes no time from what is measured; the
moment of a paint is that of the read after which the emulator shows it.
"""

from __future__ import annotations

import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from fcntl import ioctl
from pathlib import Path

import pyte

COLUMNS, ROWS = 80, 24
QUIET_S = 0.015
_BUSY_S = 0.25
_SYNCHRONISED = b"\x1b[?2026$p"


class TimedTerminal:
    """Runs ``command``; ``spawned_at`` and all that is returned are ``time.monotonic()``."""

    def __init__(self, command: Sequence[str | Path], environ: Mapping[str, str]) -> None:
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._news = threading.Condition()
        self._unseen: list[tuple[float, bytes]] = []
        self._ended = False
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.spawned_at = time.monotonic()
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **environ},
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """What the emulator shows, as far as it was fed."""
        return "\n".join(self._screen.display)

    def type(self, keys: str) -> float:
        """Type ``keys``; return when."""
        at = time.monotonic()
        os.write(self._master, keys.encode())
        return at

    def painted(self, *words: str, seconds: float = 30.0) -> float:
        """Return when all of ``words`` were on the terminal."""
        return self.when(lambda shown: all(word in shown for word in words), seconds)

    def when(self, met: Callable[[str], bool], seconds: float = 30.0) -> float:
        """Return when ``met`` first was true of what came since the last call."""
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            self._wait_until_quiet(give_up_at)
            while self._unseen:
                with self._news:
                    at, data = self._unseen.pop(0)
                self._stream.feed(data)
                if met(self.text):
                    return at
            if self._ended:
                break
        raise RuntimeError(f"was not painted; on the terminal:\n{self.text}")

    def end(self) -> None:
        """End the program, and the processes that it made, without ceremony."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(5)

    def _wait_until_quiet(self, give_up_at: float) -> None:
        """Wait for something, and on until nothing more comes, though not for ever."""
        with self._news:
            while not self._unseen and not self._ended and time.monotonic() < give_up_at:
                self._news.wait(0.1)
            busy_until = time.monotonic() + _BUSY_S
            while self._news.wait(QUIET_S) and time.monotonic() < busy_until:
                pass

    def _read(self) -> None:
        while data := self._next():
            at = time.monotonic()
            if _SYNCHRONISED in data:
                os.write(self._master, b"\x1b[?2026;2$y")
            with self._news:
                self._unseen.append((at, data))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()
        os.close(self._master)

    def _next(self) -> bytes:
        try:
            return os.read(self._master, 65536)
        except OSError:
            return b""
