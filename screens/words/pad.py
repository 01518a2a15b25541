"""Words for entering a PIN on the card reader's own keys."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import OnPad
from kiosk.station.states import PadNotice, PinFault, Work
from screens.words import pin

NEW_TITLE = "Choose a new PIN on the card reader's keys"
GUESSES = "Choose one that nobody can guess: no birthday, no row like 1111 or 1234."
"""The reader takes any digits: nothing but this sentence keeps a weak PIN away."""

ASKS = "Wait until the reader asks: it says so, or its light blinks."
WHEN = f"{ASKS} Press OK after the last digit."
LEAVE_IN = "Leave your smartcard in until we say that it is done."
CANCEL = "To stop, press Cancel on the reader."
TYPED = "You enter it on the next page, and we never keep it."
AGAIN = "The reader asks again once you choose to try again."

AS_IT_WAS = "Your smartcard is as it was, and nothing was counted."
AWAY = "Nothing was counted against you. The reader asks for the PIN when you try again."

ASKING: Final[dict[Work, tuple[str, str]]] = {
    Work.PIN_ON_PAD: (
        "Enter your PIN on the card reader's keys",
        "It goes straight to your smartcard, and not through this station.",
    ),
    Work.NEW_PIN_ON_PAD: (NEW_TITLE, f"{ASKS} It asks twice. Press OK each time."),
    Work.CHANGE_ON_PAD: (
        NEW_TITLE,
        "Wait until the reader asks: for your old PIN once more, then twice for the new.",
    ),
}


def rule(new: OnPad) -> str:
    return f"{pin.length(new)}. {GUESSES}"


def paused(why: PadNotice | PinFault, tries_left: int | None) -> tuple[str, str]:
    match why:
        case PadNotice.CANCELLED:
            return "You pressed Cancel on the card reader", AS_IT_WAS
        case PadNotice.TIMEOUT:
            return "The card reader has waited long enough", f"No PIN came from it. {AS_IT_WAS}"
        case PadNotice.DIFFERENT:
            return "The two new PINs were not the same", AS_IT_WAS
        case PadNotice.LENGTH:
            return "That PIN was too short or too long", AS_IT_WAS
        case PadNotice.WRONG:
            return "Please check your PIN", pin.wrong(tries_left)
        case PadNotice.ONCE_MORE:
            return (
                "Please enter the new PIN once more",
                "Your smartcard has not taken it yet. There is nothing wrong with your PIN.",
            )
        case PadNotice.NOT_TAKEN:
            return (
                "Please enter your PIN here instead",
                f"The card reader's keys cannot do this with your smartcard. {AS_IT_WAS}",
            )
        case _:
            return "Please choose another PIN", pin.FAULTS[why]
