"""Pages that are built before a visit: they look and act as if they were built for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from textual import events
from textual.screen import Screen
from textual.widget import Widget

from kiosk.contract.messages import Purpose, VisitId, reference_of
from kiosk.station.events import Chose, Confirmed
from kiosk.station.states import Attract, ConfirmOwner, Menu, State
from screens.kiosk.app import _LAID_OUT_S, AttractPage
from screens.kiosk.choices import NOBODYS, ConfirmOwnerPage, MenuPage
from screens.words.choices import OWNER_YES
from tests.screens.idle_app import still
from tests.screens.kiosk.clocked import app_with, shown
from tests.screens.kiosk.pictures import SIZES, PictureApp, app_for, pictures
from tests.screens.kiosk.samples import UNLOCK, VISIT, Sample, samples
from tests.screens.pilots import settled, touch, type_keys
from tests.screens.recording_station import StillStation
from tests.support.steps import offers

_OTHERS = (Purpose.CHANGE_PIN, Purpose.CHANGE_EMAIL)
_NEXT = replace(VISIT, id=VisitId("e" * 32), holder_name="Bo Li")
_FIRST = {
    name: sample
    for name, sample in samples().items()
    if isinstance(sample.state, Menu | ConfirmOwner)
}


async def _ahead(app: PictureApp) -> dict[type[State], Screen[None]]:
    """Let time pass until both pages are built."""
    await still(1)
    return {kind: app.get_screen(kind.__name__) for kind in (Menu, ConfirmOwner)}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("name", _FIRST)
async def test_page_built_ahead_looks_like_one_built_at_once(
    name: str, size: tuple[int, int]
) -> None:
    sample = _FIRST[name]
    app = app_for(Sample(Attract(), touch=sample.touch, dark=sample.dark))
    async with app.run_test(size=size) as pilot:
        ahead = await _ahead(app)
        await app.show(sample.state)
        await settled(pilot)
        assert (app.screen in ahead.values()) is _is_usual(sample.state)
        await type_keys(pilot, sample.keys)
        picture = app.export_screenshot()
    assert picture == (await pictures({name: sample}, size))[name].svg


def _is_usual(state: State) -> bool:
    if isinstance(state, Menu):
        return len(state.offers) <= 4 and not state.blocked and state.waiting is None
    return isinstance(state, ConfirmOwner) and state.locked


async def test_what_is_chosen_is_of_the_visit_that_it_shows() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        ahead = await _ahead(app)
        await type_keys(pilot, "1")  # nobody is here
        await app.show(Menu(_NEXT, offers(*_OTHERS)))
        await settled(pilot)
        assert app.screen is ahead[Menu]
        await type_keys(pilot, "4321")  # there are two rows, and one act is one report
    assert desk.heard == [Chose(_NEXT.id, Purpose.CHANGE_EMAIL)]


async def test_the_keys_reach_its_rows_and_its_buttons_in_order() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await _ahead(app)
        await app.show(Menu(_NEXT, offers(*_OTHERS)))
        await settled(pilot)
        await type_keys(pilot, ("tab", "tab", "enter"))
    assert desk.heard == [Chose(_NEXT.id, Purpose.CHANGE_EMAIL)]


async def test_a_card_with_a_locked_pin_is_confirmed_on_it() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        ahead = await _ahead(app)
        await app.show(ConfirmOwner(replace(UNLOCK, id=_NEXT.id), locked=True))
        await settled(pilot)
        assert app.screen is ahead[ConfirmOwner]
        await touch(pilot, (OWNER_YES,))
    assert desk.heard == [Confirmed(_NEXT.id)]


@pytest.mark.parametrize("key", ["tab", "enter", "escape"])
async def test_a_key_that_comes_while_it_is_built_is_not_one_of_its_visit(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = ConfirmOwnerPage.content

    def typed_at(page: ConfirmOwnerPage) -> Iterator[Widget]:
        page.app.post_message(events.Key(key, None))
        return content(page)

    app = app_with(StillStation())
    async with app.run_test() as pilot:
        with monkeypatch.context() as while_built:
            while_built.setattr(ConfirmOwnerPage, "content", typed_at)
            ahead = await _ahead(app)
        state = ConfirmOwner(UNLOCK, locked=True)
        await app.show(state)
        await settled(pilot)
        assert app.screen is ahead[ConfirmOwner]
        picture = app.export_screenshot()
    assert picture == (await pictures({"owner": Sample(state)}, (80, 24)))["owner"].svg


async def test_every_visit_gets_one_and_sees_nothing_of_the_last() -> None:
    app = app_with(StillStation())
    seen = []
    async with app.run_test() as pilot:
        for visit in (VISIT, _NEXT):
            ahead = await _ahead(app)
            await app.show(Menu(visit, offers(*_OTHERS)))
            await settled(pilot)
            assert app.screen is ahead[Menu]
            seen.append(shown(app))
            await app.show(Attract())
            await settled(pilot)
    for visit, text in zip((VISIT, _NEXT), seen, strict=True):
        other = VISIT if visit is _NEXT else _NEXT
        assert visit.holder_name in text
        assert reference_of(visit.id) in text
        assert other.holder_name not in text
        assert reference_of(other.id) not in text


async def test_on_another_surface_a_page_is_built_anew() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        ahead = await _ahead(app)
        await type_keys(pilot, ("f2",))
        state = Menu(VISIT, offers(*_OTHERS))
        await app.show(state)
        await settled(pilot)
        assert app.screen is not ahead[Menu]
        picture = app.export_screenshot()
    dark = await pictures({"menu": Sample(state, dark=True)}, (80, 24))
    assert picture == dark["menu"].svg


async def test_on_a_display_of_another_size_a_page_is_built_anew() -> None:
    app = app_with(StillStation())
    state = Menu(VISIT, offers(*_OTHERS))
    async with app.run_test() as pilot:
        ahead = await _ahead(app)
        await pilot.resize_terminal(120, 36)
        await app.show(state)
        await settled(pilot)
        assert app.screen is not ahead[Menu]
        picture = app.export_screenshot()
    assert picture == (await pictures({"menu": Sample(state)}, (120, 36)))["menu"].svg


async def test_none_is_built_while_somebody_is_here() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        await app.show(Menu(VISIT, offers(*_OTHERS)))
        await still(1)
        assert not app.is_screen_installed(Menu.__name__)


async def test_a_card_that_comes_while_they_are_built_is_served() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await settled(pilot)
        beginning = asyncio.create_task(still(1))
        while not app.is_screen_installed(Menu.__name__):
            await asyncio.sleep(0.001)
        await app.show(Menu(VISIT, offers(*_OTHERS)))
        await beginning
        assert len(app.screen_stack) == 2
        assert VISIT.holder_name in shown(app)


async def test_a_page_that_is_never_laid_out_keeps_no_other_from_the_display(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before: no page was shown any more, and the station stood still."""
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        monkeypatch.setattr(ConfirmOwnerPage, "call_after_refresh", lambda *_: True)
        monkeypatch.setattr(MenuPage, "call_after_refresh", lambda *_: True)
        building = asyncio.create_task(app._presenter.build_ahead(NOBODYS))
        await still(2 * len(NOBODYS) * _LAID_OUT_S)
        assert building.done()
        assert not any(app.is_screen_installed(kind.__name__) for kind in (Menu, ConfirmOwner))
        monkeypatch.undo()
        await app.show(Menu(VISIT, offers(*_OTHERS)))
        await settled(pilot)
        assert len(app.screen_stack) == 2
        assert VISIT.holder_name in shown(app)


