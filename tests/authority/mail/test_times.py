"""How long codes by mail take, as it is read of the codes, and said at stations and to staff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.administration import checks
from kiosk.authority.administration.today import TodayDesk
from kiosk.authority.mail.outbox import OutboxWorker
from kiosk.authority.mail.times import FEWEST, MOST, SLOW, SPAN, read_mail_time
from kiosk.authority.metrics import estate_numbers
from kiosk.authority.records import Card
from kiosk.contract.findings import Condition
from kiosk.contract.messages import EnterCode, UnblockDone
from tests.authority.assisting import give, office_beside
from tests.authority.mail.test_outbox import compose
from tests.authority.station_visit import StationVisit
from tests.authority.world import World

FAST, LATE = timedelta(seconds=50), timedelta(minutes=6)


def read(world: World) -> timedelta | None:
    with world.store.read() as uow:
        return read_mail_time(uow)


def cards(world: World, many: int, first: int = 0) -> list[Card]:
    made = []
    for each in range(first, first + many):
        holder = world.add_holder(number=f"9{each:011}", email=f"jo{each}@trust.nhs.uk")
        world.register(holder, email=f"jo{each}@trust.nhs.uk")
        made.append(world.add_card(holder))
    return made


def enter_after(world: World, card: Card, wait: timedelta) -> StationVisit:
    """Have a code mailed, and enter it so long after the relay took it."""
    visit = world.insert(card, blocked=True)
    visit.to_code()
    world.clock.forward(seconds=wait.total_seconds())
    visit.enter(world.relay.code)
    return visit


def lapse(world: World, card: Card) -> None:
    """Have a code mailed that nobody enters while it lives."""
    visit = world.insert(card, blocked=True)
    visit.to_code()
    visit.pull()


def taken_up(world: World) -> None:
    """Have the worker of the outbox read it again, as it does once a minute."""
    worker = OutboxWorker(
        world.store, world.relay, world.clock, compose, mail_time=world.parts.mail_time
    )
    world.clock.forward(minutes=1)
    worker.record_relay()


def page(world: World, card: Card) -> EnterCode:
    visit = world.insert(card, blocked=True)
    visit.answer(visit.questions())
    task = visit.send()
    assert isinstance(task, EnterCode)
    return task


def test_mail_time_is_the_median_from_relay_to_entry(each_world: World) -> None:
    waits = [FAST, FAST, timedelta(seconds=70), LATE, LATE]
    for card, wait in zip(cards(each_world, FEWEST), waits, strict=True):
        enter_after(each_world, card, wait)
    found = read(each_world)
    assert found is not None
    assert round(found.total_seconds()) == 70


def test_mail_time_is_unknown_where_few_codes_were_entered(world: World) -> None:
    for card in cards(world, FEWEST - 1):
        enter_after(world, card, LATE)
        assert read(world) is None


def test_mail_time_takes_each_holder_once_by_the_newest_code(world: World) -> None:
    """One holder who enters code after code late would else speak for everybody."""
    one, other, *others = cards(world, FEWEST)
    for card in others:
        enter_after(world, card, FAST)
    enter_after(world, other, LATE)
    for _ in range(world.policy.codes_an_hour):
        visit = enter_after(world, one, LATE)
        journal = visit.grant().journal
        visit.authority.record_outcome(visit.visit, journal, UnblockDone())
        visit.pull()
    assert read(world) == FAST


def test_mail_time_leaves_out_who_went_elsewhere_to_read_the_code(world: World) -> None:
    slow, *others = cards(world, FEWEST)
    for card in others:
        enter_after(world, card, FAST)
    visit = world.insert(slow, blocked=True)
    visit.to_code()
    visit.pull()
    world.clock.forward(seconds=LATE.total_seconds())
    again = world.insert(slow, blocked=True)
    again.enter(world.relay.code)
    assert read(world) is None, "there are four others alone"


def test_mail_time_counts_a_code_that_nobody_entered_as_its_life(world: World) -> None:
    """Mail that is slower than codes live would else look as if nobody used any."""
    people = cards(world, FEWEST)
    for card in people:
        lapse(world, card)
    assert read(world) is None, "they may still be entered"
    world.clock.forward(seconds=world.policy.code_life.total_seconds())
    assert read(world) == world.policy.code_life


def test_mail_time_is_not_moved_by_one_in_three_who_walk_away(world: World) -> None:
    people = cards(world, 9)
    for card in people[:6]:
        enter_after(world, card, FAST)
    for card in people[6:]:
        lapse(world, card)
    world.clock.forward(seconds=world.policy.code_life.total_seconds())
    assert read(world) == FAST


def test_mail_time_of_long_ago_says_nothing_of_now(world: World) -> None:
    for card in cards(world, FEWEST):
        enter_after(world, card, LATE)
    taken_up(world)
    assert world.parts.mail_time.slow == LATE
    world.clock.forward(seconds=SPAN.total_seconds())
    assert read(world) is None
    taken_up(world)
    assert world.parts.mail_time.slow is None


def test_mail_time_forgets_older_codes_once_many_are_fast(world: World) -> None:
    for card in cards(world, FEWEST):
        enter_after(world, card, LATE)
    assert read(world) == LATE
    for card in cards(world, MOST, first=FEWEST):
        enter_after(world, card, FAST)
    assert read(world) == FAST


@pytest.mark.parametrize("wait", [FAST, SLOW - timedelta(seconds=1), SLOW, LATE])
def test_mail_that_is_slow_is_said_on_the_page_of_the_code_and_to_staff(
    world: World, wait: timedelta
) -> None:
    for card in cards(world, FEWEST):
        enter_after(world, card, wait)
    (card,) = cards(world, 1, first=FEWEST)
    taken_up(world)
    is_slow = wait >= SLOW
    assert page(world, card).mail_takes_s == (wait.total_seconds() if is_slow else 0)
    found = checks.check_mail_time(world.store)
    assert found.condition is (Condition.WARN if is_slow else Condition.OK)
    assert f"{wait.seconds // 60} min {wait.seconds % 60:02} s after the relay" in found.found


def test_mail_time_is_on_the_page_today_and_among_the_metrics(world: World) -> None:
    def shown() -> tuple[float | None, float]:
        with world.store.read() as uow:
            values = {each.name: each.samples[0].value for each in estate_numbers(uow)}
        today = TodayDesk(office_beside(world)).look()
        return today.code_by_mail_s, values["kiosk_code_mail_seconds"]

    people = cards(world, FEWEST)
    assert str(shown()) == "(None, nan)"
    for card in people:
        enter_after(world, card, FAST)
    assert shown() == (FAST.total_seconds(), FAST.total_seconds())


def test_slow_mail_costs_a_visit_no_reading(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process remembers it: the page of a code asks the database nothing more."""
    (card,) = cards(world, 1)
    world.parts.mail_time.slow = LATE
    monkeypatch.delattr("kiosk.authority.store.repositories.codes.EmailCodes.times")
    assert page(world, card).mail_takes_s == LATE.total_seconds()


def test_code_that_staff_gave_is_not_said_to_be_slow(world: World) -> None:
    (card,) = cards(world, 1)
    world.parts.mail_time.slow = LATE
    give(office_beside(world), card)
    visit = world.insert(card, blocked=True)
    task = visit.answer(visit.questions())
    assert isinstance(task, EnterCode)
    assert task.sent_to is None
    assert task.mail_takes_s == 0
