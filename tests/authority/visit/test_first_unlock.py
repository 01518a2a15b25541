"""A holder who never registered unlocks with a code from staff, and registers in the same visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from msgspec import structs

from kiosk.authority.administration.audit_log import AuditDesk
from kiosk.authority.administration.codes import CodesDesk
from kiosk.authority.administration.office import Office
from kiosk.authority.administration.people import PeopleDesk
from kiosk.authority.administration.views import AuditFilter
from kiosk.authority.crypto.card_keys import Issuers
from kiosk.authority.errors import NotTaken
from kiosk.authority.notices import Notice
from kiosk.authority.records import Card, PinPolicy
from kiosk.authority.roles import Role
from kiosk.authority.visit.misuse import stop_holder
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    ChooseQuestions,
    EnterCode,
    Factor,
    FactorWrong,
    Finished,
    GiveEmail,
    Position,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    UnblockDone,
    UnblockNotSent,
    VisitOpened,
)
from kiosk.contract.policy import Genuine, Policy
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import (
    GIVEN,
    agree,
    as_seen,
    give,
    kept,
    nothing_opens,
    office_beside,
    withdraw,
)
from tests.authority.card_in_reader import Authorities, KeylessCard, ReaderCard
from tests.authority.registering import given
from tests.authority.station_visit import StationVisit, wrong_code
from tests.authority.world import EMAIL, World
from tests.support import staff_words
from tests.support.refusals import refused
from tests.support.steps import offered as offers_of
from tests.support.stored import live_code


@pytest.fixture
def card(world: World) -> Card:
    """A card whose holder is not registered."""
    return world.add_card(world.add_holder())


def offered(station_visit: StationVisit) -> tuple[Purpose, ...] | Reason:
    opened = station_visit.opened
    return opened.reason if isinstance(opened, Refusal) else offers_of(opened)


def chosen(world: World, card: Card) -> StationVisit:
    """Put the blocked card in and choose; the code is asked for."""
    station_visit = world.insert(card, blocked=True, station="Ward 7")
    assert offered(station_visit) == (Purpose.FIRST_UNLOCK,)
    task = station_visit.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    assert isinstance(task, EnterCode), task
    return station_visit


def unlocked(world: World, card: Card, agent: Office) -> StationVisit:
    """Unlock with a code from staff; the visit goes on."""
    issued = give(agent, card)
    station_visit = chosen(world, card)
    assert isinstance(station_visit.enter(issued.code), SetPin)
    done = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert isinstance(done, ProvePin)
    return station_visit


def test_a_code_that_was_entered_is_no_longer_waited_for(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    chosen(world, card).enter(issued.code)
    person = PeopleDesk(agent).person(card.holder_id)
    assert staff_words.headline(person) == (
        "Not registered. A code by word of mouth was entered at Ward 7, 09:30 today; "
        "the new PIN is not set yet."
    )
    assert staff_words.advice(person).startswith("They choose the new PIN at the station.")
    assert staff_words.advice(person).endswith("before 09:45. Then they register there.")


def is_registered(world: World, card: Card) -> bool:
    with world.store.read() as uow:
        return uow.registrations.of_holder(card.holder_id) is not None


def notices(world: World) -> list[tuple[str, str]]:
    return [(message.template, message.to) for message in world.outbox()]


# --- the way through -------------------------------------------------------------------


def test_first_unlock_and_registration_are_one_visit(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True)
    assert offered(station_visit) == (Purpose.FIRST_UNLOCK,)
    authority, visit = world.authority, station_visit.visit
    entry = authority.choose(visit, Purpose.FIRST_UNLOCK)
    assert entry == structs.replace(GIVEN, routes=(), position=Position(2, 8))
    nothing_opens(station_visit)
    new_pin = station_visit.enter(issued.code)
    assert isinstance(new_pin, SetPin)
    grant = station_visit.grant()
    pin = authority.record_outcome(visit, grant.journal, UnblockDone())
    assert isinstance(pin, ProvePin)
    assert kept(world, issued).consumed_at is not None
    owner = station_visit.verify_pin()
    assert isinstance(owner, SendCode), "the PIN shows no more than the code from staff"
    station_visit.send()
    assert world.relay.sent[-1].to == EMAIL
    questions = station_visit.enter(world.relay.code)
    assert isinstance(questions, ChooseQuestions)
    email = authority.save_questions(visit, given())
    assert isinstance(email, GiveEmail)
    steps = [task.position for task in (new_pin, pin, owner, questions, email)]
    assert steps == [Position(index, 8) for index in range(3, 8)]
    assert station_visit.email(EMAIL) == Finished(Purpose.REGISTER)
    assert is_registered(world, card)
    assert notices(world) == [
        ("first-code-given", EMAIL),
        (Notice.UNLOCKED, EMAIL),
        (Notice.REGISTERED, EMAIL),
    ]
    with world.store.read() as uow:
        assert uow.audit.verify().intact
    # From now on they are like anybody else.
    assert offered(world.insert(card, blocked=True)) == (Purpose.UNLOCK,)


def test_the_audit_says_who_gave_it(world: World, card: Card, agent: Office) -> None:
    unlocked(world, card, agent)
    (issued,) = [event for event in world.events() if event.kind == "code-issued"]
    assert issued.detail["first_unlock"] is True
    (released,) = [event for event in world.events() if event.kind == "secret-released"]
    assert released.detail["given_by"] == agent.actor.staff_id
    auditor = AuditDesk(office_beside(world, Role.AUDITOR))
    shown = auditor.page(AuditFilter(kind="secret-released")).lines[0].detail
    assert f"given by: {agent.actor.name}" in shown


def test_who_walks_away_after_the_new_pin_is_unlocked_and_not_registered(
    world: World, card: Card, agent: Office
) -> None:
    unlocked(world, card, agent).pull()
    assert not is_registered(world, card)
    assert (Notice.UNLOCKED, EMAIL) in notices(world)
    assert offered(world.insert(card)) == (Purpose.REGISTER, Purpose.CHANGE_PIN)
    assert offered(world.insert(card, blocked=True)) is Reason.NOT_REGISTERED


def test_who_walks_away_to_read_the_mail_comes_back_to_it(
    world: World, card: Card, agent: Office
) -> None:
    station_visit = unlocked(world, card, agent)
    station_visit.verify_pin()
    assert isinstance(station_visit.send(), EnterCode)
    station_visit.pull()
    back = world.insert(card, station="B")
    assert isinstance(back.opened, VisitOpened)
    assert back.opened.resumed is not None
    assert isinstance(back.enter(world.relay.code), ProvePin)
    assert isinstance(back.verify_pin(), ChooseQuestions)


def test_a_forgotten_pin_that_is_not_blocked_is_unlocked_too(
    world: World, card: Card, agent: Office
) -> None:
    give(agent, card)
    first = (Purpose.FIRST_UNLOCK, Purpose.REGISTER, Purpose.CHANGE_PIN)
    assert offered(world.insert(card)) == first


def test_what_was_not_sent_is_tried_again_in_the_same_visit(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    station_visit.enter(issued.code)
    again = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockNotSent()
    )
    assert isinstance(again, SetPin)
    journal = station_visit.grant().journal
    for _ in range(2):  # the first answer was lost
        assert isinstance(
            station_visit.authority.record_outcome(station_visit.visit, journal, UnblockDone()),
            ProvePin,
        )
    late = station_visit.authority.record_outcome(station_visit.visit, journal, UnblockNotSent())
    assert isinstance(late, SetPin)
    assert (again.position, late.position) == (Position(3, 8), Position(3, 8))
    assert world.kinds().count("unblock-done") == 1


def test_an_outcome_that_got_lost_is_settled_by_the_card(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    station_visit.enter(issued.code)
    station_visit.grant()
    world.restart()  # the station, and all that it knew, is gone
    assert offered(world.insert(card)) == (Purpose.REGISTER, Purpose.CHANGE_PIN)
    assert (Notice.UNLOCKED, EMAIL) in notices(world)
    assert world.kinds().count("unblock-settled") == 1


@pytest.mark.parametrize("order", [(Factor.EMAIL_CODE,), (Factor.EMAIL_CODE, Factor.QUESTIONS)])
def test_the_order_of_factors_makes_no_difference(
    world: World, card: Card, agent: Office, order: tuple[Factor, ...]
) -> None:
    world.policy = Policy(verification=(order,))
    unlocked(world, card, agent)


# --- two members of staff --------------------------------------------------------------


def test_until_a_second_agrees_stations_know_nothing_of_it(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = Policy(four_eyes=True)
    issued = give(agent, card)
    assert issued.waits_for_second
    assert offered(world.insert(card, blocked=True)) is Reason.NOT_REGISTERED
    agree(office_beside(world, Role.MANAGER), issued)
    station_visit = chosen(world, card)
    assert isinstance(station_visit.enter(issued.code), SetPin)


def test_nobody_agrees_to_a_code_of_one_who_registered_since(
    world: World, card: Card, agent: Office
) -> None:
    world.policy = Policy(four_eyes=True)
    issued = give(agent, card)
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    world.register(holder)
    with refused(NotTaken, match="is registered now"):
        agree(office_beside(world), issued)


# --- what it does not open -------------------------------------------------------------


def test_without_a_code_from_staff_nothing_opens(world: World, card: Card) -> None:
    station_visit = world.insert(card, blocked=True)
    assert offered(station_visit) is Reason.NOT_REGISTERED
    with pytest.raises(StepRefused):
        station_visit.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    working = world.insert(card)
    with pytest.raises(StepRefused, match="not offered"):
        working.authority.choose(working.visit, Purpose.FIRST_UNLOCK)


def test_a_code_by_mail_is_never_sent_for_it(world: World, card: Card, agent: Office) -> None:
    give(agent, card)
    station_visit = chosen(world, card)
    with pytest.raises(StepRefused, match="only staff give a code"):
        station_visit.send()
    assert world.relay.sent == []


def test_wrong_entries_spend_it(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    for left in (4, 3, 2, 1):
        reply = station_visit.enter(wrong_code(issued.code))
        assert isinstance(reply, FactorWrong)
        assert isinstance(reply.again, EnterCode)
        assert reply.again.tries_left == left
    for code in (wrong_code(issued.code), issued.code):
        reply = station_visit.enter(code)
        assert isinstance(reply, Refusal)
        assert reply.reason is Reason.GIVEN_CODE_OVER
    nothing_opens(station_visit)
    assert kept(world, issued).tries == 5
    assert offered(world.insert(card, blocked=True)) is Reason.NOT_REGISTERED


def test_code_for_a_first_unlock_works_once(world: World, card: Card, agent: Office) -> None:
    station_visit = unlocked(world, card, agent)
    nothing_opens(station_visit)
    station_visit.pull()
    assert offered(world.insert(card, blocked=True)) is Reason.NOT_REGISTERED


def test_code_for_a_first_unlock_lives_for_fifteen_minutes(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    world.clock.forward(minutes=15)
    reply = station_visit.enter(issued.code)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.GIVEN_CODE_OVER
    assert offered(world.insert(card, blocked=True)) is Reason.NOT_REGISTERED


def test_a_few_an_hour_are_given(world: World, card: Card, agent: Office) -> None:
    for _ in range(3):
        give(agent, card)
    with refused(NotTaken, match="three codes for this card within an hour"):
        give(agent, card)


def test_code_for_a_first_unlock_opens_no_other_card(
    world: World, card: Card, agent: Office
) -> None:
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    other = world.add_card(holder)
    give(agent, card)
    assert offered(world.insert(other, blocked=True)) is Reason.NOT_REGISTERED


def test_who_registered_since_is_not_served_on_it_alone(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    assert isinstance(station_visit.enter(issued.code), SetPin)
    with world.store.read() as uow:
        holder = uow.holders.get(card.holder_id)
    assert holder is not None
    world.register(holder)
    refused = station_visit.release()
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.GIVEN_CODE_OVER
    assert offered(world.insert(card, blocked=True)) == (Purpose.UNLOCK,)


def test_a_code_for_one_who_was_registered_does_not_become_one_for_a_first_unlock(
    world: World, agent: Office
) -> None:
    card = world.registered_card()
    give(agent, card)
    with world.store.begin() as uow:
        uow.registrations.delete(card.holder_id)
        uow.commit()
    assert offered(world.insert(card, blocked=True)) is Reason.NOT_REGISTERED


def _withdraw(world: World, card: Card, _: Office) -> None:
    with world.store.read() as uow:
        live = live_code(uow, card.id)
    assert live is not None
    CodesDesk(office_beside(world)).withdraw(live.id, GROUNDS)


def _stop(world: World, card: Card, _: Office) -> None:
    with world.store.begin() as uow:
        stop_holder(uow, card.holder_id)
        uow.commit()


def _leave(world: World, card: Card, agent: Office) -> None:
    manager = office_beside(world, Role.MANAGER)
    PeopleDesk(manager).mark_leaver(as_seen(agent, card), GROUNDS)


def _revoke(world: World, card: Card, _: Office) -> None:
    with world.store.begin() as uow:
        uow.cards.revoke(card.id)
        uow.commit()


def _dismiss(world: World, _: Card, agent: Office) -> None:
    with world.store.begin() as uow:
        member = uow.staff.get(agent.actor.staff_id)
        assert member is not None
        assert uow.staff.save(replace(member, removed_at=uow.now))
        uow.commit()


def _take_key(world: World, _: Card, agent: Office) -> None:
    with world.store.begin() as uow:
        assert uow.staff.remove_key(agent.actor.staff_id, agent.actor.key)
        uow.commit()


Ending = Callable[[World, Card, Office], None]


@pytest.mark.parametrize("end", [_withdraw, _stop, _leave, _revoke, _dismiss, _take_key])
def test_withdrawn_code_for_a_first_unlock_opens_nothing(
    world: World, card: Card, agent: Office, end: Ending
) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    assert isinstance(station_visit.enter(issued.code), SetPin)
    end(world, card, agent)
    try:
        reply = station_visit.release()
    except StepRefused:
        reply = None  # the visit was ended with it
    assert reply is None or isinstance(reply, Refusal)
    assert "secret-released" not in world.kinds()
    assert isinstance(world.insert(card, blocked=True).opened, Refusal)


def test_an_erased_person_leaves_no_code(world: World, card: Card, agent: Office) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    manager = office_beside(world, Role.MANAGER)
    PeopleDesk(manager).erase(as_seen(agent, card), GROUNDS)
    with pytest.raises(StepRefused):
        station_visit.enter(issued.code)
    with world.store.read() as uow:
        assert uow.codes.get(issued.code_id) is None


# --- what the card and the station claim -----------------------------------------------


def test_the_registration_rests_on_the_pin_and_not_on_the_code(
    world: World, card: Card, agent: Office
) -> None:
    station_visit = unlocked(world, card, agent)
    with pytest.raises(StepRefused):
        station_visit.authority.save_questions(station_visit.visit, given())
    with pytest.raises(StepRefused):
        station_visit.email("thief@trust.nhs.uk")


def test_on_a_pin_that_is_only_claimed_the_recorded_address_is_asked(
    world: World, agent: Office
) -> None:
    card = world.add_card(world.add_holder(), driver="openpgp", identifier="ab" * 8)
    give_to = give(agent, card)
    station_visit = world.insert(card, blocked=True, reader_card=KeylessCard())
    first = station_visit.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    assert isinstance(first, EnterCode)
    station_visit.enter(give_to.code)
    again = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockNotSent()
    )
    pin = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert station_visit.verify_pin() is not None
    task = station_visit.send()
    assert isinstance(task, EnterCode)
    assert task.proves_owner
    assert isinstance(again, SetPin)
    assert isinstance(pin, ProvePin)
    steps = [one.position for one in (first, again, pin, task)]
    assert steps == [Position(index, 8) for index in range(2, 6)]
    assert world.relay.sent[-1].to == EMAIL


def test_without_a_recorded_address_the_unlock_stands_and_says_so(
    world: World, agent: Office
) -> None:
    holder = world.add_holder(email=None)
    card = world.add_card(holder, driver="openpgp", identifier="ab" * 8)
    issued = give(agent, card)
    advice = staff_words.advice(PeopleDesk(agent).person(holder.id))
    assert advice.endswith("without an email address: record it before.")
    station_visit = world.insert(card, blocked=True, reader_card=KeylessCard())
    assert isinstance(station_visit.opened, VisitOpened)
    assert [offer.steps for offer in station_visit.opened.offers] == [3]
    code = station_visit.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    new_pin = station_visit.enter(issued.code)
    assert isinstance(code, EnterCode)
    assert isinstance(new_pin, SetPin)
    assert [code.position, new_pin.position] == [Position(2, 3), Position(3, 3)]
    journal = station_visit.grant().journal
    for _ in range(2):  # the first answer was lost
        done = station_visit.authority.record_outcome(station_visit.visit, journal, UnblockDone())
        assert done == Finished(Purpose.FIRST_UNLOCK), "no PIN is asked for a registration"
    assert not is_registered(world, card)
    assert "unblock-done" in world.kinds()
    assert world.kinds().count("purpose-chosen") == 1


def test_without_a_recorded_address_no_key_and_no_issuer_goes_on_to_the_registration(
    world: World, agent: Office
) -> None:
    """Before: the PIN of a known key did, and so did one that staff's code had just set."""
    issuer = Authorities()
    world.parts = replace(world.parts, issuers=Issuers((issuer.own,)))
    world.authority = type(world.authority)(world.parts)
    card = world.add_card(world.add_holder(email=None), pin_policy=PinPolicy.ONCE)
    in_reader = ReaderCard()
    in_reader.shows = issuer.issue(in_reader.key, f"urn:uuid:{UUID(card.identifier)}")
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True, reader_card=in_reader)
    station_visit.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    station_visit.enter(issued.code)
    done = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert done == Finished(Purpose.FIRST_UNLOCK)


