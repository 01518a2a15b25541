"""A person at a reader with keys of its own, lived: no digit of a PIN ever reaches the program."""

from __future__ import annotations

import re
import threading

import pytest

from kiosk.authority.audit import AuditKind
from kiosk.dialogue import Purpose
from screens.words import frame
from screens.words import pad as words
from tests.e2e import records
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.support.pad import Does, Pad

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN, NEXT_PIN, SLIP = "480593", "615827", "480594"


def test_unlocks_and_changes_a_pin_with_every_slip_that_one_makes(world: World, pad: Pad) -> None:
    ada = world.ada
    world.register(ada)
    world.insert(ada, slot=1)  # at their desk
    world.block(ada)
    world.remove(ada)

    station = world.station(program=HASTY)
    visitor = Visitor(world, ada, station)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK)
    pad.types(Does.CANCELS)
    visitor.enters_code(world.read_code(ada.email))
    _tries_again(visitor, pad, "You pressed Cancel on the card reader", NEW_PIN, SLIP)
    _tries_again(visitor, pad, "The two new PINs were not the same", Does.FORGETS)
    looks_up = threading.Event()
    _tries_again(visitor, pad, "The card reader has waited", looks_up, NEW_PIN, NEW_PIN)
    station.see(words.NEW_TITLE, "6 to 8 digits", "nobody can guess", "Leave your smartcard in")
    looks_up.set()
    visitor.finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    assert len(records.events(world, AuditKind.UNBLOCK_NOT_SENT)) == 3

    pad.types(SLIP)
    visitor.comes().chooses(Purpose.CHANGE_PIN)
    _tries_again(visitor, pad, "Two tries are left", NEW_PIN, NEW_PIN, NEXT_PIN, NEXT_PIN)
    visitor.finishes(Purpose.CHANGE_PIN)
    assert world.verified_by_others(ada, NEXT_PIN)
    visitor.goes()

    for pin in (NEW_PIN, NEXT_PIN, SLIP):
        assert pin.encode() not in station.written
        assert pin not in world.log.read_text()
    verdict = world.kiosk("audit", "verify", check=True)
    assert re.search(r"\d+ rows and \d+ anchors fit", verdict.stdout)


def _tries_again(visitor: Visitor, pad: Pad, after: str, *entries: str | threading.Event) -> None:
    """Read what became of the last entry, and choose to try again."""
    visitor.station.see(after, frame.TRY_AGAIN)
    pad.types(*entries)
    visitor.hands.go_on(visitor.station, frame.TRY_AGAIN)
