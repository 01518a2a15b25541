"""Before: who put rows of a visit back as they were before its release, with their older MACs, was
given the unblock secret that the card had got since, without a factor and without an alarm.
"""

from __future__ import annotations

import pytest

from kiosk.authority.administration.alarms import AlarmKind, problems
from kiosk.authority.records import Card
from kiosk.config.settings import NoticeSettings
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CardChallenge,
    CardProof,
    Grant,
    Reason,
    Refusal,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    VisitEnd,
)
from tests.attacks.database_writer import (
    found_put_back,
    keep,
    opened,
    put_back,
    refused_as_put_back,
    run,
)
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import StationVisit
from tests.authority.world import PUK, World


@pytest.fixture
def world(each_world: World) -> World:
    return each_world


def ready(world: World, card: Card) -> StationVisit:
    """Pass every factor of an unlock."""
    visit = world.insert(card, blocked=True)
    visit.to_new_pin()
    world.clock.forward(seconds=5)
    return visit


def proof_of(visit: StationVisit) -> CardProof:
    challenge = visit.authority.challenge(visit.visit)
    assert isinstance(challenge, CardChallenge)
    proof = visit.reader_card.answer(challenge)
    assert proof is not None
    return proof


def unlocked(visit: StationVisit, grant: Grant) -> str:
    """Report the unlock, and give the card its next secret; return that."""
    visit.world.clock.forward(seconds=5)
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockDone())
    drawn = visit.authority.rotate_secret(visit.visit, grant.journal)
    assert drawn is not None
    assert not isinstance(drawn, Refusal)
    visit.authority.confirm_rotation(visit.visit, grant.journal, UnblockDone())
    visit.world.clock.forward(seconds=5)
    return drawn.reveal()


def stays_secret(reply: object, new: str) -> bool:
    assert new != PUK
    return not (isinstance(reply, Grant) and reply.secret.reveal() == new)


def test_visit_and_code_put_back_get_no_new_secret(world: World, card: Card) -> None:
    visit = ready(world, card)
    kept = keep(world, "visit", "proof", "email_code")
    new = unlocked(visit, visit.grant())
    put_back(world, kept)
    reply = visit.release()
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "visit")
    with world.store.read() as uow:
        found, _, _ = problems(uow, NoticeSettings())
    assert AlarmKind.ROW_ALTERED in {alarm.kind for alarm in found}


def test_visit_put_back_with_the_journal_gone_gets_no_new_secret(world: World, card: Card) -> None:
    visit = ready(world, card)
    kept = keep(world, "visit", "proof", "email_code")
    new = unlocked(visit, visit.grant())
    put_back(world, kept)
    run(world, "DELETE FROM unblock_journal")
    reply = visit.release()
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "visit")


def test_call_for_a_put_back_journal_entry_gets_no_new_secret(world: World, card: Card) -> None:
    """Not even the card was needed: the same call again, with the proof that was judged."""
    visit = ready(world, card)
    proof, attempt = proof_of(visit), visit.attempt()
    grant = visit.authority.release(visit.visit, attempt, proof)
    assert isinstance(grant, Grant)
    kept = keep(world, "visit", "proof", "unblock_journal")
    new = unlocked(visit, grant)
    put_back(world, kept)
    reply = visit.authority.release(visit.visit, attempt, proof)
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "visit")


def test_entry_put_back_that_another_visit_settled_gets_no_new_secret(
    world: World, card: Card
) -> None:
    """A stolen station reports nothing of its grant; the holder unlocks the card elsewhere."""
    stolen = ready(world, card)
    proof, attempt = proof_of(stolen), stolen.attempt()
    assert isinstance(stolen.authority.release(stolen.visit, attempt, proof), Grant)
    kept = keep(world, "visit", "proof", "unblock_journal")
    world.clock.forward(minutes=2)
    elsewhere = world.insert(card, blocked=True, station="B")
    elsewhere.to_new_pin()
    new = unlocked(elsewhere, elsewhere.grant())
    put_back(world, kept)
    reply = stolen.authority.release(stolen.visit, attempt, proof)
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "visit")


def of_a_name(world: World) -> tuple[Card, ReaderCard | None]:
    """Return a card that is known by its name only: it closes no visit at another station."""
    return world.registered_card(driver="openpgp", identifier="000612345678"), None


def test_code_put_back_that_another_visit_used_gets_no_new_secret(world: World) -> None:
    """The holder left before the new PIN, and came back elsewhere with the same code."""
    card, reader_card = of_a_name(world)
    stolen = ready(world, card)
    kept = keep(world, "email_code")
    elsewhere = world.insert(card, blocked=True, station="B", reader_card=reader_card)
    assert isinstance(elsewhere.enter(world.relay.code), SetPin)
    new = unlocked(elsewhere, elsewhere.grant())
    put_back(world, kept)
    reply = stolen.release()
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "email_code")


