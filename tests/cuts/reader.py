"""PC/SC without a service: the calls that the product makes, on a card of the test's own.

All of the product above these calls is the real one.
"""

from __future__ import annotations

import pytest
from smartcard import scard

from hardware import pcsc
from hardware.cards import PcscCards
from hardware.driver import Driver
from hardware.pcsc import WAS_RESET, Context, Handle, PcscError
from hardware.registry import Registry
from hardware.virtual.profile import ATR_T1
from tests.cuts.chips import Chip
from tests.cuts.cutter import Cutter, Fault

READER = "Reader of the test"


class Reader:
    """One reader with one card in it; put in the place of ``hardware.pcsc``'s calls.

    A card that was torn out stays out; one that was reset says so until it is taken up again.
    """

    def __init__(self, chip: Chip, cutter: Cutter) -> None:
        self._chip = chip
        self._cutter = cutter
        self._is_out = False
        self._was_reset = False
        cutter.line = self

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let the product's calls come here."""
        patch.setattr(pcsc, "establish", lambda: Context(1))
        patch.setattr(pcsc, "release", lambda _: None)
        patch.setattr(pcsc, "answer_to_reset", lambda _: ATR_T1)
        for name in ("connect", "reconnect", "transmit", "disconnect"):
            patch.setattr(pcsc, name, getattr(self, name))

    def hit(self, fault: Fault) -> None:
        """Take the card out, or reset it."""
        self._is_out = self._is_out or fault is Fault.TORN
        self._was_reset = self._was_reset or fault is Fault.RESET
        self._chip.reset()

    def check(self) -> None:
        """Raise what PC/SC says of a card that is out, or was reset."""
        if self._is_out:
            raise PcscError("SCardTransmit", scard.SCARD_W_REMOVED_CARD)
        if self._was_reset:
            raise PcscError("SCardTransmit", WAS_RESET)

    def connect(self, _: Context, reader: str, *, exclusive: bool) -> tuple[Handle, int]:
        """Connect, exclusively."""
        assert (reader, exclusive) == (READER, True)
        if self._is_out:
            raise PcscError("SCardConnect", scard.SCARD_E_NO_SMARTCARD)
        return Handle(1), scard.SCARD_PROTOCOL_T1

    def reconnect(self, _: Handle, *, exclusive: bool, reset: bool) -> int:
        """Take the card up again."""
        assert exclusive
        if self._is_out:
            raise PcscError("SCardReconnect", scard.SCARD_W_REMOVED_CARD)
        self._was_reset = False
        if reset:
            self._chip.reset()
        return int(scard.SCARD_PROTOCOL_T1)

    def transmit(self, _: Handle, protocol: int, apdu: bytes) -> bytes:
        """Carry one APDU, before or after the cut."""
        assert protocol == scard.SCARD_PROTOCOL_T1
        self.check()
        lost = PcscError("SCardTransmit", scard.SCARD_E_NOT_TRANSACTED)
        return self._cutter.around(f"{apdu[1]:02X}", lambda: self._chip.transmit(apdu), lost)

    def disconnect(self, _: Handle, *, reset: bool) -> None:
        """Let go, with a reset."""
        assert reset
        self._chip.reset()


def real_cards(chip: Chip, driver: Driver, cutter: Cutter, patch: pytest.MonkeyPatch) -> PcscCards:
    """Return the product's own way to the card, of which every step may be cut."""
    Reader(chip, cutter).install(patch)
    return PcscCards(Registry([driver]))
