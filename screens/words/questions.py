"""Words for choosing, answering and asking questions."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import AnswerProblem
from screens.words.frame import count

PICK_HINT = "Pick one whose answer only you know, and will still know in years."
MORE = "More questions"
CASE_IGNORED = "Capitals and accents do not matter"

PROBLEMS: Final[dict[AnswerProblem, str]] = {
    AnswerProblem.EMPTY: "Please use letters or digits.",
    AnswerProblem.TOO_SHORT: "Use at least two letters or digits.",
    AnswerProblem.NOT_TYPABLE: "Only A to Z and 0 to 9 can be typed.",
    AnswerProblem.REPEATS_QUESTION: "It must not repeat the question.",
    AnswerProblem.SAME_AS_ANOTHER: "Each answer must be different.",
    AnswerProblem.TOO_LONG: "Please use 80 characters at most.",
}
"""Why an answer is not taken, so shortly that the number of the question fits beside."""


def pick_title(number: int, of: int) -> str:
    return f"Choose question {number} of {of}"


def page(number: int, of: int) -> str:
    return f"List {number} of {of}"


def lead(number: int, of: int) -> str:
    return f"Question {number} of {of}"


def toggle(shown: bool) -> str:
    return "F3 Hide" if shown else "F3 Show"


def wrong(attempts_left: int) -> str:
    """Say as shortly that the set was wrong; which of its answers, nobody can tell."""
    return f"Not all correct. {attempts(attempts_left)}."


def attempts(left: int) -> str:
    return f"{count(left, 'attempt', 'attempts')} left".capitalize()
