"""A session that nobody sits at: a warning, then the end, but never in the middle of an act."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kiosk.authority.administration.views import StationState
from screens.admin.app import IDLE_S, WARNING_S, End, IdleWarning
from screens.admin.dialogs.form import Form
from screens.admin.imports import ImportPage
from screens.admin.stations import StationsPage
from screens.admin.today import TodayPage
from tests.screens.admin.pilots import Run, running
from tests.screens.idle_app import still

PAGES = (TodayPage, StationsPage)


async def at(run: Run, seconds: float) -> None:
    """Let the clock say ``seconds``, and the application look at it."""
    run.clock.at = seconds
    await still(60)
    await run.settle()


async def retiring(run: Run) -> threading.Event:
    """Retire a station; return the event until which the act goes on."""
    begun, gate = threading.Event(), threading.Event()
    retire = run.desk.stations.retire

    def slow(*arguments: object) -> object:
        begun.set()
        gate.wait(60)
        return retire(*arguments)  # type: ignore[arg-type]

    run.desk.stations.retire = slow  # type: ignore[method-assign,assignment]
    await run.press("f4", "r", *"Doorway")
    run.post("enter")
    while not begun.is_set():
        await asyncio.sleep(0.01)
    return gate


async def test_idle_session_warns_half_a_minute_before_and_counts_down() -> None:
    async with running(pages=PAGES) as run:
        await at(run, IDLE_S - WARNING_S - 1)
        assert "Are you still there?" not in run.text
        await at(run, IDLE_S - WARNING_S)
        assert "Are you still there?" in run.text
        assert "You are logged out in 30 s." in run.text
        await at(run, IDLE_S - 5)
        assert "You are logged out in 5 s." in run.text
        assert run.app.return_value is None
        await at(run, IDLE_S)
        assert run.app.return_value is End.IDLE


@pytest.mark.parametrize("key", ["x", "enter", "escape", "f4", "r", "ctrl+p"])
async def test_any_key_goes_on_and_does_nothing_else(key: str) -> None:
    async with running(pages=PAGES) as run:
        await at(run, IDLE_S - 5)
        await run.press(key)
        assert not run.app.screen.is_modal
        assert "Unlocked today" in run.text
        await at(run, IDLE_S + 100)
        assert run.app.return_value is None
        await at(run, 2 * IDLE_S - 5 - WARNING_S)
        assert "Are you still there?" in run.text


async def test_a_click_goes_on_too() -> None:
    async with running(pages=PAGES) as run:
        await at(run, IDLE_S - 5)
        await run.click("Are you still there?")
        assert not run.app.screen.is_modal


async def test_moving_the_mouse_is_somebody_and_takes_the_warning_away() -> None:
    async with running(pages=PAGES) as run:
        await at(run, IDLE_S - 5)
        await run.hover(3, 3)
        await at(run, IDLE_S - 4)
        assert not run.app.screen.is_modal


async def test_log_out_at_the_warning_logs_out() -> None:
    async with running(pages=PAGES) as run:
        await at(run, IDLE_S - 5)
        await run.press("ctrl+q")
        assert run.app.return_value is End.LOGGED_OUT


async def test_what_was_typed_is_there_when_one_goes_on() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "r", *"Doorway")
        await at(run, IDLE_S - 5)
        assert isinstance(run.app.screen, IdleWarning)
        await run.press("x")
        assert isinstance(run.app.screen, Form)
        await run.press(*" closed", "enter")
        assert run.desk.asked.of("stations.retire")


async def test_an_act_under_way_is_finished_first() -> None:
    async with running(pages=PAGES) as run:
        gate = await retiring(run)
        run.clock.at = IDLE_S
        await still(60)
        assert run.app.return_value is None
        assert "as soon as what is under way is done" in run.text
        gate.set()
        await run.settle()
        await still(60)
        await run.settle()
        assert run.app.return_value is End.IDLE
        (line,) = (each for each in run.desk.estate.stations if each.name == "Eye Clinic")
        assert line.state is StationState.RETIRED


async def test_a_form_that_is_answered_under_the_warning_closes_with_it() -> None:
    """Before: the warning was closed in its place, and the form stayed, empty and under way."""
    async with running(pages=PAGES) as run:
        gate = await retiring(run)
        run.clock.at = IDLE_S - 5
        await still(60)
        assert isinstance(run.app.screen, IdleWarning)
        gate.set()
        await run.settle()
        assert isinstance(run.app.screen, IdleWarning)
        await run.press("x")
        assert not run.app.screen.is_modal
        assert "Eye Clinic is retired" in run.text


async def test_file_tried_under_the_warning_is_reported_after_it() -> None:
    async with running(pages=(TodayPage, ImportPage)) as run:
        run.desk.hold()
        await run.press("f9")
        await run.press_and_hold("t")
        run.clock.at = IDLE_S - 5
        await still(60)
        assert isinstance(run.app.screen, IdleWarning)
        run.desk.let_go()
        await run.settle()
        await run.press("x")
        assert "can be imported" in run.text
        await run.press("escape")
        assert not run.app.screen.is_modal
