"""Prints the tables of docs/security.md about ways: ``python -m tests.screens.admin.ways_page``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from kiosk.contract.messages import Factor, Way
from screens.words.staff.ways import CARD, MET, NOT_MET, STEPS, way_words

_SAVED, _EMAIL, _QUESTIONS = Factor.SAVED_CODE, Factor.EMAIL_CODE, Factor.QUESTIONS
COMBINATIONS: Final[tuple[Way, ...]] = (
    (_SAVED, _EMAIL),
    (_QUESTIONS, _SAVED, _EMAIL),
    (_QUESTIONS, _SAVED),
    (_QUESTIONS, _EMAIL),
    (_EMAIL,),
)
"""What the policy takes, whatever the order of the steps."""

STOLEN: Final[dict[str, frozenset[Factor]]] = {
    "nothing": frozenset(),
    "the mailbox": frozenset({_EMAIL}),
    "the saved codes": frozenset({_SAVED}),
    "the answers": frozenset({_QUESTIONS}),
    "the mailbox and the saved codes": frozenset({_EMAIL, _SAVED}),
    "the mailbox and the answers": frozenset({_EMAIL, _QUESTIONS}),
}
"""What a thief has beside the card. No step takes a telephone or a colleague's card."""


def combinations() -> Iterator[str]:
    yield "| way | its holder has to | a thief needs | account recovery at AAL2 (4.2.2.2) |"
    yield "| --- | --- | --- | --- |"
    for way in COMBINATIONS:
        words = way_words(way)
        met = MET if words.aal2 else NOT_MET
        yield f"| `{words.name}` | {words.takes} | {words.thief} | {met}. {words.why} |"


def thieves() -> Iterator[str]:
    yield (
        f"| a thief of {CARD} and of | "
        + " | ".join(f"`{way_words(way).name}`" for way in COMBINATIONS)
        + " |"
    )
    yield "| --- " * (1 + len(COMBINATIONS)) + "|"
    for name, stolen in STOLEN.items():
        cells = (_lacks(way, stolen) for way in COMBINATIONS)
        yield f"| {name} | {' | '.join(cells)} |"


def _lacks(way: Way, stolen: frozenset[Factor]) -> str:
    lacking = [STEPS[factor].thief for factor in way if factor not in stolen]
    return f"needs {' and '.join(lacking)}" if lacking else "**unlocks the card**"


if __name__ == "__main__":
    sys.stdout.write("\n".join((*combinations(), "", *thieves(), "")))
