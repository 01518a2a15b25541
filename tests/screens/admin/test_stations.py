"""The stations page: what it says, what it does, and to whom it offers it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.authority.administration.views import Grounds, StationState
from kiosk.authority.errors import NotPermitted, StoreError
from kiosk.authority.roles import Role
from screens.admin.stations import StationsPage
from screens.admin.today import TodayPage
from screens.admin.widgets import Table
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.fake_calls import REFERENCE
from tests.screens.admin.people import NOW
from tests.screens.admin.pilots import SIZES, Run, running, said
from tests.screens.admin.service_desks import LINE

PAGES = (StationsPage, TodayPage)


def page(run: Run) -> StationsPage:
    return run.app.screen_stack[0].query_one(StationsPage)


def row(run: Run, name: str) -> str:
    return next(line for line in run.lines if name in line)


@pytest.mark.parametrize("size", SIZES)
async def test_station_says_how_it_is_in_a_word(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f4")
        assert "5 of 6 stations up, 1 of them cannot read cards" in run.text
        assert "✓ ready" in row(run, "Main Entrance")
        assert "2 min ago" in row(run, "Main Entrance")
        assert "✗ silent" in row(run, "West Wing 2")
        assert "23 min ago" in row(run, "West Wing 2")
        assert "! no reader" in row(run, "Maternity")
        assert "1.1.4" in row(run, "Maternity")
        assert "– retired" in row(run, "Old Gatehouse")
        assert "never" in row(run, "Old Gatehouse")


async def test_the_marked_one_is_explained() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "down", "down", "down")
        assert "Maternity is there, but cannot read cards (no reader)." in run.text
        await run.click("West Wing 2")
        assert "Look whether it has power and network" in " ".join(run.text.split())
        await run.press("end")
        assert "Old Gatehouse is retired" in run.text


@pytest.mark.parametrize("size", SIZES)
async def test_station_that_never_started_is_not_up(size: tuple[int, int]) -> None:
    desk = FakeDesk()
    new = replace(desk.estate.stations[0], name="A new one", state=StationState.NOT_STARTED)
    desk.estate.stations.append(new)
    async with running(desk, PAGES, size=size) as run:
        await run.press("f4")
        assert "5 of 7 stations up, 1 of them cannot read cards" in run.text
        assert "○ not started" in row(run, "A new one")
        assert "A new one was let in and has not started yet." in run.text


async def test_a_certificate_that_was_not_renewed_is_said_before_it_ends() -> None:
    """Before: the station was silent one day, and "power and network" was all that it said."""
    desk = FakeDesk()
    ends_at = NOW + timedelta(days=1)
    desk.estate.stations = [
        replace(line, certificate_until=ends_at, certificate_late=line.name != "Library")
        for line in desk.estate.stations
    ]
    async with running(desk, PAGES) as run:
        await run.press("f4")
        assert "! certificate" in row(run, "Eye Clinic")
        assert "after tomorrow 10:32 nobody can use it" in " ".join(run.text.split())
        assert "✓ ready" in row(run, "Library")
        await run.click("West Wing 2")
        assert "✗ silent" in row(run, "West Wing 2")
        assert "good until tomorrow 10:32" in " ".join(run.text.split())


async def test_station_is_retired_with_a_reason_by_keyboard() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "down", "down", "r", *"Doorway is rebuilt", "enter")
        assert run.desk.asked.of("stations.retire") == [
            ("Main Entrance", Grounds("Doorway is rebuilt"))
        ]
        assert f"✓ Main Entrance is retired. It serves nobody any more. Reference {REFERENCE}." in (
            run.text
        )
        assert "– retired" in row(run, "Main Entrance")
        assert "4 of 5 stations up" in run.text


async def test_station_is_brought_back_by_mouse() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        await run.click("Old Gatehouse")
        await run.click("b Bring back")
        await run.type("It is needed")
        await run.click("  Bring back  ")
        assert run.desk.asked.of("stations.reinstate") == [
            ("Old Gatehouse", Grounds("It is needed"))
        ]
        assert "Old Gatehouse is in service again." in run.text


async def test_what_cannot_be_done_to_the_marked_one_is_not_offered() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        assert "r Retire" in run.lines[-1]
        assert "Bring back" not in run.lines[-1]
        await run.press("end")
        assert "Retire" not in run.lines[-1]
        assert "b Bring back" in run.lines[-1]
        await run.press("r")
        assert not run.app.screen.is_modal


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
async def test_only_managers_are_offered_it(role: Role) -> None:
    async with running(FakeDesk(role), PAGES) as run:
        await run.press("f4", "r", "ctrl+p")
        assert "Retire" not in run.text
        assert run.desk.asked.of("stations.retire") == []


async def test_an_agent_lifts_all_pauses_that_a_station_made() -> None:
    async with running(FakeDesk(Role.AGENT), PAGES) as run:
        await run.press("f4", "down", "p")
        assert "Lift the pauses that Library made" in run.text
        await run.press(*"Stolen, and retired", "enter")
        assert run.desk.asked.of("stations.lift_pauses") == [
            ("Library", Grounds("Stolen, and retired"))
        ]
        assert "✓ 8 pauses are lifted: answers are taken with these smartcards again." in run.text


async def test_an_auditor_is_not_offered_to_lift_pauses() -> None:
    async with running(FakeDesk(Role.AUDITOR), PAGES) as run:
        await run.press("f4", "down", "p")
        assert "pauses" not in run.text
        assert not run.app.screen.is_modal


async def test_lost_role_is_said_in_the_dialog() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        run.desk.asked.becomes(Role.AGENT)
        await run.press("r", *"No longer mine", "enter")
        assert "! This is not for the role agent: retire-station." in run.text
        await run.press("escape", "escape")
        assert "✓ ready" in row(run, "Eye Clinic")


async def test_second_of_two_members_sees_what_the_first_did() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "r")
        line = run.desk.estate.stations[0]
        run.desk.estate.stations[0] = replace(line, state=StationState.RETIRED)
        await run.press(*"Doorway is rebuilt", "enter")
        assert "! Eye Clinic is retired already." in run.text
        assert "Bo Banks retired Eye Clinic." in run.text
        await run.press("escape", "escape")
        assert "– retired" in row(run, "Eye Clinic")


async def test_stations_page_refreshes_and_the_mark_stays() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "down", "down")
        run.desk.estate.stations = [
            line for line in run.desk.estate.stations if line.name != "Library"
        ]
        await run.refresh_is_due(StationsPage.REFRESH_S)
        assert "Library" not in run.text
        assert page(run).query_one(Table).marked == "Main Entrance"
        await run.press("f1")
        asked = len(run.desk.asked.of("stations.every"))
        await run.refresh_is_due(StationsPage.REFRESH_S, 2)
        assert len(run.desk.asked.of("stations.every")) == asked  # nobody sees it


async def test_without_the_database_it_says_so_until_it_is_back() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        run.desk.asked.raises("stations.every", StoreError("secret detail", "08006"))
        await run.refresh_is_due(StationsPage.REFRESH_S)
        assert "! The database does not answer. What you see may be old." in run.text
        assert "secret detail" not in run.text
        assert "Main Entrance" in run.text
        await run.refresh_is_due(StationsPage.REFRESH_S, 2)
        assert "does not answer" not in run.text


async def test_a_page_that_the_role_lost_says_so() -> None:
    async with running(pages=PAGES) as run:
        run.desk.asked.raises("stations.every", NotPermitted("You are not a member of staff."))
        await run.press("f4")
        assert "! You are not a member of staff." in run.text


async def test_an_empty_estate_is_explained() -> None:
    desk = FakeDesk()
    desk.estate.stations = []
    async with running(desk, PAGES) as run:
        await run.press("f4")
        assert "No station has been heard of yet." in run.text
        await run.press("r")
        assert not run.app.screen.is_modal


async def test_names_are_shown_as_they_are() -> None:
    desk = FakeDesk()
    desk.estate.stations[0] = replace(desk.estate.stations[0], name="[red]A[/]\x1b[2J")
    async with running(desk, PAGES) as run:
        await run.press("f4")
        await run.click("[red]A[/][2J")
        assert "[red]A[/][2J is up" in run.text
        await run.press("r")
        assert "Retire [red]A[/][2J" in run.text


@pytest.mark.parametrize("size", [*SIZES, (80, 12)])
async def test_a_long_list_leaves_room_for_the_words_below_it(size: tuple[int, int]) -> None:
    desk = FakeDesk()
    silent = next(line for line in desk.estate.stations if line.name == "West Wing 2")
    up = replace(silent, state=StationState.UP)
    desk.estate.stations = [
        replace(up if n % 2 else silent, name=f"Station {n:02}") for n in range(41)
    ]
    async with running(desk, PAGES, size) as run:
        await run.press("f4")
        for key in ("end", "up", "up", "pageup", "home", "down", "pagedown", "end"):
            await run.press(key)
            marked = page(run).query_one(Table).marked
            assert any(marked in line and "1.2.0" in line for line in run.lines), key
            assert f"{marked} is up" in run.text or "heard of again." in run.text, key


async def test_station_is_let_in_and_its_line_is_shown_once() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4", "a", *"Level 7", "tab", *"Wexbridge", "tab")
        await run.press(*"new station", "enter")
        assert run.desk.asked.of("stations.enrol") == [
            ("Level 7", "Wexbridge", Grounds("new station"))
        ]
        assert "A line for Level 7" in run.text
        assert 'kiosk setup station --enrol "authority.example:8444' in run.text
        code = LINE.split()[1]
        assert code in run.text
        await run.press("escape")
        assert "It cannot be shown again" in run.text
        await run.press("escape")
        assert code not in run.text


async def test_with_four_eyes_no_line_is_shown_to_who_proposes_a_station() -> None:
    desk = FakeDesk()
    desk.estate.four_eyes = True
    async with running(desk, PAGES) as run:
        await run.press("f4", "a")
        assert "has to agree first, and is shown the line then" in " ".join(said(run).split())
        await run.press(*"Level 7", "tab", "tab", *"new station", "enter")
        assert "Nothing is changed yet: it waits until a second member" in run.text
        assert LINE.split()[1] not in run.text


async def test_only_the_name_of_a_station_that_does_not_serve_is_there_already() -> None:
    async with running(pages=PAGES) as run:
        lines = run.desk.stations.every()
        serving = next(x for x in lines if x.state is StationState.UP)
        silent = next(x for x in lines if x.state is StationState.SILENT)
        for line, there in ((serving, False), (silent, True)):
            await run.press("f4")
            await run.click(line.name)
            await run.press("a")
            assert "Let a station in" in said(run)
            assert (line.name in said(run)) is there
            await run.press("escape")


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
async def test_only_managers_let_stations_in(role: Role) -> None:
    async with running(FakeDesk(role), pages=PAGES) as run:
        await run.press("f4", "a")
        assert "Let a station in" not in run.text
