"""The frame: which pages there are, how one gets to them, and what keys do and do not do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from textual.widgets import Input, OptionList, Tab

from kiosk.authority.roles import Action, Role, may
from screens.admin.app import EVERY_PAGE, HELP, ORDER, End
from screens.admin.page import AdminPage
from screens.admin.people import PeoplePage
from screens.admin.stations import StationsPage
from screens.admin.today import TodayPage
from screens.admin.widgets import KeyBar, TabBar
from screens.widgets.prose import Prose
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, Run, running

PAGES = (TodayPage, PeoplePage, StationsPage)
RETIRE = ("f4", "r")


def marked(run: Run) -> str:
    """Return the page that the bar marks: it alone stands on the accent colour."""
    return run.app.query_one(TabBar).active


@pytest.mark.parametrize("size", SIZES)
async def test_the_first_page_is_up_with_who_is_logged_in(size: tuple[int, int]) -> None:
    async with running(FakeDesk(Role.AGENT), size=size) as run:
        assert run.lines[0].strip().startswith("Smartcard self-service")
        assert run.lines[0].rstrip().endswith("Ann Archer · agent   Ctrl+Q log out")
        assert "Unlocked today" in run.text
        assert marked(run) == "Today"


async def test_a_page_comes_by_its_key_by_alt_and_its_number_and_by_a_click() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        assert "stations up" in run.text
        await run.press("alt+2")
        assert "Find a person" in run.text
        await run.click("F4 Stations")
        assert "stations up" in run.text
        await run.click("F1 Today")
        assert "Unlocked today" in run.text


async def test_a_key_of_a_page_that_is_not_there_does_nothing() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f3", "alt+0", "f10")
        assert marked(run) == "Today"


@pytest.mark.parametrize("role", [role for role in Role if may(role, Action.SEE_TODAY)])
async def test_the_bar_offers_what_the_role_may_see_under_keys_that_stay(role: Role) -> None:
    async with running(FakeDesk(role)) as run:
        offered = [str(tab.label) for tab in run.app.query_one(TabBar).query(Tab)]
        assert offered[0] == "F1 Today"
        assert ("F8 Staff" in offered) <= (role not in {Role.AGENT, Role.HELPER})
        assert all(label in run.text for label in offered)


async def test_typing_in_a_field_never_is_a_key_of_a_page() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "f2")
        await run.type("nrab12 q")
        assert run.app.screen.query_one("PeoplePage Input", Input).value == "nrab12 q"
        assert marked(run) == "People"
        assert not run.desk.asked.of("stations.retire")


async def test_the_keys_at_the_bottom_are_made_anew_only_when_they_are_others() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        keys = list(run.app.query_one(KeyBar).children)
        assert keys
        await run.press("down", "down", "up")
        assert list(run.app.query_one(KeyBar).children) == keys
        await run.press("f1")
        assert not set(run.app.query_one(KeyBar).children) & set(keys)


async def test_a_key_of_another_page_does_nothing() -> None:
    async with running(pages=PAGES) as run:
        await run.press("r")
        assert not run.app.screen.is_modal


async def test_what_was_typed_on_a_page_is_there_when_one_comes_back() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2", *"oka", "f1", "f2")
        assert run.app.screen.query_one("PeoplePage Input", Input).value == "oka"
        await run.press(*"pryce")  # it is marked as a whole: the next search replaces it
        assert run.app.screen.query_one("PeoplePage Input", Input).value == "pryce"


# --- the footer and the list of actions ---------------------------------------------------


async def test_the_footer_shows_the_page_s_keys_and_does_them_at_a_click() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        assert "r Retire" in run.lines[-1]
        await run.click("r Retire")
        assert "Retire Eye Clinic" in run.text


async def test_the_list_of_actions_does_what_is_typed_for() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+p", *"stati", "enter")
        assert marked(run) == "Stations"
        await run.press("ctrl+p", *"retire", "enter")
        assert "Retire Eye Clinic" in run.text


async def test_the_list_of_actions_works_by_mouse_and_is_left_by_escape() -> None:
    async with running(pages=PAGES) as run:
        await run.click("Ctrl+P")
        await run.click("Go to People")
        assert marked(run) == "People"
        await run.press("ctrl+p", "escape")
        assert not run.app.screen.is_modal


async def test_the_list_of_actions_has_the_application_s_own_and_no_others() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+p")
        listed = run.app.screen.query_one(OptionList).options
        assert {str(option.prompt).partition("  ")[0] for option in listed} == {
            "Blocked",
            "Refused today",
            "Registered today",
            "Unlocked today",
            "Not registered",
            "Card ends",
            "Chart",
            "What waits",
            "Help",
            "Go to Today",
            "Go to People",
            "Go to Stations",
            "Dark or light colours",
            "Log out",
        }
        await run.type("screenshot")
        assert not run.app.screen.query_one(OptionList).options


async def test_the_colours_change_and_change_back() -> None:
    async with running(pages=PAGES) as run:
        light = run.app.export_screenshot()
        await run.press("ctrl+p", *"colours", "enter")
        assert run.app.current_theme.dark
        assert run.app.export_screenshot() != light
        await run.press("ctrl+p", *"colours", "enter")
        assert run.app.export_screenshot() == light


async def test_what_was_done_is_never_read_as_markup_and_goes_at_a_click() -> None:
    async with running(pages=PAGES) as run:
        run.app.announce("[@click=app.log_out]Ann[/]\x1b[2J is added.")
        await run.settle()
        assert "✓ [@click=app.log_out]Ann[/][2J is added." in run.text
        await run.click("Ann")
        assert "is added" not in run.text
        assert run.app.is_running


# --- the way out -------------------------------------------------------------------------


async def test_ctrl_c_says_how_one_logs_out_and_ends_nothing() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+c")
        assert "Ctrl+Q logs you out" in run.text
        assert run.app.is_running


async def test_ctrl_q_and_a_click_log_out() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+q")
        assert run.app.return_value is End.LOGGED_OUT
    async with running(pages=PAGES) as run:
        await run.click("Ctrl+Q")
        assert run.app.return_value is End.LOGGED_OUT


async def test_logging_out_does_not_throw_away_what_is_typed_in_a_dialog() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*RETIRE, *"broken", "ctrl+q")
        assert run.app.return_value is None
        assert "not sent yet" in run.text
        assert "broken" in run.text
        await run.press("escape", "escape")
        await run.press("ctrl+q")
        assert run.app.return_value is End.LOGGED_OUT


async def test_an_open_dialog_in_which_nothing_is_typed_does_not_keep_anybody() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*RETIRE, "ctrl+q")
        assert run.app.return_value is End.LOGGED_OUT


async def test_a_dialog_keeps_the_page_behind_it() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*RETIRE, "f1", "ctrl+p")
        assert marked(run) == "Stations"
        assert "Retire Eye Clinic" in run.text


@pytest.mark.parametrize("key", ["ctrl+z", "ctrl+backslash", "ctrl+d", "ctrl+s", "f12"])
async def test_other_keys_do_nothing(key: str) -> None:
    async with running(pages=PAGES) as run:
        before = run.text
        await run.press(key)
        assert run.text == before
        assert run.app.is_running


# --- all ten pages ---------------------------------------------------------------------------


def every(names: Sequence[str]) -> list[type[AdminPage]]:
    """Return a page that says its name for each of ``names``."""
    return [_named(name) for name in names]


def _named(name: str) -> type[AdminPage]:
    def compose(self: AdminPage) -> Iterator[Prose]:
        yield Prose(f"This is {self.NAME}.")

    body = {"NAME": name, "NEEDS": Action.SEE_TODAY, "compose": compose}
    return type(f"{name}AdminPage", (AdminPage,), body)


@pytest.mark.parametrize(("size", "rows"), [((80, 24), 2), ((100, 30), 2), ((120, 36), 1)])
async def test_ten_pages_fit_with_their_keys(size: tuple[int, int], rows: int) -> None:
    async with running(pages=every(ORDER), size=size) as run:
        assert run.app.query_one(TabBar).size.height == rows
        shown = " ".join(run.lines[1 : 1 + rows])
        assert all(f"F{key} {name}" in shown for key, name in enumerate(ORDER, 1))
        for key, name in enumerate(ORDER, 1):
            await run.press(f"f{key}")
            assert f"This is {name}." in run.text
            await run.press(f"alt+{key % 10}")
            assert f"This is {name}." in run.text
        for key, name in enumerate(ORDER, 1):
            await run.click(f"F{key} {name}")
            assert f"This is {name}." in run.text


async def test_a_long_list_of_actions_scrolls() -> None:
    async with running() as run:
        await run.press("f2", *"okafor", "enter")
        await run.press("ctrl+p")
        assert "Log out" not in run.text
        await run.press(*["pagedown"] * 4)
        assert "Log out" in run.text
        await run.press("enter")
        assert run.app.return_value is End.LOGGED_OUT


@pytest.mark.parametrize("size", [(60, 20), (40, 12), (20, 5), (1, 1)])
async def test_a_terminal_that_is_too_small_breaks_nothing(size: tuple[int, int]) -> None:
    async with running(size=size) as run:
        for key in range(1, 11):
            await run.press(f"f{key}", "ctrl+p", "escape")
        await run.resize((80, 24))
        await run.press("f4", "r")
        assert "Retire Eye Clinic" in run.text


async def test_a_question_mark_opens_help() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "?")
        assert "Help: Stations" in run.text
        assert "In a dialog: the next field" in run.text
        await run.press("escape")
        assert not run.app.screen.is_modal
        await run.click("? Help")
        assert "Help: Stations" in run.text


async def test_a_question_mark_opens_help_where_a_field_has_the_focus_too() -> None:
    async with running(pages=EVERY_PAGE) as run:
        await run.press("f2", "?")
        assert "Help: People" in run.text
        await run.press("escape")
        await run.type("oka")
        assert "Amara Okafor" in run.text
        await run.click("? Help")
        assert "Help: People" in run.text


async def test_a_question_mark_is_typed_in_a_dialog() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "r", *"why?")
        assert "why?" in run.text


def test_every_page_has_its_help() -> None:
    assert set(HELP) == {page.NAME for page in EVERY_PAGE}


async def test_too_small_terminal_shows_so_for_as_long_as_it_is() -> None:
    told = "This terminal is 70 by 22. It is too small: make it 80 by 24."
    async with running(pages=PAGES) as run:
        assert "too small" not in run.text
        await run.resize((70, 22))
        assert told in run.lines[1]
        await run.press("f2")
        assert told in run.lines[1]
        await run.resize((80, 24))
        assert "too small" not in run.text
