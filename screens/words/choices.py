"""Words for pages where a holder chooses, confirms, finishes or tries again."""

from __future__ import annotations

from kiosk.contract.messages import NOT_ME, Purpose
from screens.words.frame import count, how_long

MENU_TITLE = "What would you like to do?"
HINT = "Choose with the arrow keys and press Enter, or touch."
MENU_HINT = "Press its number, or the arrow keys and Enter, or touch."
WAITING = "The code in your email ends as soon as you choose."
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

STOP_TITLE = "Enter the number from the email"
STOP_TEXT = (
    "It stands at the end of the email about what you did not do. It stops self-service for "
    "your smartcard until the Registration Authority has looked."
)
# Here "Stop" on the button that only leaves would be taken for the one that stops the misuse.
STOP_LATER = "Not now"
STOP_NOW = "Stop self-service"

SUCCESS_NEXT = "Take your smartcard out to finish."

TROUBLE_TITLE = "We could not reach the service"
TROUBLE_TEXT = "Nothing that you entered is lost, and trying again is never counted twice."
TROUBLE_HELP = "Please try again. If it goes on like this, use another station or ask for help."


def greeting(name: str) -> str:
    return f"Hello, {name}."


def purpose(what: Purpose) -> str:
    match what:
        case Purpose.REGISTER:
            return "Register for self-service"
        case Purpose.UNLOCK:
            return "Unlock your smartcard"
        case Purpose.FIRST_UNLOCK:
            return "Enter a code from staff"
        case Purpose.CHANGE_PIN:
            return "Change your PIN"
        case Purpose.CHANGE_QUESTIONS:
            return "Change your security questions"
        case Purpose.CHANGE_EMAIL:
            return "Change your email address"
        case Purpose.REPORT_MISUSE:
            return NOT_ME
        case Purpose.MAINTENANCE:
            return "Maintain this station"


def stop_number_wrong(tries_left: int) -> str:
    left = count(tries_left, "try", "tries").capitalize()
    return f"That is not the number, or it is too old. An unlock code is not it. {left} left."


def duration(what: Purpose) -> str:
    match what:
        case Purpose.REGISTER:
            return "4 minutes"
        case Purpose.FIRST_UNLOCK:
            return "5 minutes"
        case Purpose.UNLOCK | Purpose.CHANGE_QUESTIONS | Purpose.CHANGE_EMAIL:
            return "2 minutes"
        case Purpose.CHANGE_PIN | Purpose.REPORT_MISUSE:
            return "1 minute"
        case Purpose.MAINTENANCE:
            return "for staff"


def success(what: Purpose, counts_in_s: float = 0.0) -> tuple[str, str]:
    """Say that it is done, and what that means.

    ``counts_in_s``: in how many seconds a changed address counts, or codes are sent again.
    """
    if what is Purpose.CHANGE_EMAIL and counts_in_s > 0:
        return (
            "Your new email address is noted.",
            f"It counts in {how_long(counts_in_s)}. Until then codes go to the old one.",
        )
    if what is Purpose.REGISTER and counts_in_s > 0:
        return (
            "You are registered.",
            (
                f"Your new email address counts in {how_long(counts_in_s)}. Until then codes go to "
                "the old one."
            ),
        )
    if what is Purpose.FIRST_UNLOCK and counts_in_s > 0:
        return (
            "Your smartcard is unlocked and ready for use.",
            (
                f"To register, come back in {how_long(counts_in_s)}: we send only a few codes an "
                "hour, and they have all been sent."
            ),
        )
    match what:
        case Purpose.REGISTER:
            return (
                "You are registered.",
                "If your smartcard ever locks, you can unlock it yourself at any station.",
            )
        case Purpose.UNLOCK:
            return (
                "Your smartcard is unlocked and ready for use.",
                "Your new PIN works from now on.",
            )
        case Purpose.FIRST_UNLOCK:
            return (
                "Your smartcard is unlocked and ready for use.",
                "To register, ask the Registration Authority to add your email address.",
            )
        case Purpose.CHANGE_PIN:
            return "Your PIN is changed.", "Your new PIN works from now on."
        case Purpose.CHANGE_QUESTIONS:
            return "Your security questions are changed.", "We ask them when you next unlock."
        case Purpose.CHANGE_EMAIL:
            # Who kept the one that was filled in has changed nothing.
            return "Your email address is confirmed.", "We send your codes to it from now on."
        case Purpose.REPORT_MISUSE:
            return (
                "Thank you. Everything is stopped.",
                (
                    "If you are registered, only your PIN can still be changed here. "
                    "Go to the Registration Authority."
                ),
            )
        case Purpose.MAINTENANCE:
            return "The maintenance page is closed.", "The station serves people again."
