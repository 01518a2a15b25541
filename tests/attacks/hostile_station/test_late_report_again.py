"""Before: a late report of a success could be sent again, for ever, and counted each time.

A hostile station takes the secret of a visit that passed every factor, and does nothing with it.
Its holder goes to another station, which closes that unblock as not done. From then on the hostile
station reported its success after each two wrong sets of answers: the failures were cleared, so
answers could be guessed without an end, also once the station was retired; the holder's codes were
withdrawn and a mail said that the card was unlocked, each time.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.notices import Notice
from kiosk.authority.records import Card, UnblockEntry, UnblockState
from kiosk.authority.store.repositories.visits import VISIT_LIFE
from kiosk.authority.store.tables import UnblockRow
from kiosk.contract.messages import JournalId, Reason, Refusal, UnblockDone, VisitOpened
from tests.authority.station_visit import StationVisit
from tests.authority.world import World
from tests.support.stored import live_code, stored


@pytest.fixture
def hostile(world: World, card: Card) -> StationVisit:
    """A visit at station A that has passed every factor."""
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    return visit


@pytest.fixture
def journal(world: World, card: Card, hostile: StationVisit) -> JournalId:
    """What A was granted and did not send to the card, closed as not done at station B."""
    granted = hostile.grant().journal
    world.clock.forward(minutes=5)
    world.insert(card, blocked=True, station="B").pull()
    with world.store.read() as uow:
        entry = stored(uow, UnblockRow, UnblockEntry, id=granted)
    assert entry is not None
    assert (entry.state, entry.detail) == (UnblockState.SETTLED, "not-done")
    return granted


def _guess(world: World, card: Card) -> object:
    """Give a wrong set of answers at station B; return what it was told."""
    visit = world.insert(card, blocked=True, station="B")
    if isinstance(visit.opened, VisitOpened):
        visit.answer(visit.questions(), wrong=True)
        visit.pull()
    return visit.opened


def _mailed(world: World) -> int:
    return sum(message.template == Notice.UNLOCKED for message in world.outbox())


def test_no_report_gives_an_attempt_back(
    world: World, card: Card, hostile: StationVisit, journal: JournalId
) -> None:
    told = []
    for _ in range(4):
        told.append(_guess(world, card))
        hostile.authority.record_outcome(hostile.visit, journal, UnblockDone())
    assert [type(one) for one in told] == [VisitOpened] * 3 + [Refusal]
    assert isinstance(told[-1], Refusal)
    assert told[-1].reason is Reason.REGISTRATION_BLOCKED
    assert world.registration(card).failures == 3


def test_late_report_counts_once(
    world: World, card: Card, hostile: StationVisit, journal: JournalId
) -> None:
    for _ in range(3):
        hostile.authority.record_outcome(hostile.visit, journal, UnblockDone())
    assert world.kinds().count("unblock-reported-late") == 1
    assert _mailed(world) == 1
    visit = world.insert(card, blocked=True, station="B")
    visit.to_code()
    hostile.authority.record_outcome(hostile.visit, journal, UnblockDone())
    with world.store.read() as uow:
        assert live_code(uow, card.id) is not None, "the holder's code at B is as good as before"


def test_late_report_is_not_believed_after_a_visits_life(
    world: World, card: Card, hostile: StationVisit, journal: JournalId
) -> None:
    world.clock.forward(hours=VISIT_LIFE / timedelta(hours=1))
    before = world.card(card)
    hostile.authority.record_outcome(hostile.visit, journal, UnblockDone())
    assert world.card(card) == before, "what the unblock may have cost stays charged"
    assert _mailed(world) == 0
    assert "unblock-reported-late" in world.kinds()


def test_late_report_is_not_believed_once_another_secret_was_sent(
    world: World, card: Card, hostile: StationVisit, journal: JournalId
) -> None:
    visit = world.insert(card, blocked=True, station="B")
    visit.to_new_pin()
    later = visit.grant()
    before = world.card(card)
    hostile.authority.record_outcome(hostile.visit, journal, UnblockDone())
    assert world.card(card) == before
    visit.authority.record_outcome(visit.visit, later.journal, UnblockDone())
    assert _mailed(world) == 1, "that is B's"
    hostile.authority.record_outcome(hostile.visit, journal, UnblockDone())
    assert _mailed(world) == 1
