"""What a module's answers mean, turned into an error of the house, once.

PKCS#11 counts no tries; it only has flags, and a module may say "incorrect" of a PIN that
its flags call locked. So the flags decide, and the return value only where they say nothing.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from kiosk.dialogue import PinProof, PinState
from kiosk.errors import (
    CardError,
    CardProtocolError,
    CardSwapped,
    CardUnknown,
    NotAllowed,
    OutcomeUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.modules.serving import CANNOT_LOAD
from kiosk.modules.wire import Message


class Pin(Enum):
    """Whose PIN it is, with the flags of its last try and of its being locked (table 6)."""

    USER = (0x0002_0000, 0x0004_0000)
    SECURITY_OFFICER = (0x0020_0000, 0x0040_0000)

    def is_locked(self, flags: int) -> bool:
        """Whether it is locked."""
        return bool(flags & self.value[1])

    def is_last_try(self, flags: int) -> bool:
        """Whether the next wrong one locks it."""
        return bool(flags & self.value[0])


_WRONG: Final = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange"})
_LOCKED: Final = frozenset({"PinLocked"})
_REFUSED: Final = {"PinLenRange": "format", "PinInvalid": "format", "PinTooWeak": "complexity"}
_FORBIDDEN: Final = frozenset(
    {"FunctionNotSupported", "TokenWriteProtected", "UserPinNotInitialized", "PinExpired"}
)
_NAME: Final = re.compile("[0-9a-z]+")
_BETWEEN: Final = re.compile(r"[\s:-]")


def identifier(answer: Message) -> str:
    """Return the token's serial number, in lower case and without spaces and dashes.

    Raises ``CardUnknown`` where it has none by which a card could be known.
    """
    name = _BETWEEN.sub("", answer["serial"]).lower()
    if not _NAME.fullmatch(name) or not name.strip("0"):
        raise CardUnknown("a token without a serial number", "pkcs11")
    return name


def pin_state(flags: int) -> PinState:
    """Read the flags of the user's PIN."""
    if Pin.USER.is_locked(flags):
        return PinState(blocked=True, tries_left=0)
    return PinState(blocked=False, tries_left=1 if Pin.USER.is_last_try(flags) else None)


def loaded(answer: Message) -> Message:
    """Return an answer of a module that works; raise why it does not."""
    if CANNOT_LOAD in answer:
        raise CardProtocolError(f"the card's module cannot be loaded: {answer[CANNOT_LOAD]}")
    if "error" in answer and "serial" not in answer:
        raise CardProtocolError(f"the card's module failed: {answer['error']}")
    return answer


def found(answer: Message) -> Message:
    """Return an answer that tells of the token that was meant; raise why there is none."""
    match loaded(answer).get("astray"):
        case None:
            pass
        case "other":
            raise CardSwapped("another card is in the reader")
        case "several":
            raise CardUnknown("the module shows several tokens in this reader: name one")
        case _:
            raise CardUnknown("the module knows no card in this reader")
    if "serial" not in answer:
        raise CardProtocolError("the card's module tells nothing of the card")
    return answer


def pin_proof(answer: Message) -> PinProof | None:
    """Return what the token signed after the login; None where it has no key for it."""
    if "signature" not in answer:
        return None
    certificate = answer["certificate"]
    return PinProof(
        bytes.fromhex(answer["signature"]),
        bytes.fromhex(answer["public_key"]),
        bytes.fromhex(certificate) if certificate else None,
    )


def checked(answer: Message, pin: Pin) -> None:
    """Raise what went wrong with a PIN, or with the new one, that was sent."""
    error = answer.get("error")
    if error is not None:
        raise _verdict(error, answer["flags"], pin, of_new=answer.get("of_new", False))


def _verdict(error: str, flags: int, pin: Pin, *, of_new: bool) -> CardError:
    if of_new and error in _REFUSED:
        return PinRefused(_REFUSED[error])
    if error in _LOCKED or (error in _WRONG and pin.is_locked(flags)):
        return PinBlocked("no tries are left")
    if error in _WRONG:
        return PinWrong(_left(flags, pin))
    if error in _FORBIDDEN:
        return NotAllowed(f"the card's module does not allow this: {error}")
    return OutcomeUnknown(f"the card's module failed within the change: {error}")


def _left(flags: int, pin: Pin) -> int | None:
    """Return one where the flags say that it is the last; no other number is ever told."""
    return 1 if pin.is_last_try(flags) else None
