"""One key after the other, however fast they come.

Textual hands a key to whatever has the focus when the key arrives, and works off what it
does later. Of keys that come in a burst, as they do over a slow line, those after a Tab
would go into the field that was left, and those after the key of a dialog to the page.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

from screens.admin.dialogs.dialog import Dialog

_ROUNDS = 2
"""A key becomes a message of its widget, and that goes up through what it stands in."""

_LOOK_S = 0.01
_PATIENCE_S = 0.5


class InTurn:
    """Passes events on to ``app``; the next one once the last is worked off.

    One that takes long holds up the next for half a second at most.
    """

    def __init__(self, app: App[Any], pass_on: Callable[[events.Event], Awaitable[None]]) -> None:
        self._app = app
        self._pass_on = pass_on
        self._waiting: deque[events.Event] = deque()
        self._busy = False
        self._dropped_at = float("-inf")

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def put(self, event: events.Event) -> None:
        """Take one; returns at once."""
        self._waiting.append(event)
        if not self._busy:
            self._busy = True
            self._app.run_worker(self._work_off(), group="keys")

    def drop(self) -> None:
        """Pass on nothing that was typed until now, wherever it waits.

        It was typed for a dialog that is closed now, not for the page below it.
        """
        self._dropped_at = events.Event().time

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                await self._one(self._waiting.popleft())
        finally:
            self._busy = False

    async def _one(self, event: events.Event) -> None:
        if isinstance(self._app.screen, Dialog):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._app.screen.ready.wait(), _PATIENCE_S)
        if event.time <= self._dropped_at:
            return
        target = self._app.focused or self._app.screen
        await self._pass_on(event)
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                for _ in range(_ROUNDS):
                    for node in (*target.ancestors_with_self, self._app):
                        await _idle(node)


async def _idle(node: MessagePump) -> None:
    """Return once ``node`` has worked off what it was given so far, or is gone."""
    done = asyncio.Event()
    node.call_later(done.set)
    while node.is_running and not done.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _LOOK_S)
