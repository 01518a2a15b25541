"""Words for entering or choosing a PIN."""

from __future__ import annotations

from typing import Final

from kiosk.contract.language import Counted, Text
from kiosk.contract.messages import OnPad, PinRules, Purpose
from kiosk.contract.policy import PinRule
from kiosk.station.states import PinFault
from screens.words.frame import NOT_NOW

ENTER_TITLE = Text("Enter your PIN")
ENTER_NEW_TITLE = Text("Enter your new PIN")
UNLOCKED_TEXT = Text(
    "Your smartcard is unlocked. Enter the new PIN once more to register: then you can unlock it "
    "yourself next time."
)
_STAYS_UNLOCKED = Text('"{not_now}" leaves it unlocked.')
LETTERS = Text(
    "If your PIN has letters, first change it at your computer to digits only, or go to the "
    "Registration Authority."
)
NEW_TITLE = Text("Choose a new PIN")
KEEP_RULES = Text("Every rule below has to be met first.")
REPEAT_TITLE = Text("Enter the new PIN again")
REPEAT_TEXT = Text("This makes sure that it is the PIN you meant.")

_RULES: Final[dict[PinRule, str]] = {
    PinRule.REPEATS: Text("No repeats, like 1111 or 1212"),
    PinRule.RUNS: Text("No runs, like 12345"),
    PinRule.DATES: Text("Not a date"),
    PinRule.PERSONAL: Text("Not part of your holder number"),
    PinRule.MOST_USED: Text("Not one of the most used PINs"),
    PinRule.CURRENT: Text("Not the PIN that you have now"),
}

FAULTS: Final[dict[PinFault, str]] = {
    PinFault.MISMATCH: Text("The two PINs were not the same. Choose again."),
    PinFault.WEAK: Text("That PIN is too easy to guess. Choose another."),
    PinFault.CARD_HISTORY: Text("You have had that PIN before. Choose another."),
    PinFault.CARD_COMPLEXITY: Text("Your smartcard finds that PIN too simple. Choose another."),
    PinFault.CARD_FORMAT: Text("Your smartcard does not take that PIN. Choose another."),
}


_WRONG = Counted(
    "That PIN is not right. {Number} try is left before the smartcard locks.",
    "That PIN is not right. {Number} tries are left before the smartcard locks.",
)


def unlocked_text() -> str:
    """Say what is done already, and what is still to do."""
    return f"{UNLOCKED_TEXT} {_STAYS_UNLOCKED.format(not_now=NOT_NOW)}"


def enter_text(purpose: Purpose | None) -> str:
    if purpose is Purpose.REGISTER:
        return Text(
            "It proves that the smartcard is yours. The smartcard checks it; we never keep it."
        )
    return Text("The smartcard itself checks it; we never keep it.")


def forgotten(purpose: Purpose | None) -> str:
    """Say what to do in place of guessing; who is not registered can unlock nothing."""
    if purpose is Purpose.REGISTER:
        return Text(
            "If you have forgotten it, do not guess. Stop, and ask the Registration Authority."
        )
    return Text(
        "If you have forgotten it, do not guess. Stop, then unlock your smartcard, or ask the "
        "Registration Authority."
    )


def wrong(tries_left: int | None) -> str:
    if tries_left is None:
        return Text("That PIN is not right. Please try again.")
    return _WRONG.of(tries_left)


def length(rules: PinRules | OnPad) -> str:
    if rules.min_length == rules.max_length:
        return Text("{length} digits").format(length=rules.min_length)
    return Text("{least} to {most} digits").format(least=rules.min_length, most=rules.max_length)


def rule(which: PinRule, rules: PinRules) -> str:
    return length(rules) if which is PinRule.LENGTH else _RULES[which]
