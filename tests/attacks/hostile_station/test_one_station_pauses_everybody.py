"""Before: the key of one station paused the self-service of everybody whose card is known by its
name: 65 of 65 holders in two minutes, each up to 42 days, with a mail to staff for each.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.errors import ConcurrentChange
from kiosk.authority.records import Card
from kiosk.authority.roles import Role
from kiosk.config.settings import NoticeSettings, PolicySettings
from kiosk.contract.messages import (
    AnswerQuestions,
    Heartbeat,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    VisitOpened,
)
from screens.words.staff.deeds import deed_words
from tests.attacks.four_eyes import Colleague
from tests.authority.administration.desk.offices import GROUNDS
from tests.authority.assisting import as_seen
from tests.authority.card_in_reader import KeylessCard
from tests.authority.station_visit import StationVisit, is_wrong
from tests.authority.world import STAFF, World

STOLEN, HONEST = "Stolen", "Ward 7"
HOLDERS = 40

AN_HOUR, A_DAY = 24, 72
"""Wrong sets of answers of one station with cards that are known by name only."""

SETS = 3
"""That pause one holder."""

MAILS_AN_HOUR = 10


@pytest.fixture
def cards(world: World) -> list[Card]:
    """One card of each holder, of a family without a card-authentication key."""
    return [card_of(world, number) for number in range(HOLDERS)]


def card_of(world: World, number: int) -> Card:
    email = f"holder{number}@nhs.net"
    holder = world.add_holder(number=f"9000000000{number:02}", email=email)
    world.register(holder, email=email)
    return world.add_card(holder, driver="openpgp", identifier=f"0006123456{number:02}")


def copy_of(world: World, card: Card, station: str) -> StationVisit:
    return world.insert(card, blocked=True, reader_card=KeylessCard(), station=station)


def guess(world: World, card: Card, station: str = STOLEN) -> list[object]:
    """Answer wrongly with a copy until its holder is paused or the station is turned away."""
    copy = copy_of(world, card, station)
    replies: list[object] = [copy.opened]
    if isinstance(copy.opened, VisitOpened):
        task = copy.questions()
        for _ in range(SETS):
            replies.append(copy.answer(task, wrong=True))
            if isinstance(replies[-1], Refusal):
                break
    copy.pull()
    return replies


def paused(world: World, cards: list[Card]) -> int:
    return sum(world.registration(card).paused_until(world.now, 3) is not None for card in cards)


def test_a_stolen_station_pauses_eight_holders_an_hour(world: World, cards: list[Card]) -> None:
    for card in cards:
        last = guess(world, card)[-1]
    assert paused(world, cards) == AN_HOUR // SETS
    assert isinstance(last, Refusal)
    assert last.reason is Reason.ANSWERS_LIMITED
    assert last.retry_at == world.now + timedelta(hours=1)


def test_a_stolen_station_pauses_24_holders_a_day(world: World, cards: list[Card]) -> None:
    began = world.now
    for hour in range(4):
        for card in cards[10 * hour : 10 * hour + 10]:
            last = guess(world, card)[-1]
        world.clock.forward(hours=1, seconds=1)
    assert world.kinds().count("answers-wrong") == A_DAY
    assert world.kinds().count("attempts-paused") == A_DAY // SETS
    assert isinstance(last, Refusal)
    assert (last.reason, last.retry_at) == (Reason.ANSWERS_LIMITED, began + timedelta(days=1))


def test_the_limit_of_a_station_holds_at_another_process(world: World, cards: list[Card]) -> None:
    """The count is in the database, and so is that it was reached."""
    other = World(world.folder, hasher=world.hasher, time=world.clock)
    for number, card in enumerate(cards):
        guess((world, other)[number % 2], card)
    assert paused(world, cards) == AN_HOUR // SETS
    world.restart()
    assert guess(world, cards[-1])[0].reason is Reason.ANSWERS_LIMITED  # type: ignore[attr-defined]


def test_a_limited_station_serves_cards_that_prove_themselves(
    world: World, cards: list[Card]
) -> None:
    for card in cards[:10]:
        guess(world, card)
    proven = world.add_card(world.add_holder(number="900000000099"))
    with world.store.read() as uow:
        holder = uow.holders.get(proven.holder_id)
    assert holder is not None
    world.register(holder)
    visit = world.insert(proven, blocked=True, station=STOLEN)
    assert is_wrong(visit.answer(visit.questions(), wrong=True), AnswerQuestions)
    assert isinstance(visit.answer(visit.questions()), SendCode)


def test_next_station_serves_the_holders_of_a_limited_one(world: World, cards: list[Card]) -> None:
    for card in cards[:20]:
        guess(world, card)
    visit = copy_of(world, cards[19], HONEST)
    assert isinstance(visit.answer(visit.questions()), SendCode)


def test_a_limited_station_takes_what_needs_no_answers(world: World, cards: list[Card]) -> None:
    """Its page is shown where an unlock is chosen: nobody guesses their PIN in place of it."""
    for card in cards[:10]:
        guess(world, card)
    visit = world.insert(cards[19], reader_card=KeylessCard(), station=STOLEN)
    assert isinstance(visit.opened, VisitOpened)
    offered = {offer.purpose for offer in visit.opened.offers}
    assert {Purpose.UNLOCK, Purpose.CHANGE_PIN} <= offered
    refused = visit.authority.choose(visit.visit, Purpose.UNLOCK)
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.ANSWERS_LIMITED


def test_right_answers_are_not_counted_at_a_station(world: World, cards: list[Card]) -> None:
    for card in cards[: AN_HOUR + 5]:
        visit = copy_of(world, card, HONEST)
        assert isinstance(visit.answer(visit.questions()), SendCode)
        visit.pull()


def test_a_busy_station_where_every_second_holder_errs_once_is_not_limited(
    world: World, cards: list[Card]
) -> None:
    """An unlock takes a minute and a half at least: forty an hour, by a queue without a gap."""
    for number in range(40):
        visit = copy_of(world, cards[number], HONEST)
        task = visit.questions()
        if number % 2:
            assert is_wrong(visit.answer(task, wrong=True), AnswerQuestions)
        assert isinstance(visit.answer(task), SendCode)
        visit.pull()
        world.clock.forward(seconds=92)


def test_a_lost_answer_of_the_last_set_is_given_again(world: World, cards: list[Card]) -> None:
    for card in cards[:7]:
        guess(world, card)
    for card in cards[7:9]:
        single = copy_of(world, card, STOLEN)
        assert is_wrong(single.answer(single.questions(), wrong=True), AnswerQuestions)
    visit = copy_of(world, cards[9], STOLEN)
    task = visit.questions()
    before = world.kinds().count("answers-wrong")
    last = visit.answer(task, wrong=True, attempt="last")
    assert isinstance(last, Refusal)
    assert last.reason is Reason.ANSWERS_LIMITED
    assert visit.answer(task, wrong=True, attempt="last") == last
    assert world.kinds().count("answers-wrong") == before + 1


def test_staff_get_ten_mails_an_hour_about_pauses(world: World, cards: list[Card]) -> None:
    """From several stations; the last says that there are more."""
    for number, card in enumerate(cards[:20]):
        guess(world, card, f"Stolen {number // 5}")
    assert paused(world, cards) == 20
    mails = [mail for mail in world.outbox() if mail.template == "attempts-paused-staff"]
    assert [mail.to for mail in mails] == [STAFF] * MAILS_AN_HOUR
    assert ["others" in mail.params for mail in mails] == [False] * 9 + [True]
    world.clock.forward(hours=1, seconds=1)
    guess(world, cards[20], "Stolen 5")
    mails = [mail for mail in world.outbox() if mail.template == "attempts-paused-staff"]
    assert ["others" in mail.params for mail in mails if mail.created_at == world.now] == [False]


def test_staff_get_an_alarm_of_a_limited_station(world: World, cards: list[Card]) -> None:
    """It stands until the station takes answers again, whatever the settings call many."""
    limits = NoticeSettings(failures_at_station=1000)
    caretaker = Caretaker(world.store, AnchorSigner(world.ring), limits, STAFF)
    for card in cards[:10]:
        guess(world, card)
    assert world.kinds().count("answers-limited") == 1
    caretaker.run()
    assert [alarm for alarm in alarms(world) if "limited" in alarm] == [f"answers-limited:{STOLEN}"]
    assert "answers-limited" in {mail.template for mail in world.outbox()}
    world.clock.forward(hours=1, seconds=1)
    caretaker.run()
    assert not [alarm for alarm in alarms(world) if "limited" in alarm]


def alarms(world: World) -> list[str]:
    with world.store.read() as uow:
        return [alarm.name for alarm in uow.alarms.standing()]


def test_a_pause_is_lifted_by_one_member_and_a_block_by_two(
    world: World, cards: list[Card]
) -> None:
    agent = colleague_with_four_eyes(world, Role.AGENT)
    guess(world, cards[0])
    assert not agent.desk.people.lift_block(as_seen(agent.office, cards[0]), GROUNDS).waits
    assert paused(world, cards) == 0
    guess(world, cards[0])
    with world.store.begin() as uow:
        uow.registrations.block(cards[0].holder_id)
        uow.commit()
    assert agent.desk.people.lift_block(as_seen(agent.office, cards[0]), GROUNDS).waits
    assert paused(world, cards) == 1


def test_all_pauses_that_a_station_made_are_lifted_by_one_act(
    world: World, cards: list[Card]
) -> None:
    for card in cards[:6]:
        guess(world, card)
    guess(world, cards[6], HONEST)
    with world.store.begin() as uow:
        uow.registrations.block(cards[0].holder_id)
        uow.commit()
    agent = colleague_with_four_eyes(world, Role.AGENT)
    done = agent.desk.stations.lift_pauses(STOLEN, GROUNDS)
    assert not done.waits
    assert deed_words(done.deed).startswith("6 pauses are lifted")
    assert paused(world, cards) == 1, "that of another station stays"
    assert world.registration(cards[0]).blocked_at is not None, "a block stays"
    assert world.registration(cards[1]).unproven_failures == 0
    rows = [event for event in world.events() if event.kind == "pause-lifted"]
    assert {row.holder_id for row in rows} == {card.holder_id for card in cards[:6]}
    assert {(row.station, row.reference) for row in rows} == {(STOLEN, done.reference)}


def test_a_pause_that_another_station_made_since_is_not_lifted(
    world: World, cards: list[Card]
) -> None:
    world.at(STOLEN).heartbeat(Heartbeat())
    guess(world, cards[0])
    world.clock.forward(hours=1, seconds=1)
    guess(world, cards[0], HONEST)
    agent = colleague_with_four_eyes(world, Role.AGENT)
    with pytest.raises(ConcurrentChange):
        agent.desk.stations.lift_pauses(STOLEN, GROUNDS)
    assert paused(world, cards) == 1


def colleague_with_four_eyes(world: World, role: Role) -> Colleague:
    world.policy = replace(world.policy, four_eyes=True)
    return Colleague(world, role, "Agent One", PolicySettings(four_eyes=True))
