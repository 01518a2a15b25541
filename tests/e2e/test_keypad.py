"""A person at a station whose reader has keys of its own: no PIN is typed on the glass."""

from __future__ import annotations

import re
import threading

import pytest

from kiosk.dialogue import Purpose
from kiosk.station.states import PadNotice, Work
from screens.words import frame
from screens.words import pad as words
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.support.pad import Does, Pad

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN, NEXT_PIN = "48059317", "604918"


class Keying:
    """What the person does on the reader's keys, once the glass tells them to."""

    def __init__(self, station: Station, keys: Pad) -> None:
        self._station = station
        self._keys = keys
        self._told = threading.Event()

    def about_to(self, *entries: str) -> None:
        """Be ready to enter these, and enter nothing before ``on`` says so."""
        self._told = threading.Event()
        self._keys.types(self._told, *entries)

    def on(self, what: words.PadWork) -> None:
        """Read what is asked, then do it."""
        title, _ = words.asking(what)
        self._station.see(title, words.CANCEL)
        self._told.set()

    def tries_again(self, after: PadNotice, *entries: str) -> None:
        """Read why nothing came of it, and enter something else."""
        self._station.see(*words.paused(after, None))
        self.about_to(*entries)
        self._station.press("enter")
        self._station.see_gone(frame.TRY_AGAIN)


def test_registers_unlocks_and_changes_the_pin_on_the_readers_keys(world: World, pad: Pad) -> None:
    ada = world.ada
    station = world.station(program=HASTY)
    visitor, keying = Visitor(world, ada, station), Keying(station, pad)
    keying.about_to(ada.pin)
    visitor.comes().chooses(Purpose.REGISTER)
    keying.on(Work.PIN_ON_PAD)
    visitor.registers_answers().confirms_email().awaits_code(Purpose.REGISTER)
    visitor.enters_code(world.read_code(ada.email)).finishes(Purpose.REGISTER)
    visitor.goes()

    world.insert(ada, slot=1)  # at their desk
    world.block(ada)
    world.remove(ada)

    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK)
    keying.about_to(NEW_PIN, NEXT_PIN)
    visitor.enters_code(world.read_code(ada.email))
    keying.on(Work.NEW_PIN_ON_PAD)
    keying.tries_again(PadNotice.DIFFERENT, NEW_PIN, NEW_PIN)
    keying.on(Work.NEW_PIN_ON_PAD)
    visitor.finishes(Purpose.UNLOCK)
    visitor.goes()

    keying.about_to(NEW_PIN)
    visitor.comes().chooses(Purpose.CHANGE_PIN)
    keying.on(Work.PIN_ON_PAD)
    keying.about_to(Does.CANCELS)
    keying.on(Work.CHANGE_ON_PAD)
    keying.tries_again(PadNotice.CANCELLED, NEW_PIN, NEXT_PIN, NEXT_PIN)
    keying.on(Work.CHANGE_ON_PAD)
    visitor.finishes(Purpose.CHANGE_PIN)
    assert world.verified_by_others(ada, NEXT_PIN)
    visitor.goes()

    assert [asking.header for asking in pad.asked] == [
        "00200080", "002c0080", "002c0080", "00200080", "00240080", "00240080",
    ]  # fmt: skip
    assert all(asking.whole for asking in pad.asked)
    glass = bytes(station.written).decode(errors="replace")
    for typed in (ada.pin, NEW_PIN, NEXT_PIN):
        assert typed not in glass
        assert typed not in world.log.read_text()
    verdict = world.kiosk("audit", "verify", check=True)
    assert re.search(r"\d+ rows and \d+ anchors fit", verdict.stdout)
