"""Before: a copy with any key moved the address of somebody who was registered without proof.

It registered anew, with one code from the known mailbox: at once, and with nothing to stop.
"""

from __future__ import annotations

from kiosk.authority.administration.desk import AdminDesk
from kiosk.authority.roles import Role
from kiosk.authority.visit.registration import apply_due_changes
from kiosk.contract.messages import Answer, EnterCode, Finished, Purpose
from kiosk.contract.sensitive import Sensitive
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen, office_beside
from tests.authority.card_in_reader import ReaderCard
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, World

MALLORYS = "mallory@trust.nhs.uk"


def register_anew(world: World, visit: StationVisit) -> Finished:
    """Register on a claimed PIN, with both codes read, and give Mallory's address."""
    visit.authority.choose(visit.visit, Purpose.REGISTER)
    visit.authority.pin_verified(visit.visit, None)
    visit.send()
    visit.enter(world.relay.code)
    given = tuple(Answer(number, Sensitive(f"other {number}")) for number in range(1, 5))
    visit.authority.save_questions(visit.visit, given)
    assert isinstance(visit.email(MALLORYS), EnterCode)
    done = visit.enter(world.relay.code)
    assert isinstance(done, Finished)
    return done


def test_the_address_of_a_registration_without_proof_waits(world: World) -> None:
    holder = world.add_holder()
    world.register(holder, proven=False)
    card = world.add_card(holder)
    done = register_anew(world, world.insert(card, reader_card=ReaderCard()))
    day = world.policy.address_cooling_off.total_seconds()
    assert done == Finished(Purpose.REGISTER, day)
    assert world.registered_email(card) == EMAIL
    told = {(mail.template, mail.to) for mail in world.outbox()}
    assert told == {
        ("registered", EMAIL),
        ("email-change-waits", EMAIL),
        ("email-change-waits", MALLORYS),
    }
    world.clock.forward(seconds=day)
    apply_due_changes(world.store)
    assert world.registered_email(card) == MALLORYS


def test_holder_stops_a_moved_address_while_it_waits(world: World) -> None:
    """By staff: a copy that got so far has its own key recorded, and the real card is refused."""
    holder = world.add_holder()
    world.register(holder, proven=False)
    card = world.add_card(holder)
    register_anew(world, world.insert(card, reader_card=ReaderCard()))
    office = office_beside(world, Role.AGENT)
    people = AdminDesk(office).people
    people.report_misuse(as_seen(office, card), GROUNDS)
    people.lift_block(as_seen(office, card), GROUNDS)
    world.clock.forward(seconds=world.policy.address_cooling_off.total_seconds())
    apply_due_changes(world.store)
    assert world.registered_email(card) == EMAIL


def test_the_first_address_counts_at_once(world: World) -> None:
    card = world.add_card(world.add_holder())
    done = register_anew(world, world.insert(card, reader_card=ReaderCard()))
    assert done == Finished(Purpose.REGISTER)
    assert world.registered_email(card) == MALLORYS
