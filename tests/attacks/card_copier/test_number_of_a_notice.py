"""Before: a copy used up the entries of the stop number, and its holder could not stop it.

The number of a notice only closes. It stops one holder once, and whoever guesses it is counted.
"""

from __future__ import annotations

import pytest

from kiosk.authority.records import Card
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    NOT_ME,
    EnterCode,
    EnterStopNumber,
    Finished,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    StopNumberWrong,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from tests.authority.card_in_reader import KeylessCard
from tests.authority.registering import OTHER, start
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, STAFF, World

AT_HOLDER, AT_THIEF = "A", "B"
ENTRIES_A_DAY = 10


@pytest.fixture
def by_name(world: World) -> Card:
    """A card of a family without a card-authentication key, so that a copy is served."""
    return world.registered_card(driver="openpgp", identifier="000612345678")


def number_of(world: World, template: str, to: str = EMAIL) -> str:
    """Return the number of the newest notice of a kind to an address; empty for none."""
    fit = [one for one in world.outbox() if (one.template, one.to) == (template, to)]
    return str(fit[-1].params.get("stop_number", ""))


def changed_pin(world: World, card: Card) -> str:
    station_visit = start(world, card, Purpose.CHANGE_PIN)
    station_visit.change_pin()
    station_visit.pull()
    return number_of(world, "pin-changed")


def enter(world: World, station_visit: StationVisit, number: str, attempt: str = "") -> object:
    return station_visit.authority.enter_stop_number(
        station_visit.visit, attempt or station_visit.attempt(), Sensitive(number)
    )


def report(world: World, station_visit: StationVisit, number: str) -> object:
    asked = station_visit.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE)
    return asked if isinstance(asked, Refusal) else enter(world, station_visit, number)


def guess_all_day(world: World, card: Card) -> list[object]:
    """Enter wrong numbers with a copy, until none is taken any more."""
    replies: list[object] = []
    for number in range(ENTRIES_A_DAY * 2):
        thief = world.insert(card, reader_card=KeylessCard(), station=AT_THIEF)
        replies.append(report(world, thief, f"{number:012d}"))
        thief.pull()
    return replies


def is_blocked(world: World, card: Card) -> bool:
    return world.registration(card).blocked_at is not None


def test_guesses_are_bounded_and_charge_nothing_else(world: World, by_name: Card) -> None:
    replies = guess_all_day(world, by_name)
    wrong, over = replies[: ENTRIES_A_DAY - 1], replies[ENTRIES_A_DAY - 1 :]
    assert {type(one) for one in wrong} == {StopNumberWrong}
    assert all(isinstance(one, Refusal) and one.reason is Reason.STOP_NUMBER_WRONG for one in over)
    registration = world.registration(by_name)
    assert (registration.failures, registration.unproven_until) == (0, None)
    assert not is_blocked(world, by_name)
    holder = world.insert(by_name, blocked=True, station=AT_HOLDER)
    assert isinstance(holder.answer(holder.questions()), SendCode)


def test_a_copy_does_not_use_up_the_entries_of_a_card_that_is_proven(world: World) -> None:
    """A second card of the same holder has a key; a copy of the first one guessed all day."""
    person = world.add_holder()
    world.register(person)
    by_name = world.add_card(person, driver="openpgp", identifier="000612345678")
    proven = world.add_card(person)
    number = changed_pin(world, proven)
    guess_all_day(world, by_name)
    holder = world.insert(proven, station=AT_HOLDER)
    assert report(world, holder, number) == Finished(Purpose.REPORT_MISUSE)
    assert is_blocked(world, proven)


def test_a_thief_who_types_an_address_is_given_no_number(world: World, by_name: Card) -> None:
    thief = start(world, by_name, Purpose.CHANGE_EMAIL, KeylessCard())
    thief.send()
    thief.enter(world.relay.code)
    assert isinstance(thief.email(OTHER), EnterCode)
    assert NOT_ME not in world.relay.sent[-1].text
    thief.enter(world.relay.code)
    assert number_of(world, "email-change-waits")
    assert not number_of(world, "email-change-waits", OTHER)


