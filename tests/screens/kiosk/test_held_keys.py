"""A key that is held, or pressed twice, and a second touch do nothing on the page that came."""

from __future__ import annotations

import pytest
from textual import events

from kiosk.contract.messages import Code, Purpose
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import AnswerEntered, EntryMade, Left, QuestionPicked, Stayed
from kiosk.station.states import (
    EnterEmail,
    GiveAnswer,
    PickQuestion,
    State,
    StillThere,
    Success,
)
from screens.kiosk.choices import MenuPage
from screens.kiosk.page import Page
from screens.kiosk.visit_pages import PAGES
from tests.screens.kiosk.clocked import CODE_ENTRY, MENU, WORKING, Watch, app_with
from tests.screens.kiosk.samples import BANK, CHOOSE, REGISTER, UNLOCK, VISIT_ID, one_of_each
from tests.screens.pilots import place_of, settled, touch, touch_at, type_keys
from tests.screens.recording_station import StillStation

_REPEATS_S = 1 / 25
SUCCESS = Success(UNLOCK, Purpose.UNLOCK)


@pytest.mark.parametrize("delay_s", [0.25, 0.66], ids=["Linux console", "X.Org"])
@pytest.mark.parametrize(
    "state",
    [
        state
        for state in one_of_each()
        if type(state) in PAGES and not isinstance(state, StillThere)
    ],
    ids=lambda state: type(state).__name__,
)
async def test_an_enter_that_is_held_from_the_page_before_presses_nothing(
    state: State, delay_s: float
) -> None:
    """``delay_s``: how long a key is held before it repeats."""
    desk, watch = StillStation(WORKING), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        watch.now = 100.0
        await type_keys(pilot, ["enter"])
        await app.show(state)
        watch.now += delay_s
        for _ in range(100):
            await type_keys(pilot, ["enter"])
            watch.now += _REPEATS_S
        assert not desk.heard
        watch.now += 1
        page = app.screen
        assert isinstance(page, Page)
        pressed = page.primary is not None and page.primary.enabled
        await type_keys(pilot, ["enter"])
        assert bool(desk.heard) == pressed


async def test_the_number_of_a_question_that_is_held_is_not_written_into_its_answer() -> None:
    desk, watch = StillStation(PickQuestion(REGISTER, CHOOSE)), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, ["2"])
        assert desk.heard == [QuestionPicked(VISIT_ID, 2)]
        await app.show(GiveAnswer(REGISTER, CHOOSE, (), BANK[1]))
        watch.now += 0.25
        await type_keys(pilot, ["2"] * 3)
        await type_keys(pilot, [*"12 Mill Road", "enter"])
        assert desk.heard[1:] == [AnswerEntered(VISIT_ID, Sensitive("12 Mill Road"))]


async def test_a_digit_that_answers_that_somebody_is_there_is_not_typed_below() -> None:
    desk, watch = StillStation(CODE_ENTRY), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, "40718")
        watch.now = 60.0
        await app.show(StillThere(CODE_ENTRY))
        await type_keys(pilot, "2")
        await app.show(CODE_ENTRY)
        watch.now += 0.6
        await type_keys(pilot, "222")
        watch.now += 1
        await type_keys(pilot, [*"263", "enter"])
        assert desk.heard == [Stayed(VISIT_ID), EntryMade(VISIT_ID, Code(Sensitive("40718263")))]


async def test_an_enter_after_another_key_counts_at_once() -> None:
    desk, watch = StillStation(WORKING), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, ["enter"])
        await app.show(SUCCESS)
        await type_keys(pilot, ["tab", "enter"])
    assert desk.heard == [Left(VISIT_ID)]


async def test_an_enter_that_is_held_as_a_card_goes_in_chooses_nothing() -> None:
    desk, watch = StillStation(), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, ["enter"])
        await app.show(MENU)
        await type_keys(pilot, ["enter"] * 10)
        assert isinstance(app.screen, MenuPage)
        assert app.screen.focus_order.chosen is None
        watch.now += 1
        await type_keys(pilot, ["enter"])
        assert app.screen.focus_order.chosen is app.screen.choices[0]


async def test_the_answer_that_somebody_is_there_does_nothing_on_the_page_below() -> None:
    email = next(state for state in one_of_each() if isinstance(state, EnterEmail))
    desk, watch = StillStation(email), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        watch.now = 60.0
        await app.show(StillThere(email))
        await type_keys(pilot, ["enter"])
        await app.show(email)
        watch.now += 0.3
        await type_keys(pilot, ["enter"])
        assert desk.heard == [Stayed(VISIT_ID)]
        watch.now += 1
        await type_keys(pilot, ["enter"])
        assert len(desk.heard) == 2


async def test_what_counts_is_when_a_key_was_pressed_and_not_when_it_is_handled() -> None:
    """A busy machine took a second to show the next page: the second press counted there."""
    desk, watch = StillStation(WORKING), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, ["enter"])
        await app.show(SUCCESS)
        second = events.Key("enter", None)
        second.set_sender(app)
        second.time, watch.now = 0.2, 5.0
        app.post_message(second)
        await settled(pilot)
    assert not desk.heard


async def test_a_second_touch_of_a_question_types_nothing_into_its_answer() -> None:
    """Before: on a touch screen a letter lies where the question was."""
    picked = BANK[3]
    desk, watch = StillStation(PickQuestion(REGISTER, CHOOSE)), Watch()
    app = app_with(desk, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        x, y = place_of(pilot, picked.text[:30])
        await touch_at(pilot, x, y)
        assert desk.heard == [QuestionPicked(VISIT_ID, picked.id)]
        await app.show(GiveAnswer(REGISTER, CHOOSE, (), picked))
        for _ in range(3):
            watch.now += 0.3
            await touch_at(pilot, x + 1, y)
        await touch(pilot, "qw")
        watch.now += 1
        await touch(pilot, ["e", "Continue"])
        assert desk.heard[1:] == [AnswerEntered(VISIT_ID, Sensitive("qwe"))]
