"""What counts as the same answer, and which answers a registration does not take."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk.dialogue import AnswerProblem
from kiosk.folding import fold, folded_words, typable

MAX_ANSWER = 80
"""Characters; longer answers are not remembered word for word."""

MIN_FOLDED = 2
"""Letters and digits; short true answers such as "Li" are fine."""

_LONG_WORD = 3
"""Shorter words of a question make up names by chance: "in a" makes Ina."""


def answer_problem(answer: str, question: str, others: Iterable[str]) -> AnswerProblem | None:
    """Return why a registration answer is refused, or None.

    Every rule but the length looks at the folded answer, as verification does. Another station
    may have a touch screen alone, so its keyboard has to be able to type the answer.
    """
    folded = fold(answer)
    if not folded:
        return AnswerProblem.EMPTY
    if len(answer) > MAX_ANSWER:
        return AnswerProblem.TOO_LONG
    if not typable(folded):
        return AnswerProblem.NOT_TYPABLE
    if len(folded) < MIN_FOLDED:
        return AnswerProblem.TOO_SHORT
    if _repeats(folded, folded_words(question)):
        return AnswerProblem.REPEATS_QUESTION
    if folded in {fold(other) for other in others}:
        return AnswerProblem.SAME_AS_ANOTHER
    return None


def _repeats(folded: str, question: list[str]) -> bool:
    """Tell whether an answer is a run of the question's words, or its long words in any order."""
    ends = range(1, len(question) + 1)
    if any(folded == "".join(question[start:end]) for end in ends for start in range(end)):
        return True
    long_words = {word for word in question if len(word) >= _LONG_WORD}
    reached = {0}
    for at in range(len(folded)):
        if at in reached:
            reached |= {at + len(word) for word in long_words if folded.startswith(word, at)}
    return len(folded) in reached
