from __future__ import annotations

import asyncio
import threading

import pytest

from kiosk.authority.administration.deeds import PlainDeed
from kiosk.authority.administration.views import Done, Found
from kiosk.authority.errors import StoreError
from kiosk.authority.roles import Role
from screens.admin.people import PeoplePage
from screens.admin.person import AboutPerson
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, Run, running

PAGES = (PeoplePage, AboutPerson)


def headline(run: Run) -> str:
    """Return the first sentence of the person that shows."""
    return next(line for line in run.lines if "✗" in line or "✓" in line)


async def test_the_field_is_ready_at_once_and_says_how_to_search() -> None:
    async with running(pages=PAGES) as run:
        assert "Type what you are told" in run.text
        await run.type("oka")
        assert "Amara Okafor" in run.text
        assert "Type what you are told" not in run.text


@pytest.mark.parametrize("size", SIZES)
async def test_a_hit_shows_number_name_email_and_standing_in_a_word(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.type("maddox")
        (row,) = [line for line in run.lines if "Dilys" in line]
        assert "100200300404" in row
        assert "! Card trouble" in row
        assert "dilys.maddox" in row


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ok am", "Amara Okafor"),
        ("100200300402", "Bronwen Pryce"),
        ("callum.reid@", "Callum Reid"),
        ("0123456789abcdef0123456789abcdef", "Gwen Tudor"),
        ("b4xt-1qlm", "Amara Okafor"),
    ],
)
async def test_typed_and_confirmed_in_one_go_opens_the_only_hit(typed: str, name: str) -> None:
    async with running(FakeDesk(), PAGES) as run:
        if name == "Gwen Tudor":
            record = run.desk.estate.people["h7"]
            assert record.person.cards[1].identifier == typed
        await run.press(*typed, "enter")
        assert f"{name}  1002003004" in run.text


async def test_enter_opens_nobody_while_several_fit_and_were_not_seen_yet() -> None:
    async with running(pages=PAGES) as run:
        run.post(*"smith", "enter")
        await run.settle()
        assert "Ada Smith" in run.text
        assert not run.desk.asked.of("people.person")
        await run.press("enter")
        assert run.desk.asked.of("people.person") == [("c0",)]


async def test_up_and_down_choose_while_the_field_keeps_the_focus() -> None:
    async with running(pages=PAGES) as run:
        await run.type("smith")
        await run.press("down", "down", "up", "enter")
        assert run.desk.asked.of("people.person") == [("c8",)]
        await run.press("escape")
        await run.press("pagedown", "enter")
        assert run.desk.asked.of("people.person")[-1] not in (("c0",), ("c8",))


async def test_a_click_opens_a_person() -> None:
    async with running(pages=PAGES) as run:
        await run.type("s")
        await run.click("Ben Smith")
        assert "Ben Smith  2003004" in run.text


async def test_a_reference_is_explained() -> None:
    async with running(pages=PAGES) as run:
        await run.type("B4XT-2QLM")
        assert "at West Wing 1, 10:21 today: Turned away: blocked." in run.text


async def test_a_reference_that_leads_to_nobody_is_explained_all_the_same() -> None:
    async with running(pages=PAGES) as run:
        await run.type("7Q2M-9KXA")
        assert "at Main Entrance, 10:26 today: Turned away" in run.text
        assert "Nobody was found" not in run.text
        await run.press("escape")
        assert "Type what you are told" in run.text


async def test_more_than_fit_ask_for_more_letters() -> None:
    async with running(pages=PAGES) as run:
        await run.type("smith")
        assert "The first 50; there are more. Type more to narrow it down." in run.text
        await run.type(" ada")
        assert "8 people" in run.text


async def test_nobody_found_says_what_to_try() -> None:
    async with running(pages=PAGES) as run:
        await run.type("zzz[/x]")
        assert "Nobody was found for “zzz[/x]”." in run.text
        assert "Ctrl+N adds them" in run.text


async def test_an_auditor_is_offered_nobody_new() -> None:
    async with running(FakeDesk(Role.AUDITOR), PAGES) as run:
        assert "Ctrl+N" not in run.text
        await run.press("ctrl+n")
        assert "Add a person" not in run.text


async def test_escape_empties_the_field_and_shows_how_again() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*"oka", "escape")
        assert "Type what you are told" in run.text
        assert "Amara" not in run.text


