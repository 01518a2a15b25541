"""A person at a reader with keys of its own, lived: no digit of a PIN ever reaches the program."""

from __future__ import annotations

import re
import threading
from collections import deque

import pytest

from kiosk.authority.audit.events import AuditKind
from kiosk.contract.messages import Purpose
from kiosk.station.states import PadNotice, Work
from screens.words import frame
from screens.words import pad as words
from tests.e2e import records
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.support.pad import EntryEnd, Pad

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN, NEXT_PIN, SLIP = "48059317", "604918", "480594"


class Keying:
    """What the person does on the reader's keys, each time once the display tells them to."""

    def __init__(self, station: Station, keys: Pad) -> None:
        self._station = station
        self._keys = keys
        self._waiting: deque[threading.Event] = deque()

    def will(self, *entries: str) -> None:
        """Be ready to enter these, and enter nothing before ``on`` says so."""
        told = threading.Event()
        self._waiting.append(told)
        self._keys.types(told, *entries)

    def on(self, what: Work, *also: str) -> None:
        """Read what is asked, and ``also`` this beside it; then do it."""
        title, _ = words.ASKING[what]
        self._station.see(title, words.CANCEL, *also)
        self._waiting.popleft().set()

    def tries_again(self, after: PadNotice, *entries: str, left: int | None = None) -> None:
        """Read why nothing came of it, and enter something else."""
        self._station.see(*words.paused(after, left), frame.TRY_AGAIN)
        self.will(*entries)
        self._station.press("enter")
        self._station.see_gone(frame.TRY_AGAIN)


def test_registers_unlocks_and_changes_with_every_slip_that_one_makes(
    world: World, pad: Pad
) -> None:
    ada = world.ada
    station = world.station(program=HASTY)
    visitor, keying = Visitor(world, ada, station), Keying(station, pad)
    _registers(visitor, keying)
    world.block(ada)
    _unlocks(visitor, keying)
    assert len(records.events(world, AuditKind.UNBLOCK_NOT_SENT)) == 3
    _changes(visitor, keying)

    verify, unblock, change = "00200080", "002c0080", "00240080"
    assert [asking.header for asking in pad.asked] == (
        [verify] + [unblock] * 4 + [verify] * 2 + [change] * 2
    )
    assert all(asking.whole for asking in pad.asked)
    for pin in (ada.pin, NEW_PIN, NEXT_PIN, SLIP):
        assert pin.encode() not in station.written
        assert pin not in world.log.read_text()
    verdict = world.kiosk("audit", "verify", check=True)
    assert re.search(r"\d+ rows? and \d+ anchors? fit", verdict.stdout)


def _registers(visitor: Visitor, keying: Keying) -> None:
    keying.will(visitor.who.pin)
    visitor.comes().chooses(Purpose.REGISTER)
    keying.on(Work.PIN_ON_PAD)
    visitor.registers_answers().confirms_email().awaits_code(Purpose.REGISTER)
    code = visitor.world.read_code(visitor.who.email)
    visitor.enters_code(code).finishes(Purpose.REGISTER)
    visitor.goes()


def _unlocks(visitor: Visitor, keying: Keying) -> None:
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK)
    keying.will(EntryEnd.CANCELS)
    visitor.enters_code(visitor.world.read_code(visitor.who.email))
    keying.on(Work.NEW_PIN_ON_PAD, "6 to 8 digits", "nobody can guess", "Leave your smartcard in")
    keying.tries_again(PadNotice.CANCELLED, NEW_PIN, SLIP)
    keying.on(Work.NEW_PIN_ON_PAD)
    keying.tries_again(PadNotice.DIFFERENT, EntryEnd.FORGETS)
    keying.on(Work.NEW_PIN_ON_PAD)
    keying.tries_again(PadNotice.TIMEOUT, NEW_PIN, NEW_PIN)
    keying.on(Work.NEW_PIN_ON_PAD)
    visitor.finishes(Purpose.UNLOCK)
    assert visitor.world.verified_by_others(visitor.who, NEW_PIN)
    visitor.goes()


def _changes(visitor: Visitor, keying: Keying) -> None:
    keying.will(SLIP)
    visitor.comes().chooses(Purpose.CHANGE_PIN)
    keying.on(Work.PIN_ON_PAD)
    keying.tries_again(PadNotice.WRONG, NEW_PIN, left=2)
    keying.will(EntryEnd.CANCELS)
    keying.on(Work.PIN_ON_PAD)
    keying.on(Work.CHANGE_ON_PAD)
    keying.tries_again(PadNotice.CANCELLED, NEW_PIN, NEXT_PIN, NEXT_PIN)
    keying.on(Work.CHANGE_ON_PAD)
    visitor.finishes(Purpose.CHANGE_PIN)
    assert visitor.world.verified_by_others(visitor.who, NEXT_PIN)
    visitor.goes()
