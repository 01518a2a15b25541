"""A thief at the installed program: with a stolen card behind a shim, or with a copy."""

from __future__ import annotations

from dataclasses import replace

from hardware.virtual.link import Chip
from kiosk.dialogue import Purpose
from kiosk.policy import mask_email
from screens.words import choices, email
from tests.e2e import records
from tests.e2e.people import Person
from tests.e2e.station import Station
from tests.e2e.visitor import Visitor
from tests.e2e.world import World

ANY_PIN = "135790"


def behind(victim: Person, card: Chip, pin: str = ANY_PIN) -> Person:
    """The victim, as the station knows them, with the thief's chip in the reader."""
    return replace(victim, card=card, pin=pin, answers={})  # type: ignore[arg-type]


def ends_at_the_known_address(
    world: World, station: Station, thief: Person, purpose: Purpose
) -> None:
    """Try to change recovery data: the station asks for a code and shows no address in full."""
    visitor = Visitor(world, thief, station).comes().chooses(purpose).proves_pin()
    shown = station.see(email.code_title(purpose, proves_owner=True))
    assert email.code_title(purpose, proves_owner=True) == "Show that it is you"
    assert mask_email(thief.email) in shown
    assert thief.email not in shown
    assert choices.success(purpose)[0] not in shown
    visitor.goes()


def tries_everything(world: World, station: Station, thief: Person) -> None:
    """Try both changes; the registration stays as it is, and its holder gets mail."""
    before = records.registration(world, thief)
    for purpose in (Purpose.CHANGE_QUESTIONS, Purpose.CHANGE_EMAIL):
        ends_at_the_known_address(world, station, thief, purpose)
    after = records.registration(world, thief)
    assert (after.email, after.hashes, after.asked) == (before.email, before.hashes, before.asked)