async def test_a_page_that_was_never_laid_out_is_built_ahead_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before: it kept all others from the display for a while again, before each visit."""
    app = app_with(StillStation())
    async with app.run_test():
        with monkeypatch.context() as never_laid_out:
            never_laid_out.setattr(MenuPage, "call_after_refresh", lambda *_: True)
            building = asyncio.create_task(app._presenter.build_ahead(NOBODYS))
            await still(2 * len(NOBODYS) * _LAID_OUT_S)
            assert building.done()
        await app._presenter.build_ahead(NOBODYS)
        assert not app.is_screen_installed(Menu.__name__)
        assert app.is_screen_installed(ConfirmOwner.__name__)


async def test_the_page_for_nobody_is_painted_though_others_are_built_before_it_is() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await app.show(Menu(VISIT, offers(*_OTHERS)))
        await settled(pilot)
        await app.show(Attract())
        assert isinstance(app.screen, AttractPage)
        assert not app.screen.drawn.is_set()
        await app._presenter.build_ahead(NOBODYS)
        await still(1)
        assert app.screen.drawn.is_set()


async def test_page_built_in_a_batch_is_painted_once_it_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Textual paints none in a batch: the first page stayed on the display, with Python 3.13."""
    batches = 0
    told: list[int] = []
    app = app_for(Sample(Attract()))
    batch_update, tell = app.batch_update, ConfirmOwnerPage.check_idle

    @contextmanager
    def counted() -> Iterator[None]:
        nonlocal batches
        with batch_update():
            batches += 1
            yield
            batches -= 1

    def check_idle(page: ConfirmOwnerPage) -> None:
        if page.is_current:
            told.append(batches)
        tell(page)

    async with app.run_test():
        await _ahead(app)
        monkeypatch.setattr(app, "batch_update", counted)
        monkeypatch.setattr(ConfirmOwnerPage, "check_idle", check_idle)
        await app.show(ConfirmOwner(replace(UNLOCK, id=_NEXT.id), locked=True))
        assert told[-1] == 0
