from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace
from textual.dom import DOMNode

from kiosk.contract.messages import Purpose, VisitId
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import UnblockPin
from kiosk.station.states import (
    Attract,
    EnterPin,
    Reading,
    RemovalReason,
    RemoveCard,
    State,
    StillThere,
    Success,
    Work,
    Working,
)
from screens.kiosk.app import AttractPage
from screens.kiosk.choices import MenuPage
from screens.kiosk.codes import CodeEntryPage
from screens.kiosk.ends import StillTherePage, SuccessPage, WaitingPage
from screens.kiosk.page import Page, PageContext
from tests.screens.idle_app import still
from tests.screens.kiosk.clocked import CODE_ENTRY, MENU, WORKING, Watch, app_with, shown, until
from tests.screens.kiosk.pictures import PictureApp
from tests.screens.kiosk.samples import REGISTER, VISIT_ID
from tests.screens.pilots import settled, type_keys
from tests.screens.recording_station import StillStation

READING = Reading(VISIT_ID, "Reader 0")


async def test_a_burst_leaves_one_page_and_it_is_the_last() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        states: list[State] = [WORKING, MENU, CODE_ENTRY, Attract()] * 10
        for state in (*states, MENU):
            await app.show(state)
            assert len(app.screen_stack) == 2
        await settled(pilot)
        assert isinstance(app.screen, MenuPage)


async def test_a_burst_from_several_sides_leaves_one_page() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        states: list[State] = [WORKING, MENU, StillThere(CODE_ENTRY), Attract()] * 10
        await asyncio.gather(*(app.show(state) for state in states))
        await settled(pilot)
        assert len(app.screen_stack) == 2
        assert isinstance(app.screen, AttractPage)


async def test_keys_typed_during_a_burst_never_count_twice() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await settled(pilot)
        for number in range(10):
            await app.show(EnterPin(replace(REGISTER, id=VisitId(f"{number:032x}"))))
            await type_keys(pilot, "604918")
            await type_keys(pilot, ("enter", "enter"))
    assert [event.visit for event in desk.heard] == [f"{number:032x}" for number in range(10)]


async def test_are_you_still_there_keeps_what_is_typed() -> None:
    app = app_with(StillStation(CODE_ENTRY))
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, "4071")
        page = app.screen
        await app.show(StillThere(CODE_ENTRY))
        await settled(pilot)
        assert isinstance(app.screen, StillTherePage)
        assert len(app.screen_stack) == 3
        await type_keys(pilot, "8")  # says yes, and does nothing else
        await app.show(CODE_ENTRY)
        await settled(pilot)
        assert app.screen is page
        assert "│ 4 │ 0 │ 7 │ 1 │  │ _ │   │   │   │" in shown(app)


async def test_a_page_that_came_back_can_report_again() -> None:
    desk = StillStation(CODE_ENTRY)
    app = app_with(desk)
    async with app.run_test() as pilot:
        await settled(pilot)
        await type_keys(pilot, "40718263")
        await type_keys(pilot, ("enter",))
        await app.show(StillThere(CODE_ENTRY))
        await app.show(CODE_ENTRY)
        await type_keys(pilot, "40718263")
        await type_keys(pilot, ("enter",))
    assert len(desk.heard) == 2


