from __future__ import annotations

from textual.widgets import Input

from screens.admin.people import PeoplePage
from screens.admin.person import AboutPerson
from screens.terminal.driver import KeysLost
from screens.words import frame
from tests.screens.admin.pilots import Run, running

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


async def test_what_follows_escape_goes_to_the_page_that_comes_up() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*"okafor", "enter")
        await run.press("escape", *"pryce")
        assert run.app.query_one(PeoplePage).query_one(Input).value == "pryce"


async def test_staff_are_told_that_keys_came_too_fast_after_those_that_passed() -> None:
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
