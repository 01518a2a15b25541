"""Between a stolen card and the reader: answers about the PIN, and passes on the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hardware.virtual.link import Chip

VERIFY: Final = 0x20
GET_RESPONSE: Final = 0xC0
SIGN: Final = 0x87
PIV_AUTHENTICATION: Final = 0x9A
_NOT_SATISFIED: Final = bytes.fromhex("6982")
_OK: Final = bytes.fromhex("9000")
_THREE_LEFT: Final = bytes.fromhex("63c3")

OPENPGP_COUNTERS: Final = {bytes.fromhex("00ca00c4"): bytes.fromhex("017f7f7f0303039000")}
"""An OpenPGP card's tries are read, not asked for: for ``VerifyShim.says``."""

GIDS_COUNTERS: Final = {
    bytes.fromhex("00cb3fff045c027f71"): bytes.fromhex("7f71069701039301039000")
}
"""The same of a GIDS card."""


class VerifyShim:
    """Answers VERIFY itself: 9000 to any PIN, 63C3 to an empty one; all else the card answers.

    ``says`` maps the beginning of a command to an answer, where a family has other ways to
    tell the tries. ``verified`` counts the PINs that it took.
    """

    def __init__(self, card: Chip, says: Mapping[bytes, bytes] | None = None) -> None:
        self.card = card
        self.verified = 0
        self._says = dict(says or {})

    @property
    def atr(self) -> bytes:
        """The card's."""
        return self.card.atr

    def reset(self) -> None:
        """Reset the card."""
        self.card.reset()

    def transmit(self, command: bytes) -> bytes:
        """Answer, or let the card answer."""
        if command[1] == VERIFY:
            return self._verify(command)
        for beginning, answer in self._says.items():
            if command.startswith(beginning):
                return answer
        return self.card.transmit(command)

    def _verify(self, command: bytes) -> bytes:
        if command[2] == 0xFF:  # forget what was verified
            return _OK
        if len(command) <= 5:
            return _THREE_LEFT
        self.verified += 1
        return _OK


class PolicyShim(VerifyShim):
    """The same, for a PIV card whose key 9A signs without the PIN: the shim makes it look bound.

    It refuses each signature of that key until it has taken a PIN since the last reset.
    """

    def __init__(self, card: Chip) -> None:
        super().__init__(card)
        self._took = 0

    def reset(self) -> None:
        """Reset the card, and refuse again."""
        super().reset()
        self._took = self.verified

    def transmit(self, command: bytes) -> bytes:
        """Refuse, or do as before."""
        if (command[1], command[3]) == (SIGN, PIV_AUTHENTICATION) and self._took == self.verified:
            return _NOT_SATISFIED
        return super().transmit(command)


class KeyShim:
    """A stolen PIV card and one of the thief's own behind one contact.

    Identity, card-authentication key and unblock are the stolen card's; the PIN and the PIV
    authentication key (9A, 5FC105) are the thief's, so what is signed after VERIFY is a real
    signature, by a key that nobody ever recorded for the stolen card.
    """

    def __init__(self, stolen: Chip, own: Chip) -> None:
        self.stolen = stolen
        self.own = own
        self._last = stolen

    @property
    def atr(self) -> bytes:
        """The stolen card's."""
        return self.stolen.atr

    def reset(self) -> None:
        """Reset both."""
        self.stolen.reset()
        self.own.reset()

    def transmit(self, command: bytes) -> bytes:
        """Let the one or the other answer; both are selected."""
        if command[1] == 0xA4:
            self.own.transmit(command)
        if command[1] != GET_RESPONSE:
            self._last = self.own if _about_the_pin(command) else self.stolen
        return self._last.transmit(command)


def _about_the_pin(command: bytes) -> bool:
    match command[1]:
        case 0x20:
            return True
        case 0x87 | 0xF7:
            return command[3] == 0x9A
        case 0xCB:
            return bytes.fromhex("5fc105") in command
        case _:
            return False
