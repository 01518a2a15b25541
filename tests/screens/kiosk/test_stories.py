"""Everything works with the keyboard alone, and everything works with touch alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import get_args

import pytest

from kiosk.station.events import HolderSide
from kiosk.station.states import Attract, OutOfService, Reading, RemoveCard, State, Working
from screens.kiosk.page import Page
from screens.widgets.keys import Pressable
from tests.screens import idle_app
from tests.screens.kiosk.pictures import SIZES, STILL, PictureApp
from tests.screens.kiosk.samples import one_of_each
from tests.screens.kiosk.stories import STORIES, Story
from tests.screens.pilots import touch, type_keys
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines

Heard = dict[str, list[HolderSide] | Exception]


@cache
def _heard() -> Heard:
    """Return what each story reports, or its error; the next one then begins a station anew."""
    heard: Heard = {}
    while left := {name: STORIES[name] for name in STORIES if name not in heard}:
        try:
            idle_app.run(_live_through(left, heard))
        except Exception as error:  # noqa: BLE001 - the test of that story fails by it
            heard[next((name for name in left if name not in heard), next(reversed(left)))] = error
    return heard


async def _live_through(stories: Mapping[str, Story], heard: Heard) -> None:
    """Live through all stories on one station, each as a visit of its own."""
    desk = StillStation()
    app = PictureApp(desk, STILL, lambda error: None, now=lambda: 0.0)
    async with app.run_test(size=SIZES[0]) as pilot:
        for name, story in stories.items():
            desk.heard = []
            await app.show(story.state)
            await type_keys(pilot, story.keys)
            await touch(pilot, story.touches)
            assert not app.return_code, "the station has ended"
            heard[name] = desk.heard
            await app.show(Attract())


@pytest.mark.parametrize("name", STORIES)
def test_what_the_station_hears(name: str) -> None:
    heard = _heard()[name]
    if isinstance(heard, Exception):
        raise heard
    assert heard == STORIES[name].events


NOTHING_TO_PRESS = {Attract, OutOfService, Reading, Working, RemoveCard}


def test_each_page_with_buttons_has_a_story_in_which_the_station_hears_something() -> None:
    told = {type(story.state) for story in STORIES.values() if story.events}
    assert told == _members(State) - NOTHING_TO_PRESS


def _members(union: object) -> set[object]:
    """Return the types of a union of unions."""
    return set().union(*map(_members, get_args(union))) if get_args(union) else {union}


async def test_no_button_does_nothing() -> None:
    """The station hears of each, or the page changes."""
    desk = StillStation()
    app = PictureApp(desk, STILL, lambda error: None, now=lambda: 0.0)
    async with app.run_test(size=SIZES[0]) as pilot:
        for state in one_of_each():
            await app.show(state)
            await type_keys(pilot, ())
            page = app.screen
            assert isinstance(page, Page)
            for button in page.query(Pressable):
                if not button.enabled:
                    continue
                page.rearm()
                desk.heard, before = [], screen_lines(app)
                button.press()
                await type_keys(pilot, ())
                changed = screen_lines(app) != before
                assert desk.heard or changed, (button.label, type(state).__name__)
            await app.show(Attract())
