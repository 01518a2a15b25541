"""Status words of PIV commands, each turned into an error of the house, once.

After SP 800-73-5 part 2, 3.2, and ISO/IEC 7816-4 table 6; where cards differ, every
variant that was met has its line here.
"""

from __future__ import annotations

from typing import Final

from hardware.apdu import StatusWord
from kiosk.dialogue import PinState
from kiosk.errors import (
    CardError,
    CardProtocolError,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)

NOT_ALLOWED: Final = (0x6982,)
"""Security status not satisfied: over the contactless interface, for one. No try is lost."""

HISTORY: Final = (0x6984,)
COMPLEXITY: Final = (0x6985,)
FORMAT: Final = (0x6A80, 0x6700)
"""Wrong parameters in the body, or a wrong length: no try is lost."""

_MAYBE_DONE: Final = (0x65, 0x6F)
"""SW1 of "memory was changed" and of "no precise diagnosis"."""


def pin_state(status: StatusWord) -> PinState | None:
    """Read the answer to VERIFY without a body; None where it tells neither way.

    9000 (a PIN is verified in this session) says that it is not blocked, not how many
    tries are left.
    """
    if status.is_blocked:
        return PinState(blocked=True, tries_left=0)
    if status.is_ok or status.is_wrong:
        return PinState(blocked=False, tries_left=status.tries_left)
    return None


def not_verified(status: StatusWord) -> CardError:
    """Explain why VERIFY failed.

    A PIN that the card calls malformed was not counted, and is a wrong PIN all the same.
    """
    if status in FORMAT:
        return PinWrong(None)
    return _common(status)


def not_changed(status: StatusWord) -> CardError:
    """Explain why CHANGE REFERENCE DATA or RESET RETRY COUNTER failed."""
    if status in HISTORY:
        return PinRefused("history")
    if status in COMPLEXITY:
        return PinRefused("complexity")
    if status in FORMAT:
        return PinRefused("format")
    return _common(status)


def _common(status: StatusWord) -> CardError:
    if status.is_blocked:
        return PinBlocked("no tries are left")
    if status.is_wrong:
        return PinWrong(status.tries_left)
    if status in NOT_ALLOWED:
        return NotAllowed("the card does not allow this here", status)
    if status >> 8 in _MAYBE_DONE:
        return OutcomeUnknown(f"the card failed within the command (status {status})")
    return CardProtocolError("the card refuses the command", status)
