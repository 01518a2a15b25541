"""PC/SC without a service, for several readers: cards go in and out while a command runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from smartcard import scard

from campaigns.sim.faults import Fault, Faults
from campaigns.sim.invariants import Invariants
from campaigns.sim.scheduler import Crashed, Scheduler
from hardware import pcsc
from hardware.pcsc import WAS_RESET, Context, Handle, PcscError
from hardware.virtual.chip import ATR_T1
from kiosk.contract.ports import CardInserted, CardRemoved, PostReaderEvent, ReadersChanged
from tests.cuts.inspected_card import ChipReaderCard


@dataclass
class Reader:
    """One reader of one station; ``started`` counts the processes that used it."""

    name: str
    card: ChipReaderCard | None = None
    insertion: int = 0
    started: int = 0
    post: PostReaderEvent | None = field(default=None, repr=False)

    def insert(self, card: ChipReaderCard) -> None:
        """Put a card in."""
        assert self.card is None
        self.card = card
        self.insertion += 1
        card.reset()
        if self.post is not None:
            self.post(CardInserted(self.name, self.insertion))

    def pull(self) -> None:
        """Take the card out, whatever it is doing."""
        if self.card is None:
            return
        self.card.reset()
        self.card = None
        if self.post is not None:
            self.post(CardRemoved(self.name, self.insertion))


class Monitor:
    """Implements ``ReaderMonitor`` for one reader; a process that was killed hears nothing."""

    def __init__(self, reader: Reader, post: PostReaderEvent) -> None:
        self._reader, self._post = reader, post

    def start(self) -> None:
        """Post what is there."""
        self._reader.post = self._post
        self._post(ReadersChanged((self._reader.name,)))
        if self._reader.card is not None:
            self._post(CardInserted(self._reader.name, self._reader.insertion))

    def stop(self) -> None:
        """Post nothing more."""
        self._reader.post = None


@dataclass
class _Connection:
    reader: Reader
    insertion: int
    process: int


class Pcsc:
    """Takes the place of ``hardware.pcsc``'s calls."""

    def __init__(
        self,
        scheduler: Scheduler,
        faults: Faults,
        readers: dict[str, Reader],
        invariants: Invariants,
    ) -> None:
        self._scheduler, self._faults, self._readers = scheduler, faults, readers
        self._invariants = invariants
        self._connections: dict[Handle, _Connection] = {}
        self._count = 0

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let the product's calls come here."""
        patch.setattr(pcsc, "establish", lambda: Context(1))
        patch.setattr(pcsc, "release", lambda _: None)
        patch.setattr(pcsc, "answer_to_reset", lambda _: ATR_T1)
        for name in ("connect", "reconnect", "transmit", "control", "disconnect"):
            patch.setattr(pcsc, name, getattr(self, name))

    def connect(self, _: Context, reader: str) -> tuple[Handle, int]:
        """Connect."""
        there = self._readers[reader]
        process = there.started
        self._scheduler.pause()
        if there.started != process:
            raise Crashed
        if there.card is None:
            raise PcscError("SCardConnect", scard.SCARD_E_NO_SMARTCARD)
        self._count += 1
        handle = Handle(self._count)
        self._connections[handle] = _Connection(there, there.insertion, process)
        return handle, scard.SCARD_PROTOCOL_T1

    def reconnect(self, handle: Handle, *, reset: bool) -> int:
        """Take the card up again."""
        card = self._card(handle)
        if reset:
            card.reset()
        return int(scard.SCARD_PROTOCOL_T1)

    def transmit(self, handle: Handle, _: int, apdu: bytes) -> bytes:
        """Carry one APDU; the card may be out before it, or its answer lost."""
        return self._carry(handle, lambda card: card.transmit(apdu))

    def control(self, handle: Handle, code: int, body: bytes) -> bytes:
        """Know no control code: there are no keys here."""
        raise PcscError("SCardControl", scard.SCARD_E_UNSUPPORTED_FEATURE)

    def disconnect(self, handle: Handle, *, reset: bool) -> None:
        """Release the card, with a reset."""
        assert reset
        connection = self._connections.pop(handle)
        reader = connection.reader
        if reader.card is not None and reader.insertion == connection.insertion:
            reader.card.reset()

    def _carry(self, handle: Handle, ask: Callable[[ChipReaderCard], bytes]) -> bytes:
        self._scheduler.pause()
        card = self._card(handle)
        if self._faults.strikes(Fault.CARD_RESET):
            card.reset()
            raise PcscError("SCardTransmit", WAS_RESET)
        if self._faults.strikes(Fault.TORN_BEFORE):
            self._connections[handle].reader.pull()
        connection, card = self._connections[handle], self._card(handle)
        wrong = card.wrong
        answer = ask(card)
        visit = f"{connection.reader.name}/{connection.insertion}"
        self._invariants.after_command(card, wrong, visit)
        if self._faults.strikes(Fault.TORN_AFTER):
            self._connections[handle].reader.pull()
        if self._faults.strikes(Fault.ANSWER_LOST):
            raise PcscError("SCardTransmit", scard.SCARD_E_NOT_TRANSACTED)
        self._scheduler.pause()
        self._card(handle)
        return answer

    def _card(self, handle: Handle) -> ChipReaderCard:
        """Return the card that was connected; raise what PC/SC says of one that is out."""
        connection = self._connections[handle]
        reader = connection.reader
        if reader.started != connection.process:
            raise Crashed
        if reader.card is None or reader.insertion != connection.insertion:
            raise PcscError("SCardTransmit", scard.SCARD_W_REMOVED_CARD)
        return reader.card
