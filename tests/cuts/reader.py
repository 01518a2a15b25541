"""PC/SC without a service: the calls that the product makes, on a card of the test's own.

All of the product above these calls is the real one. The card lives with the test, and is
reached over a socket, so that it outlives a station that is killed.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Protocol

import pytest
from smartcard import scard

from hardware import pcsc
from hardware.pcsc import Context, Handle, PcscError
from hardware.virtual.card import VirtualCard
from hardware.virtual.state import CardState
from tests.cuts.cutter import Cutter

READER = "Reader of the test"
_RESET = b""


class Chip(Protocol):
    """What a reader talks to."""

    def reset(self) -> None:
        """Forget the session."""

    def transmit(self, command: bytes) -> bytes:
        """Answer one APDU."""


class CountingCard(VirtualCard):
    """Counts the wrong unblock secrets that it was given."""

    def __init__(self, state: CardState) -> None:
        super().__init__(state)
        self.wrong = 0

    def transmit(self, command: bytes) -> bytes:
        """Answer, and see whether a try of the PUK went."""
        before = self.state.puk.left
        answer = super().transmit(command)
        self.wrong += self.state.puk.left < before
        return answer


class RemoteChip:
    """The station's end of the socket to the card."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))

    def reset(self) -> None:
        """Have it reset."""
        self._ask(_RESET)

    def transmit(self, command: bytes) -> bytes:
        """Have it answer."""
        return self._ask(command)

    def _ask(self, payload: bytes) -> bytes:
        send(self._socket, payload)
        return receive(self._socket) or b""


class CardServer:
    """The card's end: serves one station after the other, until it is closed."""

    def __init__(self, path: Path, chip: Chip) -> None:
        self._chip = chip
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Serve nobody any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                station, _ = self._listener.accept()
            except OSError:
                return
            with station:
                self._answer(station)

    def _answer(self, station: socket.socket) -> None:
        while (payload := receive(station)) is not None:
            if payload == _RESET:
                self._chip.reset()
            send(station, self._chip.transmit(payload) if payload else b"")


class Reader:
    """One reader with one card in it; put in the place of ``hardware.pcsc``'s calls."""

    def __init__(self, chip: Chip, cutter: Cutter) -> None:
        self._chip = chip
        self._cutter = cutter
        cutter.reset_card = chip.reset

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let the product's calls come here."""
        patch.setattr(pcsc, "establish", lambda: Context(1))
        patch.setattr(pcsc, "release", lambda _: None)
        for name in ("connect", "reconnect", "transmit", "disconnect"):
            patch.setattr(pcsc, name, getattr(self, name))

    def connect(self, _: Context, reader: str, *, exclusive: bool) -> tuple[Handle, int]:
        """Connect, exclusively."""
        assert (reader, exclusive) == (READER, True)
        if self._cutter.is_out:
            raise PcscError("SCardConnect", scard.SCARD_E_NO_SMARTCARD)
        return Handle(1), scard.SCARD_PROTOCOL_T1

    def reconnect(self, _: Handle, *, exclusive: bool, reset: bool) -> int:
        """Take the card up again."""
        if self._cutter.is_out:
            raise PcscError("SCardReconnect", scard.SCARD_W_REMOVED_CARD)
        self._cutter.was_reset = False
        if reset:
            self._chip.reset()
        return int(scard.SCARD_PROTOCOL_T1)

    def transmit(self, _: Handle, protocol: int, apdu: bytes) -> bytes:
        """Carry one APDU, before or after the cut."""
        self._cutter.need_card()
        return self._cutter.around(f"{apdu[1]:02X}", lambda: self._chip.transmit(apdu))

    def disconnect(self, _: Handle, *, reset: bool) -> None:
        """Let go, with a reset."""
        assert reset
        self._chip.reset()


def send(to: socket.socket, payload: bytes) -> None:
    """Send one frame."""
    to.sendall(len(payload).to_bytes(2, "big") + payload)


def receive(from_: socket.socket) -> bytes | None:
    """Return the next frame; None at the end."""
    head = _exactly(from_, 2)
    return None if head is None else _exactly(from_, int.from_bytes(head, "big"))


def _exactly(from_: socket.socket, count: int) -> bytes | None:
    received = b""
    while len(received) < count:
        piece = from_.recv(count - len(received))
        if not piece:
            return None
        received += piece
    return received
