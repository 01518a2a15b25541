"""Somebody else used a holder's card: a number in the mail stops it, and the RA lifts the stop."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import pytest

from kiosk.authority.mail.staff_words import TO_STAFF
from kiosk.authority.mail.words import CODE_SUBJECTS, OWNER_SUBJECT, TO_HOLDERS
from kiosk.contract.messages import NOT_ME, CardId, Purpose, Reason
from kiosk.contract.text import in_groups
from screens.words import choices, email, reasons
from tests.attacks.stolen import behind, register_by_name, registration_of
from tests.e2e.conftest import MakeWorld
from tests.e2e.people import Person
from tests.e2e.records import events, registration
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import HASTY, World
from tests.support.gids_card import new_gids_card
from tests.support.hostile.copies import THIEFS_PIN, gids_copy

pytestmark = [pytest.mark.hardware, pytest.mark.terminal]

ADMIN_KEY: Final = "8f3b10d95d7a43e61c85b6049e2fc26bf1618c375ba84c13"
STAFF: Final = "ra@wexbridge.example"
WARD: Final = "Ward 7"
LIFT: Final = ("--reason", "they came in", "--identified-by", "photo ID at the desk")
_NUMBER: Final = re.compile(
    rf'choose "{re.escape(NOT_ME)}" and enter (\d{{4}}) (\d{{4}}) (\d{{4}})\.'
)


def number_in(world: World, to: str, subject: str) -> str:
    """Read the newest mail as its reader does, and return the number in it."""
    text = " ".join(world.wait_for_mail(to, subject).text.split())
    found = _NUMBER.search(text)
    assert found, text
    return "".join(found.groups())


def says_not_me(station: Station, number: str) -> None:
    """Press the button that the mail names, and enter the number."""
    station.touch(NOT_ME)
    station.see(choices.STOP_TITLE)
    station.type(number)
    station.see(" ".join(number))
    station.press("enter")


def ends(station: Station) -> None:
    """The page of a visit that somebody else has ended."""
    station.see(reasons.refusal(Reason.CHANGED_MEANWHILE).title)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
def test_a_holder_stops_a_copy_at_another_station(
    make_world: MakeWorld, size: tuple[int, int]
) -> None:
    """The copy is of a card that is known by its name; its PIN is the thief's."""
    world = make_world()
    genuine = new_gids_card(pin="123456", admin_key=bytes.fromhex(ADMIN_KEY))
    dee = Person("900100200303", "Dee Lister", "123456", ADMIN_KEY, genuine)  # type: ignore[arg-type]
    named = CardId("gids", genuine.state.card_id.hex())
    register_by_name(world, dee, named)
    before = registration_of(world, named)

    copy = replace(behind(dee, gids_copy(genuine), THIEFS_PIN), number="of the copy")
    thief = Visitor(world, copy, world.station(program=HASTY))
    thief.comes().chooses(Purpose.CHANGE_EMAIL).proves_pin()
    thief.station.see(email.code_title(None, proves_owner=True))
    code = world.read_code(dee.email)
    number = number_in(world, dee.email, OWNER_SUBJECT)

    elsewhere = world.station(*size, slot=1, name=WARD, program=HASTY)
    holder = Visitor(world, dee, elsewhere, slot=1)
    holder.comes()
    says_not_me(elsewhere, number)
    elsewhere.see(*choices.success(Purpose.REPORT_MISUSE))
    holder.goes()

    # Even with the code the thief's visit goes no further, and none of it counts.
    thief.enters_code(code)
    ends(thief.station)
    assert registration_of(world, named).address_id == before.address_id
    assert registration_of(world, named).hashes == before.hashes
    assert registration_of(world, named).blocked_at is not None
    (reported,) = events(world, "misuse-reported")
    assert reported.station == WARD
    world.wait_for_mail(dee.email, TO_HOLDERS["misuse-reported"].subject)
    world.wait_for_mail(STAFF, TO_STAFF["misuse-reported-staff"].subject)

    # The number is used up, and the RA lifts the block.
    world.kiosk("people", "lift-block", dee.number, *LIFT, check=True)
    holder.comes()
    elsewhere.see(choices.MENU_TITLE)
    says_not_me(elsewhere, number)
    elsewhere.see(reasons.refusal(Reason.STOP_NUMBER_USED).title)
    holder.goes()
    assert registration_of(world, named).blocked_at is None
    world.kiosk("audit", "verify", check=True)


def test_the_ra_stops_a_stolen_card_by_the_number_of_the_mail(world: World) -> None:
    """The thief has the card and knows the answers; the holder has the mail alone."""
    ada = world.ada
    world.register(ada)
    world.block(ada)
    thief = Visitor(world, ada, world.station(program=HASTY)).comes().unlocks()
    thief.answers()
    thief.awaits_code(Purpose.UNLOCK)
    code = world.read_code(ada.email)
    number = number_in(world, ada.email, CODE_SUBJECTS[Purpose.UNLOCK])

    # She reads the number out on the telephone.
    found = world.kiosk("people", "search", in_groups(number), check=True).stdout
    assert ada.number in found
    world.kiosk("people", "stop", ada.number, "--reason", "rang up", check=True)
    world.wait_for_mail(ada.email, TO_HOLDERS["misuse-stopped"].subject)
    assert registration(world, ada).blocked_at is not None

    thief.enters_code(code)
    ends(thief.station)
    thief.goes()
    thief.comes()
    refused = reasons.refusal(Reason.REGISTRATION_BLOCKED)
    thief.station.see(refused.title)
    thief.goes()
    assert ada.card.state.pin.left == 0

    # She has her card back, and identifies herself.
    world.kiosk("people", "lift-block", ada.number, *LIFT, check=True)
    holder = Visitor(world, ada, thief.station).comes().unlocks()
    holder.answers()
    holder.awaits_code(Purpose.UNLOCK).enters_code(world.read_code(ada.email))
    holder.sets_pin("480593").finishes(Purpose.UNLOCK)
    assert world.verified_by_others(ada, "480593")
    world.kiosk("audit", "verify", check=True)
