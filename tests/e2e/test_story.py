"""The whole product, lived: a person, a card, two stations, and mail.

Each test runs the installed program in a real terminal, on pcscd with the virtual reader,
a relay with verified TLS, and SQLite.
"""

from __future__ import annotations

import re
from itertools import count

import pytest

from kiosk.authority.mail.words import TO_HOLDERS
from kiosk.contract.messages import Purpose
from screens.words import choices, email
from tests.authority.store.forger import Forger
from tests.e2e.conftest import MakeWorld
from tests.e2e.input_methods import Fingers, Keys
from tests.e2e.people import DOMAIN
from tests.e2e.records import events
from tests.e2e.visitor import FRESH, Visitor
from tests.e2e.world import HASTY, World
from tests.support.database import SetClock, TestDatabase

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"


def test_registers_locks_the_card_and_unlocks_it_at_another_station(world: World) -> None:
    ada = world.ada
    entrance = world.station()
    first = Visitor(world, ada, entrance)
    first.comes().chooses(Purpose.REGISTER).proves_pin().registers_answers()
    first.confirms_email().awaits_code(Purpose.REGISTER).enters_code(world.read_code(ada.email))
    registered_under = first.finishes(Purpose.REGISTER)
    first.goes()

    world.block(ada)

    again = Visitor(world, ada, entrance)
    again.comes().unlocks().answers()
    again.awaits_code(Purpose.UNLOCK)
    again.goes()
    code = world.read_code(ada.email)

    ward = Visitor(world, ada, world.station(slot=1, name="Ward 7"), slot=1)
    ward.comes().awaits_code(Purpose.UNLOCK).enters_code(code).sets_pin(NEW_PIN)
    unlocked_under = ward.finishes(Purpose.UNLOCK)

    assert world.verified_by_others(ada, NEW_PIN)
    assert not world.verified_by_others(ada, ada.pin)
    ward.goes()

    for notice, station, reference in (
        ("registered", "Main entrance", registered_under),
        ("unlocked", "Ward 7", unlocked_under),
    ):
        mail = world.wait_for_mail(ada.email, TO_HOLDERS[notice].subject)
        assert station in mail.text
        assert reference in mail.text
        assert ada.name in mail.text
        for secret in (ada.pin, NEW_PIN, ada.puk, code, *FRESH):
            assert secret.encode() not in mail.raw
    verdict = world.kiosk("audit", "verify", check=True)
    assert re.search(r"\d+ rows? and \d+ anchors? fit", verdict.stdout)


def test_keys_alone_on_the_smallest_screen_come_back_to_the_same_station(world: World) -> None:
    ada = world.ada
    world.register(ada)
    station = world.station(60, 20, environ={"KIOSK_STATION__TOUCH": "false"}, program=HASTY)
    world.block(world.ada)
    visitor = Visitor(world, ada, station, Keys())
    visitor.comes().unlocks()
    asked = visitor.answers(wrong={2: "no idea"})
    station.see("Not all correct. Two attempts left.")
    assert visitor.answers() == asked
    visitor.awaits_code(Purpose.UNLOCK).goes()
    code = world.read_code(ada.email)
    visitor.comes().awaits_code(Purpose.UNLOCK)
    visitor.enters_code(_another(code))
    station.see("That code is not right. Four tries left.")
    visitor.enters_code(code).sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)
    assert b"\x1b[?1000h" not in station.written


def test_touch_alone_on_the_smallest_screen(world: World) -> None:
    ada = world.ada
    world.register(ada)
    station = world.station(60, 20, program=HASTY)
    world.block(world.ada)
    visitor = Visitor(world, ada, station, Fingers())
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email))
    visitor.sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    station.touch("Finish")
    station.see("Take your smartcard out")
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()


def test_a_code_alone_where_the_policy_says_so(make_world: MakeWorld) -> None:
    world = make_world(policy={"verification": ["email-code"]})
    ada = world.ada
    station = world.station(program=HASTY)
    visitor = Visitor(world, ada, station)
    visitor.comes().chooses(Purpose.REGISTER).proves_pin().confirms_email()
    shown = visitor.awaits_code(Purpose.REGISTER).station.read
    assert "Step 3 of 3" in shown
    visitor.enters_code(world.read_code(ada.email)).finishes(Purpose.REGISTER)
    visitor.goes()
    world.block(world.ada)
    visitor.comes().unlocks().awaits_code(Purpose.UNLOCK)
    visitor.enters_code(world.read_code(ada.email)).sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)