async def test_are_you_still_there_counts_down() -> None:
    watch = Watch()
    app = app_with(StillStation(CODE_ENTRY), clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(StillThere(CODE_ENTRY))
        assert "ends in 20 seconds." in shown(app)
        watch.now = 19.1
        await until(app, lambda: "ends in 1 second." in shown(app))


async def test_the_visit_ends_while_it_asks() -> None:
    app = app_with(StillStation(CODE_ENTRY))
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(StillThere(CODE_ENTRY))
        await app.show(RemoveCard(VISIT_ID, RemovalReason.IDLE))
        await settled(pilot)
        assert len(app.screen_stack) == 2
        assert "Nobody answered" in shown(app)


async def test_something_laid_over_a_page_goes_with_the_page() -> None:
    """The demo lays its mail over a page; a new page must not end up under it."""
    app = app_with(StillStation(CODE_ENTRY))
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.push_screen(StillTherePage(_context(app), StillThere(CODE_ENTRY)))
        await app.show(MENU)
        await settled(pilot)
        assert len(app.screen_stack) == 2
        assert isinstance(app.screen, MenuPage)


def _context(app: PictureApp) -> PageContext:
    assert isinstance(app.screen, Page)
    return app.screen.context


async def test_what_is_waited_for_stays_up_long_enough_to_be_read() -> None:
    watch = Watch()
    app = app_with(StillStation(), shown_s=1.0, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(WORKING)
        await app.show(MENU)
        await settled(pilot)
        assert isinstance(app.screen, WaitingPage)
        watch.now = 1.0
        await until(app, lambda: isinstance(app.screen, MenuPage))


async def test_the_holder_reads_that_a_pin_is_set_before_they_take_the_card_out() -> None:
    """The page that says "leave your smartcard in" must not stay once it is done."""
    app = app_with(StillStation(), shown_s=60)
    setting = UnblockPin(VISIT_ID, WORKING.visit.at, Sensitive("604918"), "1")
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(Working(WORKING.visit, Work.SETTING_PIN, setting, None))
        await app.show(Success(WORKING.visit, Purpose.UNLOCK))
        assert isinstance(app.screen, SuccessPage)


async def test_a_page_that_was_up_long_enough_goes_at_once() -> None:
    watch = Watch()
    app = app_with(StillStation(), shown_s=0.7, clock=watch)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(WORKING)
        watch.now = 0.71
        await app.show(MENU)
        assert isinstance(app.screen, MenuPage)


async def test_the_end_of_a_visit_waits_for_nothing() -> None:
    app = app_with(StillStation(), shown_s=0.05)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(WORKING)
        await app.show(MENU)
        await app.show(Attract())
        assert isinstance(app.screen, AttractPage)
        await still(0.2)
        assert isinstance(app.screen, AttractPage)  # the menu that was to come does not


async def test_nothing_is_held_back_where_nothing_was_waited_for() -> None:
    app = app_with(StillStation(), shown_s=60)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(MENU)
        await app.show(CODE_ENTRY)
        assert isinstance(app.screen, CodeEntryPage)


async def test_a_page_that_was_held_back_does_not_come_after_what_was_shown_since() -> None:
    """Its timer has gone off, but the app comes to it only when the visit has ended."""
    busy = asyncio.Event()
    app = app_with(StillStation(), shown_s=0.01)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(WORKING)
        await app.show(MENU)
        app.call_later(busy.wait)
        await asyncio.sleep(0.05)
        await app.show(Attract())
        busy.set()
        await settled(pilot)
        assert isinstance(app.screen, AttractPage)


async def test_a_card_that_is_quickly_read_is_not_said_to_be_read() -> None:
    app = app_with(StillStation(), shown_s=60)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(READING)
        assert isinstance(app.screen, AttractPage)
        await app.show(MENU)
        assert isinstance(app.screen, MenuPage)


async def test_a_card_that_takes_longer_is_said_to_be_read() -> None:
    app = app_with(StillStation(), shown_s=0.05)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(READING)
        await until(app, lambda: isinstance(app.screen, WaitingPage))


async def test_the_next_card_wipes_the_last_visit_before_it_is_read() -> None:
    app = app_with(StillStation(), shown_s=60)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(MENU)
        await app.show(READING)
        assert isinstance(app.screen, WaitingPage)


async def test_what_is_on_a_new_page_is_styled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_with(StillStation())
    styled: Counter[DOMNode] = Counter()
    apply = app.stylesheet.apply

    def counting(node: DOMNode, *more: Any, **options: Any) -> None:
        styled[node] += 1
        apply(node, *more, **options)

    monkeypatch.setattr(app.stylesheet, "apply", counting)
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(MENU)
        await settled(pilot)
        assert isinstance(app.screen, MenuPage)
        assert {styled[widget] for widget in app.screen.query("*")} == {1}
