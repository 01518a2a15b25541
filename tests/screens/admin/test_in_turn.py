from __future__ import annotations

import pytest
from textual.widgets import Input
from textual.worker import WorkerFailed

from screens.admin.dialogs.dialog import Dialog
from screens.admin.page import IN_DIALOG
from screens.admin.people import PeoplePage
from screens.admin.person import AboutPerson
from screens.terminal.closed_app import FAULT_CODE
from screens.terminal.driver import KeysLost
from screens.words import frame
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import Clock, Run, app_for, running

PAGES = (PeoplePage, AboutPerson)


def fields(run: Run) -> list[str]:
    """Return what stands in each field of the dialog that is up."""
    return [field.value for field in run.app.screen.query(Input)]


async def test_what_follows_a_tab_goes_into_the_next_field() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+n", *"123", "tab", *"Ann Bee", "tab", *"a@b.c", "shift+tab", *" Cee")
        assert fields(run) == ["123", "Ann Bee Cee", "a@b.c", ""]


async def test_what_follows_the_key_of_a_dialog_goes_into_it() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*"okafor", "enter")
        await run.press("n", *"xyz")
        assert fields(run)[0] == "xyz"


def dialogs(run: Run) -> list[Dialog[object]]:
    return [screen for screen in run.app.screen_stack if isinstance(screen, Dialog)]


@pytest.mark.parametrize(
    ("page", "key"),
    [
        (("f2",), "ctrl+n"),
        (("f2", *"okafor", "enter"), "n"),
        (("f4",), "a"),
        (("f4",), "r"),
        (("f5",), "f"),
        (("f6",), "a"),
        (("f8",), "a"),
        (("f10",), "f"),
    ],
)
async def test_a_key_pressed_twice_opens_one_dialog_and_is_typed_in_it(
    page: tuple[str, ...], key: str
) -> None:
    async with running() as run:
        await run.press(*page)
        run.post(key, key, *"rnaf")
        await run.settle()
        assert len(dialogs(run)) == 1
        assert fields(run)[0].endswith("rnaf" if len(key) > 1 else f"{key}rnaf")


async def test_all_that_comes_in_one_piece_with_the_page_s_key_goes_into_its_dialog() -> None:
    async with running() as run:
        run.post("f4", "a", *"North Door", "tab", *"North")
        await run.settle()
        assert len(dialogs(run)) == 1
        assert fields(run)[:2] == ["North Door", "North"]


@pytest.mark.parametrize(
    ("page", "place"), [(("f2", *"okafor", "enter"), "Correct name"), (("f9",), "starters-march")]
)
async def test_two_clicks_that_come_in_one_piece_open_one_dialog(
    page: tuple[str, ...], place: str
) -> None:
    """Before: the dialog was opened twice, and the file tried twice."""
    async with running() as run:
        await run.press(*page)
        run.post_click(place)
        run.post_click(place)
        await run.settle()
        assert len(dialogs(run)) == 1
        assert len(run.desk.asked.of("imports.rehearse")) == (page == ("f9",))


async def test_an_error_after_a_dialog_ends_the_session_as_the_error_that_it_is() -> None:
    faults: list[BaseException] = []
    desk = FakeDesk()
    desk.stations.retire = lambda *_: "no answer"  # type: ignore[method-assign,assignment]
    app = app_for(desk, on_fault=faults.append)

    async def retire() -> None:
        async with app.run_test(notifications=True) as pilot:
            run = Run(app, desk, pilot, Clock())
            await run.settle()
            await run.press("f4", "r", *"Doorway", "enter")

    with pytest.raises(WorkerFailed):
        await retire()
    assert [type(fault) for fault in faults] == [AttributeError]
    assert app.return_code == FAULT_CODE
    assert app.return_value is None


async def test_the_worker_that_waits_for_a_dialog_ends_with_the_session() -> None:
    async with running() as run:
        await run.press("f4", "r")
        (waiting,) = [one for one in run.app.workers if one.group == IN_DIALOG]
        assert not waiting.is_finished
        await run.press("ctrl+q")
    assert waiting.is_cancelled


async def test_what_follows_escape_goes_to_the_page_that_comes_up() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*"okafor", "enter")
        await run.press("escape", *"pryce")
        assert run.app.query_one(PeoplePage).query_one(Input).value == "pryce"


async def test_page_says_that_keys_came_too_fast() -> None:
    """Before: of a text that a terminal types by itself, half was missing, and nothing said so."""
    async with running(pages=PAGES) as run:
        await run.press("ctrl+n")
        run.post(*"123")
        run.app.post_message(KeysLost())
        await run.settle()
        assert fields(run)[0] == "123"
        assert frame.KEYS_LOST in run.text
        await run.press("4")
        assert frame.KEYS_LOST not in run.text


async def test_keys_that_were_lost_over_a_page_are_missed_there() -> None:
    async with running(pages=PAGES) as run:
        run.post(*"oka")
        run.app.post_message(KeysLost())
        await run.settle()
        assert frame.KEYS_LOST in run.text