def _use_up_codes(world: World, card: Card, reader_card: ReaderCard | KeylessCard | None) -> None:
    """Have the one code of the hour mailed, for a registration that is not finished."""
    world.policy = Policy(codes_an_hour=1)
    station_visit = world.insert(card, reader_card=reader_card)
    station_visit.authority.choose(station_visit.visit, Purpose.REGISTER)
    if isinstance(station_visit.verify_pin(), ChooseQuestions):
        station_visit.authority.save_questions(station_visit.visit, given())
        station_visit.email(EMAIL)
    else:
        station_visit.send()
    station_visit.pull()


@pytest.mark.parametrize("reader_card", [None, KeylessCard()], ids=["proven", "claimed"])
def test_where_no_code_can_be_mailed_the_unlock_stands_and_says_from_when(
    world: World, agent: Office, reader_card: KeylessCard | None
) -> None:
    card = world.add_card(world.add_holder(), driver="openpgp", identifier="ab" * 8)
    _use_up_codes(world, card, reader_card)
    assert len(world.relay.sent) == 1
    world.clock.forward(minutes=10)
    before = PeopleDesk(agent).person(card.holder_id)
    limit = (
        "They may not be able to register before 10:31 today: one code went out within the hour."
    )
    assert staff_words.later(before) == limit
    issued = give(agent, card)
    told = PeopleDesk(agent).person(card.holder_id)
    assert staff_words.headline(told).startswith(
        "Not registered. A code by word of mouth was given"
    )
    assert staff_words.advice(told).endswith(f"choose a new PIN. {limit}")
    station_visit = world.insert(card, blocked=True, reader_card=reader_card)
    station_visit.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    station_visit.enter(issued.code)
    done = station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert isinstance(done, ProvePin)
    fifty_minutes = 50 * 60.0
    for _ in range(2):  # the first answer was lost, and the PIN entered again
        assert station_visit.verify_pin() == Finished(Purpose.FIRST_UNLOCK, fifty_minutes)
    assert world.kinds().count("pin-verified") == 2  # the other one was for the mailed code
    assert not is_registered(world, card)
    assert len(world.relay.sent) == 1
    world.clock.forward(seconds=fifty_minutes)
    assert staff_words.later(PeopleDesk(agent).person(card.holder_id)) == ""
    again = world.insert(card, reader_card=reader_card)
    again.authority.choose(again.visit, Purpose.REGISTER)
    assert not isinstance(again.verify_pin(), Refusal)


def test_a_card_that_has_to_be_genuine_still_has_to(world: World, card: Card) -> None:
    world.policy = Policy(genuine=Genuine.ALWAYS)
    agent = office_beside(world)
    give(agent, card)
    copy = world.insert(card, blocked=True, reader_card=KeylessCard())
    assert offered(copy) is Reason.NOT_GENUINE


def test_a_key_that_only_the_code_vouches_for_is_not_recorded(world: World, agent: Office) -> None:
    card = world.add_card(world.add_holder())
    issued = give(agent, card)
    station_visit = world.insert(card, blocked=True, reader_card=ReaderCard())
    station_visit.authority.choose(station_visit.visit, Purpose.FIRST_UNLOCK)
    station_visit.enter(issued.code)
    station_visit.authority.record_outcome(
        station_visit.visit, station_visit.grant().journal, UnblockDone()
    )
    assert world.card(card).auth_key is None


def test_a_withdrawn_code_is_said_to_be_over_on_its_page(
    world: World, card: Card, agent: Office
) -> None:
    issued = give(agent, card)
    station_visit = chosen(world, card)
    withdraw(agent, issued)
    reply = station_visit.enter(issued.code)
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.GIVEN_CODE_OVER
