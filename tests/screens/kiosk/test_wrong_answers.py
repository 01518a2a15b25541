"""After answers that are wrong, or not taken, the holder still reads how far they are."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.contract.messages import AnswerProblem
from kiosk.station.states import AskQuestion, GiveAnswer
from screens.words import questions
from tests.screens.kiosk.pictures import SIZES, app_for
from tests.screens.kiosk.samples import ASKED, BANK, CHOOSE, REGISTER, UNLOCK, Sample
from tests.screens.pilots import settled
from tests.screens.shown import screen_lines

MOST = 10
"""Attempts that the policy allows."""


@pytest.mark.parametrize("size", SIZES)
async def test_the_progress_stands_beside_what_was_wrong(size: tuple[int, int]) -> None:
    app = app_for(Sample(AskQuestion(UNLOCK, ASKED)))
    async with app.run_test(size=size) as pilot:
        for left in range(1, MOST):
            await app.show(AskQuestion(UNLOCK, replace(ASKED, attempts_left=left), wrong=True))
            await settled(pilot)
            (line,) = [line for line in screen_lines(app) if "Question 1 of 3" in line]
            assert "! Not all correct. " in line
            assert f"attempt{'s' * (left > 1)} left. " in line


@pytest.mark.parametrize("size", SIZES)
async def test_the_progress_stands_beside_what_was_wrong_with_an_answer_to_register(
    size: tuple[int, int],
) -> None:
    app = app_for(Sample(GiveAnswer(REGISTER, CHOOSE, (), BANK[0])))
    async with app.run_test(size=size) as pilot:
        for problem in AnswerProblem:
            await app.show(GiveAnswer(REGISTER, CHOOSE, (), BANK[0], problem))
            await settled(pilot)
            (line,) = [line for line in screen_lines(app) if "Question 1 of 4" in line]
            assert f"! {questions.PROBLEMS[problem]} " in line
