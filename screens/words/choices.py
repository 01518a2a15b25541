"""Words for pages where a holder chooses, confirms, finishes or tries again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from kiosk.contract.language import MONTHS, Counted, Text
from kiosk.contract.messages import NOT_ME, Factor, FactorEnd, Purpose, Route
from kiosk.contract.policy import STOP_NUMBER_DIGITS
from screens.words.frame import how_long

MENU_TITLE = Text("What would you like to do?")
HINT = Text("Choose with the arrow keys and press Enter, or touch.")
MENU_HINT = Text("Press its number, or the arrow keys and Enter, or touch.")
WHY_REGISTER = Text(
    "Register, and you can unlock your smartcard yourself whenever its PIN is locked or forgotten."
)
# Also where the code has ended: then the answers are what is lost.
WAITING = Text("Once you choose, what you began and its code are lost.")
BACK_TO_CODE = Text("Back to the code")
BLOCKED = Text(
    "Self-service is blocked for you, so this is all that you can do here. Who can lift the block:"
)
OWNER_TITLE = Text("Is this your own smartcard?")
OWNER_TEXT = Text("It belongs to:")
OWNER_LOCKED = Text("Its PIN is locked after wrong entries. It belongs to:")
OWNER_WARNING = Text(
    "You may unlock only your own smartcard. "
    "Unlocking another person's can lead to disciplinary action."
)
OWNER_CHOOSE = Text("Choose Yes or No with the arrow keys first.")
OWNER_YES = Text("Yes, it is mine")
OWNER_NO = Text("No, stop")

WAYS_TITLE = Text("How do you want to show that it is you?")
WAYS_TEXT = Text("Choose what you have now. Wrong entries count together, whichever you choose.")
ROUTES_TITLE = Text("Where shall we send your code?")
ROUTES_TEXT = Text("Choose an address that you can read now. Each is shown in part only.")
ROUTES_AND_NUMBERS = Text("Choose one that you can read now. Each is shown in part only.")
_BY_TEXT = Text("Text message: {masked}")
ANOTHER_WAY = Text("Choose another way")
_AND_THEN = " + "
"""Stands between the factors of a way, for which no language needs a grammar."""

FACTORS: Final[dict[Factor, str]] = {
    Factor.QUESTIONS: Text("My answers"),
    Factor.EMAIL_CODE: Text("Email I can read"),
    Factor.SAVED_CODE: Text("A saved code"),
}

WAY_OVER: Final[dict[FactorEnd, str]] = {
    FactorEnd.EXPIRED: Text("It was good for a short time only. Choose another way."),
    FactorEnd.SPENT: Text("It was entered wrongly too often. Choose another way."),
    FactorEnd.WITHDRAWN: Text("The Registration Authority has withdrawn it. Choose another way."),
    FactorEnd.MOVED: Text("The address to which it was sent has changed. Choose another way."),
}
"""Why the way that was begun leads no further."""

STOP_TITLE = Text("Enter the number from the email")
_STOP_TEXT = Text(
    "It has {digits} digits, and is at the end of the email about what you did not do. It stops "
    "self-service for your smartcard until the Registration Authority has looked into it."
)
_STOP_WITH_CODE = Text("A code stops nothing. The number in the email has {digits} digits.")
_STOP_NUMBER_WRONG = Counted(
    "That is not the number, or it is too old. {Number} try left.",
    "That is not the number, or it is too old. {Number} tries left.",
)
# Here "Stop" on the button that only leaves would be taken for the one that stops the misuse.
STOP_NOTHING = Text("Leave, stop nothing")
STOP_NOW = Text("Stop self-service")

SUCCESS_NEXT = Text("Take your smartcard out to finish.")

NOT_REACHED_TITLE = Text("We could not reach the service")
NOT_REACHED_TEXT = Text(
    "Nothing that you entered is lost, and trying again is never counted twice."
)
NOT_REACHED_HELP = Text(
    "Please try again. If it keeps happening, use another station or ask for help."
)

OFFERS: Final[dict[Purpose, tuple[str, str]]] = {
    Purpose.REGISTER: (Text("Register for self-service"), Text("4 minutes")),
    Purpose.UNLOCK: (Text("Unlock your smartcard"), Text("2 minutes")),
    Purpose.FIRST_UNLOCK: (Text("Enter a code from staff"), Text("5 minutes")),
    Purpose.CHANGE_PIN: (Text("Change your PIN"), Text("1 minute")),
    Purpose.CHANGE_QUESTIONS: (Text("Change your security questions"), Text("2 minutes")),
    Purpose.CHANGE_EMAIL: (Text("Change your email address"), Text("2 minutes")),
    Purpose.ADD_ADDRESS: (Text("Add a further email address"), Text("2 minutes")),
    Purpose.SAVED_CODES: (Text("Get saved codes"), Text("3 minutes")),
    Purpose.REPORT_MISUSE: (NOT_ME, Text("1 minute")),
    Purpose.MAINTENANCE: (Text("Maintain this station"), Text("for staff")),
}
"""What can be chosen, and how long it takes."""

_SUCCESS: Final[dict[Purpose, tuple[str, str]]] = {
    Purpose.REGISTER: (
        Text("You are registered."),
        Text("If your smartcard ever locks, you can unlock it yourself at any station."),
    ),
    Purpose.UNLOCK: (
        Text("Your smartcard is unlocked and ready for use."),
        Text("Your new PIN works from now on."),
    ),
    Purpose.FIRST_UNLOCK: (
        Text("Your smartcard is unlocked and ready for use."),
        Text("To register, ask the Registration Authority to add your email address."),
    ),
    Purpose.CHANGE_PIN: (Text("Your PIN is changed."), Text("Your new PIN works from now on.")),
    Purpose.CHANGE_QUESTIONS: (
        Text("Your security questions are changed."),
        Text("We ask them when you next unlock."),
    ),
    # Who kept the one that was filled in has changed nothing.
    Purpose.CHANGE_EMAIL: (
        Text("Your email address is confirmed."),
        Text("We send your codes to it from now on."),
    ),
    Purpose.ADD_ADDRESS: (
        Text("Your further email address is confirmed."),
        Text("When you unlock, you choose to which of your addresses we send the code."),
    ),
    Purpose.SAVED_CODES: (
        Text("Your saved codes are ready."),
        Text("Each works once. Codes that you had before no longer count."),
    ),
    Purpose.REPORT_MISUSE: (
        Text("Thank you. Everything is stopped."),
        (
            Text(
                "If you are registered, only your PIN can still be changed here. "
                "Go to the Registration Authority."
            )
        ),
    ),
    Purpose.MAINTENANCE: (
        Text("The maintenance page is closed."),
        Text("The station serves people again."),
    ),
}
CARD_SIGNED: Final = Text("Your new PIN works: your smartcard has just signed with it.")
CARD_DID_NOT_SIGN: Final = Text(
    "It has your new PIN, but did not sign with it. If it fails at your computer too, go to the "
    "Registration Authority."
)
_EXPIRES: Final = Text("It is valid until {day} {month} {year}.")
_EXPIRES_SOON: Final = Text("It is valid only until {day} {month} {year}: ask for a new one now.")
_SUCCESS_LATER: Final[dict[Purpose, tuple[str, str]]] = {
    Purpose.REGISTER: (
        Text("You are registered."),
        (
            Text(
                "We start using your new email address in {wait}. Until then codes go to the old "
                "one."
            )
        ),
    ),
    Purpose.FIRST_UNLOCK: (
        Text("Your smartcard is unlocked and ready for use."),
        (
            Text(
                "To register, come back in {wait}: we send only a few codes an hour, "
                "and they have all been sent."
            )
        ),
    ),
    Purpose.CHANGE_EMAIL: (
        Text("Your new email address is noted."),
        Text("We start using it in {wait}. Until then codes go to the old one."),
    ),
    Purpose.ADD_ADDRESS: (
        Text("Your further email address is noted."),
        Text("You can have codes sent to it in {wait}. Your other address stays as it is."),
    ),
}


def greeting(name: str) -> str:
    return Text("Hello, {name}.").format(name=name)


def stop_text() -> str:
    return _STOP_TEXT.format(digits=STOP_NUMBER_DIGITS)


def stop_with_code() -> str:
    return _STOP_WITH_CODE.format(digits=STOP_NUMBER_DIGITS)


def route(where: Route) -> str:
    return _BY_TEXT.format(masked=where.masked) if where.by_text else where.masked


def way(factors: tuple[Factor, ...]) -> str:
    """Name a way by its factors, in their order."""
    return _AND_THEN.join(str(FACTORS[factor]) for factor in factors)


def stop_number_wrong(tries_left: int) -> str:
    return _STOP_NUMBER_WRONG.of(tries_left)


def card_expires(expires_at: datetime, *, is_soon: bool) -> str:
    """Name the last day on which it is valid, in UTC as in certificates."""
    last = expires_at.astimezone(UTC) - timedelta(seconds=1)
    shown = _EXPIRES_SOON if is_soon else _EXPIRES
    return shown.format(day=last.day, month=MONTHS[last.month - 1], year=last.year)


def success(what: Purpose, counts_in_s: float = 0.0) -> tuple[str, str]:
    """``counts_in_s``: seconds until a changed address counts, or codes are sent again."""
    if counts_in_s > 0 and what in _SUCCESS_LATER:
        title, text = _SUCCESS_LATER[what]
        return title, text.format(wait=how_long(counts_in_s))
    return _SUCCESS[what]
