"""This was not me: a number from a notice stops everything, and guessing it stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kiosk.authority.records import Card
from kiosk.authority.retention import purge_records
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.authority.store.repositories.codes import entries_subject
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    EnterCode,
    EnterStopNumber,
    Finished,
    Purpose,
    Reason,
    Refusal,
    StopNumberWrong,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import in_groups
from tests.authority.card_in_reader import KeylessCard, ReaderCard
from tests.authority.registering import OTHER, start
from tests.authority.station_visit import StationVisit
from tests.authority.world import EMAIL, STAFF, World
from tests.support.stored import live_code


@pytest.fixture
def card(each_world: World) -> Card:
    return each_world.registered_card()


def to_address_code(world: World, card: Card) -> StationVisit:
    station_visit = start(world, card, Purpose.CHANGE_EMAIL)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    return station_visit


def changed_pin(world: World, card: Card, reader_card: ReaderCard | None = None) -> str:
    """Have something happen that is told by mail, and return the number of the notice."""
    station_visit = world.insert(card, reader_card=reader_card)
    station_visit.authority.choose(station_visit.visit, Purpose.CHANGE_PIN)
    station_visit.verify_pin()
    station_visit.change_pin()
    station_visit.pull()
    newest = [m for m in world.outbox() if m.template == "pin-changed"][-1]
    number = newest.params["stop_number"]
    assert isinstance(number, str)
    return number


def report(world: World, station_visit: StationVisit, number: str, attempt: str = "") -> object:
    assert isinstance(
        station_visit.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE), EnterStopNumber
    )
    return enter(world, station_visit, number, attempt)


def enter(world: World, station_visit: StationVisit, number: str, attempt: str = "") -> object:
    return station_visit.authority.enter_stop_number(
        station_visit.visit, attempt or station_visit.attempt(), Sensitive(number)
    )


def other_than(number: str) -> str:
    return f"{(int(number) + 1) % 10**12:012d}"


def is_blocked(world: World, card: Card) -> bool:
    return world.registration(card).blocked_at is not None


def test_the_number_of_a_notice_blocks_and_tells_everybody(each_world: World, card: Card) -> None:
    number = changed_pin(each_world, card)
    station_visit = each_world.insert(card)
    assert report(each_world, station_visit, in_groups(number)) == Finished(Purpose.REPORT_MISUSE)
    assert is_blocked(each_world, card)
    (reported,) = (event for event in each_world.events() if event.kind == "misuse-reported")
    (changed,) = (event for event in each_world.events() if event.kind == "pin-changed")
    assert reported.detail["about"] == changed.reference
    told = {(m.template, m.to) for m in each_world.outbox()}
    assert told >= {("misuse-reported", EMAIL), ("misuse-reported-staff", STAFF)}
    station_visit.pull()
    opened = each_world.insert(card, blocked=True).opened
    assert isinstance(opened, Refusal)
    assert opened.reason is Reason.REGISTRATION_BLOCKED


def test_an_open_unlock_at_another_station_ends_and_its_code_is_withdrawn(
    each_world: World,
) -> None:
    first = each_world.registered_card()
    with each_world.store.read() as uow:
        holder = uow.holders.get(first.holder_id)
    assert holder is not None
    second = each_world.add_card(holder)
    number = changed_pin(each_world, first)
    thief = each_world.insert(first)
    thief.to_code()
    code = each_world.relay.code
    report(each_world, each_world.insert(second, station="B"), number)
    with pytest.raises(StepRefused):
        thief.enter(code)
    with each_world.store.read() as uow:
        assert live_code(uow, first.id) is None


def test_a_change_of_address_that_waits_is_stopped(each_world: World, card: Card) -> None:
    station_visit = start(each_world, card, Purpose.CHANGE_EMAIL, KeylessCard())
    to_waiting_change(each_world, station_visit)
    waits = [m for m in each_world.outbox() if m.template == "email-change-waits"]
    numbers = {m.to: m.params.get("stop_number", "") for m in waits}
    assert numbers[EMAIL]
    assert not numbers[OTHER], "an address that was typed must not stop its victim"
    station_visit.pull()
    report(each_world, each_world.insert(card), str(numbers[EMAIL]))
    each_world.clock.forward(hours=48)
    each_world.insert(card).pull()
    assert each_world.registered_email(card) == EMAIL


def to_waiting_change(world: World, station_visit: StationVisit) -> None:
    station_visit.send()
    station_visit.enter(world.relay.code)
    assert isinstance(station_visit.email(OTHER), EnterCode)
    station_visit.enter(world.relay.code)


class _Interrupted(Store):
    """Lets something happen before the transaction after the next one."""

    begun = 0
    during: Callable[[], object]

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        self.begun += 1
        if self.begun == 2:
            self.during()
        with super().begin() as uow:
            yield uow


@pytest.mark.parametrize(("right", "left"), [(True, 10), (False, 9)])
def test_a_card_pulled_during_the_check_costs_a_wrong_number_alone(
    world: World, right: bool, left: int
) -> None:
    card = world.registered_card()
    number = changed_pin(world, card)
    station_visit = world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE)
    world.store.close()
    world.store = store = _Interrupted(world.url, world.clock, world.macs, busy_timeout_s=5.0)
    store.during = station_visit.pull
    world.restart()
    with pytest.raises(StepRefused, match="over"):
        enter(world, station_visit, number if right else other_than(number))
    assert not is_blocked(world, card)
    with world.store.read() as uow:
        entries = entries_subject(card.holder_id, proven=True)
        assert uow.stop_numbers.left(entries, station_visit.visit, a_visit=99, a_day=10) == left
    assert report(world, world.insert(card), number) == Finished(Purpose.REPORT_MISUSE)


def test_what_is_being_gathered_is_deleted(each_world: World, card: Card) -> None:
    number = changed_pin(each_world, card)
    station_visit = to_address_code(each_world, card)
    code = each_world.relay.code
    assert report(each_world, station_visit, number) == Finished(Purpose.REPORT_MISUSE)
    with pytest.raises(StepRefused):
        station_visit.enter(code)
    with each_world.store.read() as uow:
        assert live_code(uow, card.id) is None
    assert each_world.registered_email(card) == EMAIL


def test_a_wrong_number_stops_nothing_and_five_end_the_visit(each_world: World, card: Card) -> None:
    wrong = other_than(changed_pin(each_world, card))
    station_visit = each_world.insert(card)
    assert report(each_world, station_visit, wrong) == StopNumberWrong(EnterStopNumber(12, 4))
    for left in (3, 2, 1):
        assert enter(each_world, station_visit, wrong) == StopNumberWrong(EnterStopNumber(12, left))
    over = enter(each_world, station_visit, wrong)
    assert isinstance(over, Refusal)
    assert over.reason is Reason.STOP_NUMBER_WRONG
    assert isinstance(enter(each_world, station_visit, wrong), Refusal)
    assert not is_blocked(each_world, card)


def test_ten_wrong_numbers_a_day_are_taken_for_one_holder(each_world: World, card: Card) -> None:
    number = changed_pin(each_world, card)
    for _ in range(2):
        station_visit = each_world.insert(card)
        report(each_world, station_visit, other_than(number))
        for _ in range(4):
            enter(each_world, station_visit, other_than(number))
        station_visit.pull()
    station_visit = each_world.insert(card)
    over = station_visit.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE)
    assert isinstance(over, Refusal)
    assert over.reason is Reason.STOP_NUMBER_WRONG
    station_visit.pull()
    each_world.clock.forward(hours=25)
    assert report(each_world, each_world.insert(card), number) == Finished(Purpose.REPORT_MISUSE)


def test_wrong_numbers_that_a_wrong_clock_dated_ahead_do_not_count(
    each_world: World, card: Card
) -> None:
    """Before: they were those of the present day until the clock had caught up."""
    number = changed_pin(each_world, card)
    each_world.clock.forward(days=20)
    for _ in range(2):
        station_visit = each_world.insert(card)
        report(each_world, station_visit, other_than(number))
        for _ in range(4):
            enter(each_world, station_visit, other_than(number))
        station_visit.pull()
    each_world.clock.forward(days=-20)
    assert report(each_world, each_world.insert(card), number) == Finished(Purpose.REPORT_MISUSE)


def test_an_entry_that_is_repeated_is_charged_once_and_answered_alike(
    each_world: World, card: Card
) -> None:
    number = changed_pin(each_world, card)
    station_visit = each_world.insert(card)
    wrong = report(each_world, station_visit, other_than(number), "a")
    assert enter(each_world, station_visit, other_than(number), "a") == wrong
    right = enter(each_world, station_visit, number, "b")
    assert enter(each_world, station_visit, number, "b") == right == Finished(Purpose.REPORT_MISUSE)
    assert each_world.kinds().count("stop-number-tried") == 2
    assert each_world.kinds().count("misuse-reported") == 1


def test_the_number_of_somebody_else_stops_nobody(each_world: World, card: Card) -> None:
    number = changed_pin(each_world, card)
    holder = each_world.add_holder(number="900000000099")
    another = each_world.add_card(holder, identifier="99" * 16)
    each_world.register(holder)
    assert isinstance(report(each_world, each_world.insert(another), number), StopNumberWrong)
    assert not is_blocked(each_world, card)
    assert not is_blocked(each_world, another)


def test_a_number_works_once_and_for_thirty_days(each_world: World, card: Card) -> None:
    old = changed_pin(each_world, card)
    each_world.clock.forward(hours=31 * 24)
    purge_records(each_world.store)
    for _ in range(6):
        refused = report(each_world, each_world.insert(card), old)
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.STOP_NUMBER_OLD
    assert "stop-number-wrong" not in each_world.kinds()
    assert not is_blocked(each_world, card)
    number = changed_pin(each_world, card)
    report(each_world, each_world.insert(card), number)
    with each_world.store.begin() as uow:
        uow.registrations.unblock(card.holder_id)
        uow.commit()
    used = report(each_world, each_world.insert(card), number)
    assert isinstance(used, Refusal)
    assert used.reason is Reason.STOP_NUMBER_USED


def test_a_number_that_was_used_up_costs_no_try_and_stops_nothing(
    each_world: World, card: Card
) -> None:
    older = changed_pin(each_world, card)
    newer = changed_pin(each_world, card)
    report(each_world, each_world.insert(card), newer)
    with each_world.store.begin() as uow:
        uow.registrations.unblock(card.holder_id)
        uow.commit()
    for number in (older, older):
        station_visit = each_world.insert(card)
        used = report(each_world, station_visit, number, "a")
        assert isinstance(used, Refusal)
        assert used.reason is Reason.STOP_NUMBER_USED
        assert enter(each_world, station_visit, number, "a") == used
        assert not is_blocked(each_world, card)
    assert "stop-number-wrong" not in each_world.kinds()
    station_visit = each_world.insert(card)
    wrong = report(each_world, station_visit, other_than(older))
    assert wrong == StopNumberWrong(EnterStopNumber(12, 4))


def test_a_card_that_is_known_by_name_only_may_stop(each_world: World, card: Card) -> None:
    number = changed_pin(each_world, card, KeylessCard())
    station_visit = each_world.insert(card, reader_card=KeylessCard())
    assert report(each_world, station_visit, number) == Finished(Purpose.REPORT_MISUSE)


def test_a_visit_that_came_to_report_does_nothing_else(each_world: World, card: Card) -> None:
    station_visit = each_world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE)
    for purpose in (Purpose.UNLOCK, Purpose.CHANGE_PIN):
        with pytest.raises(StepRefused):
            station_visit.authority.choose(station_visit.visit, purpose)


def test_a_visit_whose_secret_was_released_reports_nothing_any_more(
    each_world: World, card: Card
) -> None:
    station_visit = each_world.insert(card, blocked=True)
    station_visit.to_new_pin()
    station_visit.grant()
    with pytest.raises(StepRefused, match="something else"):
        station_visit.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE)


@pytest.mark.parametrize(
    "entered",
    ["", "123456", "12345678", "1234567890", "12345678901", "1234567890123", "12345678901a"],
)
def test_what_is_no_number_is_refused_and_costs_no_entry(
    each_world: World, card: Card, entered: str
) -> None:
    wrong = other_than(changed_pin(each_world, card))
    station_visit = each_world.insert(card)
    station_visit.authority.choose(station_visit.visit, Purpose.REPORT_MISUSE)
    with pytest.raises(StepRefused, match="no stop number"):
        enter(each_world, station_visit, entered)
    assert enter(each_world, station_visit, wrong) == StopNumberWrong(EnterStopNumber(12, 4))


def test_the_digits_are_kept_as_a_keyed_digest_alone(each_world: World, card: Card) -> None:
    number = changed_pin(each_world, card)
    with each_world.store.read() as uow:
        kept = uow.stop_numbers.find(number)
    assert kept is not None
    assert number not in kept.digest
    assert kept.digest.startswith("code-mac-")


def test_a_code_mail_to_a_known_address_has_a_number_and_one_to_a_typed_one_has_none(
    each_world: World, card: Card
) -> None:
    to_address_code(each_world, card)
    assert not each_world.relay.sent[-1].html
    with each_world.store.begin() as uow:
        uow.codes.revoke_live(card.id)
        uow.commit()
    each_world.clock.forward(hours=2)
    each_world.insert(card).to_code()
    assert each_world.relay.sent[-1].html
