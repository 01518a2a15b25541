"""The reports page: grouped by a key, for the days that are asked for, written into a file."""

from __future__ import annotations

from datetime import date

import pytest

from kiosk.authority.administration.views import Report, Span, Written
from kiosk.authority.errors import NotTaken
from kiosk.authority.roles import Role
from screens.admin.reports import ReportsPage
from screens.admin.stations import StationsPage
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, running

PAGES = (ReportsPage, StationsPage)
MONTH = (date(2026, 2, 3), date(2026, 3, 4))


@pytest.mark.parametrize("size", SIZES)
async def test_the_last_thirty_days_are_there_with_their_totals_first(
    size: tuple[int, int],
) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f10")
        assert run.desk.asked.of("reports.make") == [(Span.DAY, *MONTH)]
        assert "By day, 3 Feb 2026 to 4 Mar 2026" in run.text
        total = next(i for i, line in enumerate(run.lines) if "Total" in line)
        assert "2026-03-04" in run.lines[total + 1]
        assert "2026-03-03" in run.lines[total + 2]


async def test_a_key_groups_by_something_else() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f10", "s")
        assert "By site, 3 Feb 2026 to 4 Mar 2026" in run.text
        await run.press("r")
        assert "Refusals by reason" in run.text
        await run.click("w Week")
        assert [call[0] for call in run.desk.asked.of("reports.make")] == [
            Span.DAY,
            Span.SITE,
            Span.REASON,
            Span.WEEK,
        ]
        assert "  Week  " in run.text


async def test_weeks_begin_with_the_newest_and_sites_stay_in_their_order() -> None:
    async with running(pages=PAGES) as run:
        for key, first in (("w", "2026-03-04"), ("s", "2026-02-03"), ("r", "2026-02-03")):
            await run.press("f10", key)
            total = next(i for i, line in enumerate(run.lines) if "Total" in line)
            assert first in run.lines[total + 1]


async def test_other_days_are_asked_for_and_stay() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f10", "f", *"2026-02-20", "tab", *"2026-02-22", "enter")
        asked = (date(2026, 2, 20), date(2026, 2, 22))
        assert run.desk.asked.of("reports.make")[-1] == (Span.DAY, *asked)
        assert "By day, 20 Feb 2026 to 22 Feb 2026" in run.text
        await run.press("w")
        assert run.desk.asked.of("reports.make")[-1] == (Span.WEEK, *asked)


async def test_what_is_no_day_or_the_desk_does_not_take_is_said_at_its_field() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f10", "f", *"x")
        await run.send()
        assert "! Write it as year, month and day: 2026-03-04." in run.text
        run.desk.asked.raises("reports.make", NotTaken("last", "That is before the first day."))
        await run.press("backspace", *"2026-03-01")
        await run.send()
        assert "! That is before the first day." in run.text


async def test_what_is_shown_is_written_into_a_file() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f10", "w", "e")
        assert run.desk.asked.of("reports.export") == [(Span.WEEK, *MONTH)]
        assert "✓ 31 rows are in /var/lib/kiosk/exports/report-week-2026-02-03.csv." in run.text


async def test_a_week_fits_its_days_and_all_its_counts_on_a_small_screen() -> None:
    desk = FakeDesk()

    def make(span: Span, first: date, last: date) -> Report:
        columns = ("Week", "From", "To", "Unlocked", "Registered", "Refused")
        row = ("2026-W09", "2026-02-23", "2026-03-01", "12345", "2345", "345")
        return Report(span, first, last, columns, (row, ("Total", "", "", "12345", "2345", "345")))

    desk.reports.make = make  # type: ignore[method-assign]
    async with running(desk, PAGES) as run:
        await run.press("f10")
        (week,) = (line.split() for line in run.lines if "2026-W09" in line)
        assert week == ["2026-W09", "2026-02-23", "2026-03-01", "12345", "2345", "345"]


async def test_single_row_is_written_in_the_singular() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f10")
        run.desk.reports.export = lambda *_: Written("/x/report.csv", 1)  # type: ignore[method-assign]
        await run.press("e")
        assert "✓ 1 row is in /x/report.csv." in run.text


async def test_an_agent_reads_and_writes_nothing() -> None:
    async with running(FakeDesk(Role.AGENT), PAGES) as run:
        await run.press("f10", "e")
        assert "Export" not in run.lines[-1]
        assert run.desk.asked.of("reports.export") == []


async def test_a_folder_that_cannot_be_written_is_said() -> None:
    async with running(pages=PAGES) as run:
        because = "The exports folder /x: Permission denied."
        run.desk.asked.raises("reports.export", NotTaken("exports", because))
        await run.press("f10", "e")
        assert because in run.text


async def test_what_is_shown_is_mailed_to_an_address() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f10", "w", "m", *"mo@nhs.net", "enter")
        assert run.desk.asked.of("reports.mail") == [(Span.WEEK, *MONTH, "mo@nhs.net")]
        assert "✓ The report is on its way to mo@nhs.net." in run.text


async def test_a_report_that_was_not_mailed_can_be_sent_again() -> None:
    async with running(pages=PAGES) as run:
        run.desk.asked.raises("reports.mail", NotTaken("to", "The mail relay did not take it."))
        await run.press("f10", "m", *"mo@nhs.net", "enter")
        assert "! The mail relay did not take it." in run.text
        await run.press("enter")
        assert "is on its way to mo@nhs.net" in run.text


async def test_an_agent_mails_no_report() -> None:
    async with running(FakeDesk(Role.AGENT), PAGES) as run:
        await run.press("f10", "m")
        assert "Mail" not in run.lines[-1]
        assert not run.app.screen.is_modal
