"""Everything works with the keyboard alone, and everything works with touch alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast, get_args

import pytest

from kiosk.station.events import HolderSide
from kiosk.station.states import Attract, OutOfService, Reading, RemoveCard, State, Working
from screens.kiosk.page import HELD_S, Page
from screens.widgets.keys import Pressable
from tests.screens import idle_app
from tests.screens.kiosk.clocked import Watch
from tests.screens.kiosk.pictures import SIZES, STILL, PictureApp, after_each_error
from tests.screens.kiosk.samples import one_of_each
from tests.screens.kiosk.stories import STORIES, Story
from tests.screens.pilots import touch, type_keys
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines

Heard = dict[str, list[HolderSide] | Exception]


@cache
def _heard() -> Heard:
    """Return what each story reports, or its error."""
    return idle_app.run(after_each_error(STORIES, _live_through))


async def _live_through(stories: Mapping[str, Story], heard: Heard) -> None:
    """Live through all stories on one station, each as a visit of its own."""
    desk, watch = StillStation(), Watch()
    app = PictureApp(desk, STILL, lambda error: None, now=watch)
    async with app.run_test(size=SIZES[0]) as pilot:
        for name, story in stories.items():
            desk.heard = []
            watch.now += HELD_S  # the Enter of one visit is not held into the next
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


def test_page_with_buttons_has_a_story_in_which_the_station_hears_something() -> None:
    told = {type(story.state) for story in STORIES.values() if story.events}
    assert told == _members(State) - NOTHING_TO_PRESS


def _members(union: object) -> set[object]:
    """Return the types of a union of unions; of a page with subclasses, these."""
    parts: Sequence[object] = get_args(union) or cast(type, union).__subclasses__()
    return set().union(*map(_members, parts)) if parts else {union}


@pytest.mark.parametrize("state", one_of_each(), ids=lambda state: type(state).__name__)
async def test_no_button_does_nothing(state: State) -> None:
    """The station hears of each, or the page changes."""
    desk = StillStation()
    app = PictureApp(desk, STILL, lambda error: None, now=lambda: 0.0)
    async with app.run_test(size=SIZES[0]) as pilot:
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
            assert desk.heard or screen_lines(app) != before, button.label
