"""Words for entering or choosing a PIN."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import OnPad, PinRules, Purpose
from kiosk.contract.policy import PinRule
from kiosk.station.states import PinFault
from screens.words.frame import NOT_NOW, count

ENTER_TITLE = "Enter your PIN"
ENTER_NEW_TITLE = "Enter your new PIN"
UNLOCKED_TEXT = (
    "Your smartcard is unlocked. Enter the new PIN once more to register: then you can unlock it "
    "yourself next time."
)
STAYS_UNLOCKED = f'"{NOT_NOW}" leaves it unlocked.'
LETTERS = (
    "If your PIN has letters, first change it at your computer to digits only, or go to the "
    "Registration Authority."
)
NEW_TITLE = "Choose a new PIN"
KEEP_RULES = "Every rule below has to be met first."
REPEAT_TITLE = "Enter the new PIN again"
REPEAT_TEXT = "This makes sure that it is the PIN you meant."

_RULES: Final[dict[PinRule, str]] = {
    PinRule.REPEATS: "No repeats, like 1111 or 1212",
    PinRule.RUNS: "No runs, like 12345",
    PinRule.DATES: "Not a date",
    PinRule.PERSONAL: "Not part of your holder number",
    PinRule.MOST_USED: "Not one of the most used PINs",
    PinRule.CURRENT: "Not the PIN that you have now",
}

FAULTS: Final[dict[PinFault, str]] = {
    PinFault.MISMATCH: "The two PINs were not the same. Choose again.",
    PinFault.WEAK: "That PIN is too easy to guess. Choose another.",
    PinFault.CARD_HISTORY: "You have had that PIN before. Choose another.",
    PinFault.CARD_COMPLEXITY: "Your smartcard finds that PIN too simple. Choose another.",
    PinFault.CARD_FORMAT: "Your smartcard does not take that PIN. Choose another.",
}


def enter_text(purpose: Purpose | None) -> str:
    if purpose is Purpose.REGISTER:
        return "It proves that the smartcard is yours. The smartcard checks it; we never keep it."
    return "The smartcard itself checks it; we never keep it."


def forgotten(purpose: Purpose | None) -> str:
    """Say what to do in place of guessing; who is not registered can unlock nothing."""
    if purpose is Purpose.REGISTER:
        return "If you have forgotten it, do not guess. Stop, and ask the Registration Authority."
    return (
        "If you have forgotten it, do not guess. Stop, then unlock your smartcard, or ask the "
        "Registration Authority."
    )


def wrong(tries_left: int | None) -> str:
    if tries_left is None:
        return "That PIN is not right. Please try again."
    left = count(tries_left, "try is", "tries are")
    return f"That PIN is not right. {left.capitalize()} left before the smartcard locks."


def length(rules: PinRules | OnPad) -> str:
    if rules.min_length == rules.max_length:
        return f"{rules.min_length} digits"
    return f"{rules.min_length} to {rules.max_length} digits"


def rule(which: PinRule, rules: PinRules) -> str:
    return length(rules) if which is PinRule.LENGTH else _RULES[which]
