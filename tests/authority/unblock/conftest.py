from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from tests.authority.station_visit import StationVisit, ready
from tests.authority.world import World


@pytest.fixture
def station_visit(world: World, card: Card) -> StationVisit:
    """A visit that has passed every factor."""
    return ready(world, card)
