"""The terminal's cursor is at the focus: what magnifies or reads a terminal follows it."""

from __future__ import annotations

from textual.geometry import Offset
from textual.widgets import Input

from screens.admin.people import PeoplePage
from screens.admin.stations import StationsPage
from screens.admin.today import TodayPage
from screens.admin.widgets import Table
from tests.screens.admin.pilots import Run, running

PAGES = (TodayPage, PeoplePage, StationsPage)


def at_cursor(run: Run) -> str:
    return run.lines[run.app.cursor_position.y]


async def test_cursor_is_in_the_marked_row() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f4")
        table = run.app.query_one(StationsPage).query_one(Table)
        names = [table.marked]
        for _ in range(3):
            assert names[-1] in at_cursor(run)
            await run.press("down")
            names.append(table.marked)
        assert len(set(names)) == 4


async def test_cursor_is_where_one_types() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f2")
        before = run.app.cursor_position
        await run.type("okafor")
        field = run.app.query_one("PeoplePage Input", Input)
        assert field.has_focus
        assert run.app.cursor_position == before + Offset(6, 0)
        assert "okafor" in at_cursor(run)
        await run.press("f4", "r")
        await run.type("wheels")
        assert "wheels" in at_cursor(run)
