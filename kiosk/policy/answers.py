"""What counts as the same answer, and which answers a registration does not take."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from kiosk.dialogue import AnswerProblem

MAX_ANSWER = 80
"""Characters; longer answers are not remembered word for word."""

_FIRST_MARK, _LAST_MARK = "\u0300", "\u036f"
_DROPPED = frozenset({"Cc", "Cf"})


def normalise(text: str) -> str:
    """Fold case, width, accents, punctuation and spacing away; idempotent.

    Accents of Latin, Greek and Cyrillic letters go, on purpose: a station's on-screen
    keyboard has none, and the same person may type "José" at one station and "Jose" at
    another. The marks of other scripts carry meaning and stay.
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", folded).casefold())
    bare = "".join(c for c in folded if not _FIRST_MARK <= c <= _LAST_MARK)
    spaced = "".join(_plain(c) for c in unicodedata.normalize("NFKC", bare))
    return " ".join(spaced.split())


def answer_problem(answer: str, question: str, others: Iterable[str]) -> AnswerProblem | None:
    """Return why a registration answer is refused, or None; short true answers are fine."""
    folded = normalise(answer)
    if not folded:
        return AnswerProblem.EMPTY
    if len(answer) > MAX_ANSWER:
        return AnswerProblem.TOO_LONG
    if set(folded.split()) <= set(normalise(question).split()):
        return AnswerProblem.REPEATS_QUESTION
    if folded in {normalise(other) for other in others}:
        return AnswerProblem.SAME_AS_ANOTHER
    return None


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category in _DROPPED and not char.isspace():
        return ""
    return " " if category[0] in "PSZ" or char.isspace() else char
