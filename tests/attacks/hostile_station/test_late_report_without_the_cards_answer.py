"""Before: an old cryptogram, never answered, was reported as a late success and cleared the card.

A hostile station takes the cryptogram of a GIDS card and does nothing with it. Its holder goes to
another station. Once that one had drawn a number, the authority had forgotten that the first
exchange was never answered. The hostile station then reported its PIN as set: failures and charges
were cleared, the holder's code was withdrawn under their hands, and they were mailed that
their card was unlocked.
"""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card, UnblockState
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import Finished, JournalId, KeyGrant, Purpose, UnblockDone
from tests.authority.admin_key_card import (
    Chip,
    admitted,
    drawn,
    granted,
    registered,
    settled,
)
from tests.authority.station_visit import StationVisit
from tests.authority.world import World
from tests.support.stored import live_code


@pytest.fixture
def card(world: World) -> Card:
    return registered(world)


@pytest.fixture
def hostile(world: World, card: Card) -> StationVisit:
    """A visit at station A that has passed every factor."""
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    return visit


@pytest.fixture
def journal(hostile: StationVisit) -> JournalId:
    """What A was granted, and did not send to the card."""
    return granted(hostile, Chip()).journal


@pytest.fixture
def honest(world: World, card: Card, journal: JournalId) -> StationVisit:
    """The same holder at station B, who has passed every factor again."""
    world.clock.forward(minutes=5)
    visit = world.insert(card, blocked=True, station="B")
    visit.to_new_pin()
    return visit


def test_a_success_is_not_believed_once_another_station_goes_on(
    world: World, card: Card, hostile: StationVisit, journal: JournalId, honest: StationVisit
) -> None:
    drawn(honest)
    entry, before = world.entry(journal), world.card(card)
    assert (entry.state, entry.detail) == (UnblockState.SETTLED, "not-done")
    assert before.secret_exposure == 1
    world.outbox()
    settled(hostile, journal, UnblockDone())
    assert world.card(card) == before, "what the exchange may have cost stays charged"
    assert [message.template for message in world.outbox()] == []
    with world.store.read() as uow:
        assert live_code(uow, card.id) is not None, "the holder's code at B is as good as before"


def test_the_holder_is_served_at_the_other_station_all_the_same(
    world: World, hostile: StationVisit, journal: JournalId, honest: StationVisit
) -> None:
    chip, challenge = Chip(), drawn(honest)
    settled(hostile, journal, UnblockDone())
    grant = honest.authority.release(honest.visit, honest.attempt(), chip.meet(challenge))
    assert isinstance(grant, KeyGrant)
    settled(hostile, journal, UnblockDone())
    assert admitted(honest, grant.journal, chip) is None
    assert settled(honest, grant.journal, UnblockDone()) == Finished(Purpose.UNLOCK)
    assert world.kinds().count("unblock-done") == 1


def test_late_report_without_an_answer_is_refused_before_another_station_goes_on(
    world: World, card: Card, hostile: StationVisit, journal: JournalId, honest: StationVisit
) -> None:
    with pytest.raises(StepRefused, match="has not shown"):
        settled(hostile, journal, UnblockDone())
    assert world.card(card).secret_exposure == 1


def test_a_card_that_gave_its_answer_is_believed_late(
    world: World, card: Card, hostile: StationVisit
) -> None:
    """The honest case that the attack imitates: the report of a success came after the card."""
    chip = Chip()
    mine = granted(hostile, chip).journal
    assert admitted(hostile, mine, chip) is None
    world.clock.forward(minutes=5)
    elsewhere = world.insert(card, blocked=True, station="B")
    elsewhere.to_new_pin()
    drawn(elsewhere)
    assert world.entry(mine).state is UnblockState.SETTLED
    world.outbox()
    settled(hostile, mine, UnblockDone())
    assert [message.template for message in world.outbox()] == ["unlocked"]
