"""Words for pages where a holder chooses, confirms, finishes or tries again."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import NOT_ME, Factor, FactorEnd, Purpose
from kiosk.contract.policy import STOP_NUMBER_DIGITS
from screens.words.frame import count, how_long

MENU_TITLE = "What would you like to do?"
HINT = "Choose with the arrow keys and press Enter, or touch."
MENU_HINT = "Press its number, or the arrow keys and Enter, or touch."
WHY_REGISTER = (
    "Register, and you can unlock your smartcard yourself whenever its PIN is locked or forgotten."
)
# Also where the code has ended: then the answers are what is lost.
WAITING = "Once you choose, what you began and its code are lost."
BACK_TO_CODE = "Back to the code"
BLOCKED = (
    "Self-service is blocked for you, so this is all that you can do here. Who can lift the block:"
)
OWNER_TITLE = "Is this your own smartcard?"
OWNER_TEXT = "It belongs to:"
OWNER_LOCKED = "Its PIN is locked after wrong entries. It belongs to:"
OWNER_WARNING = (
    "You may unlock only your own smartcard. "
    "Unlocking another person's can lead to disciplinary action."
)
OWNER_CHOOSE = "Choose Yes or No with the arrow keys first."
OWNER_YES = "Yes, it is mine"
OWNER_NO = "No, stop"

WAYS_TITLE = "How do you want to show that it is you?"
WAYS_TEXT = "Choose what you can do now. Wrong entries count together, whichever you choose."
ANOTHER_WAY = "Choose another way"
_AND_THEN = " + "
"""Stands between the factors of a way, for which no language needs a grammar."""

FACTORS: Final[dict[Factor, str]] = {
    Factor.QUESTIONS: "Security questions",
    Factor.EMAIL_CODE: "Code by email",
}

WAY_OVER: Final[dict[FactorEnd, str]] = {
    FactorEnd.EXPIRED: "It was good for a short time only. Choose another way.",
    FactorEnd.SPENT: "It was entered wrongly too often. Choose another way.",
    FactorEnd.WITHDRAWN: "The Registration Authority has withdrawn it. Choose another way.",
}
"""Why the way that was begun leads no further."""

STOP_TITLE = "Enter the number from the email"
STOP_TEXT = (
    f"It has {STOP_NUMBER_DIGITS} digits, and is at the end of the email about what you did not "
    "do. It stops self-service for your smartcard until the Registration Authority has looked "
    "into it."
)
STOP_WITH_CODE = f"A code stops nothing. The number in the email has {STOP_NUMBER_DIGITS} digits."
# Here "Stop" on the button that only leaves would be taken for the one that stops the misuse.
STOP_NOTHING = "Leave, stop nothing"
STOP_NOW = "Stop self-service"

SUCCESS_NEXT = "Take your smartcard out to finish."

NOT_REACHED_TITLE = "We could not reach the service"
NOT_REACHED_TEXT = "Nothing that you entered is lost, and trying again is never counted twice."
NOT_REACHED_HELP = "Please try again. If it keeps happening, use another station or ask for help."

OFFERS: Final[dict[Purpose, tuple[str, str]]] = {
    Purpose.REGISTER: ("Register for self-service", "4 minutes"),
    Purpose.UNLOCK: ("Unlock your smartcard", "2 minutes"),
    Purpose.FIRST_UNLOCK: ("Enter a code from staff", "5 minutes"),
    Purpose.CHANGE_PIN: ("Change your PIN", "1 minute"),
    Purpose.CHANGE_QUESTIONS: ("Change your security questions", "2 minutes"),
    Purpose.CHANGE_EMAIL: ("Change your email address", "2 minutes"),
    Purpose.REPORT_MISUSE: (NOT_ME, "1 minute"),
    Purpose.MAINTENANCE: ("Maintain this station", "for staff"),
}
"""What can be chosen, and how long it takes."""

_SUCCESS: Final[dict[Purpose, tuple[str, str]]] = {
    Purpose.REGISTER: (
        "You are registered.",
        "If your smartcard ever locks, you can unlock it yourself at any station.",
    ),
    Purpose.UNLOCK: (
        "Your smartcard is unlocked and ready for use.",
        "Your new PIN works from now on.",
    ),
    Purpose.FIRST_UNLOCK: (
        "Your smartcard is unlocked and ready for use.",
        "To register, ask the Registration Authority to add your email address.",
    ),
    Purpose.CHANGE_PIN: ("Your PIN is changed.", "Your new PIN works from now on."),
    Purpose.CHANGE_QUESTIONS: (
        "Your security questions are changed.",
        "We ask them when you next unlock.",
    ),
    # Who kept the one that was filled in has changed nothing.
    Purpose.CHANGE_EMAIL: (
        "Your email address is confirmed.",
        "We send your codes to it from now on.",
    ),
    Purpose.REPORT_MISUSE: (
        "Thank you. Everything is stopped.",
        (
            "If you are registered, only your PIN can still be changed here. "
            "Go to the Registration Authority."
        ),
    ),
    Purpose.MAINTENANCE: ("The maintenance page is closed.", "The station serves people again."),
}
_SUCCESS_LATER: Final[dict[Purpose, tuple[str, str]]] = {
    Purpose.REGISTER: (
        "You are registered.",
        ("We start using your new email address in {}. Until then codes go to the old one."),
    ),
    Purpose.FIRST_UNLOCK: (
        "Your smartcard is unlocked and ready for use.",
        (
            "To register, come back in {}: we send only a few codes an hour, "
            "and they have all been sent."
        ),
    ),
    Purpose.CHANGE_EMAIL: (
        "Your new email address is noted.",
        "We start using it in {}. Until then codes go to the old one.",
    ),
}


def greeting(name: str) -> str:
    return f"Hello, {name}."


def way(factors: tuple[Factor, ...]) -> str:
    """Name a way by its factors, in their order."""
    return _AND_THEN.join(FACTORS[factor] for factor in factors)


def stop_number_wrong(tries_left: int) -> str:
    left = count(tries_left, "try", "tries").capitalize()
    return f"That is not the number, or it is too old. {left} left."


def success(what: Purpose, counts_in_s: float = 0.0) -> tuple[str, str]:
    """``counts_in_s``: seconds until a changed address counts, or codes are sent again."""
    if counts_in_s > 0 and what in _SUCCESS_LATER:
        title, text = _SUCCESS_LATER[what]
        return title, text.format(how_long(counts_in_s))
    return _SUCCESS[what]
