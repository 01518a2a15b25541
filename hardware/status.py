"""Status words of the PIN commands (ISO/IEC 7816-4, table 6), each turned into a ``CardError``.

PIV and GIDS cards share the readings of VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (SP
800-73-5 part 2, 3.2). Every variant that was seen on a card has its line here.
"""

from __future__ import annotations

from typing import Final

from hardware.apdu import StatusWord
from kiosk.contract.errors import (
    CardError,
    CardProtocolError,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import PinState

SECURITY_STATUS_NOT_SATISFIED: Final = 0x6982
"""For example over the contactless interface. No try is lost."""

REFERENCE_DATA_NOT_USABLE: Final = 0x6984
CONDITIONS_NOT_SATISFIED: Final = 0x6985
WRONG_LENGTH: Final = 0x6700
WRONG_DATA: Final = 0x6A80

_MALFORMED: Final = (WRONG_DATA, WRONG_LENGTH)
"""No try is lost."""

_BROKEN_RULES: Final = {
    REFERENCE_DATA_NOT_USABLE: "history",
    CONDITIONS_NOT_SATISFIED: "complexity",
    **dict.fromkeys(_MALFORMED, "format"),
}

_MAYBE_DONE: Final = (0x65, 0x6F)
"""SW1 of "memory was changed" and of "no precise diagnosis"."""


def pin_state(status: StatusWord) -> PinState:
    """Read the answer to VERIFY without a body; raise the error of any other answer.

    9000 (a PIN is verified in this session) means that the PIN is not blocked, and does not show
    the tries left.
    """
    if status.is_blocked:
        return PinState(blocked=True, tries_left=0)
    if status.is_ok or status.is_wrong:
        return PinState(blocked=False, tries_left=status.tries_left)
    if status == SECURITY_STATUS_NOT_SATISFIED:
        raise NotAllowed("the card does not report the state of its PIN here", status)
    raise CardProtocolError("the card does not report the state of its PIN", status)


def not_verified(status: StatusWord) -> CardError:
    """Return the error where VERIFY failed.

    The card does not count a malformed PIN, and it is a wrong PIN all the same.
    """
    return PinWrong(None) if status in _MALFORMED else _pin_error(status)


def not_changed(status: StatusWord) -> CardError:
    """Return the error where CHANGE REFERENCE DATA or RESET RETRY COUNTER failed."""
    return broken_rule(status) or _pin_error(status)


def broken_rule(status: StatusWord) -> PinRefused | None:
    """Return the error where the card does not take the new PIN; None for any other answer."""
    rule = _BROKEN_RULES.get(status)
    return None if rule is None else PinRefused(rule)


def refused(status: StatusWord, because: str = "the card refuses the command") -> CardError:
    """Return the error for a status word without a meaning for the command that was sent."""
    if status >> 8 in _MAYBE_DONE:
        return OutcomeUnknown(f"the card failed within the command (status {status})")
    return CardProtocolError(because, status)


def _pin_error(status: StatusWord) -> CardError:
    if status.is_blocked:
        return PinBlocked("no tries are left")
    if status.is_wrong:
        return PinWrong(status.tries_left)
    if status == SECURITY_STATUS_NOT_SATISFIED:
        return NotAllowed("the card does not allow this here", status)
    return refused(status)
