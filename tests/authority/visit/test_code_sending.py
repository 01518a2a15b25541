"""Codes are mailed before they live; a relay that is away and limits cost nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kiosk.authority.errors import (
    MailDenied,
    MailError,
    MailNotTrusted,
    MailRefused,
    MailUnavailable,
)
from kiosk.authority.records import Card, EmailCode
from kiosk.contract.errors import StepRefused
from kiosk.contract.messages import (
    CodeNotSent,
    EnterCode,
    Position,
    Purpose,
    Reason,
    Refusal,
    SendCode,
    SetPin,
    VisitOpened,
)
from kiosk.contract.policy import Policy
from kiosk.contract.sensitive import Sensitive
from tests.authority.station_visit import StationVisit, is_wrong, resumed_by, wrong_code
from tests.authority.world import EMAIL, World
from tests.support.routes import to
from tests.support.steps import offered

MASKED = "a•••@trust.nhs.uk"


def _card_of(world: World, station_visit: StationVisit) -> Card:
    with world.store.read() as uow:
        visit = uow.visits.get(station_visit.visit)
        assert visit is not None
        assert visit.card_id is not None
        found = uow.cards.get(visit.card_id)
    assert found is not None
    return found


def test_a_code_goes_to_the_registered_address(world: World, station_visit: StationVisit) -> None:
    assert station_visit.to_code() == EnterCode(
        *to(MASKED),
        to(MASKED),
        digits=8,
        expires_in_s=900,
        resend_in_s=60,
        tries_left=5,
        position=Position(3, 4),
    )
    [message] = world.relay.sent
    assert (message.to, message.secret) == (EMAIL, True)
    assert len(message.text) == 8
    assert message.text.isdigit()
    assert message.subject == "unlock Asha Okafor 15"


def test_life_of_a_code_begins_when_the_relay_took_it(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    world.relay.on_send = lambda: world.clock.forward(seconds=7)
    assert station_visit.to_code().expires_in_s == 900
    code = world.live_code(card)
    assert code is not None
    assert code.sent_at == world.now


def test_nothing_is_locked_while_the_relay_is_waited_for(
    world: World, station_visit: StationVisit
) -> None:
    other = World(world.folder, busy_timeout_s=0.05)
    added: list[Card] = []
    world.relay.on_send = lambda: added.append(other.add_card(other.add_holder(number="2")))
    station_visit.to_code()
    assert len(added) == 1
    other.store.close()


def test_while_it_is_mailed_it_cannot_be_entered(world: World, station_visit: StationVisit) -> None:
    task = station_visit.questions()
    station_visit.answer(task)
    codes: list[EmailCode | None] = []
    world.relay.on_send = lambda: codes.append(
        world.live_code(world.card(_card_of(world, station_visit)))
    )
    station_visit.send()
    assert codes == [None]


@pytest.mark.parametrize(
    "failure", [MailUnavailable("away"), MailNotTrusted("forged"), MailDenied("no relay")]
)
def test_mail_away_loses_nothing(
    world: World, station_visit: StationVisit, failure: MailError
) -> None:
    station_visit.answer(station_visit.questions())
    world.relay.failure = failure
    for _ in range(5):
        reply = station_visit.send()
        assert reply == CodeNotSent(
            mail_away=True, retry_in_s=0.0, again=SendCode(to(MASKED), position=Position(3, 4))
        )
    world.relay.failure = None
    assert isinstance(station_visit.send(), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)
    assert world.kinds().count("code-not-sent") == 5


def test_a_failed_resend_leaves_the_code_that_lives(
    world: World, station_visit: StationVisit
) -> None:
    station_visit.to_code()
    world.clock.forward(seconds=60)
    world.relay.failure = MailUnavailable("away")
    reply = station_visit.send()
    assert isinstance(reply, CodeNotSent)
    assert reply.mail_away
    assert isinstance(reply.again, EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_an_address_that_is_refused_for_good_sends_the_holder_to_the_desk(
    world: World, station_visit: StationVisit
) -> None:
    station_visit.answer(station_visit.questions())
    world.relay.failure = MailRefused("no such mailbox")
    reply = station_visit.send()
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.EMAIL_REFUSED
    assert world.kinds().count("refused") == 1


def test_a_new_code_revokes_the_old(world: World, station_visit: StationVisit) -> None:
    station_visit.to_code()
    old = world.relay.code
    world.clock.forward(seconds=60)
    assert isinstance(station_visit.send(), EnterCode)
    assert is_wrong(station_visit.enter(old), EnterCode)
    assert isinstance(station_visit.enter(world.relay.code), SetPin)


def test_sixty_seconds_between_two(world: World, station_visit: StationVisit) -> None:
    station_visit.to_code()
    world.clock.forward(seconds=59)
    reply = station_visit.send()
    assert isinstance(reply, CodeNotSent)
    assert not reply.mail_away
    assert reply.retry_in_s == 1
    assert isinstance(reply.again, EnterCode)
    assert len(world.relay.sent) == 1


def test_three_an_hour(world: World, station_visit: StationVisit) -> None:
    station_visit.to_code()
    for _ in range(2):
        world.clock.forward(seconds=60)
        assert isinstance(station_visit.send(), EnterCode)
    world.clock.forward(seconds=60)
    reply = station_visit.send()
    assert isinstance(reply, CodeNotSent)
    assert isinstance(reply.again, EnterCode)
    assert reply.retry_in_s == 3600 - 180
    for _ in range(5):
        station_visit.enter(wrong_code(world.relay.code))
    dead = station_visit.send()
    assert isinstance(dead, Refusal)
    assert dead.reason is Reason.TOO_MANY_CODES
    assert dead.retry_at == world.now + timedelta(seconds=3600 - 180)
    assert len(world.relay.sent) == 3


def test_the_hour_counts_for_the_card_and_not_for_the_visit(world: World, card: Card) -> None:
    world.policy = Policy(code_gap=timedelta(0), code_tries=1)
    for _ in range(3):
        station_visit = world.insert(card, blocked=True)
        station_visit.to_code()
        station_visit.enter(wrong_code(world.relay.code))
        station_visit.pull()
    reply = world.insert(card, blocked=True, station="B").opened
    assert isinstance(reply, Refusal)
    assert reply.reason is Reason.TOO_MANY_CODES
    world.clock.forward(minutes=60)
    world.insert(card, blocked=True).to_code()


def _use_up_codes(world: World, card: Card, *, blocked: bool) -> None:
    world.policy = Policy(code_gap=timedelta(0), code_tries=1)
    for _ in range(world.policy.codes_an_hour):
        station_visit = world.insert(card, blocked=blocked)
        station_visit.to_code()
        station_visit.enter(wrong_code(world.relay.code))
        station_visit.pull()


def test_refusal_after_too_many_codes_says_until_when(world: World, card: Card) -> None:
    _use_up_codes(world, card, blocked=True)
    ends = world.now + timedelta(hours=1)
    world.clock.forward(minutes=20)
    refusal = world.insert(card, blocked=True).opened
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.retry_at) == (Reason.TOO_MANY_CODES, ends)


def test_an_unlock_from_the_menu_is_refused_before_its_questions(world: World, card: Card) -> None:
    _use_up_codes(world, card, blocked=True)
    station_visit = world.insert(card)
    assert isinstance(station_visit.opened, VisitOpened)
    assert Purpose.UNLOCK in offered(station_visit.opened)
    reply = station_visit.authority.choose(station_visit.visit, Purpose.UNLOCK)
    assert isinstance(reply, Refusal)
    assert (reply.reason, reply.retry_at) == (
        Reason.TOO_MANY_CODES,
        world.now + timedelta(hours=1),
    )


def test_no_code_before_the_answers(world: World, station_visit: StationVisit) -> None:
    station_visit.questions()
    with pytest.raises(StepRefused):
        station_visit.send()
    with pytest.raises(StepRefused):
        station_visit.enter(Sensitive("12345678"))
    assert not world.relay.sent


def test_a_program_that_died_while_mailing_leaves_a_dead_code(
    world: World, station_visit: StationVisit
) -> None:
    station_visit.answer(station_visit.questions())

    def die() -> None:
        raise KeyboardInterrupt

    world.relay.on_send = die
    with pytest.raises(KeyboardInterrupt):
        station_visit.send()
    world.relay.on_send = None
    world.restart()
    world.clock.forward(seconds=60)
    assert isinstance(station_visit.send(), EnterCode)


def test_the_card_may_be_pulled_while_the_code_is_mailed(
    world: World, card: Card, station_visit: StationVisit
) -> None:
    station_visit.answer(station_visit.questions())
    world.relay.on_send = station_visit.pull
    assert isinstance(station_visit.send(), EnterCode)
    world.relay.on_send = None
    back = world.insert(card, blocked=True, station="B")
    assert resumed_by(back) is not None
    assert isinstance(back.enter(world.relay.code), SetPin)
