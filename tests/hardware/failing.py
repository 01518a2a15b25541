"""A card with faults that change while it is in a reader, and calls on it."""

from __future__ import annotations

import time
from collections.abc import Callable

from smartcard import scard

from hardware import pcsc
from hardware.card_access import CardTimeouts, PcscCards
from hardware.connection import Trace
from hardware.driver import load_driver
from hardware.pcsc import PcscError, PcscReaderState
from hardware.virtual.link import Chip
from hardware.virtual.piv import CardProfile, VirtualCard, new_card
from kiosk.contract.errors import CardBusy, CardHung
from kiosk.contract.messages import CardId, CardReport
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from tests.support.faults import Fault, FaultyCard, answering
from tests.support.pcsc import Seat

PIN, NEW, PUK = (Sensitive(text) for text in ("482915", "60514273", "73918264"))
GET_RESPONSE, GET_DATA, VERIFY, CHANGE, RESET = 0xC0, 0xCB, 0x20, 0x24, 0x2C
SOON = CardTimeouts(answer_s=0.8, busy_s=0.8, retry_s=0.02)
PATIENT = CardTimeouts(answer_s=20.0, busy_s=0.2, retry_s=0.02)


class FailingCard(FaultyCard):
    """A card whose faults change while it is in; it records the APDUs that it was sent."""

    def __init__(self, card: VirtualCard) -> None:
        self.card = card
        self.apdus: list[bytes] = []
        self._now: dict[int, Fault] = {}
        super().__init__(card, self._now, times=None)

    def fail(self, faults: dict[int, Fault]) -> None:
        """Have these faults from now on, and no other."""
        self._now.clear()
        self._now.update(faults)

    def transmit(self, command: bytes) -> bytes:
        self.apdus.append(command)
        return super().transmit(command)

    def count(self, instruction: int) -> int:
        """How often a command with a body and this instruction came."""
        return sum(apdu[1] == instruction and len(apdu) > 5 for apdu in self.apdus)


def answers(text: str) -> Fault:
    """Answer these bytes, in hex, and do nothing."""
    return answering(bytes.fromhex(text))


def then(before: Callable[[], None]) -> Fault:
    """Do something else first, then answer as always."""

    def fault(card: Chip, command: bytes) -> bytes:
        before()
        return card.transmit(command)

    return fault


def unblock(cards: PcscCards, at: CardAddress, secret: Sensitive, new: Sensitive) -> None:
    """Hold the card for this one act."""
    cards.hold(at, lambda card: card.unblock(secret, new))


Operation = Callable[[PcscCards, CardAddress], object]
CHANGES: dict[int, Operation] = {
    VERIFY: lambda cards, at: cards.verify_pin(at, PIN),
    CHANGE: lambda cards, at: cards.change_pin(at, PIN, NEW),
    RESET: lambda cards, at: unblock(cards, at, PUK, NEW),
}


def cards_with(patience: CardTimeouts = PATIENT, trace: Trace | None = None) -> PcscCards:
    return PcscCards([load_driver("piv", "puk")], patience, trace)


def connect_shared(context: pcsc.Context, reader: str) -> tuple[pcsc.Handle, int]:
    """Connect as a program does that leaves the card to others, too."""
    share, protocols = scard.SCARD_SHARE_SHARED, pcsc.ANY_PROTOCOL
    code, handle, protocol = scard.SCardConnect(context, reader, share, protocols)
    if code:
        raise PcscError("SCardConnect", code)
    return pcsc.Handle(handle), protocol


def chip(profile: CardProfile | None = None) -> FailingCard:
    return FailingCard(new_card(holder_name="Ada Example", profile=profile or CardProfile()))


def address(seat: Seat, failing: FailingCard) -> CardAddress:
    return CardAddress(seat.reader, CardId("piv", failing.card.state.guid.hex()))


def read_once_free(cards: PcscCards, reader: str) -> CardReport:
    """Read the card once the abandoned work has released it, at the latest after a minute."""
    give_up_at = time.monotonic() + 60
    while True:
        try:
            return cards.read(reader)
        except (CardHung, CardBusy):
            if time.monotonic() >= give_up_at:
                raise


def await_service_poll(reader: str) -> None:
    """Wait until the service's own poll has seen that a torn card is out.

    After a failed reset the service reports "empty" at once, and it then takes a card that goes
    in before its next poll for the one that it knew. Each insertion and removal counts one.
    """
    context = pcsc.establish()
    state = PcscReaderState(reader, pcsc.STATE_UNAWARE)
    while state.state == pcsc.STATE_UNAWARE or (not state.present and state.count % 2):
        (state,) = pcsc.wait_for_change(context, 10_000, [state])
    pcsc.release(context)


def everything_about(error: BaseException) -> str:
    """The texts of an error and of what led to it, and the variables of every frame."""
    seen, frames = [repr(error), str(error)], error.__traceback__
    while frames is not None:
        local = frames.tb_frame.f_locals
        seen += [repr(value) for name, value in local.items() if name != "seen"]
        seen += [bytes(v).decode("latin-1") for v in local.values() if isinstance(v, bytes)]
        frames = frames.tb_next
    for before in (error.__context__, error.__cause__):
        seen += [everything_about(before)] if before is not None else []
    return "".join(seen)


def secrets_in(error: BaseException) -> list[Sensitive]:
    """Return which secrets an error shows, with what led to it and the variables of its frames."""
    seen = everything_about(error)
    return [secret for secret in (PIN, NEW, PUK) if secret.reveal() in seen]
