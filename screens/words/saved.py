"""Words for saved codes: making them, writing them down, entering one."""

from __future__ import annotations

from kiosk.contract.language import Counted, Text
from kiosk.contract.messages import Purpose
from kiosk.contract.text import BASE32, SAVED_CODE_SIGNS, typed_base32
from screens.words.choices import OFFERS

SIGNS = 1 + SAVED_CODE_SIGNS

SHOWN_TITLE = Text("Write these codes down now")
SHOWN_TEXT = Text(
    "They are shown only this once. If your smartcard locks, one of them helps to unlock it. Each "
    "works once. Keep them apart from your smartcard."
)
SHOWN_HINT = Text("Earlier codes count until you say that you have these.")
CHOOSE_KEPT = Text("Write them down, then choose the button.")
KEPT = Text("I have them")

ENTER_TITLE = Text("Enter one of your saved codes")
ENTER_TEXT = Text("Any one that you have not used. Capitals and dashes do not matter.")
_WRONG = Counted(
    "That is not one of your codes. {Number} attempt left.",
    "That is not one of your codes. {Number} attempts left.",
)
_NO_DIGIT_FIRST = Text("A saved code begins with a digit.")
_NO_SUCH_SIGN = Text("{sign} is in no saved code. Please look again.")
_TOO_SHORT = Counted("{Number} sign is missing.", "{Number} signs are missing.")
_TOO_LONG = Text("That is too long: a saved code has {signs} signs.")

_OFFER = Text(
    "To have codes to write down as well, put your smartcard in once more and choose “{choice}”."
)
"""At the end of a registration."""

FRESH = Text("Write down this saved code, in place of the used one. It is shown only now:")


def offer() -> str:
    return _OFFER.format(choice=str(OFFERS[Purpose.SAVED_CODES][0]))


def wrong(attempts_left: int) -> str:
    return _WRONG.of(attempts_left)


def form_fault(text: str) -> str:
    """Say why what was typed cannot be a saved code; empty where it can."""
    typed = typed_base32(text)
    stray = next((sign for sign in typed if sign not in BASE32), "")
    if stray:
        return _NO_SUCH_SIGN.format(sign=stray)
    if typed and not typed[0].isdigit():
        return str(_NO_DIGIT_FIRST)
    if len(typed) > SIGNS:
        return _TOO_LONG.format(signs=SIGNS)
    return _TOO_SHORT.of(SIGNS - len(typed)) if len(typed) < SIGNS else ""
