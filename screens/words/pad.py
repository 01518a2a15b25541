"""Words for entering a PIN on the card reader's own keys."""

from __future__ import annotations

from typing import Final

from kiosk.contract.language import Text
from kiosk.contract.messages import OnPad
from kiosk.station.states import PadNotice, PinFault, Work
from screens.words import pin

NEW_TITLE = Text("Choose a new PIN on the card reader's keys")
GUESSES = Text("Choose one that nobody can guess: no birthday, no row like 1111 or 1234.")
"""The reader takes any digits: nothing but this sentence keeps a weak PIN away."""

WHEN = Text(
    "Wait until the reader asks: it says so, or its light blinks. Press OK after the last digit."
)
LEAVE_IN = Text("Leave your smartcard in until we say that it is done.")
CANCEL = Text("To stop, press Cancel on the reader.")
TYPED = Text("You enter it on the next page, and we never keep it.")
AGAIN = Text("The reader asks again once you choose to try again.")

AS_IT_WAS = Text("Your smartcard is as it was, and nothing was counted.")
_NO_PIN = Text("No PIN came from it.")
_NO_KEYS = Text("The card reader's keys cannot do this with your smartcard.")
AWAY = Text("Nothing was counted against you. The reader asks for the PIN when you try again.")

ASKING: Final[dict[Work, tuple[str, str]]] = {
    Work.PIN_ON_PAD: (
        Text("Enter your PIN on the card reader's keys"),
        Text("It goes straight to your smartcard, and not through this station."),
    ),
    Work.NEW_PIN_ON_PAD: (
        NEW_TITLE,
        Text(
            "Wait until the reader asks: it says so, or its light blinks. It asks twice. Press OK "
            "each time."
        ),
    ),
    Work.CHANGE_ON_PAD: (
        NEW_TITLE,
        Text("Wait until the reader asks: for your old PIN once more, then twice for the new."),
    ),
}


def rule(new: OnPad) -> str:
    return f"{pin.length(new)}. {GUESSES}"


def paused(why: PadNotice | PinFault, tries_left: int | None) -> tuple[str, str]:
    match why:
        case PadNotice.CANCELLED:
            return Text("You pressed Cancel on the card reader"), AS_IT_WAS
        case PadNotice.TIMEOUT:
            return Text("The card reader has waited long enough"), f"{_NO_PIN} {AS_IT_WAS}"
        case PadNotice.DIFFERENT:
            return Text("The two new PINs were not the same"), AS_IT_WAS
        case PadNotice.LENGTH:
            return Text("That PIN was too short or too long"), AS_IT_WAS
        case PadNotice.WRONG:
            return Text("Please check your PIN"), pin.wrong(tries_left)
        case PadNotice.ONCE_MORE:
            return (
                Text("Please enter the new PIN once more"),
                Text("Your smartcard has not taken it yet. There is nothing wrong with your PIN."),
            )
        case PadNotice.NOT_TAKEN:
            return (
                Text("Please enter your PIN here instead"),
                f"{_NO_KEYS} {AS_IT_WAS}",
            )
        case _:
            return Text("Please choose another PIN"), pin.FAULTS[why]
