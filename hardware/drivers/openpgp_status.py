"""Status words of the OpenPGP card's password commands, and its own account of the tries.

6982 says "wrong" on some cards and "blocked" on others, and one card said 9000 to an empty
VERIFY while it was blocked: so the tries are read in the PW status bytes alone (DO C4,
OpenPGP card 3.4, 4.4.2), and only where these cannot be had does a status word decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hardware.apdu import StatusWord
from kiosk.errors import (
    CardError,
    CardProtocolError,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)

NOT_SATISFIED: Final = 0x6982
_FORMAT: Final = (0x6A80, 0x6700)
_HISTORY: Final = 0x6984
_CONDITIONS: Final = 0x6985
_MAYBE_DONE: Final = (0x65, 0x6F)
_BYTES: Final = 7
_BLOCK_FORMAT: Final = 0x80


@dataclass(frozen=True, slots=True)
class PasswordStatus:
    """The PW status bytes: tries left and longest lengths, for PW1, resetting code and PW3."""

    longest: tuple[int, int, int]
    left: tuple[int, int, int]


def read_status(data: bytes) -> PasswordStatus:
    """Read DO C4; raise ``CardProtocolError`` where it is not what the standard says.

    A password in PIN block format (bit 8 of its length) is none that the product can send.
    """
    if len(data) < _BYTES:
        raise CardProtocolError("the card does not tell the state of its passwords")
    if data[1] & _BLOCK_FORMAT:
        raise CardProtocolError("the card wants its PIN in a format that is not supported")
    pw1, code, pw3 = (each & ~_BLOCK_FORMAT for each in data[1:4])
    return PasswordStatus((pw1, code, pw3), (data[4], data[5], data[6]))


def is_verdict(status: StatusWord) -> bool:
    """Whether it says that a password did not match, or that it may not be tried any more."""
    return status.is_wrong or status.is_blocked or status == NOT_SATISFIED


def verdict(left: int) -> CardError:
    """Say it by the card's own account."""
    return PinWrong(left) if left else PinBlocked("no tries are left")


def verdict_by_word(status: StatusWord) -> CardError:
    """Say it by the status word alone."""
    return PinBlocked("no tries are left") if status.is_blocked else PinWrong(status.tries_left)


def refused(status: StatusWord) -> CardError:
    """Explain a refusal that is no verdict on a password."""
    if status == NOT_SATISFIED:
        return NotAllowed("the card does not allow this here")
    if status in _FORMAT:
        return PinRefused("format")
    if status == _HISTORY:
        return PinRefused("history")
    if status == _CONDITIONS:
        return PinRefused("complexity")
    if status >> 8 in _MAYBE_DONE:
        return OutcomeUnknown(f"the card failed within the command (status {status})")
    return CardProtocolError("the card refuses the command", status)
