"""Before: a station repeated its report that a card refused the change of its unblock secret.

Each took a try off the account, with the card long gone, until no station unlocked it. A station
whose answer was lost did the same in good faith.
"""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from kiosk.contract.messages import (
    Grant,
    UnblockDone,
    UnblockOutcome,
    UnblockRefused,
    UnblockWrong,
    VisitOpened,
)
from tests.authority.station_visit import StationVisit
from tests.authority.world import World

LIMIT = 5


@pytest.fixture
def card(world: World) -> Card:
    return world.registered_card(secret_limit=LIMIT)


def left(world: World, card: Card) -> int | None:
    return world.card(card).secret_tries_left


def rotating(world: World, card: Card) -> tuple[StationVisit, Grant]:
    """Unlock, and draw the secret that the card takes next."""
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    assert visit.authority.rotate_secret(visit.visit, grant.journal) is not None
    return visit, grant


@pytest.mark.parametrize("outcome", [UnblockWrong(), UnblockRefused(LIMIT - 1, "wrong secret")])
def test_a_repeated_report_takes_one_try(world: World, card: Card, outcome: UnblockOutcome) -> None:
    visit, grant = rotating(world, card)
    for _ in range(4):
        visit.authority.confirm_rotation(visit.visit, grant.journal, outcome)
    assert left(world, card) == LIMIT - 1
    assert world.kinds().count("secret-change-unknown") == 1
    visit.pull()
    assert isinstance(world.insert(card, blocked=True).opened, VisitOpened)


def test_later_report_after_a_refused_change_takes_no_try(world: World, card: Card) -> None:
    visit, grant = rotating(world, card)
    visit.authority.confirm_rotation(visit.visit, grant.journal, UnblockWrong())
    blocked = UnblockRefused(0, "blocked")
    visit.authority.confirm_rotation(visit.visit, grant.journal, blocked)
    assert left(world, card) == LIMIT - 1
