"""Before: a stolen station had a card set aside that was unlocked at an honest station since.

It drew the secret that follows its own unblock only then, and reported that the card took it. The
records had a secret that the card never got, and the next unlock found no right one.
"""

from __future__ import annotations

from kiosk.contract.messages import UnblockDone, VisitOpened
from tests.attacks.hostile_station.test_secret_of_the_next_unlock import (
    HONEST,
    STOLEN,
    unlock_honestly,
)
from tests.authority.world import PUK, World


def test_none_is_drawn_after_another_unlock(world: World) -> None:
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    stolen = world.insert(card, blocked=True, station=STOLEN)
    stolen.to_new_pin()
    grant = stolen.grant()
    stolen.authority.record_outcome(stolen.visit, grant.journal, UnblockDone())
    new = unlock_honestly(world, card)
    drawn = stolen.authority.rotate_secret(stolen.visit, grant.journal)
    stolen.authority.confirm_rotation(stolen.visit, grant.journal, UnblockDone())
    world.clock.forward(hours=1)
    again = world.insert(card, blocked=True)
    assert isinstance(again.opened, VisitOpened)
    again.to_new_pin()
    assert again.grant().secret.reveal() == new
    assert drawn is None


def test_none_is_drawn_after_another_unlock_whose_station_drew_none(world: World) -> None:
    """The card has the same secret still: only the other unblock tells that it was elsewhere."""
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    stolen = world.insert(card, blocked=True, station=STOLEN)
    stolen.to_new_pin()
    grant = stolen.grant()
    stolen.authority.record_outcome(stolen.visit, grant.journal, UnblockDone())
    world.clock.forward(minutes=2)
    honest = world.insert(card, blocked=True, station=HONEST)
    honest.to_new_pin()
    later = honest.grant()
    honest.authority.record_outcome(honest.visit, later.journal, UnblockDone())
    honest.pull()
    assert stolen.authority.rotate_secret(stolen.visit, grant.journal) is None
    stolen.authority.confirm_rotation(stolen.visit, grant.journal, UnblockDone())
    world.clock.forward(hours=1)
    again = world.insert(card, blocked=True)
    again.to_new_pin()
    assert again.grant().secret.reveal() == PUK
