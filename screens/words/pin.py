"""Words for entering or choosing a PIN."""

from __future__ import annotations

from kiosk.contract.messages import OnPad, PinRules, Purpose
from kiosk.contract.policy import PinRule
from kiosk.station.states import PinFault
from screens.words.frame import count

ENTER_TITLE = "Enter your PIN"
ENTER_NEW_TITLE = "Enter your new PIN"
UNLOCKED_TEXT = (
    "Your smartcard is unlocked. Enter the new PIN once more to register: then you can unlock it "
    "yourself next time."
)
ONLY_DIGITS = "Only digits go in here."
LETTERS = (
    "If your PIN has letters, first set one of digits at your computer, or go to the "
    "Registration Authority."
)
NEW_TITLE = "Choose a new PIN"
KEEP_RULES = "Please keep every rule below first."
REPEAT_TITLE = "Enter the new PIN again"
REPEAT_TEXT = "This makes sure that it is the PIN you meant."


def enter_text(purpose: Purpose | None) -> str:
    """Say why the PIN is asked for."""
    if purpose is Purpose.REGISTER:
        return "It proves that the smartcard is yours. The smartcard checks it; we never keep it."
    return "The smartcard itself checks it; we never keep it."


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
    match which:
        case PinRule.LENGTH:
            return length(rules)
        case PinRule.REPEATS:
            return "No repeats, like 1111 or 1212"
        case PinRule.RUNS:
            return "No runs, like 12345"
        case PinRule.DATES:
            return "Not a date"
        case PinRule.PERSONAL:
            return "Not part of your holder number"
        case PinRule.MOST_USED:
            return "Not one of the most used PINs"
        case PinRule.CURRENT:
            return "Not the PIN that you have now"


def trouble(what: PinFault) -> str:
    """Say why another PIN has to be chosen."""
    match what:
        case PinFault.MISMATCH:
            return "The two PINs were not the same. Choose again."
        case PinFault.WEAK:
            return "That PIN is too easy to guess. Choose another."
        case PinFault.CARD_HISTORY:
            return "You have had that PIN before. Choose another."
        case PinFault.CARD_COMPLEXITY:
            return "Your smartcard finds that PIN too simple. Choose another."
        case PinFault.CARD_FORMAT:
            return "Your smartcard does not take that PIN. Choose another."
