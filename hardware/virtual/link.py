"""The card's end of the virtual reader: a thread that answers the reader.

The card connects to the slot; each message either way is a two-byte big-endian length and the
payload. One-byte payloads are the reader's own (power off, power on, reset, "which ATR?"), of which
only the last is answered; all others are APDUs.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from enum import IntEnum
from typing import Protocol

from hardware.virtual.pcscd import Slot

RETRY_SECONDS = 0.02
ASKED_IN_VAIN = 4
"""A reader that asked for the ATR so often without giving power has not noticed this card."""


class Chip(Protocol):
    """A card behind its contacts: its state outlives its insertions."""

    @property
    def atr(self) -> bytes:
        """The answer to reset (ISO 7816-3); more than 33 bytes make the card mute."""

    def reset(self) -> None:
        """Forget the session; the reader powers up, powers down or resets."""

    def transmit(self, command: bytes) -> bytes:
        """Answer one APDU; may raise ``PulledOutError``."""


class PulledOutError(Exception):
    """The card leaves the reader during a command, after a part of the answer or none."""

    def __init__(self, sent: bytes | None = None) -> None:
        super().__init__("pulled out in mid-command")
        self.sent = sent


class _Ask(IntEnum):
    POWER_OFF = 0
    POWER_ON = 1
    RESET = 2
    ATR = 4


class CardLink:
    """Plugs one chip into one slot of the virtual reader; it stays in over a restart of pcscd."""

    def __init__(self, chip: Chip, slot: Slot) -> None:
        self.chip = chip
        self._slot = slot
        self._out = threading.Event()
        self._out.set()
        self._powered = threading.Event()
        self._asked = 0
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    @property
    def inserted(self) -> bool:
        """Return whether the card is in, as far as the card knows."""
        return not self._out.is_set()

    def insert(self) -> None:
        """Insert the card and return at once; pcscd sees it within 0.4 s."""
        if self.inserted:
            return
        self._join()
        self._out.clear()
        self._powered.clear()
        self._thread = threading.Thread(target=self._live, name="virtual card", daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Pull the card out and return once it is out, also during a command.

        A chip that hangs in a command is left alone; ``insert`` waits for it.
        """
        self._out.set()
        with self._lock:
            if self._socket is not None:
                _hang_up(self._socket)
        while self._thread is not None and self._idle.is_set():
            self._join(RETRY_SECONDS)

    def wait_powered(self, seconds: float = 5.0) -> bool:
        return self._powered.wait(seconds)

    def _join(self, seconds: float | None = None) -> None:
        if self._thread is not None:
            self._thread.join(seconds)
            if not self._thread.is_alive():
                self._thread = None

    def _live(self) -> None:
        while not self._out.is_set():
            self._powered.clear()
            connection = self._connect()
            if connection is None:
                self._out.wait(RETRY_SECONDS)
                continue
            with connection:
                self._serve(connection)
            with self._lock:
                self._socket = None
        self.chip.reset()

    def _connect(self) -> socket.socket | None:
        try:
            connection = self._slot.dial()
        except OSError:
            return None
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._asked = 0
        with self._lock:
            self._socket = connection
            if self._out.is_set():
                _hang_up(connection)
        return connection

    def _serve(self, connection: socket.socket) -> None:
        try:
            while (payload := _receive(connection)) and not self._unnoticed(payload):
                self._answer(connection, payload)
        except PulledOutError as pulled:
            self._out.set()
            if pulled.sent is not None:
                with suppress(OSError):
                    _send(connection, pulled.sent)
        except OSError:
            return  # the reader went away in mid-message

    def _unnoticed(self, payload: bytes) -> bool:
        """Count the requests for the ATR before the first power; True ends the connection."""
        # After a card was pulled out during a command, pcscd takes the next card for the same one
        # and never powers it, unless it sees the slot empty between the two: this card therefore
        # leaves and comes back. It leaves in place of an answer, never after one: the reader waits
        # for the answer and sees the slot empty at once, and power cannot arrive in the same
        # moment.
        if payload == bytes([_Ask.ATR]) and not self._powered.is_set():
            self._asked += 1
        return self._asked > ASKED_IN_VAIN

    def _answer(self, connection: socket.socket, payload: bytes) -> None:
        if len(payload) > 1:
            self._idle.clear()
            try:
                answer = self.chip.transmit(payload)
            finally:
                self._idle.set()
            _send(connection, answer)
        elif payload == bytes([_Ask.ATR]):
            _send(connection, self.chip.atr)
        else:
            self.chip.reset()
            if payload == bytes([_Ask.POWER_ON]):
                self._powered.set()


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other end was faster


def _send(connection: socket.socket, payload: bytes) -> None:
    connection.sendall(len(payload).to_bytes(2, "big") + payload)


def _receive(connection: socket.socket) -> bytes:
    """Return the next payload, nothing at the end."""
    head = _receive_exactly(connection, 2)
    return _receive_exactly(connection, int.from_bytes(head, "big"))


def _receive_exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        # The kernel falls back to delayed acknowledgements; with the reader's two writes a message
        # would then cost 40 ms each time.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        if not piece:
            return b""
        received += piece
    return received
