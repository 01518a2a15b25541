"""What help says: what each page is for, and the keys that count everywhere."""

from __future__ import annotations

from typing import Final

HELP: Final[dict[str, str]] = {
    "Today": "How the service stands now. A number in colour opens the list behind it.",
    "People": (
        "Type what a caller can read out: a name, a number, an address, a card, or the reference "
        "on a station's screen. Enter opens the marked person."
    ),
    "Lists": "People by how they stand. A click on a heading sorts; Enter opens the marked person.",
    "Cards": (
        "Cards that stations met and could not serve: not recorded, or not read. Below is what to "
        "tell the caller, and which recorded card it may be."
    ),
    "Person": (
        "The first two lines say why they can or cannot unlock, and what to do. Below is what "
        "can be done for them now, and what happened."
    ),
    "Waiting": "What a colleague began waits here until a second member of staff agrees.",
    "Stations": "Every station, and whether it was heard of lately.",
    "Audit": "Everything that was done, newest first. It can be narrowed, verified and exported.",
    "Questions": "The security questions that people choose from.",
    "Policy": "The rules of the service. A change counts at every station within a minute.",
    "Staff": "Who may log in here, as what, and with which keys.",
    "Import": "Files of people. A file is tried before anything is written.",
    "Reports": "What was done, counted by day, week, site or reason.",
}

HELP_KEYS: Final = (
    ("F1 to F10", "Turn to a page; Alt with a digit does the same"),
    ("Enter", "In a dialog: the next field; in the last one: send"),
    ("Esc", "Leave a dialog, or go back"),
    ("Ctrl+P", "All that can be done here, by its name"),
    ("Ctrl+Q", "Log out"),
)
