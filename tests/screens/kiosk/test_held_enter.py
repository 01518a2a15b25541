"""An Enter that is still held, or pressed twice, when the next page comes does nothing there."""

from __future__ import annotations

import pytest

from kiosk.contract.messages import Purpose
from kiosk.station.events import Left, Stayed
from kiosk.station.states import (
    ActDone,
    CodeNeeded,
    EnterEmail,
    NotReached,
    PadPaused,
    Refused,
    State,
    StillThere,
    Success,
)
from screens.kiosk.choices import MenuPage
from tests.screens.kiosk.clocked import MENU, WORKING, Watch, app_with
from tests.screens.kiosk.samples import UNLOCK, VISIT_ID, one_of_each
from tests.screens.pilots import settled, type_keys
from tests.screens.recording_station import StillStation

_REPEATS_S = 1 / 25
ANSWERED_BY_ENTER = (ActDone, CodeNeeded, EnterEmail, NotReached, PadPaused, Refused, Success)
SUCCESS = Success(UNLOCK, Purpose.UNLOCK)


@pytest.mark.parametrize("delay_s", [0.25, 0.66], ids=["Linux console", "X.Org"])
@pytest.mark.parametrize(
    "state",
    [state for state in one_of_each() if isinstance(state, ANSWERED_BY_ENTER)],
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
        await type_keys(pilot, ["enter"])
        assert desk.heard


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
