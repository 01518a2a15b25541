"""The policy page: every setting explained, changed with a reason, put back."""

from __future__ import annotations

import re

import pytest

from kiosk.authority.administration.views import Grounds
from kiosk.authority.roles import Role
from screens.admin.policy import PolicyPage
from screens.admin.stations import StationsPage
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.pilots import SIZES, running
from tests.screens.admin.record_samples import record_samples

PAGES = (PolicyPage, StationsPage)
TO_FAILURES = ("f7", "down", "down", "down")


@pytest.mark.parametrize("size", SIZES)
async def test_a_setting_says_its_limits_and_who_set_it_when_and_why(
    size: tuple[int, int],
) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f7")
        assert "It stands as the settings file has it." in run.text
        await run.press("down", "down", "down")
        assert re.search(r"Failed attempts that block +\* +5\b", run.text)
        assert "Failed attempts that block. Allowed: 1 to 10." in run.text
        assert "Mo Farrow set it 2 Mar 2026 10:32: Many slips with the new keypads" in run.text
        assert "The settings file says 3." in run.text


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_decided_and_its_value_are_whole(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f7")
        for _ in run.desk.estate.policy:
            assert "…" not in run.text
            await run.press("down")
        assert "Visits that one station may begin within a minute" in run.text


async def test_a_value_is_changed_by_keyboard_with_a_reason() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*TO_FAILURES, "c", "backspace", *"4", "enter", *"Fewer slips", "enter")
        assert run.desk.asked.of("policy.change") == [
            ("max_failures", "4", 4, Grounds("Fewer slips"))
        ]
        assert "✓ max_failures is 4 from now on, at every station" in run.text
        assert "Mo Farrow set it today 10:32: Fewer slips" in run.text


async def test_enter_on_a_setting_opens_its_change() -> None:
    """Before: nothing happened."""
    async with running(pages=PAGES) as run:
        await run.press(*TO_FAILURES, "enter", "backspace", *"4", "enter", *"Fewer slips", "enter")
        assert run.desk.asked.of("policy.change")[0][1] == "4"


async def test_values_of_settings_are_words() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f7")
        words = set[str]()
        for _ in run.desk.estate.policy:
            assert not re.search(r"\b(true|false|when-it-can)\b", run.text)
            words.update(re.findall(r" (yes|no) ", run.text))
            await run.press("down")
        assert words == {"yes", "no"}


async def test_what_is_beyond_the_limits_is_said_at_the_value() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*TO_FAILURES, "c", *"00", "enter")
        assert "! max_failures has to be 1 to 10." in run.text
        assert run.desk.asked.of("policy.change") == [], "it is said before a reason is written"
        await run.press("shift+tab", "backspace", "backspace", *"5", "enter", *"Many slips")
        await run.send()
        assert run.desk.asked.of("policy.change")[-1][1] == "5"


async def test_words_that_can_be_chosen_are_offered() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f7")
        await run.press(*["down"] * 12)
        await run.press("c", "up", "tab", *"Two pairs of eyes", "enter")
        assert run.desk.asked.of("policy.change") == [
            ("four_eyes", "true", 0, Grounds("Two pairs of eyes"))
        ]


async def test_of_words_that_can_be_chosen_no_other_is_typed() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f7")
        await run.press(*["down"] * 12)
        await run.press("c", *"yes", "tab", *"Two pairs of eyes", "shift+tab")
        assert re.search(r"Value +yes +║", run.text)
        await run.press("n", "y", "tab", "enter")
        assert run.desk.asked.of("policy.change")[0][1] == "true"


async def test_a_typed_number_takes_the_place_of_the_one_that_is_there() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*TO_FAILURES, "c")
        assert "Allowed: 1 to 10. Typed text replaces this" in run.text
        await run.press(*"4", "tab", *"Fewer slips", "shift+tab")
        assert "Typed text replaces this" not in run.text
        await run.press("tab", "enter")
        assert run.desk.asked.of("policy.change")[0][1] == "4"


async def test_stop_of_cards_says_how_many_before_it_is_set() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f7", "end", "up", "up")
        assert "Setting: stop_cards." in run.text
        await run.press("c", *"roca", "tab", *"CVE-2017-15361", "enter")
        assert "That may stop 3 of 40 recorded cards" in run.text
        assert not run.desk.asked.of("policy.change")
        await run.press("enter", "tab", "enter")
        assert run.desk.asked.of("policy.change")[0][1] == "roca"


async def test_a_list_may_be_emptied() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f7")
        await run.click("Domains, with those below")
        await run.press("c", "ctrl+u", "tab", *"Any address", "enter")
        assert run.desk.asked.of("policy.change")[0][1] == ""
        assert "(none)" in run.text


async def test_sent_again_it_decides_on_what_is_so_now() -> None:
    async with running(pages=PAGES) as run:
        await run.press(*TO_FAILURES, "c", "backspace", *"4", "tab", *"Fewer slips")
        run.desk.policy.change("max_failures", "7", 4, Grounds("Somebody else"))
        await run.press("enter")
        assert "! The setting was changed since you looked." in run.text
        assert "Mo Farrow set max_failures to 7." in run.text
        await run.press("enter")
        assert run.desk.asked.of("policy.change")[-1][2] == 5
        assert "✓ max_failures is 4 from now on, at every station" in run.text


async def test_what_does_not_fit_the_file_any_more_is_said() -> None:
    desk = FakeDesk()
    record_samples()["policy-trouble"].arrange(desk)
    async with running(desk, PAGES) as run:
        await run.press(*TO_FAILURES)
        assert "!  9" in run.text or "! Not in force" in run.text
        told = " ".join(run.text.split())
        assert "! Not in force: questions_asked: cannot be more than questions_registered." in told


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
async def test_others_read_it_and_are_offered_nothing(role: Role) -> None:
    async with running(FakeDesk(role), PAGES) as run:
        await run.press(*TO_FAILURES, "c", "b", "enter")
        assert not run.app.screen.is_modal
        assert "Many slips" in run.text


@pytest.mark.parametrize("size", SIZES)
async def test_ways_are_explained_before_they_are_set(size: tuple[int, int]) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f7", "c")
        assert "questions, email-code: a thief needs the card, the" in run.text
        await run.press("ctrl+u", *"email-code")
        assert "email-code: a thief needs the card and the mailbox." in run.text
        assert "not met. Too weak: email-code." in run.text
        await run.press("ctrl+u", *"passport")
        assert "a thief needs" not in run.text
        assert "Allowed: a list of" in run.text
        assert run.desk.asked.of("policy.change") == []
