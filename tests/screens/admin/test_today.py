"""The first page: its numbers, its charts, and that it keeps up by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.administration.views import AuditFilter, RefusedFor, Today
from kiosk.authority.audit.events import Count
from kiosk.authority.errors import StoreError
from kiosk.authority.facts import Noticed, StationSilent
from screens.admin import today as plotting
from screens.admin.audit import AuditRows
from screens.admin.people import PeoplePage
from screens.admin.today import TodayPage, by_day, by_hour, lines
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.estate import today
from tests.screens.admin.people import NOW
from tests.screens.admin.pilots import SIZES, Run, running

PAGES = (TodayPage, PeoplePage)
QUIET = replace(
    today(),
    unlocked=0,
    registered=0,
    refusals=(),
    waiting_for_code=0,
    blocked=0,
    median_s=None,
    code_by_mail_s=None,
    stations_down=(),
    mail_waiting=0,
    mail_oldest_s=0.0,
    days=tuple(replace(day, unlocked=0, registered=0, refused=0) for day in today().days),
    hours=(0,) * 24,
    alarms=(),
)


def alarms(many: int) -> tuple[Noticed, ...]:
    return tuple(Noticed(NOW, StationSilent(f"Ward {n}", NOW)) for n in range(many))


def page(run: Run) -> TodayPage:
    return run.app.screen_stack[0].query_one(TodayPage)


def number(run: Run, words: str) -> str:
    """Return what stands beside ``words`` in the left column."""
    line = next(line for line in run.lines if words in line)
    return line[line.index(words) + len(words) :].strip().split("  ")[0]


async def look_again(run: Run, at: Today, nth: int = 1) -> None:
    run.desk.estate.today = at
    await run.refresh_is_due(TodayPage.REFRESH_S, nth)


@pytest.mark.parametrize("size", SIZES)
async def test_every_number_is_there(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        assert number(run, "Unlocked today") == "41"
        assert number(run, "Registered today") == "12"
        assert number(run, "Refused today") == "13"
        assert number(run, "Self-service is blocked") == "6"
        assert number(run, "The card is not recorded") == "1"
        assert number(run, "Typical unlocking visit") == "1 min 14 s"
        assert number(run, "Wait for a code by mail") == "3, taking 52 s"
        assert number(run, "Blocked: only staff can help") == "7"
        assert number(run, "Stations up") == "5 of 6"
        assert number(run, "✗ West Wing 2") == "silent"
        assert number(run, "Mail waiting to leave") == "4, oldest 1 min"
        assert "! West Wing 2 has been silent since 10:09 (noticed 10:11)." in run.text


@pytest.mark.parametrize("size", SIZES)
async def test_a_quiet_day_is_said_to_be_one(size: tuple[int, int]) -> None:
    desk = FakeDesk()
    desk.estate.today = QUIET
    async with running(desk, PAGES, size) as run:
        assert "✓ Nothing is out of order." in run.text
        assert number(run, "Typical unlocking visit") == "–"
        assert number(run, "Mail waiting to leave") == "0"
        assert "Nothing yet." in run.text


def test_a_station_that_never_started_is_named_and_no_alarm() -> None:
    shown = lines(replace(today(), stations_down=(), stations_not_started=("Ward 7",)), 24)
    assert ("Stations up", "5 of 6", "$brand", "Stations") in shown
    assert ("  ○ Ward 7", "not started", "", None) in shown


def test_lists_give_way_and_say_so_but_never_the_numbers() -> None:
    many = replace(
        today(),
        refusals=tuple(RefusedFor(f"r{n}", f"Reason {n}", 20 - n) for n in range(12)),
        stations_down=tuple(f"Station {n}" for n in range(9)),
    )
    shown = lines(many, 16)
    words = [line[0].strip() for line in shown]
    assert len(shown) == 16
    assert words[-1] == "Mail waiting to leave"
    assert "Reason 0" in words
    assert "Reason 9" not in words
    refused = sum(word.startswith("Reason") for word in words)
    silent = sum(word.startswith("✗ Station") for word in words)
    assert f"and {12 - refused} other reasons" in words
    assert f"and {9 - silent} others" in words


@pytest.mark.parametrize("height", range(10, 24))
def test_what_fits_is_shown_and_no_more(height: int) -> None:
    assert len(lines(today(), height)) == min(height, 15)


# --- the lists behind the figures ----


@pytest.mark.parametrize(
    ("words", "key", "counted", "reason"),
    [
        ("Unlocked today", "k", Count.UNLOCKED, ""),
        ("Registered today", "g", Count.REGISTERED, ""),
        ("Refused today", "r", Count.REFUSED, ""),
        ("The card has expired", "", Count.REFUSED, "card-expired"),
    ],
)
async def test_a_figure_of_the_day_opens_the_rows_that_it_counts(
    words: str, key: str, counted: Count, reason: str
) -> None:
    only = AuditFilter(since=today().since, counted=counted, reason=reason)
    async with running(pages=(*PAGES, AuditRows)) as run:
        await run.click(words)
        assert ("audit.page", (only, None)) in run.desk.asked.calls
        assert f"Audit: {counted}" in run.text
        assert "from today 00:00" in run.text
        if key:
            run.desk.asked.calls.clear()
            await run.press("f1", key)
            assert ("audit.page", (only, None)) in run.desk.asked.calls


# --- alarms ----------------------------------------------------------------------------------


async def test_more_alarms_than_there_is_room_for_are_a_key_away() -> None:
    desk = FakeDesk()
    desk.estate.today = replace(today(), alarms=alarms(5))
    async with running(desk, PAGES) as run:
        assert "Ward 1 has been silent since 10:32 (noticed 10:32). And 3 more." in run.text
        await run.press("a")
        assert all(
            f"• Ward {n} has been silent since 10:32 (noticed 10:32)." in run.text for n in range(5)
        )
        await run.press("enter")
        assert not run.app.screen.is_modal


# --- charts -----------------------------------------------------------------------------------


async def test_the_charts_turn_by_key_and_by_click() -> None:
    async with running(pages=PAGES) as run:
        assert "Unlocked a day, last 30 days" in run.text
        assert "Visits by hour, last 30 days" in run.text
        await run.press("n")
        assert "Registered a day" in run.text
        await run.click("Registered a day")
        assert "Refused a day" in run.text
        await run.press("n")
        assert "Unlocked a day" in run.text
        assert "Visits by hour" in run.text


async def test_all_four_are_there_where_there_is_room() -> None:
    async with running(pages=PAGES, size=(120, 36)) as run:
        for title in ("Unlocked a day", "Registered a day", "Refused a day", "Visits by hour"):
            assert title in run.text
        assert "n Chart" not in run.text


async def test_charts_are_drawn_anew_when_the_terminal_is_resized() -> None:
    async with running(pages=PAGES) as run:
        await run.resize((120, 36))
        assert "Refused a day" in run.text
        assert "0h          6h          12h         18h" in run.text
        await run.resize((80, 24))
        assert "Refused a day" not in run.text
        assert "0h    6h    12h   18h" in run.text


def test_count_has_the_same_whole_cells() -> None:
    counts = (0, 5, 10, 10)
    rows = plotting.plotted_rows(counts, ((0, "a"), (2, "c")), plotting.LEFT + 4, 6)
    assert [row[plotting.LEFT :] for row in rows[:4]] == ["  ██", "  ██", " ███", " ███"]
    assert rows[0].startswith("  10")
    assert rows[3].startswith("   0")
    rows = plotting.plotted_rows(counts, ((0, "a"), (2, "c")), plotting.LEFT + 9, 6)
    assert rows[3][plotting.LEFT :].rstrip() == "  █ █ █"
    assert rows[5][plotting.LEFT :].rstrip() == "a   c"


@pytest.mark.parametrize("width", range(3, 9))
@pytest.mark.parametrize("height", range(5))
def test_no_room_for_a_chart_is_no_chart(width: int, height: int) -> None:
    rows = plotting.plotted_rows((1, 2, 3, 4), (), width, height)
    assert len(rows) == (height if height > 2 and width >= plotting.LEFT + 4 else 0)


def test_big_numbers_fit_beside_a_chart() -> None:
    rows = plotting.plotted_rows((123_456, 1), (), plotting.LEFT + 2, 5)
    assert rows[0].startswith("123k")
    assert all(len(row) <= plotting.LEFT + 2 for row in rows)


def test_weeks_and_quarters_of_a_day_are_marked() -> None:
    unlocked, registered, refused = by_day(today().days)
    assert unlocked.marks[:2] == ((0, "3 Feb"), (7, "10 Feb"))
    assert unlocked.counts != registered.counts != refused.counts
    assert by_hour(today().hours).marks == ((0, "0h"), (6, "6h"), (12, "12h"), (18, "18h"))


# --- keeping up --------------------------------------------------------------------------------


async def test_today_refreshes_without_taking_the_focus() -> None:
    async with running(pages=PAGES) as run:
        await look_again(run, replace(today(), unlocked=42))
        assert number(run, "Unlocked today") == "42"
        await run.press("f2", *"oka")
        field = run.app.focused
        await look_again(run, replace(today(), unlocked=43), 2)
        assert run.app.focused is field
        await run.press("f1")
        assert number(run, "Unlocked today") == "43"


async def test_today_draws_nothing_anew_where_nothing_changed() -> None:
    async with running(pages=PAGES) as run:
        drawn: list[object] = []
        for widget in run.app.screen.query("Figures, Chart, Prose"):
            widget.refresh = lambda *a, of=widget, **k: drawn.append(of)  # type: ignore[method-assign,assignment]
        await look_again(run, replace(today()))
        assert drawn == []
        await look_again(run, replace(today(), blocked=8), 2)
        assert [type(widget).__name__ for widget in drawn] == ["Figures"]


async def test_without_the_database_the_numbers_stay_and_it_is_said() -> None:
    async with running(pages=PAGES) as run:
        run.desk.asked.raises("today.look", StoreError("gone", "08006"))
        await look_again(run, replace(today(), unlocked=42))
        assert "! The database does not answer." in run.text
        assert number(run, "Unlocked today") == "41"
        await look_again(run, replace(today(), unlocked=42), 2)
        assert "does not answer" not in run.text
        assert number(run, "Unlocked today") == "42"


async def test_without_the_database_from_the_start_it_is_said() -> None:
    desk = FakeDesk()
    desk.asked.raises("today.look", StoreError("gone", "08006"))
    async with running(desk, PAGES) as run:
        assert "! The database does not answer." in run.text
        await look_again(run, today())
        assert number(run, "Unlocked today") == "41"
