"""The thread that writes to the terminal, and never makes the program wait for it.

Textual's own thread takes a bounded queue: once a terminal is not read, or a flood of
``SIGWINCH`` keeps its blocking write from going on, the event loop waits in ``put`` and
nothing ends the program any more. Here a write waits for room with a time limit, and
what a slow terminal cannot take is left out until the whole page can be drawn again.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

BACKLOG = 256 * 1024
"""Characters that may wait for the terminal; about ten full pages."""

_LOOK_MS = 100
_CHUNK = 4096
_SMALL_CHUNK = 256
"""What a terminal that reports room takes without blocking (WAKEUP_CHARS of Linux)."""


class Painter(threading.Thread):
    """Writes to the terminal ``fd``; ``repaint`` is called when something was left out.

    ``repaint`` is called on this thread, once the terminal has taken all that was kept.
    """

    def __init__(self, fd: int, repaint: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="painter")
        self._fd, self._chunk = _own_description(fd)
        self._repaint = repaint
        self._waiting: deque[tuple[int, str]] = deque()
        self._size = 0
        self._left_out = False
        self._stopped = False
        self._gone = False
        self._change = threading.Condition()
        self._written = 0
        self._taken = 0

    # --- any thread --------------------------------------------------------------------

    def write(self, text: str) -> int:
        """Queue ``text``; return its number, which ``has_written`` takes. Never blocks."""
        with self._change:
            self._taken += 1
            if self._waiting and self._size + len(text) > BACKLOG:
                self._leave_out()
            if not self._left_out:
                self._waiting.append((self._taken, text))
                self._size += len(text)
            self._change.notify()
            return self._taken

    def has_written(self, number: int) -> bool:
        """Return whether the terminal has taken this text and all before it."""
        with self._change:
            return self._written >= number

    def skip(self) -> None:
        """Leave out what waits, so that the next text is written as soon as possible."""
        with self._change:
            self._leave_out()
            self._left_out = False

    def stop(self, patience_s: float) -> None:
        """Write what waits, and end; a terminal that takes nothing is left after that time."""
        with self._change:
            self._stopped = True
            self._change.notify()
        self.join(patience_s)

    def _leave_out(self) -> None:
        self._waiting.clear()
        self._size = 0
        self._left_out = True

    # --- this thread -------------------------------------------------------------------

    def run(self) -> None:
        """Write until ``stop``."""
        while True:
            with self._change:
                while not (self._waiting or self._left_out or self._stopped):
                    self._change.wait()
                if self._waiting:
                    number, text = self._waiting.popleft()
                    self._size -= len(text)
                elif self._stopped:
                    return
                else:
                    number, text = self._written, ""
                    self._left_out = False
            if text:
                self._put(text.encode(errors="replace"))
            else:
                self._repaint()
            with self._change:
                self._written = number

    def _put(self, data: bytes) -> None:
        """Write all of ``data``; a terminal that is gone swallows it: the reader notices."""
        room = select.poll()
        room.register(self._fd, select.POLLOUT)
        while data and not self._gone:
            if not room.poll(_LOOK_MS):
                continue
            try:
                data = data[os.write(self._fd, data[: self._chunk]) :]
            except BlockingIOError:
                continue
            except OSError:
                self._gone = True


def _own_description(fd: int) -> tuple[int, int]:
    """Open the terminal once more, so that only this thread's writes do not block.

    The flag belongs to the open file description, which standard error shares with others.
    Where that cannot be, write on ``fd`` in pieces that do not block.
    """
    try:
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(os.ttyname(fd), flags), _CHUNK
    except OSError:
        return fd, _SMALL_CHUNK
