"""The flow as a table: which event leads from which page to which, and nothing else does.

``step`` is the flow; this is its map, for people and for the tests, which hold the two
against each other pair by pair. ``python -m kiosk.station.table`` prints the diagrams of
``docs/flow.md``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

NOBODY = ("Attract", "OutOfService")
BUSY = ("Reading", "Working")
HOLDER = (
    "Menu",
    "ConfirmOwner",
    "EnterPin",
    "PickQuestion",
    "GiveAnswer",
    "EnterEmail",
    "AskQuestion",
    "CodeEntry",
    "CodeNeeded",
    "StopNumberEntry",
    "NewPin",
    "RepeatPin",
    "PadPaused",
    "Trouble",
)
CLOSING = ("Success", "Refused", "RemoveCard")
EVERY = (*NOBODY, *BUSY, *HOLDER, "StillThere", *CLOSING)
BUT_WORKING = tuple(state for state in EVERY if state != "Working")
UNDER_WAY = (*BUSY, *HOLDER, "StillThere")


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """From any of ``states``, on ``trigger`` (an event, or a reply of the authority)."""

    states: tuple[str, ...]
    trigger: str
    targets: tuple[str, ...]


def _on(states: str | tuple[str, ...], trigger: str, *targets: str) -> TransitionRow:
    return TransitionRow((states,) if isinstance(states, str) else states, trigger, targets)


ALWAYS = (
    _on(EVERY, "CardIn", "Reading"),
    _on(EVERY, "CardOut", "Attract"),
    _on(EVERY, "CardUnreadable", "Refused"),
    _on(BUT_WORKING, "SecondCard", "Refused"),
    _on("Working", "SecondCard", "Refused", "Working"),
    _on(UNDER_WAY, "GaveUp", "Refused"),
    _on(HOLDER, "WentQuiet", "StillThere"),
    _on(HOLDER, "Left", "RemoveCard"),
    _on(("Success", "Refused"), "WentQuiet", "RemoveCard"),
    _on(("Success", "Refused"), "Left", "RemoveCard"),
    _on("StillThere", "StayedQuiet", "RemoveCard"),
    _on("StillThere", "Stayed", "EnterPin"),
)
"""Rows that fit many states; ``Stayed`` leads back to whichever page was asked about."""

IDLE = (
    _on("Attract", "Availability", "OutOfService"),
    _on("OutOfService", "Availability", "OutOfService", "Attract"),
)

OPENING = (
    _on("Reading", "CardRead", "Menu", "ConfirmOwner", "CodeEntry", "Refused"),
    _on("Reading", "NoReply", "Refused"),
    _on("Menu", "Chose", "ConfirmOwner", "Working"),
    _on("ConfirmOwner", "Confirmed", "Working"),
)

ACTS = (
    _on("EnterPin", "PinEntered", "Working"),
    _on("PickQuestion", "QuestionPicked", "GiveAnswer"),
    _on("PickQuestion", "WentBack", "PickQuestion"),
    _on("GiveAnswer", "AnswerEntered", "GiveAnswer", "PickQuestion", "Working"),
    _on("GiveAnswer", "WentBack", "PickQuestion"),
    _on("EnterEmail", "EmailEntered", "Working"),
    _on("AskQuestion", "AnswerEntered", "AskQuestion", "Working"),
    _on("AskQuestion", "WentBack", "AskQuestion"),
    _on("CodeEntry", "CodeEntered", "Working"),
    _on("CodeEntry", "CodeAsked", "Working"),
    _on("CodeNeeded", "CodeAsked", "Working"),
    _on("Menu", "MisuseNoticed", "Working"),
    _on("ConfirmOwner", "MisuseNoticed", "Working"),
    _on("CodeEntry", "MisuseNoticed", "Working"),
    _on("StopNumberEntry", "StopNumberEntered", "Working"),
    _on("NewPin", "PinEntered", "NewPin", "RepeatPin"),
    _on("RepeatPin", "PinEntered", "NewPin", "Working"),
    _on("RepeatPin", "WentBack", "NewPin"),
    _on("PadPaused", "TriedAgain", "Working", "EnterPin", "NewPin"),
    _on("Trouble", "TriedAgain", "Working"),
)

ANSWERS = (
    _on("Working", "ProvePin", "EnterPin", "Working", "PadPaused"),
    _on("Working", "ChooseQuestions", "PickQuestion"),
    _on("Working", "GiveEmail", "EnterEmail"),
    _on("Working", "AnswerQuestions", "AskQuestion"),
    _on("Working", "SendCode", "Working"),
    _on("Working", "EnterCode", "CodeEntry"),
    _on("Working", "EnterStopNumber", "StopNumberEntry"),
    _on("Working", "SetPin", "NewPin", "Working"),
    _on("Working", "Finished", "Success"),
    _on("Working", "Refusal", "Refused"),
    _on("Working", "AnswersWrong", "AskQuestion"),
    _on("Working", "AnswersRefused", "GiveAnswer"),
    _on("Working", "EmailRefused", "EnterEmail"),
    _on("Working", "CodeNotSent", "CodeEntry", "CodeNeeded", "EnterEmail"),
    _on("Working", "CodeWrong", "CodeEntry"),
    _on("Working", "CodeDead", "CodeNeeded"),
    _on("Working", "StopNumberWrong", "StopNumberEntry"),
    _on("Working", "PinFailed", "EnterPin", "PadPaused"),
    _on("Working", "PinNotTaken", "NewPin", "PadPaused"),
    _on("Working", "PadEnded", "PadPaused"),
    _on("Working", "NoReply", "Trouble"),
)

_INTRODUCTION = """\
# The flow of a station

Printed by `make flow` from `kiosk/station/table.py`; the tests hold the table against
`step`, pair by pair. Anything that is not drawn changes nothing.
"""

TABLE = (*ALWAYS, *IDLE, *OPENING, *ACTS, *ANSWERS)


def diagram(title: str, rows: tuple[TransitionRow, ...]) -> str:
    """Return one Mermaid state diagram; rows from many states are drawn from one node."""
    lines = [f"## {title}", "", "```mermaid", "stateDiagram-v2"]
    for row in rows:
        for source in [_group(row.states)] if len(row.states) > 1 else row.states:
            lines += [f"    {source} --> {target}: {row.trigger}" for target in row.targets]
    return "\n".join([*lines, "```", ""])


def _group(states: tuple[str, ...]) -> str:
    names = {
        EVERY: "AnyState",
        BUT_WORKING: "AnyOtherState",
        UNDER_WAY: "AnyVisitUnderWay",
        HOLDER: "AnyPageOfTheHolder",
    }
    return names.get(states, "Or".join(states))


def document() -> str:
    """Return the whole of ``docs/flow.md``."""
    parts = (
        _INTRODUCTION,
        diagram("What fits many states", ALWAYS),
        diagram("Nobody is here", IDLE),
        diagram("Opening a visit", OPENING),
        diagram("What the holder does", ACTS),
        diagram("What the card and the authority answer", ANSWERS),
    )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
