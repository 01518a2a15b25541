"""Feeds the service manager's watchdog for as long as the display works.

A beat is due every few seconds. It counts once the event loop and the message queues of the
application and the page have all run, the painter has written everything that was drawn before
the last beat, and the terminal has answered that it read it. A blocked loop, a blocked thread
and a terminal that is not read each stop the beats; the service manager then ends the program
and starts it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

LONGEST_S = 2.0
"""Seconds between two beats, at most."""


class WatchedDisplay(Protocol):
    """The part of ``StationDriver`` that a beat needs: a request to the terminal and its answer."""

    def ask(self) -> None: ...

    @property
    def is_painting(self) -> bool: ...


class WatchdogPulse:
    """Calls ``send`` with each beat that counts; ``limit_s`` is the watchdog's time, if any."""

    def __init__(self, send: Callable[[], None], limit_s: float | None) -> None:
        self._send = send
        self.is_watched = limit_s is not None
        self.every_s = min(LONGEST_S, limit_s / 5) if limit_s else LONGEST_S
        self._asked = False

    def beat(self, display: WatchedDisplay) -> None:
        """Check the last request and send another one: an answer may be lost in a flood."""
        if self._asked and display.is_painting:
            self._send()
        self._asked = True
        display.ask()
