"""What each way to unlock a card takes, what a thief needs for it, and what SP 800-63B-4 says.

``STEPS`` is the one table of it: the policy's page and ``kiosk policy explain`` read it, and the
tables of docs/security.md are printed from it (``tests.screens.admin.ways_page``).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from kiosk.contract.messages import Factor, Way


class Recovery(StrEnum):
    """The methods of SP 800-63B-4, 4.2.1, between which 4.2.2.2 wants two different ones."""

    SAVED = "a saved code (4.2.1.1)"
    ISSUED = "an issued code (4.2.1.2)"


class StepWords(NamedTuple):
    """``thief`` is what is to be stolen for it; ``recovery`` is None where it is no method."""

    takes: str
    thief: str
    recovery: Recovery | None


STEPS: Final[dict[Factor, StepWords]] = {
    Factor.QUESTIONS: StepWords("know the answers to the security questions", "the answers", None),
    Factor.EMAIL_CODE: StepWords(
        "read the registered mailbox without this card", "the mailbox", Recovery.ISSUED
    ),
    Factor.SAVED_CODE: StepWords(
        "have a saved code that is not used yet", "one of the saved codes", Recovery.SAVED
    ),
}

RECOVERY: Final = "Account recovery at AAL2 of SP 800-63B-4 (4.2.2.2)"
MET: Final = "met where each holder has two recovery addresses (4.2.1.2)"
NOT_MET: Final = "not met"
CARD: Final = "the card"
QUESTIONS_DO_NOT_COUNT: Final = (
    "Security questions do not count (3.1.1.2), and friends may know the answers."
)
OWN_KEY: Final = (
    "An assessor may take the key of slot 9E for the second, where genuine is always: ask yours."
)
WEAKEST: Final = (
    "A thief chooses among the ways as the holder does: the policy is as strong as its weakest."
)


class WayWords(NamedTuple):
    """``name`` is as the setting has it; ``aal2`` is whether it meets account recovery at AAL2."""

    name: str
    takes: str
    thief: str
    aal2: bool
    why: str


BY_TEXT = (
    "Where staff added a number, a code can go there by text message: then a thief needs the "
    "telephone in place of the mailbox. The telephone network is restricted (SP 800-63B-4, 3.2.9): "
    "each holder has a mailbox as well, and may choose it."
)
"""Of a service that sends text messages, whatever its ways are."""


def way_words(way: Way) -> WayWords:
    steps = [STEPS[factor] for factor in way]
    methods = [one for one in Recovery if any(step.recovery is one for step in steps)]
    return WayWords(
        name=", ".join(way),
        takes=_joined(step.takes for step in steps),
        thief=_joined((CARD, *(step.thief for step in steps))),
        aal2=len(methods) > 1,
        why=" ".join((_verdict(methods), *_remarks(way, methods))),
    )


def ways_lines(ways: Iterable[Way]) -> tuple[str, ...]:
    """Explain a value of ``verification`` in whole sentences, a way after the other."""
    words = [way_words(way) for way in ways]
    lines = list[str]()
    for way in words:
        lines.append(f"{way.name}:")
        lines.append(f"The holder has to {way.takes}.")
        lines.append(f"A thief needs {way.thief}.")
        lines.append(f"{aal2(way.aal2)} {way.why}")
    if len(words) > 1:
        lines.append(WEAKEST)
    return tuple(lines)


def ways_in_short(ways: Iterable[Way]) -> str:
    """Explain a value of ``verification`` where there is room for few lines: below its field."""
    words = [way_words(way) for way in ways]
    lines = [f"{way.name}: a thief needs {way.thief}." for way in words]
    weak = [way.name for way in words if not way.aal2]
    lines.append(aal2(not weak) + (f" Too weak: {' or '.join(weak)}." if weak else ""))
    return "\n".join(lines)


def aal2(meets: bool) -> str:
    return f"{RECOVERY}: {MET if meets else NOT_MET}."


def _verdict(methods: list[Recovery]) -> str:
    if len(methods) > 1:
        return f"Two recovery codes by different methods: {_joined(methods)}."
    if methods:
        return f"It has {methods[0]}, and two by different methods are asked for."
    return "It has no recovery code."


def _remarks(way: Way, methods: list[Recovery]) -> Iterable[str]:
    if Factor.QUESTIONS in way:
        yield QUESTIONS_DO_NOT_COUNT
    if len(methods) == 1:
        yield OWN_KEY


def _joined(parts: Iterable[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
