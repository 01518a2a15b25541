from __future__ import annotations

import itertools
from typing import get_args

import pytest
from msgspec import structs

from kiosk.contract.messages import FactorTask, Purpose
from kiosk.station import states
from kiosk.station.states import (
    AskQuestion,
    Attract,
    CodeEntry,
    CodeNotice,
    FactorPage,
    OutOfService,
    State,
    StillThere,
)
from screens.kiosk.page import HELD_S
from screens.kiosk.visit_pages import ENTRY_PAGES, PAGES
from screens.words import email
from tests.screens.geometry import layout_faults
from tests.screens.idle_app import still
from tests.screens.kiosk.clocked import CODE_ENTRY, MENU, Watch, app_with, shown, until
from tests.screens.kiosk.pictures import SIZES, app_for
from tests.screens.kiosk.samples import ASKED, CODE, UNLOCK, Sample
from tests.screens.kiosk.stories import STORIES
from tests.screens.pilots import settled, touch, type_keys
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines
from tests.support.steps import offers


def test_every_state_has_a_page_that_takes_it() -> None:
    assert {*PAGES, FactorPage, Attract, OutOfService} == {*get_args(State)}
    for state, page in PAGES.items():
        narrowed = next(each for each in page.__mro__ if "state" in each.__annotations__)
        assert state.__name__ in narrowed.__annotations__["state"].split(" | "), page


def test_every_task_of_a_factor_has_an_entry_page() -> None:
    assert {*ENTRY_PAGES} == {*get_args(FactorTask)}
    for task, page in ENTRY_PAGES.items():
        narrowed = next(each for each in page.__mro__ if "state" in each.__annotations__)
        kinds = narrowed.__annotations__["state"].split(" | ")
        tasks = [getattr(states, kind).__annotations__.get("task") for kind in kinds]
        assert task.__name__ in tasks, page


async def test_a_page_that_is_gone_holds_no_state() -> None:
    """Pages are in cycles of references: each lives until the collector has come by."""
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        for story in STORIES.values():
            await settled(pilot)
            before = app.screen
            await app.show(story.state)
            await settled(pilot)
            if app.screen is not before and not before.is_running:
                assert not hasattr(before, "state"), before


async def test_every_key_and_every_touch_says_that_somebody_is_there() -> None:
    desk = StillStation(MENU)
    app = app_with(desk)
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, ("x", "f9", "down"))
        assert desk.touches == 3
        await touch(pilot, ("Need help?",))
        assert desk.touches == 4


async def test_enter_presses_the_button_that_looks_chosen_and_no_other() -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        tried: list[State] = []
        for story in STORIES.values():
            # Any key is an answer where a page asks whether somebody is still there.
            if isinstance(story.state, StillThere) or story.state in tried:
                continue
            tried.append(story.state)
            await app.show(story.state)
            await settled(pilot)
            filled = app.screen.query("BigButton.-primary")
            looks_chosen = any(not button.has_class("-off") for button in filled)
            desk.heard = []
            watch.now += HELD_S
            await type_keys(pilot, ("enter",))
            assert bool(desk.heard) is looks_chosen, story.name
            await app.show(Attract())


async def test_the_surface_is_kept_for_the_visit_and_no_longer() -> None:
    app = app_with(StillStation(MENU))
    async with app.run_test() as pilot:
        await settled(pilot)
        light = app.theme
        await type_keys(pilot, ("f2",))
        dark = app.theme
        assert dark != light
        await app.show(CODE_ENTRY)
        assert app.theme == dark
        await touch(pilot, ("F2 Light colours",))
        assert app.theme == light
        await touch(pilot, ("F2 High contrast",))
        await app.show(Attract())
        assert app.theme == light


async def test_the_next_visitor_does_not_find_a_surface_that_somebody_tried_and_left() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        light = app.theme
        await type_keys(pilot, ("f2",))
        assert app.theme != light
        await still(60)
        assert app.theme == light
        await type_keys(pilot, ("f2",))
        dark = app.theme
        await app.show(MENU)
        await still(60)
        assert app.theme == dark


async def test_a_key_that_is_held_does_not_make_the_display_flash() -> None:
    """At most three flashes a second (WCAG 2.2, 2.3.1), each of two changes."""
    watch, changes = Watch(), 0
    app = app_with(StillStation(MENU), clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        for _ in range(100):
            before = app.theme
            await type_keys(pilot, ("f2",))
            watch.now += 1 / 25
            changes += app.theme != before
        assert 2 < changes <= 2 * 3 * 4
        watch.now += 1
        before = app.theme
        await type_keys(pilot, ("f2",))
        assert app.theme != before


async def test_showing_answers_is_kept_for_the_visit_and_no_longer() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        for keys, seen in ((("f3", *"mill"), True), (tuple("mill"), True)):
            await app.show(AskQuestion(UNLOCK, ASKED))
            await type_keys(pilot, keys)
            assert ("mill" in shown(app)) is seen
        await app.show(Attract())
        await app.show(AskQuestion(UNLOCK, ASKED))
        await type_keys(pilot, "mill")
        assert "mill" not in shown(app)


@pytest.mark.parametrize("size", [*SIZES, (80, 21)])
async def test_a_page_that_waits_for_a_code_says_that_one_may_go_and_read_it(
    size: tuple[int, int],
) -> None:
    waits = structs.replace(UNLOCK, instead=offers(Purpose.CHANGE_PIN))
    app = app_for(Sample(CodeEntry(UNLOCK, CODE, None)))
    async with app.run_test(size=size) as pilot:
        said = [(None, False), (None, True), *((notice, False) for notice in CodeNotice)]
        for (notice, wrong), visit in itertools.product(said, (UNLOCK, waits)):
            await app.show(CodeEntry(visit, CODE, notice, wrong=wrong))
            await settled(pilot)
            beside = " ".join(line[: size[0] // 2 + 4] for line in screen_lines(app))
            assert email.WALK_AWAY[:20] in beside
            assert email.WALK_AWAY[-10:] in beside
            assert not layout_faults(app)


async def test_a_code_counts_down_and_can_be_asked_for_again_in_time() -> None:
    watch = Watch()
    app = app_with(StillStation(CODE_ENTRY), clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        assert "Good for another 14:32" in shown(app)
        assert "New code in 0:42" in shown(app)
        watch.now = 42.0
        await until(app, lambda: "13:50" in shown(app))
        assert "New code in" not in shown(app)
        watch.now = 900.0
        await until(app, lambda: "no longer good" in shown(app))
