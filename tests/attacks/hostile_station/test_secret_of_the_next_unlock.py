"""Before: a stolen station that sent a holder to the next one was given the next secret, too.

It had every factor of a card that is known by its name, took the secret, said that nothing was
sent, and asked again once the card had been unlocked elsewhere and was given another secret.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Grant, UnblockDone, UnblockNotSent
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.administration.importing import HEADER, Importer, csv_of
from tests.authority.assisting import as_seen, office_beside
from tests.authority.station_visit import StationVisit
from tests.authority.world import PUK, World

STOLEN, HONEST = "B", "A"
OF_STAFF = "90817263"


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card(driver="openpgp", identifier="000612345678")


def take_and_say_not_sent(world: World, card: Card) -> StationVisit:
    """Have the holder pass every factor at the stolen station, and send them to another one."""
    visit = world.insert(card, blocked=True, station=STOLEN)
    visit.to_new_pin()
    grant = visit.grant()
    assert grant.secret.reveal() == PUK
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockNotSent())
    return visit


def unlock_honestly(world: World, card: Card) -> str:
    """Unlock at another station; return the secret that the card has then."""
    world.clock.forward(minutes=2)
    visit = world.insert(card, blocked=True, station=HONEST)
    visit.to_new_pin()
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    new = visit.authority.rotate_secret(visit.visit, grant.journal)
    assert new is not None
    visit.authority.confirm_rotation(visit.visit, grant.journal, UnblockDone())
    visit.pull()
    return new.reveal()


def test_stolen_station_is_not_given_the_secret_that_the_card_got_elsewhere(
    world: World, card: Card
) -> None:
    stolen = take_and_say_not_sent(world, card)
    new = unlock_honestly(world, card)
    assert new != PUK
    with pytest.raises(StepRefused):
        stolen.release()


def test_release_may_be_tried_again_while_the_card_was_nowhere_else(
    world: World, card: Card
) -> None:
    stolen = take_and_say_not_sent(world, card)
    assert isinstance(stolen.release(), Grant)


@pytest.mark.parametrize("is_imported", [False, True])
@pytest.mark.parametrize("says_not_sent", [True, False])
def test_stolen_station_is_not_given_the_secret_that_staff_set(
    world: World, card: Card, tmp_path: Path, *, says_not_sent: bool, is_imported: bool
) -> None:
    """Neither by a new attempt nor by the repetition of the one that was granted."""
    visit = world.insert(card, blocked=True, station=STOLEN)
    visit.to_new_pin()
    grant = visit.release("1")
    assert isinstance(grant, Grant)
    if says_not_sent:
        visit.authority.record_outcome(visit.visit, grant.journal, UnblockNotSent())
    if is_imported:
        cells = f"900123456789,Jo,,{card.identifier},{OF_STAFF},{card.driver}"
        path = csv_of(tmp_path, cells, header=f"{HEADER},card_driver")
        Importer(world.store, world.parts.sealer).run(path)
    else:
        office = office_beside(world, Role.AGENT)
        secret = Sensitive(OF_STAFF)
        AdminDesk(office).cards.set_secret(as_seen(office, card), card.id, secret, GROUNDS)
    with pytest.raises(StepRefused):
        visit.release("2" if says_not_sent else "1")
