"""The card's end of the connection, asked by a reader that is this test."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardware.virtual.link import CardLink
from hardware.virtual.pcscd import Slot
from tests.hardware.virtual.apdus import SELECT, card

POWER_ON, ATR = b"\x01", b"\x04"
SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class LocalSlot(Slot):
    """A slot that listens in this process."""

    port: int

    def dial(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), SECONDS)


class Reader:
    """Takes one card's connection and asks in lock-step, as the virtual reader's driver does."""

    def __init__(self, listener: socket.socket) -> None:
        self._connection, _ = listener.accept()
        self._connection.settimeout(SECONDS)

    def say(self, payload: bytes) -> None:
        self._connection.sendall(len(payload).to_bytes(2, "big") + payload)

    def ask(self, payload: bytes) -> bytes:
        """Return the answer; nothing when the card hangs up instead."""
        self.say(payload)
        length = int.from_bytes(self._connection.recv(2, socket.MSG_WAITALL), "big")
        return self._connection.recv(length, socket.MSG_WAITALL) if length else b""


@pytest.mark.parametrize("asked", range(1, 9))
def test_a_card_that_answers_the_atr_stays_for_the_power_that_follows(asked: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = CardLink(card(), LocalSlot(Path(), 0, "Reader", listener.getsockname()[1]))
        link.insert()
        try:
            reader = Reader(listener)
            if all(reader.ask(ATR) for _ in range(asked)):
                reader.say(POWER_ON)
                assert reader.ask(SELECT)[-2:] == b"\x90\x00"
                assert link.wait_powered(SECONDS)
        finally:
            link.remove()


def test_a_card_that_gets_no_power_comes_back_by_itself() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = CardLink(card(), LocalSlot(Path(), 0, "Reader", listener.getsockname()[1]))
        link.insert()
        try:
            first = Reader(listener)
            assert not all(first.ask(ATR) for _ in range(8))
            assert Reader(listener).ask(ATR) == link.chip.atr
        finally:
            link.remove()
