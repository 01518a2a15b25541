"""A program in a real terminal: a pseudo-terminal on one side, an emulator on the other.

``Terminal`` reads all the time, so the program never blocks on its output, and keeps every
byte that it wrote: what a camera at the screen would have seen.
"""

from __future__ import annotations

import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fcntl import ioctl
from itertools import zip_longest
from pathlib import Path

import pyte

from tests.support.prepared import Forked

_FRAME_BEGINS, _FRAME_ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
"""Between these a terminal draws nothing: it shows a frame as a whole."""
_PATIENCE_S = 240.0
"""What takes longer than any machine needs is a failure."""


_KEPT = 400
"""Bytes that are kept of what was sent without another screen in between."""


@dataclass
class _Seen:
    """One screen: when its first and its last version was drawn, and the last one."""

    first_s: float
    last_s: float
    text: str


@dataclass
class _Sent:
    first_s: float
    last_s: float
    keys: bytes


@dataclass
class History:
    """The last screens of a terminal and the keys between them, in seconds since its start.

    What differs from the screen before in two lines or fewer is the same screen: an entry, a clock.
    """

    _began: float = field(default_factory=time.monotonic)
    _events: deque[_Seen | _Sent] = field(default_factory=lambda: deque(maxlen=80))

    def drawn(self, text: str) -> None:
        now = time.monotonic() - self._began
        seen = next((one for one in reversed(self._events) if isinstance(one, _Seen)), None)
        if seen is not None and _lines_that_differ(seen.text, text) <= 2:
            seen.last_s, seen.text = now, text
        else:
            self._events.append(_Seen(now, now, text))

    def sent(self, keys: bytes) -> None:
        now = time.monotonic() - self._began
        last = self._events[-1] if self._events else None
        if not isinstance(last, _Sent):
            last = _Sent(now, now, b"")
            self._events.append(last)
        last.last_s, last.keys = now, (last.keys + keys)[:_KEPT]

    def __str__(self) -> str:
        parts = []
        for one in self._events:
            when = f"{one.first_s:.1f} s to {one.last_s:.1f} s"
            if isinstance(one, _Sent):
                parts.append(f"{when}, keys: {one.keys!r}")
            else:
                lines = (line.strip() for line in one.text.split("\n"))
                parts.append("\n    ".join([f"{when}, drawn:", *filter(None, lines)]))
        return "\n".join([*parts, f"{time.monotonic() - self._began:.1f} s, now"])


def _lines_that_differ(one: str, other: str) -> int:
    return sum(a != b for a, b in zip_longest(one.split("\n"), other.split("\n")))


class Terminal:
    """Runs ``command`` in a terminal of ``columns`` by ``rows`` cells."""

    reports_status = True
    """Whether it answers a device status report; nearly every terminal does."""

    def __init__(
        self,
        command: Sequence[str | Path],
        environ: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        cwd: Path | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        shown = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self.process = self._start([*map(str, command)], {**shown, **environ}, slave, cwd)
        self.tty = Path(os.ttyname(slave))
        """The program's end, for another program to be started on."""
        os.close(slave)
        self._watch(columns, rows)

    def _start(
        self, command: list[str], environ: Mapping[str, str], terminal: int, cwd: Path | None
    ) -> subprocess.Popen[bytes] | Forked:
        """Start the program on the terminal."""
        return subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environ,
            start_new_session=True,
            cwd=cwd,
        )

    def _watch(self, columns: int, rows: int) -> None:
        """Begin to read what is drawn."""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self.reads = threading.Event()
        """Cleared, the terminal reads nothing any more: what is written piles up."""
        self.reads.set()
        self._shown = "\n".join(self._screen.display)
        self._over = False
        self.history = History()
        self.written = bytearray()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        """What is on the screen now, a line a row."""
        with self._changed:
            return self._shown

    @property
    def at_cursor(self) -> str:
        """The row of the screen in which the cursor is."""
        with self._changed:
            return str(self._screen.display[self._screen.cursor.y])

    def wait_for(self, *texts: str) -> str:
        """Wait until every one of ``texts`` is on the screen; return all of it."""
        return self.wait_until(lambda shown: all(text in shown for text in texts), f"{texts}")

    def wait_until(self, met: Callable[[str], bool], wanted: str) -> str:
        """Wait until ``met`` is true of the screen; the failure shows what was there before."""
        end = time.monotonic() + _PATIENCE_S
        with self._changed:
            while not met(shown := self._shown):
                # The reader ends once the program has, and all that it wrote is on the screen.
                if not self._reader.is_alive() or time.monotonic() >= end:
                    code = self.process.poll()
                    raise AssertionError(
                        f"waited for {wanted}; exit {code}; on the screen:\n{shown}\n"
                        f"before it, since the start:\n{self.history}"
                    )
                self._changed.wait(0.5)
        return shown

    def send(self, keys: str | bytes) -> None:
        """Type ``keys``; the failure shows what was there before, where the program has ended."""
        data = keys.encode() if isinstance(keys, str) else keys
        with self._changed:
            self.history.sent(data)
        try:
            if self._over:  # the number of the descriptor may be another's by now
                raise BrokenPipeError
            os.write(self._master, data)
        except OSError:
            raise AssertionError(
                f"typed {data[:40]!r} to a program that has ended; exit {self.process.poll()}; "
                f"on the screen:\n{self.text}\nbefore it, since the start:\n{self.history}"
            ) from None

    def resize(self, columns: int, rows: int) -> None:
        """Give it another size; the program in the foreground is told (SIGWINCH)."""
        with self._changed:
            self._screen.resize(rows, columns)
        ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> int:
        """Ask the program to end (SIGTERM); return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def kill(self) -> int:
        """End it without warning."""
        self.process.kill()
        return self._reap()

    def _reap(self) -> int:
        self.reads.set()
        try:
            code = self.process.wait(_PATIENCE_S)
        except (subprocess.TimeoutExpired, TimeoutError):
            self.process.kill()
            code = self.process.wait()
        self._reader.join(60)
        return code

    def _read(self) -> None:
        while True:
            self.reads.wait()
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            if not data:
                break
            self._answer_queries(data)
            with self._changed:
                self.written += data
                self._stream.feed(data)
                if self._is_whole():
                    self._shown = "\n".join(self._screen.display)
                    self.history.drawn(self._shown)
                    self._changed.notify_all()
        self._over = True
        with self._changed:
            self._changed.notify_all()
        os.close(self._master)

    def _is_whole(self) -> bool:
        return self.written.rfind(_FRAME_ENDS) >= self.written.rfind(_FRAME_BEGINS)

    def _answer_queries(self, data: bytes) -> None:
        """Answer as a terminal does when asked whether it draws frames at once, and is there."""
        if b"\x1b[?2026$p" in data:
            os.write(self._master, b"\x1b[?2026;2$y")
        if b"\x1b[5n" in data and self.reports_status:
            os.write(self._master, b"\x1b[0n")


# Runs in the child: makes the pseudo-terminal the controlling one, so that its size, its
# signals and its hang-up are the real ones. A Ctrl+C before it is the program ends it in silence.
_TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
