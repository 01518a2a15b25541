"""Driving an app in tests without waiting between keys."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events
from textual.pilot import Pilot


async def type_keys(pilot: Pilot[int], keys: Iterable[str]) -> None:
    """Press ``keys`` one after the other as a keyboard would, and wait once at the end."""
    for key in keys:
        character = key if len(key) == 1 else None
        event = events.Key("space" if key == " " else key, character)
        event.set_sender(pilot.app)
        pilot.app.post_message(event)
    await pilot.pause()
