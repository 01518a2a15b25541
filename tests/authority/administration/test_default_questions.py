"""The twenty questions: told apart, answerable, and short enough for a small display."""

from __future__ import annotations

import re

import pytest

from kiosk.authority.administration.policy import DEFAULT_QUESTIONS
from kiosk.contract.policy import answer_problem
from kiosk.contract.text import fold


def test_there_are_twenty_with_lasting_ids() -> None:
    assert sorted(DEFAULT_QUESTIONS) == list(range(1, 21))


def test_no_two_read_alike() -> None:
    assert len({fold(text) for text in DEFAULT_QUESTIONS.values()}) == 20


@pytest.mark.parametrize("text", DEFAULT_QUESTIONS.values())
def test_fits_two_short_lines_and_asks_for_a_thing(text: str) -> None:
    assert text.endswith("?")
    assert len(text) <= 64
    assert re.match(r"(What|Which|Where|In which)\b", text)  # none can be answered yes or no


@pytest.mark.parametrize("text", DEFAULT_QUESTIONS.values())
def test_none_asks_what_a_profile_or_a_certificate_says(text: str) -> None:
    public = r"\b(maiden|birth|born|pet|anniversary|favourite|colour|team|married|mother|father)"
    assert not re.search(public, text, re.IGNORECASE)


@pytest.mark.parametrize("text", DEFAULT_QUESTIONS.values())
@pytest.mark.parametrize("answer", ["Li", "Ümit", "Saint-Étienne", "the old red one"])
def test_short_true_answers_are_taken(text: str, answer: str) -> None:
    assert answer_problem(answer, text, []) is None
