"""PC/SC without a service: the calls that the product makes, on a card of the test's own.

All of the product above these calls is the real one.
"""

from __future__ import annotations

import pytest
from smartcard import scard

from hardware import pcsc
from hardware.card_access import PcscCards
from hardware.driver import Driver
from hardware.pcsc import GET_FEATURE_REQUEST, WAS_RESET, Context, Handle, PcscError
from hardware.virtual.chip import ATR_T1
from tests.cuts.chips import Chip
from tests.cuts.cutter import Cutter, Fault

READER = "Reader of the test"

_VERIFY, _MODIFY, _PROPERTIES = 0x42330006, 0x42330007, 0x42330012
_FEATURES = b"".join(
    bytes((code & 0xFF, 4)) + code.to_bytes(4) for code in (_VERIFY, _MODIFY, _PROPERTIES)
)
_NEW_AT, _HEAD = 6, 24
"""In PIN_MODIFY_STRUCTURE (PC/SC part 10, 2.5.3): where the new PIN goes; all that comes first."""


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
        for name in ("connect", "reconnect", "transmit", "control", "disconnect"):
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

    def connect(self, _: Context, reader: str) -> tuple[Handle, int]:
        """Connect."""
        assert reader == READER
        if self._is_out:
            raise PcscError("SCardConnect", scard.SCARD_E_NO_SMARTCARD)
        return Handle(1), scard.SCARD_PROTOCOL_T1

    def reconnect(self, _: Handle, *, reset: bool) -> int:
        """Take the card up again."""
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

    def control(self, _: Handle, code: int, body: bytes) -> bytes:
        """Know no control code: there are no keys here."""
        raise PcscError("SCardControl", scard.SCARD_E_UNSUPPORTED_FEATURE)

    def disconnect(self, _: Handle, *, reset: bool) -> None:
        """Let go, with a reset."""
        assert reset
        self._chip.reset()


class ReaderWithKeys(Reader):
    """A reader at whose keys somebody enters a new PIN, twice and rightly."""

    def __init__(self, chip: Chip, cutter: Cutter, pin: str) -> None:
        super().__init__(chip, cutter)
        self._pin = pin.encode("ascii")

    def control(self, _: Handle, code: int, body: bytes) -> bytes:
        """Tell of the keys, or have the PIN entered and the command sent."""
        self.check()
        lost = PcscError("SCardControl", scard.SCARD_E_NOT_TRANSACTED)
        return self._cutter.around("keys", lambda: self._asked(code, body), lost)

    def _asked(self, code: int, body: bytes) -> bytes:
        if code == GET_FEATURE_REQUEST:
            return _FEATURES
        if code == _PROPERTIES:
            return b""
        assert code == _MODIFY
        return self._chip.transmit(self._filled(body[_HEAD:], at=body[_NEW_AT]))

    def _filled(self, apdu: bytes, at: int) -> bytes:
        """Put the PIN in its place behind the header and the length of the command."""
        start = 5 + at
        return apdu[:start] + self._pin + apdu[start + len(self._pin) :]


def real_cards(
    chip: Chip, driver: Driver, cutter: Cutter, patch: pytest.MonkeyPatch, keyed: str = ""
) -> PcscCards:
    """Return the product's own way to the card, of which every step may be cut.

    With ``keyed`` the reader has keys, at which that is entered.
    """
    reader = ReaderWithKeys(chip, cutter, keyed) if keyed else Reader(chip, cutter)
    reader.install(patch)
    return PcscCards([driver])