def test_the_number_of_the_thiefs_own_notice_stops_nobody_else(world: World) -> None:
    victim = world.registered_card()
    thief = world.add_holder(number="900000000099", email="mallory@trust.nhs.uk")
    own = world.add_card(thief, identifier="99" * 16)
    world.register(thief, email="mallory@trust.nhs.uk")
    station_visit = start(world, own, Purpose.CHANGE_PIN)
    station_visit.change_pin()
    station_visit.pull()
    number = number_of(world, "pin-changed", "mallory@trust.nhs.uk")
    stolen = world.insert(victim, station=AT_THIEF)
    assert isinstance(report(world, stolen, number), StopNumberWrong)
    assert not is_blocked(world, victim)


def test_a_number_that_was_used_does_not_block_again(world: World, by_name: Card) -> None:
    """Also not an older one of a visit that was over: a report uses all of them up."""
    older, newer = changed_pin(world, by_name), changed_pin(world, by_name)
    first = world.insert(by_name, station=AT_HOLDER)
    assert report(world, first, newer) == Finished(Purpose.REPORT_MISUSE)
    first.pull()
    with world.store.begin() as uow:
        uow.registrations.unblock(by_name.holder_id)
        uow.commit()
    for number in (newer, older):
        replayed = world.insert(by_name, reader_card=KeylessCard(), station=AT_THIEF)
        used = report(world, replayed, number)
        assert isinstance(used, Refusal)
        assert used.reason is Reason.STOP_NUMBER_USED
        replayed.pull()
    assert not is_blocked(world, by_name)


def test_an_entry_that_is_recorded_and_sent_again_does_nothing(world: World, by_name: Card) -> None:
    number = changed_pin(world, by_name)
    holder = world.insert(by_name, station=AT_HOLDER)
    holder.authority.choose(holder.visit, Purpose.REPORT_MISUSE)
    assert enter(world, holder, number, "a") == Finished(Purpose.REPORT_MISUSE)
    holder.pull()
    with world.store.begin() as uow:
        uow.registrations.unblock(by_name.holder_id)
        uow.commit()
    with pytest.raises(StepRefused):
        enter(world, holder, number, "a")
    with pytest.raises(StepRefused):
        enter(world, holder, number, "b")
    assert not is_blocked(world, by_name)


def test_a_number_opens_nothing(world: World, by_name: Card) -> None:
    """It ends a change that waits, and gives whoever enters it no other step."""
    number = changed_pin(world, by_name)
    thief = world.insert(by_name, reader_card=KeylessCard(), station=AT_THIEF)
    assert report(world, thief, number) == Finished(Purpose.REPORT_MISUSE)
    with pytest.raises(StepRefused):
        thief.authority.choose(thief.visit, Purpose.CHANGE_EMAIL)
    with pytest.raises(StepRefused):
        thief.email(OTHER)
    with pytest.raises(StepRefused):
        thief.release()
    with pytest.raises(StepRefused):
        thief.enter(Sensitive(number))
    thief.pull()
    assert world.registered_email(by_name) == EMAIL
    told = {(one.template, one.to) for one in world.outbox()}
    assert told >= {("misuse-reported", EMAIL), ("misuse-reported-staff", STAFF)}


def test_a_guess_never_says_whether_the_number_is_somebodys(world: World, by_name: Card) -> None:
    person = world.add_holder(number="900000000099")
    another = world.add_card(person, identifier="99" * 16)
    world.register(person)
    of_another = changed_pin(world, another)
    thief = world.insert(by_name, reader_card=KeylessCard(), station=AT_THIEF)
    thief.authority.choose(thief.visit, Purpose.REPORT_MISUSE)
    replies = [enter(world, thief, number) for number in (of_another, "0" * 12)]
    assert replies == [StopNumberWrong(EnterStopNumber(12, left)) for left in (4, 3)]


def test_a_stop_does_not_close_the_holders_way_to_the_ra(world: World, by_name: Card) -> None:
    """After the block is lifted everything works with the answers that there were."""
    number = changed_pin(world, by_name)
    thief = world.insert(by_name, reader_card=KeylessCard(), station=AT_THIEF)
    report(world, thief, number)
    thief.pull()
    opened = world.insert(by_name, blocked=True, station=AT_HOLDER).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED
    with world.store.begin() as uow:
        uow.registrations.unblock(by_name.holder_id)
        uow.commit()
    holder = world.insert(by_name, blocked=True, station=AT_HOLDER)
    assert isinstance(holder.opened, VisitOpened)
    assert isinstance(holder.answer(holder.questions()), SendCode)
