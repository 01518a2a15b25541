"""Driving an app in tests without waiting between keys."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

from textual import events
from textual.pilot import Pilot

from screens.kiosk.page import Page
from tests.screens.idle_app import PATIENCE_S, still
from tests.screens.shown import screen_lines


async def settled(pilot: Pilot[int]) -> None:
    """Wait until a page is up, and nothing is left to do for it."""
    await still()
    async with asyncio.timeout(PATIENCE_S):
        while not isinstance(pilot.app.screen, Page):
            await asyncio.sleep(0.005)
            await still()


async def type_keys(pilot: Pilot[int], keys: Iterable[str]) -> None:
    """Press ``keys`` one after the other as a keyboard would, and wait once at the end."""
    for key in keys:
        name, character = ("space", " ") if key in ("space", " ") else (key, None)
        _post(pilot, events.Key(name, character))
    await settled(pilot)


async def touch(pilot: Pilot[int], texts: Iterable[str]) -> None:
    """Touch each of ``texts`` where the screen shows it; a key of the keypad by its digit."""
    for text in texts:
        place = _find(pilot, text)
        if place is None:  # it comes with what was touched before
            await settled(pilot)
            place = place_of(pilot, text)
        _touch_at(pilot, *place)
    await settled(pilot)


async def touch_at(pilot: Pilot[int], x: int, y: int) -> None:
    """Touch this cell, whatever it shows."""
    _touch_at(pilot, x, y)
    await settled(pilot)


def _touch_at(pilot: Pilot[int], x: int, y: int) -> None:
    for kind in (events.MouseDown, events.MouseUp):
        _post(pilot, kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))


def _post(pilot: Pilot[int], event: events.Event) -> None:
    event.set_sender(pilot.app)
    if isinstance(pilot.app.screen, Page):
        event.time = pilot.app.screen.context.now()
    pilot.app.post_message(event)


def place_of(pilot: Pilot[int], text: str) -> tuple[int, int]:
    """Return a cell in the middle of ``text``; the lowest and rightmost where it is twice."""
    place = _find(pilot, text)
    assert place, f"{text!r} is not on the screen:\n" + "\n".join(screen_lines(pilot.app))
    return place


def _find(pilot: Pilot[int], text: str) -> tuple[int, int] | None:
    wanted = re.compile(rf"│\s*{re.escape(text)}\s*│" if len(text) == 1 else re.escape(text))
    lines = screen_lines(pilot.app)
    for y in reversed(range(len(lines))):
        # walls are shared by neighbours, so matches may overlap
        found = [m for x in range(len(lines[y])) if (m := wanted.match(lines[y], x))]
        if found:
            return (found[-1].start() + found[-1].end()) // 2, y
    return None
