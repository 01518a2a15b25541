"""Words for choosing, answering and asking questions."""

from __future__ import annotations

from typing import Final

from kiosk.contract.language import Counted, Text
from kiosk.contract.messages import AnswerProblem

PICK_HINT = Text("Pick one whose answer only you know, and will still know in years.")
MORE = Text("More questions")
CASE_IGNORED = Text("Capitals and accents do not matter")

PROBLEMS: Final[dict[AnswerProblem, str]] = {
    AnswerProblem.EMPTY: Text("Please use letters or digits."),
    AnswerProblem.TOO_SHORT: Text("Use at least two letters or digits."),
    AnswerProblem.NOT_TYPABLE: Text("Only A to Z and 0 to 9 can be typed."),
    AnswerProblem.REPEATS_QUESTION: Text("It must not repeat the question."),
    AnswerProblem.SAME_AS_ANOTHER: Text("Each answer must be different."),
    AnswerProblem.TOO_LONG: Text("Please use 80 characters at most."),
}
"""Why an answer is not taken, so shortly that the number of the question fits beside."""


_WRONG = Counted(
    "Not all correct. {Number} attempt left.", "Not all correct. {Number} attempts left."
)
_ATTEMPTS = Counted("{Number} attempt left", "{Number} attempts left")


def pick_title(number: int, of: int) -> str:
    return Text("Choose question {number} of {of}").format(number=number, of=of)


def page(number: int, of: int) -> str:
    return Text("List {number} of {of}").format(number=number, of=of)


def lead(number: int, of: int) -> str:
    return Text("Question {number} of {of}").format(number=number, of=of)


def toggle(shown: bool) -> str:
    return Text("F3 Hide") if shown else Text("F3 Show")


def wrong(attempts_left: int) -> str:
    """Say as shortly that the set was wrong; which of its answers, nobody can tell."""
    return _WRONG.of(attempts_left)


def attempts(left: int) -> str:
    return _ATTEMPTS.of(left)
