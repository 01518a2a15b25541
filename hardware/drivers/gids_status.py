"""What a GIDS card answers about its PIN and its admin key, turned into words of the house, once.

Its commands over the PIN are those of ISO/IEC 7816-4, and answered as a PIV card answers
them. The admin key is its own matter: cards differ in whether they count wrong attempts at
it, and in whether they tell the count.
"""

from __future__ import annotations

from typing import Final

from hardware.apdu import StatusWord
from hardware.drivers import piv_status, tlv
from kiosk.dialogue import PinState
from kiosk.errors import (
    CardError,
    CardProtocolError,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinWrong,
)

PIN_STATUS: Final = 0x7F71
_LEFT, _LEFT_ONCE = 0x97, 0x9F17
"""The tries left; the first edition of the specification had another tag for them."""

_NOT_SATISFIED: Final = 0x6982
_CONDITIONS: Final = 0x6985
_MAYBE_DONE: Final = (0x65, 0x6F)


def pin_state(told: bytes) -> PinState | None:
    """Read the PIN's status object; None where it does not tell the tries left."""
    status = tlv.find(told, PIN_STATUS) or told
    left = tlv.find(status, _LEFT) or tlv.find(status, _LEFT_ONCE)
    if left is None or len(left) != 1:
        return None
    return PinState(blocked=not left[0], tries_left=left[0])


def not_met(status: StatusWord) -> CardError:
    """Explain why the card did not begin: no cryptogram was given to it, and no try is spent.

    "Blocked" is said of the key here, and to the holder it would be said of their PIN.
    """
    if status.is_blocked:
        return NotAllowed("no tries are left of the admin key")
    if status == _NOT_SATISFIED:
        return NotAllowed("the card does not let its admin key be used here", status)
    return CardProtocolError("the card does not begin with its admin key", status)


def key_refused(status: StatusWord) -> CardError:
    """Explain why the card did not take a cryptogram; 6982 says that it was wrong."""
    if status.is_blocked:
        return PinBlocked("no tries are left of the admin key")
    if status.is_wrong or status == _NOT_SATISFIED:
        return PinWrong(status.tries_left)
    if status == _CONDITIONS:
        return NotAllowed("the card has forgotten what it was asked with")
    if status >> 8 in _MAYBE_DONE:
        return OutcomeUnknown(f"the card failed within the command (status {status})")
    return CardProtocolError("the card refuses the cryptogram", status)


def not_reset(status: StatusWord) -> CardError:
    """Explain why the PIN was not reset; none of it speaks of the key, which was proven before."""
    if status == _NOT_SATISFIED:
        return NotAllowed("the card does not take its admin key for proven (any more)")
    if status.is_wrong or status.is_blocked:
        return CardProtocolError("the card does not reset its PIN", status)
    return piv_status.not_changed(status)
