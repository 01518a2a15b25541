"""Before: the key of a station was enough for the secrets of cards that were unlocked there once.

A card whose new secret nobody confirmed may have it. The audit names visit and unblock, so that a
member of staff, or the collector, could ask for that secret with the key of the station, months
later, without the card, and also once the station was retired.
"""

from __future__ import annotations

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.contract.messages import JournalId, Reason, Refusal, UnblockDone, VisitId
from kiosk.contract.sensitive import Sensitive
from tests.attacks.hostile_station.test_secret_of_the_next_unlock import STOLEN
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.station_visit import StationVisit
from tests.authority.world import PUK, World


def unlocked(world: World, card: Card) -> StationVisit:
    """Unlock honestly, and have the card leave while it is given another secret."""
    visit = world.insert(card, blocked=True, station=STOLEN)
    visit.to_new_pin()
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    assert visit.authority.rotate_secret(visit.visit, grant.journal) is not None
    visit.pull()
    return visit


def ask_again(world: World) -> Sensitive | None:
    """Ask with what the audit says of it."""
    drawn = next(event for event in world.events() if event.kind == "secret-drawn")
    visit, journal = VisitId(drawn.visit_id or ""), JournalId(str(drawn.detail["journal"]))
    return world.at(STOLEN).rotate_secret(visit, journal)


def test_a_secret_is_not_given_again_after_the_visit(world: World, card: Card) -> None:
    unlocked(world, card)
    assert ask_again(world) is not None, "the answer may be lost"
    world.clock.forward(hours=1)
    assert ask_again(world) is None


def test_nobody_confirms_it_after_the_visit(world: World, card: Card) -> None:
    """Before: the card's own secret was no longer presented, and the card was set aside."""
    visit = unlocked(world, card)
    with world.store.read() as uow:
        journal = JournalId(uow.journal.of_visit(visit.visit)[0].id)
    world.clock.forward(hours=1)
    visit.authority.confirm_rotation(visit.visit, journal, UnblockDone())
    with world.store.read() as uow:
        assert uow.kept_secrets.pending(card.id) is not None


def test_a_retired_station_is_not_given_it_again(world: World, card: Card) -> None:
    unlocked(world, card)
    world.retire_station(STOLEN)
    assert ask_again(world) is None


def test_no_secret_follows_the_one_that_staff_set_since(world: World, card: Card) -> None:
    """Before: it was recorded in place of theirs, and no station had the right one any more."""
    visit = world.insert(card, blocked=True, station=STOLEN)
    visit.to_new_pin()
    grant = visit.grant()
    office, secret = office_beside(world, Role.AGENT), Sensitive("90817263")
    AdminDesk(office).cards.set_secret(as_seen(office, card), card.id, secret, GROUNDS)
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    drawn = visit.authority.rotate_secret(visit.visit, grant.journal)
    visit.authority.confirm_rotation(visit.visit, grant.journal, UnblockDone())
    world.clock.forward(minutes=2)
    honest = world.insert(card, blocked=True)
    honest.to_new_pin()
    assert honest.grant().secret == secret != Sensitive(PUK)
    assert drawn is None


def test_a_first_report_after_the_visit_ends_no_pause(world: World) -> None:
    """Of a card that is known by its name, whose unblock nobody reported and no card settled."""
    card = world.registered_card(driver="openpgp", identifier="000612345678")
    visit = world.insert(card, blocked=True, station=STOLEN)
    visit.to_new_pin()
    granted = visit.grant().journal
    world.clock.forward(hours=2)
    guessing = world.insert(card, blocked=True)
    task = guessing.questions()
    for _ in range(world.policy.max_failures):
        guessing.answer(task, wrong=True)
    guessing.pull()
    visit.authority.record_outcome(visit.visit, granted, UnblockDone())
    told = world.insert(card, blocked=True).opened
    assert isinstance(told, Refusal)
    assert told.reason is Reason.ATTEMPTS_PAUSED
