"""A chip that does as it is told until the command that it is told to fail at, and who asks it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hardware import pcsc
from hardware.cards import PcscCards
from hardware.drivers.piv import PivDriver
from hardware.grip import Patience
from hardware.pcsc import ReaderState
from hardware.registry import Registry
from hardware.trace import Trace
from hardware.virtual.card import VirtualCard
from hardware.virtual.link import PulledOutError
from hardware.virtual.making import new_card
from hardware.virtual.profile import CardProfile
from kiosk.dialogue import CardId
from kiosk.ports import CardAddress
from kiosk.sensitive import Sensitive
from tests.support.pcsc import Seat

PIN, NEW, PUK = (Sensitive(text) for text in ("482915", "60514273", "73918264"))
GET_RESPONSE, GET_DATA, VERIFY, CHANGE, RESET = 0xC0, 0xCB, 0x20, 0x24, 0x2C
SOON = Patience(answer_s=0.5, busy_s=0.5, retry_s=0.02)
PATIENT = Patience(answer_s=20.0, busy_s=0.2, retry_s=0.02)


Deed = Callable[[VirtualCard, bytes], bytes]


class Trouble:
    """Wraps a card; ``deeds`` name, by instruction, what to do in place of an answer."""

    def __init__(self, card: VirtualCard, deeds: dict[int, Deed] | None = None) -> None:
        self.card = card
        self.deeds = deeds or {}
        self.apdus: list[bytes] = []

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def reset(self) -> None:
        self.card.reset()

    def transmit(self, command: bytes) -> bytes:
        self.apdus.append(command)
        deed = self.deeds.get(command[1])
        # A body is what tells VERIFY from the question for its state.
        if deed is None or (command[1] == 0x20 and len(command) <= 5):
            return self.card.transmit(command)
        return deed(self.card, command)

    def count(self, instruction: int) -> int:
        """How often a command with a body and this instruction came."""
        return sum(apdu[1] == instruction and len(apdu) > 5 for apdu in self.apdus)


def answers(text: str) -> Deed:
    """Answer these bytes and do nothing."""
    return lambda _card, _command: bytes.fromhex(text)


def done_but_torn(sent: bytes | None) -> Deed:
    """Do what was asked, and leave in mid-answer."""

    def deed(card: VirtualCard, command: bytes) -> bytes:
        card.transmit(command)
        raise PulledOutError(sent)

    return deed


class Hang:
    """Hang until let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.hanging = threading.Event()

    def __call__(self, card: VirtualCard, command: bytes) -> bytes:
        self.hanging.set()
        self.let_go.wait(60)
        return card.transmit(command)


def then(before: Callable[[], None]) -> Deed:
    """Do something else first, then answer as always."""

    def deed(card: VirtualCard, command: bytes) -> bytes:
        before()
        return card.transmit(command)

    return deed


Operation = Callable[[PcscCards, CardAddress], object]
CHANGES: dict[int, Operation] = {
    VERIFY: lambda cards, at: cards.verify_pin(at, PIN),
    CHANGE: lambda cards, at: cards.change_pin(at, PIN, NEW),
    RESET: lambda cards, at: cards.unblock(at, PUK, NEW),
}


def cards_with(
    patience: Patience = PATIENT, trace: Trace | None = None, *, exclusive: bool = True
) -> PcscCards:
    return PcscCards(Registry([PivDriver()]), patience, trace, exclusive=exclusive)


def chip(profile: CardProfile | None = None) -> Trouble:
    return Trouble(new_card(holder_name="Ada Example", profile=profile or CardProfile()))


def address(seat: Seat, trouble: Trouble) -> CardAddress:
    return CardAddress(seat.reader, CardId("piv", trouble.card.state.guid.hex()))


def let_the_service_look(reader: str) -> None:
    """Wait until the service's own poll has seen that a torn card is out.

    A reset that fails makes it say "empty" at once, and it then takes a card that goes in
    before its next poll for the one that it knew. Each coming and going counts one.
    """
    context = pcsc.establish()
    state = ReaderState(reader, pcsc.STATE_UNAWARE)
    while state.state == pcsc.STATE_UNAWARE or (not state.present and state.count % 2):
        (state,) = pcsc.wait_for_change(context, 10_000, [state])
    pcsc.release(context)
