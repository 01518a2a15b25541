"""Everything works with the keyboard alone, and everything works with touch alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from kiosk.station.events import HolderSide
from kiosk.station.states import Attract
from tests.screens import idle_app
from tests.screens.kiosk.pictures import SIZES, STILL, PictureApp
from tests.screens.kiosk.stories import STORIES, Story
from tests.screens.pilots import touch, type_keys
from tests.screens.recording_station import StillStation


@cache
def _heard() -> dict[str, list[HolderSide]]:
    return idle_app.run(_live_through(STORIES))


async def _live_through(stories: Mapping[str, Story]) -> dict[str, list[HolderSide]]:
    """Live through all stories on one station, each as a visit of its own."""
    desk = StillStation()
    app = PictureApp(desk, STILL, lambda error: None, now=lambda: 0.0)
    heard = {}
    async with app.run_test(size=SIZES[0]) as pilot:
        for name, story in stories.items():
            desk.heard = []
            await app.show(story.state)
            await type_keys(pilot, story.keys)
            await touch(pilot, story.touches)
            heard[name] = desk.heard
            await app.show(Attract())
    return heard


@pytest.mark.parametrize("name", STORIES)
def test_what_the_station_hears(name: str) -> None:
    assert _heard()[name] == STORIES[name].events
