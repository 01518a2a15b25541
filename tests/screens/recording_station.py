"""Desks for tests: they show what they are told to and write down what they hear."""

from __future__ import annotations

import asyncio

from kiosk.station.events import HolderSide
from kiosk.station.loop import Show
from kiosk.station.states import Attract, State


class StillStation:
    """Shows one state and then whatever ``put`` is given; keeps what is submitted."""

    def __init__(self, first: State | None = None) -> None:
        self.heard: list[HolderSide] = []
        self.touches = 0
        self._first = first or Attract()
        self._show: Show | None = None
        self._opened = asyncio.Event()
        self._stopped = asyncio.Event()

    async def run(self, show: Show) -> None:
        """Show the first state, then wait to be stopped."""
        self._show = show
        await show(self._first)
        self._opened.set()
        await self._stopped.wait()

    async def put(self, state: State) -> None:
        """Show ``state``."""
        await self._opened.wait()
        if self._show is not None:
            await self._show(state)

    def submit(self, event: HolderSide) -> None:
        """Write it down."""
        self.heard.append(event)

    def touched(self) -> None:
        """Count it."""
        self.touches += 1

    async def stop(self) -> None:
        """End ``run``."""
        self._stopped.set()