def test_changes_the_pin(world: World) -> None:
    ada = world.ada
    world.register(ada)
    station = world.station(120, 36, program=HASTY)
    visitor = Visitor(world, ada, station)
    visitor.comes().chooses(Purpose.CHANGE_PIN).proves_pin("000000")
    station.see("That PIN is not right. Two tries are left before the smartcard locks.")
    visitor.proves_pin().sets_pin(NEW_PIN).finishes(Purpose.CHANGE_PIN)
    assert world.verified_by_others(ada, NEW_PIN)
    assert not world.verified_by_others(ada, ada.pin)
    visitor.goes()
    mail = world.wait_for_mail(ada.email, TO_HOLDERS["pin-changed"].subject)
    assert NEW_PIN.encode() not in mail.raw


def test_does_something_else_than_what_a_code_waits_for(world: World) -> None:
    """Before: the code that waited was all that the station let its holder do."""
    ada = world.ada
    world.register(ada)
    station = world.station(program=HASTY)
    visitor = Visitor(world, ada, station, Fingers())
    visitor.comes().chooses(Purpose.UNLOCK).unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).goes()
    visitor.comes().awaits_code(Purpose.UNLOCK)
    station.touch(email.SOMETHING_ELSE)
    station.touch(choices.BACK_TO_CODE)
    visitor.awaits_code(Purpose.UNLOCK)
    assert not events(world, "code-abandoned")
    station.touch(email.SOMETHING_ELSE)
    visitor.chooses(Purpose.CHANGE_PIN).proves_pin().sets_pin(NEW_PIN)
    visitor.finishes(Purpose.CHANGE_PIN)
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    visitor.comes().chooses(Purpose.UNLOCK).unlocks().answers()
    assert len(events(world, "code-abandoned")) == 1
    visitor.goes()


def test_changes_the_questions(world: World) -> None:
    ada = world.ada
    world.register(ada)
    station = world.station(program=HASTY)
    visitor = Visitor(world, ada, station)
    visitor.comes().chooses(Purpose.CHANGE_QUESTIONS).proves_pin()
    ada.answers.clear()
    visitor.registers_answers().finishes(Purpose.CHANGE_QUESTIONS)
    visitor.goes()
    world.block(world.ada)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK)


def test_changes_the_email_address(make_world: MakeWorld) -> None:
    world = make_world(policy={"email_domains": [DOMAIN, "wexbridge.test"]})
    ada, elsewhere, new = world.ada, "ada.quill@wexbridge.org", "ada.quill@ward.wexbridge.test"
    world.register(ada)
    station = world.station(program=HASTY)
    visitor = Visitor(world, ada, station)
    visitor.comes().chooses(Purpose.CHANGE_EMAIL).proves_pin()
    visitor.gives_email(ada.email, elsewhere)
    station.see(f"Use an address that ends in {DOMAIN} or wexbridge.test.")
    visitor.gives_email(elsewhere, new).awaits_code(Purpose.CHANGE_EMAIL)
    visitor.enters_code(world.read_code(new)).finishes(Purpose.CHANGE_EMAIL)
    visitor.goes()
    old = world.wait_for_mail(ada.email, TO_HOLDERS["email-changed-old"].subject)
    assert new not in old.text
    world.wait_for_mail(new, TO_HOLDERS["email-changed-new"].subject)
    world.block(world.ada)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK)
    assert len(world.read_code(new)) == 8


def test_an_audit_that_was_tampered_with_names_its_row(world: World) -> None:
    world.register(world.ada)
    station = world.station(program=HASTY)
    visitor = Visitor(world, world.ada, station)
    visitor.comes().chooses(Purpose.CHANGE_PIN).goes()
    station.close()
    world.kiosk("audit", "verify", check=True)
    row = _tamper(world)
    verdict = world.kiosk("audit", "verify")
    assert verdict.returncode == 1
    assert f"row {row} " in verdict.stderr
    assert "NOT intact" in verdict.stderr


def _another(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


def _tamper(world: World) -> int:
    """Let somebody who owns the database rewrite what a row says; return the row's number."""
    forger = Forger(TestDatabase(world.settings.store.url, "sqlite", SetClock()))
    try:
        row = next(seq for seq in count(1) if forger.event(seq).kind == "purpose-chosen")
        forger.change(row, station="Elsewhere")
        return row
    finally:
        forger.close()
