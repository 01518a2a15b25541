"""Lists of people by how they stand: from Today, sorted, and however many there are."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from kiosk.authority.administration.views import MOST_COUNTED, PersonLine, Standing
from kiosk.authority.errors import StoreError
from kiosk.authority.facts import NeverWatched
from kiosk.authority.people_groups import PeopleGroup, PeopleOrder
from screens.admin.app import EVERY_PAGE
from screens.admin.people import PeoplePage
from screens.admin.people_lists import TITLES, PeopleListsPage, many
from screens.admin.person import AboutPerson
from screens.admin.today import TodayPage
from screens.admin.widgets import Table
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, Run, running

PAGES = [page for page in EVERY_PAGE if page.NAME in ("Today", "People", "Person", "Lists")]


def crowd(desk: FakeDesk, many: int) -> None:
    desk.estate.crowd = [
        PersonLine(f"x{n}", f"5{n:011d}", f"Someone {n:05d}", "", Standing.NOT_REGISTERED, 1)
        for n in range(many)
    ]


def asked(run: Run) -> list[tuple[object, ...]]:
    return run.desk.asked.of("people.listed")


@pytest.mark.parametrize("size", SIZES)
async def test_a_number_of_today_opens_the_list_behind_it(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.click("Blocked: only staff")
        assert asked(run)[-1][0] is PeopleGroup.BLOCKED
        assert "Amara Okafor" in run.text
        await run.press("enter")
        assert "Amara Okafor  100200300401" in run.text


@pytest.mark.parametrize(
    ("key", "group"),
    [
        ("b", PeopleGroup.BLOCKED),
        ("u", PeopleGroup.NOT_REGISTERED),
        ("e", PeopleGroup.EXPIRING),
    ],
)
async def test_key_opens_the_list_behind_a_number(key: str, group: PeopleGroup) -> None:
    async with running(pages=PAGES) as run:
        await run.press(key)
        assert asked(run)[-1][0] is group


async def test_the_search_leads_to_the_lists_and_back() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2", "ctrl+l")
        await run.settle()
        assert "1 Blocked: " in run.text
        await run.press("escape")
        assert "Find a person" in run.text


async def test_groups_are_turned_to_by_number_and_by_mouse() -> None:
    async with running(pages=PAGES) as run:
        await run.press("b")
        await run.press("8")
        assert asked(run)[-1][0] is PeopleGroup.EVERYBODY
        await run.click("7 Left")
        assert asked(run)[-1][0] is PeopleGroup.LEFT
        await run.click("4 Card ends")
        assert asked(run)[-1][0] is PeopleGroup.EXPIRING
        await run.click("5 Card in doubt")
        assert asked(run)[-1][0] is PeopleGroup.CARD_IN_DOUBT
        assert re.search(r"In doubt +Standing", run.text)


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
@pytest.mark.parametrize("people", [3, 450, MOST_COUNTED])
async def test_the_whole_count_of_each_group_shows(size: tuple[int, int], people: int) -> None:
    desk = FakeDesk()
    crowd(desk, people)
    counts = desk.people.counts()
    assert counts[PeopleGroup.EVERYBODY] > people
    async with running(desk, PAGES, size=size) as run:
        await run.press("f2", "ctrl+l")
        await run.settle()
        for at, group in enumerate(PeopleGroup, 1):
            assert re.search(
                rf" {at} {TITLES[group]}: {re.escape(many(counts[group]))}\s", run.text
            )


async def test_columns_sort_by_key_and_by_a_click_on_their_heading() -> None:
    async with running(pages=PAGES) as run:
        await run.press("b")
        await run.press("8")
        await run.press("s")
        assert asked(run)[-1][1:3] == (PeopleOrder.NUMBER, False)
        await run.press("r")
        assert asked(run)[-1][1:3] == (PeopleOrder.NUMBER, True)
        await run.click("Name")
        assert asked(run)[-1][1:3] == (PeopleOrder.NAME, False)
        assert "Name ▲" in run.text
        await run.click("Name ▲")
        assert "Name ▼" in run.text


async def test_rows_are_read_as_one_goes_down() -> None:
    desk = FakeDesk()
    crowd(desk, 450)
    async with running(desk, PAGES) as run:
        await run.press("u")
        table = run.app.query_one(PeopleListsPage).query_one(Table)
        assert len(asked(run)) == 1
        assert "The first 200; more are read as you go down." in run.text
        await run.press("end")
        await run.press("end")
        await run.press("end")
        assert len(asked(run)) == 3
        assert table.row_count > 450
        assert "more are read" not in run.text


async def test_a_list_that_failed_to_read_on_reads_on_later() -> None:
    desk = FakeDesk()
    crowd(desk, 450)
    async with running(desk, PAGES) as run:
        await run.press("u")
        table = run.app.query_one(PeopleListsPage).query_one(Table)
        desk.asked.raises("people.listed", StoreError("gone"))
        await run.press("end")
        assert "database does not answer" in run.text
        assert table.row_count == 200
        await run.press("up", "end")
        assert table.row_count > 200


async def test_a_name_is_never_read_as_markup() -> None:
    desk = FakeDesk()
    name = "Ann [@click=app.log_out]Bee[/]"
    desk.estate.crowd = [PersonLine("x", "5" * 12, name, "", Standing.NOT_REGISTERED, 1)]
    async with running(desk, PAGES, size=(120, 36)) as run:
        await run.press("u")
        assert name in run.text
        await run.click("Bee")
        assert run.app.is_running


async def test_an_empty_list_says_so() -> None:
    desk = FakeDesk()
    del desk.estate.people["h5"]
    async with running(desk, PAGES) as run:
        await run.press("b")
        await run.press("3")
        assert "There is nobody in this list." in run.text


def test_the_pages_are_all_there() -> None:
    assert {TodayPage, PeoplePage, AboutPerson} < set(PAGES)


async def test_escape_goes_back_the_way_that_one_came() -> None:
    async with running(pages=PAGES) as run:
        await run.press("b", "enter")
        assert "Amara Okafor" in run.text
        await run.press("escape")
        assert "1 Blocked: " in run.text
        await run.press("escape")
        assert "Unlocked today" in run.text
        await run.press("f2", "ctrl+l", "escape")
        assert "Find a person" in run.text


async def test_every_list_behind_a_number_of_today_has_its_key_in_the_footer() -> None:
    desk = FakeDesk()
    desk.estate.today = replace(desk.estate.today, alarms=3 * (NeverWatched(),))
    async with running(desk, pages=PAGES) as run:
        footer = run.lines[-1]
        for key in ("a Alarms", "b Blocked", "u Not registered", "e Card ends", "n Chart"):
            assert f" {key} " in footer, footer
        assert re.search(r" \? Help +Ctrl\+P More *$", footer), footer
