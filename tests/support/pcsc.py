"""A private pcscd with a virtual reader, and cards to push in.

Fixtures (``pytest_plugins = ["tests.support.pcsc"]`` in the root conftest)::

    def test_something(insert: Insert, pcscd: HotplugPcscd) -> None:
        card = new_card(holder_name="Ada", pin="482915", puk="73918264")
        seat = insert(card)          # returns when pcscd shows the card as present
        seat.reader                  # "Virtual PCD 00 00"; insert(card, slot=1): the other
        card.received                # commands it was sent; see also card.state.pin.left
        seat.remove()                # pull it out, also in mid-command; then seat.insert()
        pcscd.kill(); pcscd.start()  # the card stays in and comes back by itself
        pcscd.unplug(); pcscd.replug()  # the reader with both its slots

Cards are made by ``hardware.virtual.piv``: ``new_card``.
``pad`` gives the reader keys for PINs (see ``tests.support.pad``).
``pcscd`` is one for the whole session, because libpcsclite reads PCSCLITE_CSOCK_NAME once
in a process and never again: it is set before the first test, and no service answers there
until a test asks for one. ``client_environment(pcscd)`` is for child processes. After each test of
``insert`` pcscd runs, the reader is in, and all cards are out.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from smartcard import scard

from hardware import pcsc
from hardware.virtual.link import CardLink, Chip
from hardware.virtual.pcscd import PrivatePcscd, wait_until
from tests.support.hotplug import HotplugPcscd
from tests.support.pad import Pad

SEEN_SECONDS = 240.0


@dataclass(slots=True)
class Seat:
    """A card and the slot it goes into."""

    reader: str
    link: CardLink

    def insert(self) -> None:
        """Push the card in; returns when pcscd shows it and has given it power.

        pcscd notices a removal at its next poll. Until then it shows the card that was in
        before, and a command to that one fails with SCARD_E_NOT_TRANSACTED: the slot has to
        be seen empty first.
        """
        if not self.link.inserted:
            wait_for_presence(self.reader, present=False)
            self.link.insert()
        if not self.link.wait_powered(SEEN_SECONDS):
            raise TimeoutError(f"{self.reader} never gave its card power")
        wait_for_presence(self.reader, present=True)

    def remove(self) -> None:
        """Pull the card out; returns when pcscd shows an empty slot."""
        self.link.remove()
        wait_for_presence(self.reader, present=False)


class Insert(Protocol):
    """Pushes a card into a slot of the private reader and waits until it is seen."""

    def __call__(self, chip: Chip, slot: int = 0) -> Seat:
        """Return the seat; raises ``TimeoutError`` when pcscd does not see the card."""


_SERVICE = pytest.StashKey[HotplugPcscd]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the socket of the private service before anything can open a context."""
    service = HotplugPcscd(Path(tempfile.mkdtemp(prefix="kiosk-pcscd-")))
    config.stash[_SERVICE] = service
    os.environ.update({**service.env, pcsc.NO_BLOCKING: "1"})


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the service's directory."""
    shutil.rmtree(config.stash[_SERVICE].directory, ignore_errors=True)


@pytest.fixture(scope="session")
def pcscd(pytestconfig: pytest.Config) -> Iterator[HotplugPcscd]:
    """The private service of this test session."""
    service = pytestconfig.stash[_SERVICE]
    service.start()
    yield service
    service.stop()


def start_empty(pcscd: HotplugPcscd) -> None:
    """Start the service and wait until it shows every slot as empty.

    pcscd notices a removal at its next poll only: without the wait a test may meet the card
    that the one before it pulled out.
    """
    pcscd.start()
    wait_for_readers(pcscd.reader_names)  # it names each a moment after it listens for cards
    for reader in pcscd.reader_names:
        wait_for_presence(reader, present=False)


@pytest.fixture
def insert(pcscd: HotplugPcscd) -> Iterator[Insert]:
    """Push cards in; they are out again after the test, and pcscd runs again."""
    start_empty(pcscd)
    seats: list[Seat] = []

    def push(chip: Chip, slot: int = 0) -> Seat:
        seat = Seat(pcscd.reader_names[slot], CardLink(chip, pcscd.slots[slot]))
        seats.append(seat)
        seat.insert()
        return seat

    yield push
    for seat in seats:
        seat.link.remove()
    pcscd.start()
    pcscd.replug()
    start_empty(pcscd)


@pytest.fixture
def pad(pcscd: HotplugPcscd) -> Iterator[Pad]:
    """Keys for PINs on the private reader, for as long as the test takes."""
    keys = Pad(pcscd.pad_path)
    keys.start()
    yield keys
    keys.stop()


def wait_for_presence(reader: str, *, present: bool, seconds: float = SEEN_SECONDS) -> None:
    """Wait until pcscd shows ``reader`` with or without a card; raises ``TimeoutError``."""
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    _expect_success(code)
    try:
        _watch(context, reader, present, time.monotonic() + seconds)
    finally:
        scard.SCardReleaseContext(context)


def wait_for_readers(names: Sequence[str], seconds: float = SEEN_SECONDS) -> None:
    """Wait until PC/SC has exactly these readers; raises ``TimeoutError``."""
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    try:
        if not wait_until(lambda: _readers(context) == list(names), seconds):
            raise TimeoutError(f"the readers never were {list(names)}")
    finally:
        scard.SCardReleaseContext(context)


def client_environment(service: PrivatePcscd) -> dict[str, str]:
    """The environment for a program of others: it waits for ours."""
    theirs = {name: value for name, value in os.environ.items() if name != pcsc.NO_BLOCKING}
    return theirs | service.env


def _readers(context: int) -> list[str]:
    _, names = scard.SCardListReaders(context, [])
    return list(names)


def _watch(context: int, reader: str, present: bool, deadline: float) -> None:
    seen = scard.SCARD_STATE_UNAWARE
    while (left := deadline - time.monotonic()) > 0:
        code, states = scard.SCardGetStatusChange(context, int(left * 1000), [(reader, seen)])
        if code == scard.SCARD_E_UNKNOWN_READER:  # it is just being plugged in
            time.sleep(0.01)
            continue
        _expect_success(code)
        seen = states[0][1]
        if bool(seen & scard.SCARD_STATE_PRESENT) is present:
            return
    raise TimeoutError(f"{reader} never showed {'a card' if present else 'an empty slot'}")


def _expect_success(code: int) -> None:
    if code not in (scard.SCARD_S_SUCCESS, scard.SCARD_E_TIMEOUT):
        raise RuntimeError(scard.SCardGetErrorMessage(code))