def test_code_put_back_that_a_later_code_replaced_gets_no_new_secret(world: World) -> None:
    card, reader_card = of_a_name(world)
    stolen = ready(world, card)
    kept = keep(world, "email_code")
    world.clock.forward(minutes=2)
    elsewhere = world.insert(card, blocked=True, station="B", reader_card=reader_card)
    assert isinstance(elsewhere.send(), object)
    assert isinstance(elsewhere.enter(world.relay.code), SetPin)
    new = unlocked(elsewhere, elsewhere.grant())
    run(world, "DELETE FROM unblock_journal")
    put_back(world, kept)
    reply = stolen.release()
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "email_code")


def test_journal_without_a_later_grant_gets_no_new_secret(world: World) -> None:
    """A stolen station reports that nothing was sent, and may ask again until another visit did."""
    card, reader_card = of_a_name(world)
    stolen = ready(world, card)
    grant = stolen.grant()
    stolen.authority.record_outcome(stolen.visit, grant.journal, UnblockNotSent())
    world.clock.forward(minutes=2)
    elsewhere = world.insert(card, blocked=True, station="B", reader_card=reader_card)
    elsewhere.to_new_pin()
    later = elsewhere.grant()
    new = unlocked(elsewhere, later)
    with pytest.raises(StepRefused):
        stolen.release()
    run(world, f"DELETE FROM unblock_journal WHERE id = '{later.journal}'")
    reply = stolen.release()
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "unblock_journal")


def test_entry_put_back_in_an_open_visit_gets_no_new_secret(world: World) -> None:
    """The card is known by its name only: its visit at the stolen station is open still."""
    card, reader_card = of_a_name(world)
    stolen = ready(world, card)
    attempt = stolen.attempt()
    assert isinstance(stolen.authority.release(stolen.visit, attempt, None), Grant)
    kept = keep(world, "unblock_journal")
    world.clock.forward(minutes=2)
    elsewhere = world.insert(card, blocked=True, station="B", reader_card=reader_card)
    elsewhere.to_new_pin()
    new = unlocked(elsewhere, elsewhere.grant())
    put_back(world, kept)
    reply = stolen.authority.release(stolen.visit, attempt, None)
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "unblock_journal")


def test_earlier_entry_alone_lets_no_second_secret_out(world: World, card: Card) -> None:
    """The row of the second grant is gone; the first one's says that nothing was sent."""
    visit = ready(world, card)
    first = visit.grant()
    visit.authority.record_outcome(visit.visit, first.journal, UnblockNotSent())
    kept = keep(world, "visit", "proof")
    second = visit.grant()
    new = unlocked(visit, second)
    put_back(world, kept)
    run(world, f"DELETE FROM unblock_journal WHERE id = '{second.journal}'")
    reply = visit.release()
    assert stays_secret(reply, new)
    assert refused_as_put_back(world, reply, "visit")


def test_ended_visit_put_back_gets_no_secret(world: World, card: Card) -> None:
    visit = ready(world, card)
    kept = keep(world, "visit", "proof")
    visit.authority.end(visit.visit, VisitEnd.CARD_REMOVED)
    put_back(world, kept)
    assert refused_as_put_back(world, visit.release(), "visit")


@pytest.mark.parametrize("as_if", ["kind = 'visit-opened'", "visit_id = NULL, card_id = NULL"])
def test_altered_row_of_the_audit_hides_no_release(world: World, card: Card, as_if: str) -> None:
    visit = ready(world, card)
    kept = keep(world, "visit", "proof", "email_code")
    new = unlocked(visit, visit.grant())
    put_back(world, kept)
    run(world, "DELETE FROM unblock_journal")
    if not world.url.startswith("postgresql"):
        with opened(world) as database:
            found = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (trigger,) in found.fetchall():
                database.execute(f"DROP TRIGGER {trigger}")
    run(
        world,
        f"UPDATE audit_event SET {as_if} WHERE kind IN ('unblock-done', 'secret-released')",
    )
    reply = visit.release()
    assert stays_secret(reply, new)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.RECORD_ALTERED


def test_two_honest_unlocks_within_an_hour_are_served(world: World, card: Card) -> None:
    for _ in range(2):
        visit = ready(world, card)
        unlocked(visit, visit.grant())
        visit.pull()
        world.clock.forward(minutes=2)
    assert not found_put_back(world, "visit")


def test_honest_release_again_is_served(world: World, card: Card) -> None:
    visit = ready(world, card)
    grant = visit.grant()
    visit.authority.record_outcome(visit.visit, grant.journal, UnblockNotSent())
    world.clock.forward(seconds=5)
    assert isinstance(visit.release(), Grant)
