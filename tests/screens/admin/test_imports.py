"""The import page: a file is tried first, and imported when somebody says so."""

from __future__ import annotations

import asyncio

import pytest

from kiosk.authority.administration.import_people import ImportResult
from kiosk.authority.administration.views import IMPORT_REASON
from kiosk.authority.errors import NotFound, StoreError
from kiosk.authority.roles import Role
from screens.admin.imports import ImportPage, done_words, plan_lines
from screens.admin.stations import StationsPage
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, running, said
from tests.screens.idle_app import still

PAGES = (ImportPage, StationsPage)


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_tried_and_then_imported_by_keyboard(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f9")
        assert "184 kB" in run.text
        await run.press("enter")
        assert "starters-march.csv can be imported" in run.text
        assert "Nothing was written yet." in run.text
        assert run.desk.asked.of("imports.run") == []
        await run.press("enter")
        await run.press(*"import", "enter", "enter")
        assert run.desk.asked.of("imports.run") == [("starters-march.csv", IMPORT_REASON)]
        told = " ".join(run.text.split())
        assert "starters-march.csv is imported: 1,130 people added" in told
        assert "Reference K7QH-2M9T." in told


async def test_who_imports_says_why_and_no_secret_is_kept() -> None:
    """Before: an import wrote a reason of its own, and asked for none."""
    async with running(pages=PAGES) as run:
        await run.press("f9", "enter")
        await run.press("enter")
        await run.press(*"import", "enter", *"48271593", "enter")
        assert "looks like a PIN" in said(run)
        assert run.desk.asked.of("imports.run") == []
        await run.press("ctrl+u", *"starters of March", "enter")
        assert run.desk.asked.of("imports.run") == [("starters-march.csv", "starters of March")]


async def test_by_mouse_it_may_be_left_at_the_trial() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f9")
        await run.click("starters-march.csv")
        await run.click("Cancel")
        assert not run.app.screen.is_modal
        assert run.desk.asked.of("imports.run") == []


async def test_no_click_writes() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f9")
        await run.click("starters-march.csv")
        await run.click("  Go on  ")
        await run.click("  Import  ")
        assert "This is needed." in run.text
        await run.press(*"yes", "enter")
        assert "Type “import” to show that you mean it." in run.text
        assert run.desk.asked.of("imports.run") == []


async def test_problems_are_listed_and_scrolled_and_nothing_can_be_imported() -> None:
    desk = FakeDesk()
    desk.imports.problems = 4312
    async with running(desk, PAGES) as run:
        await run.press("f9", "down", "t")
        assert "bad-lines.csv has 4,312 problems" in run.text
        assert "are the first 200." in run.text
        await run.press("end")
        assert "Line 2789" in run.text
        await run.press("enter")
        assert not run.app.screen.is_modal
        assert desk.asked.of("imports.run") == []


@pytest.mark.parametrize(
    ("what", "many", "sentence", "last"),
    [
        (
            "outside",
            1204,
            "1,204 addresses are of no approved domain: nobody can register",
            "Line 201    900000000200 jo.smith@mail.example",
        ),
        (
            "changed",
            48,
            "48 people changed, from → to:",
            "900000000048 name Jo Smith → Jo Smythe",
        ),
        (
            "cards_changed",
            20,
            "20 cards changed:",
            "Line 21     900000000020 card ending in 40d1: unblock_secret",
        ),
    ],
)
async def test_a_trial_says_what_would_be_changed_and_how(
    what: str, many: int, sentence: str, last: str
) -> None:
    desk = FakeDesk()
    setattr(desk.imports, what, many)
    async with running(desk, PAGES) as run:
        await run.press("f9", "enter")
        assert sentence in run.text
        await run.press("end")
        assert last in run.text


async def test_a_trial_and_an_import_say_who_comes_back_that_was_erased() -> None:
    desk = FakeDesk()
    desk.imports.erased = 1204
    async with running(desk, PAGES) as run:
        await run.press("f9", "enter")
        assert "This brings back 1,204 people who were erased." in run.text
        assert "These are the first 200:" in run.text
        await run.press("end")
        assert "900000000200 Jo Smith" in run.text
        await run.press("enter")
        await run.press(*"import", "enter", "enter")
        told = " ".join(run.text.split())
        assert "1,204 people who were erased came back." in told


async def test_a_trial_shows_how_far_it_is_and_is_stopped() -> None:
    desk = FakeDesk()
    desk.hold()
    async with running(desk, PAGES) as run:
        await run.press("f9")
        await run.press_and_hold("enter")
        assert "92 kB of 184 kB" in run.text
        run.app.screen.action_cancel()  # type: ignore[attr-defined]
        desk.let_go()
        await run.settle()
        assert not run.app.screen.is_modal


async def test_an_import_that_is_stopped_says_that_nothing_was_changed() -> None:
    desk = FakeDesk()
    async with running(desk, PAGES) as run:
        await run.press("f9", "enter")
        await run.press("enter")
        await run.press(*"import", "enter")
        desk.hold()
        await run.press_and_hold("enter")
        run.app.screen.action_cancel()  # type: ignore[attr-defined]
        desk.let_go()
        await run.settle()
        assert "starters-march.csv was not imported; nothing was changed." in run.text


async def test_the_session_ends_only_once_an_import_is_through() -> None:
    desk = FakeDesk()
    async with running(desk, PAGES) as run:
        await run.press("f9", "enter")
        await run.press("enter")
        await run.press(*"import", "enter")
        desk.hold()
        await run.press_and_hold("enter")
        run.app.action_log_out()
        await still(0.1)
        assert run.app.is_running
        desk.let_go()
        async with asyncio.timeout(60):
            while run.app.is_running:
                await asyncio.sleep(0.05)
        assert len(desk.asked.of("imports.run")) == 1


async def test_a_file_that_is_gone_is_said() -> None:
    async with running(pages=PAGES) as run:
        gone = NotFound("There is no file starters-march.csv any more.")
        run.desk.asked.raises("imports.rehearse", gone)
        await run.press("f9", "enter")
        assert "! There is no file starters-march.csv any more." in run.text


async def test_without_the_database_one_is_sent_to_look_whether_it_was_done() -> None:
    async with running(pages=PAGES) as run:
        run.desk.asked.raises("imports.run", StoreError("secret detail", "08006"))
        await run.press("f9", "enter")
        await run.press("enter")
        await run.press(*"import", "enter", "enter")
        assert "! The database does not answer. Look whether it was done before you" in run.text
        assert "secret detail" not in run.text


async def test_an_empty_folder_is_explained_and_looked_at_again() -> None:
    desk = FakeDesk()
    files, desk.estate.files = desk.estate.files, []
    async with running(desk, PAGES) as run:
        await run.press("f9", "enter", "t")
        assert "There is no file in the imports folder." in run.text
        assert not run.app.screen.is_modal
        desk.estate.files = files
        await run.press("r")
        assert "starters-march.csv" in run.text


async def test_who_imports_reads_beforehand_that_it_waits_for_a_second_member() -> None:
    """Before: the last dialog said that it writes, and could not be taken back."""
    desk = FakeDesk()
    desk.imports.waits = True
    async with running(desk, PAGES) as run:
        await run.press("f9", "enter")
        await run.press("enter")
        told = said(run)
        assert "Nothing is written until a second member of staff agrees" in told
        assert "It cannot be taken back" not in told


async def test_who_imports_reads_that_codes_still_go_to_the_registered_address() -> None:
    desk = FakeDesk()
    desk.imports.elsewhere, desk.imports.mailed = 2, 3
    async with running(desk, PAGES) as run:
        await run.press("f9", "enter")
        told = " ".join(run.text.split())
        assert "2 of them are registered with another address" in told
        assert "3 of them get a mail about that at the old address." in told
        await run.press("enter")
        await run.press(*"import", "enter", "enter")
        told = " ".join(run.text.split())
        assert "Codes of 2 people still go to the address that they registered" in told


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
async def test_others_have_no_such_page(role: Role) -> None:
    async with running(FakeDesk(role), PAGES) as run:
        await run.press("f9")
        assert "imports folder" not in run.text


@pytest.mark.parametrize(
    ("known", "changes"),
    [
        (1, "1 change is to people who are known or were erased"),
        (2, "2 changes are to people who are known or were erased"),
    ],
)
def test_an_import_that_waits_says_for_whose_sake(known: int, changes: str) -> None:
    result = ImportResult(2, 1, known, 1, 0, 1, known, waits=True)
    assert f"agrees: {changes}. Nothing was imported" in done_words("people.csv", result)


@pytest.mark.parametrize(
    ("mailed", "said"),
    [
        (1, "The holder of 1 card gets a mail: it is new"),
        (2, "The holders of 2 cards get a mail: it is new"),
    ],
)
def test_whose_holder_is_mailed_of_a_card_is_counted(mailed: int, said: str) -> None:
    result = ImportResult(2, 0, 0, 2, 0, 1, cards_mailed=mailed)
    assert any(line.plain.startswith(said) for line in plan_lines(result))
