"""A desk and the authority on one database: what staff do, and what it does at a station."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.records import Card
from kiosk.contract.messages import (
    AnswerQuestions,
    EnterCode,
    Grant,
    Purpose,
    SendCode,
    SetPin,
    VisitOpened,
)
from tests.authority.administration.desk.offices import means_of
from tests.authority.world import World


def means_beside(world: World, folder: Path) -> StaffDependencies:
    """Return the means of the administration on the authority's own keys, policy and store."""
    means = means_of(world.store, world.clock, folder)
    return replace(
        means,
        sealer=world.parts.sealer,
        codes=world.parts.codes,
        policy=lambda: world.policy,
    )


def unlocks(world: World, card: Card) -> bool:
    """Try all that the holder of ``card`` can do to unlock it; tell whether the secret came."""
    station_visit = world.insert(card, blocked=True)
    if not isinstance(station_visit.opened, VisitOpened):
        return False
    asked = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    if not isinstance(asked, AnswerQuestions) or not isinstance(
        station_visit.answer(asked), SendCode
    ):
        return False
    if not isinstance(station_visit.send(), EnterCode):
        return False
    if not isinstance(station_visit.enter(world.relay.code), SetPin):
        return False
    return isinstance(station_visit.release(), Grant)
