"""Cards that name themselves like one with an admin key, and do not have the key."""

from __future__ import annotations

from typing import Any

from hardware.tlv import make as tlv
from hardware.virtual.chip import AppletChip, read
from tests.support import gids_card
from tests.support.gids_card import ADMIN_KEY

VERIFY, CHANGE, RESET, AUTHENTICATE = 0x20, 0x24, 0x2C, 0x87
TEMPLATE, NUMBER, CRYPTOGRAM = 0x7C, 0x81, 0x82
OK = b"\x90\x00"


class Listening:
    """A genuine card that keeps what it was sent, and what it drew and answered."""

    def __init__(self, card: AppletChip[Any]) -> None:
        self.card = card
        self.apdus: list[bytes] = []
        self.said: dict[int, bytes] = {}

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def reset(self) -> None:
        self.card.reset()

    def transmit(self, command: bytes) -> bytes:
        self.apdus.append(command)
        answer = self.say(command)
        if command[1] == AUTHENTICATE and answer.endswith(OK):
            self.said |= read(read(answer[:-2])[TEMPLATE])
        return answer

    def say(self, command: bytes) -> bytes:
        """Answer as the card does."""
        return self.card.transmit(command)

    def count(self, instruction: int) -> int:
        """How often a command with a body and this instruction came."""
        return sum(apdu[1] == instruction and len(apdu) > 5 for apdu in self.apdus)

    def cryptograms(self) -> list[bytes]:
        """What came that was made with the admin key."""
        return [apdu for apdu in self.apdus if apdu[1] == AUTHENTICATE and sent(apdu, CRYPTOGRAM)]


class Forged(Listening):
    """Takes any PIN, and makes up what it would need the key for."""

    number, answer = bytes(range(16)), bytes(40)

    def say(self, command: bytes) -> bytes:
        if command[1] in (VERIFY, CHANGE, RESET):
            return OK
        if command[1] != AUTHENTICATE:
            return super().say(command)
        ours, made = sent(command, NUMBER), sent(command, CRYPTOGRAM)
        tag, value = (CRYPTOGRAM, self.reply(made)) if made else (NUMBER, self.draw(ours))
        return tlv(TEMPLATE, tlv(tag, value)) + OK

    def draw(self, ours: bytes) -> bytes:
        """Draw a number."""
        return self.number

    def reply(self, made: bytes) -> bytes:
        """Answer what the authority's key made."""
        return self.answer


class WithAnotherKey(Forged):
    """Keeps to the protocol, with a key that it made up."""

    def draw(self, ours: bytes) -> bytes:
        self.answer = gids_card.make(ADMIN_KEY[::-1], ours, self.number)
        return self.number


class Refusing(Forged):
    """Says that the authority's key is wrong, or blocked."""

    status = b"\x63\xc2"

    def say(self, command: bytes) -> bytes:
        made = command[1] == AUTHENTICATE and sent(command, CRYPTOGRAM)
        return self.status if made else super().say(command)


class GivingBack(Forged):
    """Gives back what was made for it."""

    def reply(self, made: bytes) -> bytes:
        return made


class Mirroring(GivingBack):
    """Gives back our own number, too: what is made for it would be the right answer."""

    def draw(self, ours: bytes) -> bytes:
        return ours


class Replaying(Forged):
    """Says once more what the genuine card said; ``listen`` to that first."""

    def listen(self, genuine: Listening) -> None:
        """Learn what it said last."""
        self.number, self.answer = genuine.said[NUMBER], genuine.said[CRYPTOGRAM]


def sent(command: bytes, tag: int) -> bytes:
    """Return what came under ``tag`` in GENERAL AUTHENTICATE."""
    return read(read(command[5 : 5 + command[4]])[TEMPLATE]).get(tag, b"")
