"""Words about addresses and codes."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import NOT_ME, Purpose
from kiosk.contract.policy import STOP_NUMBER_DIGITS
from kiosk.station.states import CodeLack, CodeNotice, EmailFault
from screens.words.frame import clock, count

EMAIL_TITLE = "Check your email address"
NEW_EMAIL_TITLE = "Enter your new email address"
EMAIL_TEXT = (
    "We send codes to it, also when your smartcard is locked. "
    "Use one of yours that you can read without the card."
)
NEW_EMAIL_TEXT = "We will send a code to it, and tell your old address. Clear empties the line."
SEND = "Send code"

LOOK_IN_JUNK = "Look in Junk too."
GIVEN = "Enter the code that the Registration Authority gave you."
WALK_AWAY = "You may take your smartcard out, read your email and come back."
OVER = "That code is no longer good. Ask for a new one."
NEW_CODE = "New code"
SOMETHING_ELSE = "Do something else"
CORRECT_ADDRESS = "Correct the email address"
BY_EMAIL = "By email"
THEN_NEW_PIN = "Then you choose a new PIN."
STILL_COUNTS = "It is the same code as before. Setting a new PIN uses it up."
OTHER_ADDRESS = f'To correct the address, choose "{SOMETHING_ELSE}".'
NO_CODE = f'Is that a number of {STOP_NUMBER_DIGITS} digits? Choose "{NOT_ME}".'
IN_ITS_PLACE = "A code by email takes the place of this one."


def domains(approved: tuple[str, ...]) -> str:
    *most, last = approved or ("an approved domain",)
    return f"{', '.join(most)} or {last}" if most else last


def email_fault(what: EmailFault, approved: tuple[str, ...]) -> str:
    match what:
        case EmailFault.MALFORMED:
            return "That does not look like an email address. Clear empties the line."
        case EmailFault.DOMAIN:
            return f"Use an address that ends in {domains(approved)}."
        case EmailFault.REFUSED:
            return "Email to that address was refused. Check it."


def code_title(purpose: Purpose | None, *, proves_owner: bool) -> str:
    if proves_owner:
        return "Show that it is you"
    match purpose:
        case Purpose.UNLOCK | Purpose.FIRST_UNLOCK:
            return "Enter your unlock code"
        case Purpose.REGISTER:
            return "Enter your registration code"
        case _:
            return "Enter your code"


def sent_to(masked: str, *, proves_owner: bool) -> str:
    """Say where the code went; one that staff gave by word of mouth went nowhere."""
    if proves_owner:
        return f"We sent a code to {masked}, the address that we know. {LOOK_IN_JUNK}"
    return f"We sent it to {masked}. {LOOK_IN_JUNK}" if masked else GIVEN


def meanwhile(purpose: Purpose | None, masked: str, *, resumed: bool, elsewhere: bool) -> str:
    """Say what may be done instead of entering the code now, or what comes after it.

    ``elsewhere``: the code went to an address that can be corrected in the menu alone.
    """
    if resumed and purpose is Purpose.UNLOCK:
        return STILL_COUNTS
    if elsewhere:
        return OTHER_ADDRESS
    if purpose is Purpose.FIRST_UNLOCK:
        return THEN_NEW_PIN
    return WALK_AWAY if masked else IN_ITS_PLACE


def life(left: float, tries_left: int | None = None) -> str:
    if tries_left is None:
        return f"Good for another {clock(left)}"
    return f"Good for {clock(left)}, {count(tries_left, 'try', 'tries')} left"


def code_wrong(tries_left: int, masked: str) -> str:
    """``masked``: of a code by email."""
    left = count(tries_left, "try", "tries")
    wrong = f"That code is not right. {left.capitalize()} left."
    # An earlier one may come after a new one was asked for.
    return f"{wrong} Only the newest code works." if masked else wrong


CODE_NOTICES: Final[dict[CodeNotice, str]] = {
    CodeNotice.TOO_SOON: "Please wait a little before you ask for another.",
    CodeNotice.MAIL_AWAY: "No new code could be sent. The last one is still good.",
}
"""What became of a request for another code."""


def resend(left: float, what: str = NEW_CODE) -> str:
    """Name the button that asks for another code, once it may be asked for."""
    return what if left <= 0 else f"{what} in {clock(left)}"


LACKS: Final[dict[CodeLack, tuple[str, str]]] = {
    CodeLack.EXPIRED: ("Your code is no longer good", "It was good for a short time only."),
    CodeLack.SPENT: ("Your code is no longer good", "It was entered wrongly too often."),
    CodeLack.WITHDRAWN: (
        "Your code is no longer good",
        "The Registration Authority has withdrawn it.",
    ),
    CodeLack.MAIL_AWAY: (
        "The email could not be sent",
        "That is our fault, and nothing was counted against you.",
    ),
    CodeLack.TOO_SOON: ("Please wait for your next code", "We sent one a short time ago."),
}


def next_to(masked: str) -> str:
    return f"Once you ask for it, a new code goes to {masked}."
