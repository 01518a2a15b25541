"""A holder who cannot read their email: staff give a code by word of mouth, and it is enough."""

from __future__ import annotations

import json

import pytest

from kiosk.authority.mail.words import CODE_SUBJECTS, TO_HOLDERS
from kiosk.contract.messages import Purpose, Reason
from kiosk.station.states import CodeLack
from screens.words import choices, email, pin, questions
from screens.words.reasons import refusal
from tests.e2e.people import Person
from tests.e2e.records import events
from tests.e2e.visitor import FRESH, Visitor
from tests.e2e.world import HASTY, SECONDS, World

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

NEW_PIN = "480593"
GROUNDS = ("--reason", "mail is down", "--identified-by", "photo ID at the desk")


def test_a_code_from_the_desk_unlocks_without_a_mail(world: World) -> None:
    ada = world.ada
    world.register(ada)
    world.block(ada)
    given = _give(world, ada)
    visitor = Visitor(world, ada, world.station(name="Ward 7", program=HASTY))
    visitor.comes().unlocks().answers()
    visitor.awaits_given_code().enters_code(given).sets_pin(NEW_PIN)
    visitor.finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()

    told = world.wait_for_mail(ada.email, TO_HOLDERS["code-given"].subject)
    unlocked = world.wait_for_mail(ada.email, TO_HOLDERS["unlocked"].subject)
    assert given.encode() not in told.raw + unlocked.raw
    subjects = [mail.subject for mail in world.mailbox.wait_for(2, timeout_s=SECONDS)]
    assert not any(subject.startswith(CODE_SUBJECTS[Purpose.UNLOCK]) for subject in subjects)
    (right,) = events(world, "code-right")
    assert str(right.detail["given_by"]).startswith("command line")
    world.kiosk("audit", "verify", check=True)
    _nowhere(world, given)


def test_withdrawn_while_its_page_is_up_it_opens_nothing_and_a_mail_does(world: World) -> None:
    ada = world.ada
    world.register(ada)
    world.block(ada)
    given = _give(world, ada)
    visitor = Visitor(world, ada, world.station(60, 20, program=HASTY))
    visitor.comes().unlocks().answers()
    visitor.awaits_given_code()
    world.kiosk("cards", "withdraw-code", *_card(ada), "--reason", "not them", check=True)
    visitor.enters_code(given)
    visitor.station.see(*email.LACKS[CodeLack.WITHDRAWN])
    visitor.hands.go_on(visitor.station, email.NEW_CODE)
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email))
    visitor.sets_pin(NEW_PIN).finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, NEW_PIN)


def test_unregistered_holder_unlocks_and_registers_in_one_visit(world: World) -> None:
    ada = world.ada
    world.block(ada)
    visitor = Visitor(world, ada, world.station(name="Ward 7", program=HASTY))
    visitor.comes()
    visitor.station.see(refusal(Reason.NOT_REGISTERED).title)
    shown = json.loads(world.kiosk("people", "show", ada.number, "--json", check=True).stdout)
    assert "give a code" in shown["advice"]
    visitor.goes()

    given = _give(world, ada, then="They register there, in the same visit")
    visitor.comes().unlocks().awaits_first_code().enters_code(given).sets_pin(NEW_PIN)
    visitor.proves_new_pin(NEW_PIN).shows_that_it_is_them()
    visitor.station.see(questions.pick_title(1, len(FRESH)))  # the station has let go of the card
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.registers_answers().confirms_email().finishes(Purpose.REGISTER)
    visitor.goes()
    told = world.wait_for_mail(ada.email, TO_HOLDERS["first-code-given"].subject)
    unlocked = world.wait_for_mail(ada.email, TO_HOLDERS["unlocked"].subject)
    assert given.encode() not in told.raw + unlocked.raw
    world.kiosk("audit", "verify", check=True)
    _nowhere(world, given)

    # The next time nobody has to be asked.
    world.block(ada)
    visitor.comes().unlocks().answers()
    visitor.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email))
    visitor.sets_pin("593048").finishes(Purpose.UNLOCK)


def test_holder_who_walks_away_after_the_new_pin_has_a_working_card(world: World) -> None:
    ada = world.ada
    world.block(ada)
    given = _give(world, ada)
    visitor = Visitor(world, ada, world.station(60, 20, program=HASTY))
    visitor.comes().unlocks().awaits_first_code().enters_code(given).sets_pin(NEW_PIN)
    visitor.station.see(pin.ENTER_NEW_TITLE)
    assert world.verified_by_others(ada, NEW_PIN)
    visitor.goes()
    visitor.comes()
    visitor.station.see(choices.OFFERS[Purpose.REGISTER][0], choices.OFFERS[Purpose.CHANGE_PIN][0])


def _give(world: World, whose: Person, then: str = "") -> str:
    said = world.kiosk("cards", "issue-code", *_card(whose), *GROUNDS, check=True).stdout
    code, works, *_ = said.splitlines()
    assert then in said
    assert code.isdigit()
    assert works.startswith("It works at every station until")
    return code


def _card(whose: Person) -> tuple[str, str]:
    return whose.number, whose.card.state.guid.hex()[:12]


def _nowhere(world: World, secret: str) -> None:
    """Nothing that the service leaves behind holds it; only whoever was told knows it."""
    for path in world.state.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
