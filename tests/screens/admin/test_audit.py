"""The audit page: looked through by keys and by mouse, narrowed, verified, taken away."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kiosk.authority.administration.views import AuditFilter, ExportFormat
from kiosk.authority.audit.events import Count
from kiosk.authority.errors import NotPermitted
from kiosk.authority.roles import Role
from screens.admin.audit import AuditRows
from screens.admin.stations import StationsPage
from screens.admin.widgets import Table
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, Run, running, said
from tests.screens.admin.record_samples import record_samples

PAGES = (AuditRows, StationsPage)


def asked(run: Run) -> list[tuple[object, ...]]:
    return run.desk.asked.of("audit.page")


def marked(run: Run) -> str:
    return run.app.screen_stack[0].query_one(AuditRows).query_one(Table).marked


@pytest.mark.parametrize("size", SIZES)
async def test_newest_rows_come_first_and_the_marked_one_is_explained(
    size: tuple[int, int],
) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f5", "down")
        assert "Audit: everything, newest first" in run.text
        assert "10:32" in run.lines[4] + run.lines[5]
        assert "Mo Farrow · K4XT-239M" in run.text
        assert "reason: “Many slips with the new keypads”" in run.text


@pytest.mark.parametrize("size", SIZES)
async def test_every_row_shows_its_reference(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f5")
        rows = [line for line in run.lines if re.match(r" +\d\d:\d\d ", line)]
        assert len(rows) > 8
        for row in rows:
            assert re.search(r" [0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b", row), row


async def test_every_key_of_a_narrowed_list_is_whole_in_the_footer() -> None:
    async with running(pages=PAGES, size=(80, 24)) as run:
        await run.press("f5", "f", *["tab"] * 4, *"2026-01-01")
        await run.send()
        footer = run.lines[-1]
        for key in ("f ", "k ", "c ", "v ", "e ", "p ", "r ", "? Help "):
            assert f" {key}" in footer, footer
        assert re.search(r"\? Help +Ctrl\+P More *$", footer), footer


async def test_escape_leaves_a_narrowed_list() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "p")
        assert "Audit: person" in run.text
        await run.press("escape")
        assert "Audit: everything" in run.text


async def test_what_happened_is_read_without_walking_through_a_narrow_list() -> None:
    async with running(pages=PAGES, size=(80, 24)) as run:
        await run.press("f5")
        assert "Person        Where, who" in run.lines[3], run.lines[3]
        assert run.lines[3].index("Person") - run.lines[3].index("What") >= 25
        assert re.search(r" 100200300401  \S", run.text)
        await run.press("p")
        assert "Person" not in run.lines[3]
        assert run.lines[3].index("Where") - run.lines[3].index("What") >= 35
    async with running(pages=PAGES, size=SIZES[-1]) as run:
        await run.press("f5")
        assert re.search(r"Person +Name +Where, who", run.text)


async def test_older_rows_follow_as_one_goes_down() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "end")
        assert asked(run) == [(AuditFilter(), None), (AuditFilter(), 141)]
        assert marked(run) == "141"
        await run.press("end")
        await run.press("end")
        assert marked(run) == "1"
        assert len(asked(run)) == 3
        await run.press("up", "down")
        assert len(asked(run)) == 3


async def test_a_row_opens_with_all_that_it_holds_by_enter_or_mouse() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "down", "enter")
        assert run.app.screen.is_modal
        assert "4 Mar 2026 10:25:00" in run.text
        assert "policy-changed" in run.text
        assert "setting: max_failures" in run.text
        await run.press("escape")
        await run.click("Gave an unlock code")
        assert "identified by: “Photo ID, in person”" in run.text
        await run.click("Close")
        assert not run.app.screen.is_modal


async def test_the_filter_is_filled_in_by_keyboard() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "f", *"100200300401", "tab", *"Library")
        await run.send()
        assert asked(run)[-1] == (AuditFilter(person="100200300401", station="Library"), None)
        assert "Audit: person 100200300401, station Library" in run.text
        await run.press("f")
        assert "100200300401" in run.text  # what narrows now can be changed
        await run.press("escape")
        await run.press("c")
        assert asked(run)[-1] == (AuditFilter(), None)
        assert "Audit: everything" in run.text


async def test_filter_is_typed_over_the_present_one() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "f", *"100200300401", "tab", *"Library")
        await run.send()
        await run.press("f")
        assert run.text.count("an arrow key keeps it.") == 2
        await run.press(*"900000000001", "tab", "end", *" 2")
        await run.send()
        assert asked(run)[-1] == (AuditFilter(person="900000000001", station="Library 2"), None)


async def test_what_is_looked_for_is_found_after_coming_from_a_figure_of_today() -> None:
    """Before: the refusals alone stayed, and the dialog did not show it."""
    async with running(pages=PAGES) as run:
        since = datetime(2026, 3, 4, tzinfo=UTC)
        only = AuditFilter(since=since, counted=Count.REFUSED, reason="unknown-card")
        run.app.show_rows(only)
        await run.settle()
        assert asked(run)[-1][0] == only
        await run.press("f", *["tab"] * 3, *"A4XT-240M")
        await run.send()
        assert asked(run)[-1][0] == AuditFilter(since=since, reference="A4XT-240M")


async def test_a_kind_that_was_chosen_is_named_where_more_is_filled_in() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "k", *"lifted the", "enter")
        await run.press("f")
        assert "Of the kind “Lifted the block” alone, which k changes" in said(run)


async def test_days_are_counted_whole_and_times_are_taken_as_they_are() -> None:
    async with running(pages=PAGES) as run:
        tabs = ["tab"] * 4
        await run.press("f5", "f", *tabs, *"2026-03-03", "tab", *"2026-03-03")
        await run.send()
        only = asked(run)[-1][0]
        assert only == AuditFilter(
            since=datetime(2026, 3, 3, tzinfo=UTC), until=datetime(2026, 3, 4, tzinfo=UTC)
        )
        await run.press("c", "f", *tabs, *"2026-03-04 09:30")
        await run.send()
        assert asked(run)[-1][0] == AuditFilter(since=datetime(2026, 3, 4, 9, 30, tzinfo=UTC))
        assert "from today 09:30" in run.text


@pytest.mark.parametrize("size", SIZES)
async def test_a_detail_that_looks_like_several_is_indented(size: tuple[int, int]) -> None:
    """Whether by what would part two details, or by where a long one is broken over two lines."""
    desk = FakeDesk()
    forged = "agreed by: Mary Boss"
    details = tuple(f"reason: “{'x ' * many}; {forged}”" for many in range(20, 40))
    desk.estate.audit[0] = replace(desk.estate.audit[0], details=(*details, forged))
    async with running(desk, pages=PAGES, size=size) as run:
        await run.press("f5", "enter")
        shown = []
        for _ in range(12):
            shown += [line.partition("║")[2][2:] for line in run.lines if "║" in line]
            await run.press("pagedown")
        assert any(line.startswith("  agreed") for line in shown), "one is broken there"
        assert any(line.startswith(f"• {forged}") for line in shown)
        assert not any(line.startswith(forged) for line in shown)


async def test_the_last_day_of_the_calendar_is_taken() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "f", *["tab"] * 5, *"9999-12-31")
        await run.send()
        assert asked(run)[-1][0] == AuditFilter(until=datetime(9999, 12, 31, tzinfo=UTC))
        assert "before 31 Dec 9999" in run.text


async def test_what_the_desk_does_not_know_is_said_at_its_field_and_loses_nothing() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "f", *"100200300999", "tab", *"Library")
        await run.send()
        assert "! Nobody has this number." in run.text
        assert "Library" in run.text
        await run.press("backspace", "backspace", "backspace", *"401")
        await run.send()
        assert asked(run)[-1][0] == AuditFilter(person="100200300401", station="Library")


async def test_a_kind_is_chosen_by_a_part_of_its_words() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "k", *"lifted the", "enter")
        assert asked(run)[-1] == (AuditFilter(kind="block-lifted"), None)
        assert "Audit: “Lifted the block”" in run.text
        await run.press("k", "enter")
        assert asked(run)[-1] == (AuditFilter(), None)


async def test_the_marked_rows_person_and_reference_narrow_it() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "p")
        assert asked(run)[-1][0] == AuditFilter(person="100200300401")
        await run.press("p", "r")
        assert asked(run)[-1][0] == AuditFilter(person="100200300401", reference="A4XT-240M")
        assert run.text.count("10:32") == 1


async def test_nobody_is_narrowed_to_who_is_not_there_any_more() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5")
        await run.click("(erased)")
        await run.press("escape")  # the row in full; the keys below it are as they were
        assert "p Person" not in run.lines[-1]


async def test_without_any_row_the_keys_still_work() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "f", "tab", *"Nowhere")
        await run.send()
        assert "There is nothing like this in the audit." in run.text
        assert "c All" in run.lines[-1]
        await run.press("c")
        assert "Audit: everything" in run.text


# --- verifying ---------------------------------------------------------------------------


async def test_verifying_shows_how_far_it_is_and_what_it_found() -> None:
    desk = FakeDesk(Role.AUDITOR)
    desk.hold()
    async with running(desk, PAGES) as run:
        await run.press("f5")
        await run.press_and_hold("v")
        assert "120 of 240 rows" in run.text
        desk.let_go()
        await run.settle()
        assert "The audit is intact" in run.text
        assert "cover 232 rows" in run.text


async def test_a_broken_audit_names_the_row_and_says_what_to_do() -> None:
    desk = FakeDesk()
    record_samples()["audit-broken"].arrange(desk)
    async with running(desk, PAGES) as run:
        await run.press("f5")
        await run.click("v Verify")
        told = " ".join(run.text.split())
        assert "The audit is NOT intact" in told
        assert "Row 117 was changed after it was written." in told
        assert "Change nothing." in told


async def test_verifying_is_stopped_by_escape() -> None:
    desk = FakeDesk()
    desk.hold()
    async with running(desk, PAGES) as run:
        await run.press("f5")
        await run.press_and_hold("v")
        run.app.screen.action_cancel()  # type: ignore[attr-defined]
        desk.let_go()
        await run.settle()
        assert not run.app.screen.is_modal
        assert "intact" not in run.text


# --- exporting ---------------------------------------------------------------------------


async def test_what_is_shown_is_written_as_was_asked() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f5", "p", "e", "down", "enter")
        only = AuditFilter(person="100200300401")
        assert run.desk.asked.of("audit.export") == [(only, ExportFormat.JSON_LINES)]
        assert "✓ 36 rows are in /var/lib/kiosk/exports/audit-20260304.jsonl." in run.text


async def test_an_agent_is_offered_no_export() -> None:
    async with running(FakeDesk(Role.AGENT), PAGES) as run:
        await run.press("f5", "e")
        assert "Export" not in run.lines[-1]
        assert not run.app.screen.is_modal


async def test_a_refusal_during_long_work_stays_to_be_read() -> None:
    async with running(pages=PAGES) as run:
        run.desk.asked.raises("audit.export", NotPermitted("You are not a member of staff."))
        await run.press("f5", "e", "enter")
        assert "! You are not a member of staff." in run.text
        assert "%" not in run.text  # nothing goes on any more
        await run.press("enter")
        assert not run.app.screen.is_modal


async def test_rows_are_shown_as_they_are() -> None:
    desk = FakeDesk()
    first = desk.estate.audit[0]
    desk.estate.audit[0] = type(first)(
        first.seq,
        first.at,
        "[red]k[/]",
        "[b]bold[/b]\x1b[2J",
        "",
        "",
        "",
        "[link]",
        "",
        "",
        ("x: [red]",),
    )
    async with running(desk, PAGES) as run:
        await run.press("f5", "enter")
        assert "[b]bold[/b][2J" in run.text
        assert "[red]k[/]" in run.text
        assert "x: [red]" in run.text


async def test_a_row_names_the_card_in_its_own_words_and_says_how_to_see_all() -> None:
    async with running(pages=PAGES) as run:
        lines = run.desk.estate.audit
        at = next(at for at, line in enumerate(lines) if line.card)
        await run.press("f5", *["down"] * at)
        shown = "piv 0000 0000"
        assert f"{lines[at].sentence} (Enter shows all of it.)" in run.text
        assert shown in run.text
        await run.press("enter")
        assert run.app.screen.is_modal
        assert shown in run.text
