"""When an application that a test runs has nothing left to do.

``Pilot.pause`` asks every widget to answer, which costs more than what most keys do, and
then watches the processor's clock, which tells nothing on a busy machine. Here the event
loop is asked instead, and what is due on the glass is painted at once and not a frame later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from textual.app import App
from textual.screen import Screen

PATIENCE_S = 60
_NO_FRAMES_S = 3600.0


@contextmanager
def frames_on_demand() -> Iterator[None]:
    """Let applications that start in here paint when ``still`` asks, and not by the clock.

    A slow machine would paint each of the frames that a fast one never gets to, and most of
    the time of a test goes there.
    """
    with pytest.MonkeyPatch.context() as textual:
        textual.setattr("textual.screen.UPDATE_PERIOD", _NO_FRAMES_S)
        yield


async def still(app: App[Any]) -> None:
    """Wait until every message of ``app`` is worked off, and all that they changed is painted.

    What runs in threads, or waits for a time to come, is not waited for.
    """
    async with asyncio.timeout(PATIENCE_S):
        await _worked_off(app)
        while due := _screens_that_wait(app):
            for screen in due:
                screen._on_timer_update()
            await _worked_off(app)


async def _worked_off(app: App[Any]) -> None:
    await _nothing_is_ready()
    app._check_resize()  # a new size is kept back for a moment
    await _nothing_is_ready()
    await app.animator.wait_until_complete()  # a page scrolls by it, be it in one step
    await _nothing_is_ready()


async def _nothing_is_ready() -> None:
    ready: deque[asyncio.Handle] = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    while ready:
        await asyncio.sleep(0)


def _screens_that_wait(app: App[Any]) -> list[Screen[Any]]:
    """Return those that would be seen, and have asked for a frame."""
    if app._exit:
        return []
    seen = (app.screen, *app._background_screens)
    return [screen for screen in seen if screen._update_timer._active.is_set()]
