"""A card that outlives the stations that use it: it lives with the test, behind a socket."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Protocol, Self

_RESET = b""


class Chip(Protocol):
    """What a reader talks to."""

    def reset(self) -> None:
        """Forget the session."""

    def transmit(self, command: bytes) -> bytes:
        """Answer one APDU."""


class RemoteChip:
    """The station's end of the socket to the card; hangs up at the end of a ``with``."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def reset(self) -> None:
        """Have it reset."""
        self._ask(_RESET)

    def transmit(self, command: bytes) -> bytes:
        """Have it answer."""
        return self._ask(command)

    def _ask(self, payload: bytes) -> bytes:
        _send(self._socket, payload)
        return _receive(self._socket) or b""


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
        while (payload := _receive(station)) is not None:
            if payload == _RESET:
                self._chip.reset()
            _send(station, self._chip.transmit(payload) if payload else b"")


def _send(to: socket.socket, payload: bytes) -> None:
    to.sendall(len(payload).to_bytes(2, "big") + payload)


def _receive(from_: socket.socket) -> bytes | None:
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
