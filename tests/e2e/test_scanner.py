"""A station with a scanner: the code of a mail is entered without typing, and no other is."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from kiosk.app.demo.mailbox import ReceivedMail
from kiosk.contract.messages import Purpose
from screens.words import email, frame, pin
from tests.e2e.conftest import MakeWorld
from tests.e2e.input_methods import Fingers
from tests.e2e.records import events
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.support.qr import read_qr

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"


def test_codes_are_scanned_from_the_newest_mail_of_this_card_alone(world: World) -> None:
    ada, ben = world.ada, world.ben
    for each in (ada, ben):
        world.register(each)
    registered = newest(world, ada.email)
    world.block(ada)
    visitor = Visitor(world, ada, world.station(program=HASTY))
    station = visitor.station
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK)
    first = scan_of(world, ada.email)

    scans(visitor, _of(newest(world, ben.email)))
    station.see(email.OTHER_CODE)
    scans(visitor, first[:-1] + str((int(first[-1]) + 1) % 10))
    station.see(email.NOT_A_CODE)
    scans(visitor, _of(registered))
    station.see(email.OTHER_CODE)
    station.send(first + "\r")  # a scanner without its prefix
    station.see(frame.SCANNED)

    station.touch(email.NEW_CODE)
    second = scan_of(world, ada.email)
    station.see_gone(frame.SCANNED)  # with the page of the first code
    visitor.awaits_code(Purpose.UNLOCK)
    scans(visitor, first)
    station.see(email.OTHER_CODE)
    scans(visitor, second)

    station.see(pin.NEW_TITLE)
    scans(visitor, second)
    station.see(frame.NO_SCANS)
    # Enter does nothing soon after the digits that were dropped, and this is faster than any hand.
    visitor.hands = Fingers()
    visitor.sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)
    assert not events(world, "code-wrong")
    visitor.goes()


def test_mail_has_no_qr_code_where_it_is_switched_off(make_world: MakeWorld) -> None:
    world = make_world(mail={"qr_codes": False})
    world.register(world.ada)
    mail = newest(world, world.ada.email)
    assert not _pictures(mail)
    assert "<img" not in mail.html


def scans(visitor: Visitor, digits: str) -> None:
    """Hold a QR code before the scanner: it is a keyboard that puts STX and Enter around it."""
    visitor.station.send(f"\x02{digits}\r")


def scan_of(world: World, to: str) -> str:
    """Wait for the next mail with a code; return what its QR code says."""
    world.read_code(to)
    return _of(newest(world, to))


def newest(world: World, to: str) -> ReceivedMail:
    """Return the newest mail with a code to an address."""
    return [
        mail for mail in world.mailbox.messages() if to in mail.to and "Your code" in mail.text
    ][-1]


def _of(mail: ReceivedMail) -> str:
    [picture] = _pictures(mail)
    return read_qr(picture)


def _pictures(mail: ReceivedMail) -> list[bytes]:
    parts = message_from_bytes(mail.raw).walk()
    found = [part for part in parts if part.get_content_type() == "image/png"]
    return [data for part in found if isinstance(data := part.get_payload(decode=True), bytes)]
