"""The least that can be done with a card: a loop on ``smartcard.scard`` without a layer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from smartcard import scard

AID = bytes.fromhex("00a4040009a0000003080000100000")
CHUID = bytes.fromhex("00cb3fff055c035fc10200")
CERTIFICATE = bytes.fromhex("00cb3fff055c035fc10500")
PIN_STATE = bytes.fromhex("00200080")
RESET_RETRY_COUNTER = bytes.fromhex("002c008010")


class BareError(Exception):
    """The card or PC/SC gave another answer than the one that was hoped for."""


@dataclass(frozen=True, slots=True)
class BareCard:
    """One context, kept; each act connects and lets go with a reset, as the product does."""

    context: Any
    reader: str
    guid: bytes
    puk: str

    def seconds_a_command(self, count: int = 50) -> float:
        """Return what one command takes there and back, on a connection that stands."""
        handle, pci = self._connect()
        _send(handle, pci, AID)
        began = time.perf_counter()
        for _ in range(count):
            _transmit(handle, pci, PIN_STATE)
        took = time.perf_counter() - began
        self._disconnect(handle)
        return took / count

    def unblock(self, new: str) -> None:
        """Reset, select, see that it is the card, RESET RETRY COUNTER."""
        handle, pci = self._connect()
        _good(scard.SCardReconnect(handle, _EXCLUSIVE, _ANY, scard.SCARD_RESET_CARD)[0])
        _send(handle, pci, AID)
        if self.guid not in _send(handle, pci, CHUID):
            raise BareError("another card")
        _send(handle, pci, self._reset(new))
        self._disconnect(handle)

    def unblock_blindly(self, new: str) -> None:
        """Select and RESET RETRY COUNTER, whoever it is: two commands and nothing else."""
        handle, pci = self._connect()
        _send(handle, pci, AID)
        _send(handle, pci, self._reset(new))
        self._disconnect(handle)

    def read(self) -> None:
        """Read what an unlock has to know: which card, the state of its PIN, its expiry."""
        handle, pci = self._connect()
        _send(handle, pci, AID)
        _send(handle, pci, CHUID)
        _transmit(handle, pci, PIN_STATE)
        _whole(handle, pci, CERTIFICATE)
        self._disconnect(handle)

    def _connect(self) -> tuple[int, Any]:
        code, handle, protocol = scard.SCardConnect(self.context, self.reader, _EXCLUSIVE, _ANY)
        _good(code)
        t0 = protocol == scard.SCARD_PROTOCOL_T0
        return handle, scard.SCARD_PCI_T0 if t0 else scard.SCARD_PCI_T1

    def _disconnect(self, handle: int) -> None:
        _good(scard.SCardDisconnect(handle, scard.SCARD_RESET_CARD))

    def _reset(self, new: str) -> bytes:
        fields = (secret.encode().ljust(8, b"\xff") for secret in (self.puk, new))
        return RESET_RETRY_COUNTER + b"".join(fields)


_EXCLUSIVE = scard.SCARD_SHARE_EXCLUSIVE
_ANY = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1


def establish() -> Any:
    """Open a context."""
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    _good(code)
    return context


def _send(handle: int, pci: Any, apdu: bytes) -> bytes:
    answer = _transmit(handle, pci, apdu)
    if answer[-2:] != b"\x90\x00":
        raise BareError(f"the card answered {answer[-2:].hex()}")
    return answer


def _whole(handle: int, pci: Any, apdu: bytes) -> None:
    answer = _transmit(handle, pci, apdu)
    while answer[-2] == 0x61:
        answer = _transmit(handle, pci, bytes((0x00, 0xC0, 0x00, 0x00, answer[-1])))


def _transmit(handle: int, pci: Any, apdu: bytes) -> bytes:
    code, answer = scard.SCardTransmit(handle, pci, list(apdu))
    _good(code)
    return bytes(answer)


def _good(code: int) -> None:
    if code != scard.SCARD_S_SUCCESS:
        raise BareError(scard.SCardGetErrorMessage(code))
