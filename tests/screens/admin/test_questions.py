"""The questions page: what it shows and to whom it offers to change the list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.authority.administration.views import Grounds
from kiosk.authority.errors import ConcurrentChange, NotTaken
from kiosk.authority.roles import Role
from screens.admin.policy import QuestionsPage
from screens.admin.stations import StationsPage
from tests.screens.admin.desk import FakeDesk
from tests.screens.admin.people import NOW
from tests.screens.admin.pilots import SIZES, running

PAGES = (QuestionsPage, StationsPage)
NEW = "What did you call your first bicycle?"


@pytest.mark.parametrize("size", SIZES)
async def test_question_says_who_uses_it_and_that_no_answer_can_be_seen(
    size: tuple[int, int],
) -> None:
    async with running(pages=PAGES, size=size) as run:
        await run.press("f6", "down")
        told = " ".join(run.text.split())
        assert "18 questions are offered" in told
        assert "3,820 people use it. Answers are kept as hashes; nobody can look at one." in told
        await run.press("end")
        assert "Offered to nobody new since 4 Dec 2025." in run.text


async def test_question_is_added_by_keyboard() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f6", "a", *NEW, "enter", *"Few remember theirs", "enter")
        assert run.desk.asked.of("questions.add") == [(NEW, Grounds("Few remember theirs"))]
        assert "19 questions are offered" in run.text


async def test_question_that_is_there_is_said_at_its_field() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f6", "a", *"Where did you first see the sea?", "tab", *"Why not", "enter")
        assert "! This question is in the list already." in run.text
        await run.press("escape", "escape")
        assert "18 questions are offered" in run.text


async def test_question_is_retired_by_mouse() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f6")
        await run.click("Which was the first dish")
        await run.click("r Retire")
        assert "The 3,820 people who use it keep it." in " ".join(run.text.split())
        await run.type("Found on profiles")
        await run.click("  Retire  ")
        assert run.desk.asked.of("questions.retire") == [(2, Grounds("Found on profiles"))]
        assert "17 questions are offered" in run.text


async def test_too_few_questions_left_is_refused_and_nothing_is_lost() -> None:
    async with running(pages=PAGES) as run:
        because = "Everybody chooses 4 questions, and 3 would be left. Add one first."
        run.desk.asked.raises("questions.retire", NotTaken("question", because))
        await run.press("f6", "r", *"Found on profiles", "enter")
        assert "Add one first." in run.text
        assert "Found on profiles" in run.text


async def test_who_comes_second_sees_what_is_so_now() -> None:
    async with running(pages=PAGES) as run:
        await run.press("f6", "r")
        first = run.desk.estate.questions[0]
        run.desk.estate.questions[0] = replace(first, retired_at=NOW)
        run.desk.asked.raises(
            "questions.retire", ConcurrentChange("This question is retired already.")
        )
        await run.press(*"Found on profiles", "enter")
        assert "! This question is retired already." in run.text
        await run.press("escape", "escape")
        assert "17 questions are offered" in run.text


@pytest.mark.parametrize("role", [Role.AGENT, Role.AUDITOR])
async def test_only_managers_are_offered_to_change_it(role: Role) -> None:
    async with running(FakeDesk(role), PAGES) as run:
        await run.press("f6", "a", "r")
        assert not run.app.screen.is_modal
        assert "Retire" not in run.lines[-1]


async def test_an_empty_list_is_explained_and_can_be_begun() -> None:
    desk = FakeDesk()
    desk.estate.questions = []
    async with running(desk, PAGES) as run:
        await run.press("f6")
        assert "There is no question yet." in run.text
        await run.press("a")
        assert run.app.screen.is_modal
