"""Before: a station that was retired during an unblock was given the next secret of the card."""

from __future__ import annotations

from kiosk.contract.messages import UnblockDone
from tests.authority.world import World


def test_a_retired_station_is_given_no_secret(world: World) -> None:
    card = world.registered_card()
    visit = world.insert(card, blocked=True, station="B")
    visit.to_new_pin()
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    world.retire_station("B")
    assert visit.authority.rotate_secret(visit.visit, grant.journal) is None
    assert world.card(card).secret_seen_at is not None
