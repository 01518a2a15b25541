"""The step that a page shows is the one that the authority names."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kiosk.contract.messages import (
    AnswerProblem,
    AnswersRefused,
    Code,
    CodeNotSent,
    CountedTask,
    Factor,
    Finished,
    Offer,
    Position,
    ProvePin,
    Purpose,
    Reply,
    SetPin,
    StopNumberWrong,
    VisitOpened,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.station import commands as c
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.step import step
from tests.station.samples import (
    AT,
    CHANGING,
    CODE,
    EMAIL,
    GOOD,
    ID,
    LAST_ANSWER,
    NEW_PIN,
    OTHER_GOOD,
    PAD_CHANGING,
    REPLIES,
    REPORT,
    ROUTE,
    RULES,
    STOP,
    VISIT,
    working,
)

NAMED = Position(5, 9)
"""One that no path of the product has: nobody but the authority can have named it."""


def named(reply: Reply) -> Reply:
    """Return the reply with ``NAMED`` as its step, where it has one."""
    if isinstance(reply, CountedTask):
        return replace(reply, position=NAMED)
    again = getattr(reply, "again", None)
    return (
        replace(reply, again=replace(again, position=NAMED)) if again and again != STOP else reply
    )


@pytest.mark.parametrize("reply", [one for one in map(named, REPLIES) if "index=5" in repr(one)])
def test_the_page_shows_the_step_that_the_authority_names(reply: Reply) -> None:
    following = step(
        working(c.Prepare(ID, "1", Factor.EMAIL_CODE, ROUTE.id), None), e.Replied(ID, reply)
    ).state
    assert s.position_of(following) == NAMED


@pytest.mark.parametrize("reply", [STOP, StopNumberWrong(STOP), Finished(Purpose.UNLOCK)])
def test_a_page_that_is_no_step_shows_none(reply: Reply) -> None:
    following = step(
        working(c.Prepare(ID, "1", Factor.EMAIL_CODE, ROUTE.id), None), e.Replied(ID, reply)
    ).state
    assert s.position_of(following) is None


def test_answers_are_checked_and_not_said_to_be_saved_before_the_code() -> None:
    asked = step(LAST_ANSWER, e.AnswerEntered(ID, Sensitive("a kite"))).state
    assert isinstance(asked, s.Working)
    assert asked.work is s.Work.CHECKING_ANSWERS


def test_a_refused_answer_stays_where_it_was() -> None:
    refused = AnswersRefused(2, AnswerProblem.SAME_AS_ANOTHER)
    asking = working(c.SaveQuestions(ID, ()), LAST_ANSWER)
    assert s.position_of(step(asking, e.Replied(ID, refused)).state) == VISIT.position


def opened(*offers: Offer) -> s.State:
    """Return what follows where a card is offered this."""
    read = e.CardRead(ID, REPORT, VisitOpened(ID, "Asha Patel", offers))
    return step(s.Reading(ID, "Reader 0"), read).state


def test_an_unlock_that_is_offered_alone_begins_at_its_first_step() -> None:
    assert s.position_of(opened(Offer(Purpose.UNLOCK, 3))) == Position(1, 3)


@pytest.mark.parametrize("purpose", [Purpose.UNLOCK, Purpose.CHANGE_PIN])
def test_what_is_chosen_begins_at_its_first_step(purpose: Purpose) -> None:
    menu = opened(Offer(Purpose.UNLOCK, 6), Offer(Purpose.CHANGE_PIN, 6))
    assert s.position_of(menu) is None
    assert s.position_of(step(menu, e.Chose(ID, purpose)).state) == Position(1, 6)


def test_a_report_of_misuse_counts_no_step() -> None:
    entering = s.CodeEntry(VISIT, CODE)
    assert s.position_of(step(entering, e.MisuseNoticed(ID)).state) is None
    assert s.position_of(entering) == VISIT.position


def test_a_returning_card_is_at_the_step_of_its_code() -> None:
    resumed = (Purpose.REGISTER, replace(CODE, position=NAMED))
    read = e.CardRead(ID, REPORT, VisitOpened(ID, "Asha Patel", (), resumed))
    assert s.position_of(step(s.Reading(ID, "Reader 0"), read).state) == NAMED


def test_the_step_stays_while_the_station_is_busy_and_when_it_asks_whether_one_is_there() -> None:
    entering = s.CodeEntry(replace(VISIT, position=NAMED), CODE)
    busy = step(entering, e.EntryMade(ID, Code(GOOD))).state
    away = step(busy, e.NoReply(ID)).state
    quiet = step(entering, e.IdleTimedOut(ID)).state
    assert isinstance(quiet, s.StillThere)
    assert [s.position_of(one) for one in (busy, away, quiet)] == [NAMED] * 3


def test_an_address_is_the_step_until_the_authority_took_it() -> None:
    visit = replace(VISIT, purpose=Purpose.REGISTER, position=Position(3, 4))
    busy = step(s.EnterEmail(visit, EMAIL), e.EmailEntered(ID, "asha@nhs.net")).state
    limited = CodeNotSent(False, 30.0, replace(CODE, position=Position(4, 4)))
    sent = step(busy, e.Replied(ID, limited)).state
    assert [s.position_of(one) for one in (busy, sent)] == [Position(3, 4), Position(4, 4)]


def test_a_present_pin_that_is_asked_for_once_more_is_a_step_back() -> None:
    at_new_pin = replace(CHANGING, position=Position(2, 2))
    changing = working(c.ChangePin(ID, AT, OTHER_GOOD, GOOD), NEW_PIN, at_new_pin)
    assert s.position_of(step(changing, e.PinFailed(ID, 2)).state) == Position(1, 2)


def test_a_pin_that_the_readers_keys_cannot_change_is_asked_for_a_step_back() -> None:
    verifying = working(c.VerifyPin(ID, AT, GOOD), None, PAD_CHANGING)
    set_pin = SetPin(RULES, position=Position(2, 2))
    on_pad = step(verifying, e.Replied(ID, set_pin)).state
    assert isinstance(on_pad, s.Working)
    assert on_pad.back is not None
    assert [s.position_of(one) for one in (on_pad, on_pad.back)] == [
        Position(2, 2),
        Position(1, 2),
    ]


def test_a_first_unlock_goes_on_counting_as_it_registers() -> None:
    state: s.State = working(
        c.Prepare(ID, "1", Factor.EMAIL_CODE, ROUTE.id),
        None,
        replace(VISIT, purpose=Purpose.FIRST_UNLOCK),
    )
    prove = ProvePin(position=Position(4, 7))
    state = step(state, e.Replied(ID, prove)).state
    assert isinstance(state, s.EnterPin)
    assert (state.visit.purpose, s.position_of(state)) == (Purpose.REGISTER, Position(4, 7))
