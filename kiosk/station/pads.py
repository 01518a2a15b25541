"""PINs that are entered on the reader's own keys, and never at the station.

The page that says so goes up as the command is sent: from then on the reader asks, and
only its own Cancel key, its own time-out or the card's leaving ends it before the card has
answered. Whatever else ends it without a PIN leads to a page on which nobody waits.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk import errors
from kiosk.dialogue import OnPad, PinRules, Purpose
from kiosk.station.commands import ChangePin, UnblockPin, VerifyPin
from kiosk.station.holder import Move, counted, working
from kiosk.station.states import (
    EnterPin,
    NewPin,
    PadNotice,
    PadPaused,
    PinTrouble,
    Visit,
    Work,
    Working,
)


def ask_present(visit: Visit) -> Move:
    """Have the reader ask for the PIN that the card knows, or say that it is typed for once."""
    verify, typed = VerifyPin(visit.id, visit.at, OnPad()), EnterPin(_at_station(visit))
    if visit.purpose is Purpose.CHANGE_PIN and not visit.pad_changes:
        return PadPaused(visit, Work.PIN_ON_PAD, verify, typed, PadNotice.NOT_TAKEN), ()
    return working(visit, Work.PIN_ON_PAD, verify, typed)


def ask_new(visit: Visit, rules: PinRules) -> Move:
    """Have the reader ask for a new PIN; to change one it asks for the old one again, too."""
    new = OnPad(rules.min_length, rules.max_length)
    if visit.purpose is Purpose.CHANGE_PIN:
        change = ChangePin(visit.id, visit.at, OnPad(), new)
        return working(visit, Work.CHANGE_ON_PAD, change, EnterPin(_at_station(visit)))
    visit, attempt = counted(visit)
    unblock = UnblockPin(visit.id, visit.at, new, attempt)
    return working(visit, Work.NEW_PIN_ON_PAD, unblock, NewPin(_at_station(visit), rules))


def notice_of(error: errors.PadLeft | errors.PadRefused) -> PadNotice:
    """Return what its holder is told of an entry that sent nothing to the card."""
    if isinstance(error, errors.PadLeft):
        return PadNotice(error.because)
    return PadNotice.NOT_TAKEN


def paused(
    state: Working, why: PadNotice | PinTrouble, tries_left: int | None = None
) -> Move | None:
    """Say why the reader stopped asking; None where it never did."""
    match state.command:
        case VerifyPin() | UnblockPin() | ChangePin() as command if state.work.on_pad:
            page = PadPaused(state.visit, state.work, command, state.back, why, tries_left)
            return page, ()
        case _:
            return None


def _at_station(visit: Visit) -> Visit:
    return replace(visit, pin_pad=False)