async def test_burst_of_keys_causes_one_search() -> None:
    async with running(pages=PAGES) as run:
        await run.type("okafor")
        assert run.desk.asked.of("people.search") == [("okafor",)]


async def test_an_answer_that_comes_late_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = FakeDesk()
    search, gate, began = desk.people.search, threading.Event(), threading.Event()

    def slow(text: str, limit: int = 50) -> Found:
        found = search(text, limit)
        if text == "smith":
            began.set()
            gate.wait(60)
        return found

    monkeypatch.setattr(desk.people, "search", slow)
    async with running(desk, PAGES) as run:
        page = run.app.query_one(PeoplePage)
        field = page.query_one("Input")
        field.value = "smith"  # type: ignore[attr-defined]
        while not began.is_set():
            await asyncio.sleep(0.01)
        field.value = "okafor"  # type: ignore[attr-defined]
        await run.settle()
        gate.set()
        await run.settle()
        assert "Amara Okafor" in run.text
        assert "Smith" not in run.text


async def test_what_was_found_is_still_there_and_fresh_after_coming_back() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*"okafor", "enter")
        assert "✗ Blocked" in run.text
        await run.press("b", "down", *"", "tab", *"sure of it", "enter")
        await run.press("escape")
        (row,) = [line for line in run.lines if "Amara" in line]
        assert "✓ Ready" in row
        await run.type("pryce")  # typing begins a new search
        assert "Bronwen Pryce" in run.text


async def test_a_store_that_does_not_answer_is_said_and_loses_nothing_typed() -> None:
    async with running(pages=PAGES) as run:
        run.desk.asked.raises("people.search", StoreError("gone"))
        await run.type("okafor")
        assert "database does not answer" in run.text
        await run.press("backspace")
        assert "database does not answer" not in run.text
        assert "Amara Okafor" in run.text


async def test_letters_typed_in_the_field_are_no_keys_of_a_page() -> None:
    async with running(pages=PAGES) as run:
        await run.type("gwpob1234567890")
        assert run.app.query_one(PeoplePage).query_one("Input").value == "gwpob1234567890"  # type: ignore[attr-defined]


async def test_somebody_new_is_added_and_shown() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+n", *"100200300999", "tab", *"Hugh Iolo", "tab", "tab", *"new start")
        await run.press("enter")
        (number, name, email, grounds) = run.desk.asked.of("people.add")[0]
        assert (number, name, email) == ("100200300999", "Hugh Iolo", "")
        assert getattr(grounds, "reason", None) == "new start"
        assert "Hugh Iolo  100200300999" in run.text
        assert "Hugh Iolo is added." in run.text


async def test_somebody_new_who_waits_for_a_second_member_is_not_shown_yet() -> None:
    async with running(pages=PAGES) as run:
        run.desk.people.add = lambda *_, **__: Done(PlainDeed.PROPOSED, "K7QH-2M9T", waits=True)  # type: ignore[method-assign]
        await run.press("ctrl+n", *"100200300999", "tab", *"Hugh", "tab", *"hugh@nhs.net", "tab")
        await run.press(*"new start", "enter")
        assert "Nothing is changed yet" in run.text
        assert "K7QH-2M9T" in run.text
        assert not run.desk.asked.of("people.find_one")


async def test_an_address_of_somebody_else_is_asked_about_once() -> None:
    async with running(pages=PAGES) as run:
        other = next(each.person for each in run.desk.estate.people.values() if each.person.email)
        await run.press("ctrl+n", *"100200300999", "tab", *"Hugh", "tab", *other.email)
        await run.press("tab", *"new", "enter")
        said = " ".join(run.text.split())
        assert f"There is already {other.name}, {other.number}" in said
        assert "Add all the same?" in said
        await run.send()
        assert "Hugh  100200300999" in run.text


async def test_a_number_that_is_not_taken_is_said_beside_it_and_all_stays_typed() -> None:
    async with running(pages=PAGES) as run:
        await run.press("ctrl+n", *"100200300401", "tab", *"Hugh", "tab", "tab", *"new", "enter")
        assert "Somebody has this number already." in run.text
        await run.press("backspace", "9")
        await run.send()
        assert "Hugh  100200300409" in run.text
