"""What a screen sees of the station: a place to put events, and states that come out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from kiosk.station.events import HolderSide
from kiosk.station.states import State

Show = Callable[[State], Awaitable[None]]
"""Shows a state; returns when its screen is up."""


class Desk(Protocol):
    """The station behind the glass."""

    async def run(self, show: Show) -> None:
        """Show each state in turn, beginning with the present one, until ``stop``."""

    def submit(self, event: HolderSide) -> None:
        """Take what the holder did; called on the screen's own loop, never blocks."""

    def touched(self) -> None:
        """Note that somebody is there (any key, any touch)."""

    async def stop(self) -> None:
        """End ``run`` once a command that is under way has its outcome recorded."""
