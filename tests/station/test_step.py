"""The rules of the flow, by example and by property."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kiosk.contract.messages import (
    Answers,
    Code,
    CodeNotSent,
    CountedTask,
    EnterCode,
    Factor,
    FactorEnd,
    FactorEntry,
    FactorOver,
    FactorWrong,
    Finished,
    MakeSavedCodes,
    OnPad,
    PinFormat,
    PinRules,
    ProvePin,
    Purpose,
    Reason,
    Refusal,
    Reply,
    SendCode,
    SetPin,
    VisitEnd,
)
from kiosk.station import commands as c
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.step import CHECKING, Next, step
from tests.station.samples import (
    ASK,
    AT,
    CHANGING,
    CODE,
    EMAIL,
    EVENTS,
    GOOD,
    ID,
    LAST_ANSWER,
    NEW_PIN,
    OTHER,
    OTHER_GOOD,
    OTHER_ROUTE,
    OUT,
    OUT_OF_TWO,
    REPORT,
    ROUTE,
    RULES,
    SAVED,
    SAVING,
    SECOND,
    SEND,
    SHOWN,
    STATES,
    STOP,
    VISIT,
    WAITS,
    WAYS,
    answer,
    opened,
    working,
)
from tests.support.steps import STEP

some_state = st.sampled_from(STATES)
some_event = st.sampled_from(EVENTS)
journeys = st.lists(some_event, max_size=40)


@given(some_state, journeys)
def test_a_removed_card_always_ends_the_visit(state: s.State, journey: list[e.Event]) -> None:
    for event in journey:
        state = step(state, event).state
    following = step(state, OUT)
    assert isinstance(following.state, s.Attract)
    assert all(isinstance(command, c.EndVisit) for command in following.commands)


@given(some_state, some_event)
def test_an_event_of_another_visit_changes_nothing(state: s.State, event: e.Event) -> None:
    if isinstance(event, e.ReaderSide | e.NoticeTimedOut):
        return
    foreign = replace(event, visit=OTHER)
    assert step(state, foreign).state == state
    assert step(state, foreign).commands == ()


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_card_that_left_while_its_pin_was_set_leaves_a_notice(state: s.State) -> None:
    """Until somebody puts a card in, or for a while; an outage may come and go before."""
    noting = s.Attract | s.OutOfService | s.RemoveCard
    expected = state.pulled if isinstance(state, noting) else None
    if isinstance(state, s.Working):
        kinds: dict[type[c.Command], s.PulledFrom] = {
            c.UnblockPin: s.PulledFrom.UNBLOCK,
            c.ChangePin: s.PulledFrom.CHANGE,
            c.KeepSavedCodes: s.PulledFrom.SAVING,
        }
        expected = kinds.get(type(state.command))
    if isinstance(state, s.EnterPin | s.PadPaused) and state.visit.unlocked:
        expected = s.PulledFrom.UNLOCKED
    left = step(state, OUT).state
    assert isinstance(left, s.Attract)
    assert left.pulled == expected
    assert step(left, e.Availability(None)).state == left
    out = step(left, e.Availability(s.Outage.AUTHORITY_AWAY)).state
    assert isinstance(out, s.OutOfService)
    assert out.pulled == expected
    assert step(out, e.NoticeTimedOut()).state == s.OutOfService(s.Outage.AUTHORITY_AWAY)
    assert step(out, e.Availability(None)).state == left
    assert step(left, e.NoticeTimedOut()).state == s.Attract()


DONE = [
    (Purpose.UNLOCK, s.PulledFrom.UNLOCKED),
    (Purpose.FIRST_UNLOCK, s.PulledFrom.UNLOCKED),
    (Purpose.CHANGE_PIN, s.PulledFrom.CHANGED),
    (Purpose.REGISTER, s.PulledFrom.REGISTERED),
    (Purpose.CHANGE_EMAIL, s.PulledFrom.EMAIL_SAVED),
    (Purpose.CHANGE_QUESTIONS, s.PulledFrom.QUESTIONS_SAVED),
    (Purpose.SAVED_CODES, s.PulledFrom.CODES_KEPT),
]


@pytest.mark.parametrize(("purpose", "told"), DONE)
def test_card_that_leaves_before_its_success_was_read_leaves_a_notice(
    purpose: Purpose, told: s.PulledFrom
) -> None:
    done = s.Success(VISIT, purpose)
    assert step(done, replace(OUT, unread=True)).state == s.Attract(told, ID)
    assert step(done, OUT).state == s.Attract()


def _removed(state: s.State) -> s.State:
    """Take the card out; its reader, or the act at the card, may say so first."""
    gone = e.GaveUp(ID, Reason.CARD_UNREADABLE, VisitEnd.CARD_REMOVED)
    left = step(state, OUT).state
    assert step(step(state, gone).state, OUT).state == left
    return left


AMID = [
    (working(c.UnblockPin(ID, AT, GOOD, "1"), NEW_PIN), Purpose.UNLOCK),
    (working(c.ChangePin(ID, AT, OTHER_GOOD, GOOD), NEW_PIN, CHANGING), Purpose.CHANGE_PIN),
    *(
        (
            working(
                c.SubmitEntry(ID, "1", Code(GOOD)),
                s.CodeEntry(VISIT, CODE),
                replace(VISIT, purpose=purpose),
            ),
            purpose,
        )
        for purpose in (Purpose.REGISTER, Purpose.CHANGE_EMAIL)
    ),
    (
        working(
            c.SaveQuestions(ID, ()), LAST_ANSWER, replace(VISIT, purpose=Purpose.CHANGE_QUESTIONS)
        ),
        Purpose.CHANGE_QUESTIONS,
    ),
]


@pytest.mark.parametrize("outage", [None, s.Outage.AUTHORITY_AWAY])
@pytest.mark.parametrize(("amid", "purpose"), AMID)
def test_success_known_only_after_the_card_left_becomes_a_notice(
    amid: s.Working, purpose: Purpose, outage: s.Outage | None
) -> None:
    doubt = step(_removed(amid), e.Availability(outage)).state
    assert isinstance(doubt, s.Attract | s.OutOfService)
    assert doubt.pulled in (s.PulledFrom.UNBLOCK, s.PulledFrom.CHANGE, s.PulledFrom.SAVING)
    assert step(doubt, e.Replied(OTHER, Finished(purpose))).state == doubt
    assert step(doubt, e.NoReply(ID)).state == doubt
    known = step(doubt, e.Replied(ID, Finished(purpose))).state
    assert known == replace(doubt, pulled=dict(DONE)[purpose])


def test_first_unlock_done_as_its_card_left_becomes_a_notice() -> None:
    doubt = step(AMID[0][0], OUT).state
    known = step(doubt, e.Replied(ID, ProvePin(position=STEP))).state
    assert known == s.Attract(s.PulledFrom.UNLOCKED, ID)


def test_what_was_known_of_the_last_card_reaches_no_page_of_the_next() -> None:
    reading = step(_removed(AMID[0][0]), e.CardIn(OTHER, "Reader 0", 2)).state
    assert step(reading, e.Replied(ID, Finished(Purpose.UNLOCK))).state == reading


@pytest.mark.parametrize(
    ("command", "back", "purpose"),
    [
        (c.SaveQuestions(ID, ()), LAST_ANSWER, Purpose.REGISTER),
        (c.SubmitEntry(ID, "1", Code(GOOD)), s.CodeEntry(VISIT, CODE), Purpose.UNLOCK),
        (
            c.SubmitEntry(ID, "1", Code(GOOD)),
            s.CodeEntry(VISIT, replace(CODE, proves_owner=True)),
            Purpose.CHANGE_EMAIL,
        ),
    ],
)
def test_card_that_leaves_before_the_last_step_leaves_no_notice(
    command: c.Command, back: s.HolderState, purpose: Purpose
) -> None:
    amid = working(command, back, replace(VISIT, purpose=purpose))
    assert step(amid, OUT).state == s.Attract()


UNLOCKED = replace(VISIT, purpose=Purpose.REGISTER, unlocked=True)
ON_PAD = c.VerifyPin(ID, AT, OnPad(4, 8))
SET_FIRST = working(
    c.UnblockPin(ID, AT, GOOD, "1"), NEW_PIN, replace(VISIT, purpose=Purpose.FIRST_UNLOCK)
)


@pytest.mark.parametrize(
    "state",
    [
        s.Working(UNLOCKED, s.Work.PIN_ON_PAD, ON_PAD, None),
        s.PadPaused(UNLOCKED, s.Work.PIN_ON_PAD, ON_PAD, None, s.PadNotice.TIMEOUT),
        s.Working(UNLOCKED, s.Work.CHECKING_PIN, c.VerifyPin(ID, AT, GOOD), None),
        s.NotReached(UNLOCKED, s.Work.CHECKING_PIN, c.VerifyPin(ID, AT, GOOD), None),
    ],
    ids=["asked on the reader", "asked no more", "entered", "authority away"],
)
def test_a_card_that_leaves_before_it_has_checked_its_new_pin_is_said_to_be_unlocked(
    state: s.State,
) -> None:
    assert step(state, OUT).state == s.Attract(s.PulledFrom.UNLOCKED, ID)
    both = step(state, SECOND).state
    assert step(both, OUT).state == s.Attract(s.PulledFrom.UNLOCKED, ID)


@pytest.mark.parametrize("pad", [False, True], ids=["typed", "on the reader"])
def test_two_cards_do_not_hide_that_the_first_is_unlocked(pad: bool) -> None:
    setting = replace(SET_FIRST, visit=replace(SET_FIRST.visit, pin_pad=pad))
    during = step(setting, SECOND).state
    both = step(during, e.Replied(ID, ProvePin(position=STEP)))
    assert isinstance(both.state, s.Refused)
    assert both.state.reason is Reason.TWO_CARDS
    assert both.commands == (c.EndVisit(ID, VisitEnd.REFUSED),)
    assert step(both.state, OUT).state == s.Attract(s.PulledFrom.UNLOCKED, ID)


@pytest.mark.parametrize(("purpose", "told"), DONE)
def test_two_cards_do_not_hide_a_success_that_was_not_read(
    purpose: Purpose, told: s.PulledFrom
) -> None:
    done = s.Success(replace(VISIT, purpose=purpose), purpose)
    for unread, pulled in ((True, told), (False, None)):
        both = step(done, replace(SECOND, unread=unread)).state
        assert isinstance(both, s.Refused)
        assert both.pulled is pulled


def test_a_question_whether_somebody_is_there_hides_no_new_pin() -> None:
    page = s.EnterPin(replace(VISIT, purpose=Purpose.REGISTER, unlocked=True))
    asked = step(page, e.IdleTimedOut(ID)).state
    assert step(asked, OUT).state == s.Attract(s.PulledFrom.UNLOCKED, ID)


@settings(max_examples=300)
@given(journeys)
def test_a_pin_is_only_set_after_the_authority_asked_for_it(journey: list[e.Event]) -> None:
    state: s.State = s.Attract()
    granted: set[object] = set()
    for event in [e.CardIn(ID, "Reader 0", 1), *journey]:
        following = step(state, event)
        if isinstance(event, e.Replied) and isinstance(event.reply, SetPin):
            granted.add(event.visit)
        for command in following.commands:
            if isinstance(command, c.UnblockPin | c.ChangePin):
                assert command.visit in granted
        state = following.state


@given(some_state, journeys)
def test_a_success_is_only_shown_on_the_authoritys_word(
    state: s.State, journey: list[e.Event]
) -> None:
    for event in journey:
        before, state = state, step(state, event).state
        if isinstance(state, s.Success) and not isinstance(before, s.Success):
            assert isinstance(event, e.Replied)
            assert isinstance(event.reply, Finished)


def test_a_card_with_one_offer_skips_the_menu() -> None:
    reading = s.Reading(ID, "Reader 0")
    following = step(reading, e.CardRead(ID, REPORT, opened(Purpose.UNLOCK)))
    assert isinstance(following.state, s.ConfirmOwner)


def test_a_returning_card_lands_on_its_code() -> None:
    resumed = opened(Purpose.UNLOCK, resumed=(Purpose.UNLOCK, CODE))
    following = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, resumed))
    assert isinstance(following.state, s.CodeEntry)
    assert following.state.visit.purpose is Purpose.UNLOCK
    assert following.state.resumed


def test_returning_holder_can_choose_another_way() -> None:
    resumed = replace(opened(Purpose.UNLOCK, resumed=(Purpose.UNLOCK, CODE)), ways=WAYS)
    page = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, resumed)).state
    following = step(page, e.WentBack(ID)).state
    assert isinstance(following, s.PickWay)
    assert following.task == WAYS


@pytest.mark.parametrize("resumed", [None, (Purpose.UNLOCK, CODE)], ids=["new", "resumed"])
def test_visit_stays_in_the_language_in_which_the_authority_opened_it(
    resumed: tuple[Purpose, EnterCode] | None,
) -> None:
    in_welsh = replace(opened(Purpose.UNLOCK, Purpose.REGISTER, resumed=resumed), language="cy")
    page = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, in_welsh)).state
    act = e.EntryMade(ID, Code(GOOD)) if resumed else e.Chose(ID, Purpose.REGISTER)
    for following in (page, step(page, act).state):
        assert isinstance(following, s.VisitPage)
        assert following.visit.language == "cy"


def test_page_of_who_can_only_unlock_says_that_the_pin_is_locked() -> None:
    page = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, opened(Purpose.UNLOCK))).state
    assert isinstance(page, s.ConfirmOwner)
    assert page.locked
    working_pin = opened(Purpose.UNLOCK, Purpose.CHANGE_PIN)
    menu = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, working_pin)).state
    forgotten = step(menu, e.Chose(ID, Purpose.UNLOCK)).state
    assert isinstance(forgotten, s.ConfirmOwner)
    assert not forgotten.locked


def test_who_comes_back_to_a_code_may_do_something_else() -> None:
    """The menu names what is given up for it, and the choice begins as any other."""
    resumed = opened(Purpose.CHANGE_PIN, Purpose.UNLOCK, resumed=(Purpose.REGISTER, CODE))
    page = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, resumed)).state
    menu = step(page, e.SomethingElse(ID)).state
    assert isinstance(menu, s.Menu)
    assert (menu.offers, menu.waiting) == (resumed.offers, Purpose.REGISTER)
    assert menu.visit.position is None
    chosen = step(menu, e.Chose(ID, Purpose.CHANGE_PIN))
    assert chosen.commands == (c.Choose(ID, Purpose.CHANGE_PIN),)
    confirming = step(menu, e.Chose(ID, Purpose.UNLOCK)).state
    assert isinstance(confirming, s.ConfirmOwner)
    assert not confirming.visit.instead


def test_what_the_code_is_for_is_begun_anew_where_it_is_chosen_again() -> None:
    resumed = opened(Purpose.CHANGE_PIN, Purpose.CHANGE_EMAIL, resumed=(Purpose.CHANGE_EMAIL, CODE))
    page = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, resumed)).state
    menu = step(page, e.SomethingElse(ID)).state
    again = step(menu, e.Chose(ID, Purpose.CHANGE_EMAIL))
    assert again.commands == (c.Choose(ID, Purpose.CHANGE_EMAIL, anew=True),)
    assert step(menu, e.WentBack(ID)).commands == (c.Choose(ID, Purpose.CHANGE_EMAIL),)


MISTYPED = s.EnterEmail(VISIT, EMAIL, "asah@nhs.net")


@pytest.mark.parametrize(
    "reply",
    [
        CODE,
        FactorWrong(CODE),
        CodeNotSent(False, 30.0, CODE),
        CodeNotSent(True, 0.0, SEND),
        FactorOver(FactorEnd.SPENT, SEND, 0.0),
    ],
)
def test_an_address_that_was_entered_in_the_visit_can_be_corrected(reply: Reply) -> None:
    sending = step(MISTYPED, e.EmailEntered(ID, "asah@nhs.net")).state
    page = step(sending, e.Replied(ID, reply)).state
    assert isinstance(page, s.CodeEntry | s.CodeNeeded)
    entered = replace(page, visit=replace(page.visit, sent=5))
    again = step(entered, e.WentBack(ID)).state
    assert isinstance(again, s.EnterEmail)
    assert (again.typed, again.visit.sent, again.visit.position) == ("asah@nhs.net", 5, STEP)
    once_more = step(step(entered, e.CodeAsked(ID, ROUTE.id)).state, e.Replied(ID, reply)).state
    assert isinstance(step(once_more, e.WentBack(ID)).state, s.EnterEmail)


def test_an_address_that_mail_refuses_is_shown_as_refused() -> None:
    """Before: as if the relay were away, and it should be tried again."""
    sending = step(MISTYPED, e.EmailEntered(ID, "asah@nhs.net")).state
    page = step(sending, e.Replied(ID, CodeNotSent(True, 0.0, EMAIL))).state
    assert isinstance(page, s.EnterEmail)
    assert (page.typed, page.fault) == ("asah@nhs.net", s.EmailFault.REFUSED)


def test_no_other_address_can_be_corrected() -> None:
    page = s.CodeEntry(VISIT, CODE)
    assert step(page, e.WentBack(ID)).state == page


def test_the_way_back_to_the_code_asks_for_it_anew() -> None:
    """Its time went on, so what the page said before is not shown again."""
    menu = s.Menu(replace(WAITS, position=None), WAITS.instead, waiting=Purpose.UNLOCK)
    back = step(menu, e.WentBack(ID))
    assert back.commands == (c.Choose(ID, Purpose.UNLOCK),)
    page = step(back.state, e.Replied(ID, CODE)).state
    assert page == s.CodeEntry(WAITS, CODE, resumed=True), "it says how many tries are left"
    assert step(page, e.SomethingElse(ID)).state == menu


@pytest.mark.parametrize("reply", [FactorWrong(CODE), CodeNotSent(False, 30.0, CODE)])
def test_something_else_stays_open_while_nothing_is_proven(reply: Reply) -> None:
    page = s.CodeEntry(WAITS, CODE, resumed=True)
    entering = working(c.SubmitEntry(ID, "a", Code(GOOD)), page, WAITS)
    again = step(entering, e.Replied(ID, reply)).state
    assert isinstance(step(again, e.SomethingElse(ID)).state, s.Menu)


def test_a_right_code_ends_the_choice_of_something_else() -> None:
    page = s.CodeEntry(WAITS, CODE, resumed=True)
    entering = working(c.SubmitEntry(ID, "a", Code(GOOD)), page, WAITS)
    asked = step(entering, e.Replied(ID, SEND)).state
    again = step(asked, e.Replied(ID, CODE)).state
    assert isinstance(again, s.CodeEntry)
    assert step(again, e.SomethingElse(ID)).state == again


def test_a_code_of_the_same_visit_leads_to_nothing_else() -> None:
    page = s.CodeEntry(VISIT, CODE)
    assert step(page, e.SomethingElse(ID)).state == page


def test_a_menu_of_a_blocked_holder_says_so() -> None:
    reply = replace(opened(Purpose.CHANGE_PIN), blocked=True)
    following = step(s.Reading(ID, "Reader 0"), e.CardRead(ID, REPORT, reply))
    assert isinstance(following.state, s.Menu)
    assert following.state.blocked


@pytest.mark.parametrize("why", FactorEnd)
def test_the_page_of_a_dead_code_names_the_reason(why: FactorEnd) -> None:
    entering = working(c.SubmitEntry(ID, "a", Code(GOOD)), s.CodeEntry(VISIT, CODE))
    reply = FactorOver(why, SEND, 31.0)
    page = step(entering, e.Replied(ID, reply)).state
    assert page == s.CodeNeeded(VISIT, SEND, s.CodeLack(why.value), 31.0)


@pytest.mark.parametrize(
    "page", [s.CodeEntry(VISIT, CODE), s.CodeNeeded(VISIT, SEND, s.CodeLack.SPENT)]
)
def test_address_that_changed_is_shown_before_a_code_goes_to_it(
    page: s.CodeEntry | s.CodeNeeded,
) -> None:
    asked = step(page, e.CodeAsked(ID, ROUTE.id))
    [command] = asked.commands
    assert isinstance(command, c.Prepare)
    assert (command.factor, command.route) == (Factor.EMAIL_CODE, ROUTE.id)
    moved = SendCode((OTHER_ROUTE,), position=STEP)
    shown = step(asked.state, e.Replied(ID, moved))
    assert shown.commands == ()
    assert isinstance(shown.state, s.CodeNeeded)
    assert (shown.state.task, shown.state.lack) == (moved, s.CodeLack.MOVED)
    [again] = step(shown.state, e.CodeAsked(ID, OTHER_ROUTE.id)).commands
    assert isinstance(again, c.Prepare)
    assert again.route == OTHER_ROUTE.id
    assert again.attempt != command.attempt, "it is another act of the holder"


def test_first_code_goes_unasked_to_the_route_of_the_task() -> None:
    answering = working(c.SubmitEntry(ID, "a", Answers(())), s.AskQuestion(VISIT, ASK))
    sending = step(answering, e.Replied(ID, SEND))
    assert [each.route for each in sending.commands if isinstance(each, c.Prepare)] == [ROUTE.id]
    moved = SendCode((OTHER_ROUTE,), position=STEP)
    shown = step(sending.state, e.Replied(ID, moved))
    assert (type(shown.state), shown.commands) == (s.CodeNeeded, ())


@pytest.mark.parametrize(
    "page",
    [
        s.CodeEntry(VISIT, CODE),
        s.CodeEntry(VISIT, replace(CODE, sent_to=None, routes=())),
        s.CodeNeeded(VISIT, SEND, s.CodeLack.SPENT),
    ],
)
def test_code_is_asked_for_by_a_route_of_the_page_alone(page: s.CodeEntry | s.CodeNeeded) -> None:
    assert step(page, e.CodeAsked(ID, OTHER_ROUTE.id)) == Next(page)


def test_questions_may_follow_a_code_that_staff_gave_in_between() -> None:
    entering = working(c.SubmitEntry(ID, "a", Code(GOOD)), s.CodeEntry(VISIT, CODE))
    assert step(entering, e.Replied(ID, ASK)).state == s.AskQuestion(VISIT, ASK)


def test_set_of_answers_is_an_attempt_of_its_own_and_a_retry_is_the_same() -> None:
    state: s.State = s.AskQuestion(VISIT, ASK)
    for number in (1, 2, 3):
        following = step(state, e.AnswerEntered(ID, answer(number, f"a{number}").text))
        state = following.state
    (first,) = following.commands
    assert isinstance(first, c.SubmitEntry)
    not_reached = step(state, e.NoReply(ID)).state
    again = step(not_reached, e.TriedAgain(ID)).commands
    assert again == (first,)
    assert isinstance(state, s.Working)
    assert isinstance(state.back, s.AskQuestion)
    assert state.back.visit.sent == 1


def test_the_new_pin_goes_with_the_old_one_only_for_a_change() -> None:
    page = step(working(c.VerifyPin(ID, AT, OTHER_GOOD), None, CHANGING), _set_pin()).state
    assert page == s.NewPin(CHANGING, RULES, OTHER_GOOD)
    page = step(working(c.SubmitEntry(ID, "a", Code(GOOD)), None), _set_pin()).state
    assert page == s.NewPin(VISIT, RULES, None)


def test_the_present_pin_is_not_taken_as_a_new_one() -> None:
    page = s.NewPin(CHANGING, RULES, GOOD)
    following = step(page, e.PinEntered(ID, GOOD))
    assert following.state == replace(page, fault=s.PinFault.CARD_HISTORY)
    assert isinstance(step(page, e.PinEntered(ID, OTHER_GOOD)).state, s.RepeatPin)


def test_two_different_new_pins_start_over() -> None:
    state = s.RepeatPin(VISIT, RULES, GOOD)
    following = step(state, e.PinEntered(ID, OTHER_GOOD))
    assert following.state == s.NewPin(VISIT, RULES, None, s.PinFault.MISMATCH)
    assert following.commands == ()


def test_the_end_is_reported_once_with_its_kind() -> None:
    assert step(s.Menu(VISIT, ()), e.Left(ID)).commands == (c.EndVisit(ID, VisitEnd.LEFT),)
    gone = s.RemoveCard(ID, s.RemovalReason.LEFT)
    assert step(gone, OUT).commands == ()
    quiet = step(s.StillThere(s.Menu(VISIT, ())), e.AnswerTimedOut(ID))
    assert quiet.commands == (c.EndVisit(ID, VisitEnd.IDLE),)


@pytest.mark.parametrize("last", [state for state in STATES if isinstance(state, s.LastPage)])
def test_a_last_page_does_not_go_while_it_is_read(last: s.LastPage) -> None:
    """It asks first (WCAG 2.2, 2.2.1): a refusal has the reference number and whom to call."""
    asked = step(last, e.IdleTimedOut(ID))
    assert asked == Next(s.StillThere(last))
    assert step(asked.state, e.Stayed(ID)) == Next(last)
    cleared = step(asked.state, e.AnswerTimedOut(ID))
    assert cleared == Next(s.RemoveCard(ID, s.RemovalReason.FINISHED))
    assert step(asked.state, OUT) == Next(s.Attract())
    assert step(asked.state, e.GaveUp(ID, Reason.FAULT)) == Next(asked.state)


def test_a_second_card_stops_the_visit() -> None:
    following = step(s.NewPin(VISIT, RULES), SECOND)
    assert isinstance(following.state, s.Refused)
    assert following.state.reason is Reason.TWO_CARDS
    assert following.state.visit == ID


# --- the visit's card leaves while another one lies in another reader -------------------------


@given(some_state, journeys)
def test_card_of_the_visit_that_leaves_another_behind_ends_its_visit(
    state: s.State, journey: list[e.Event]
) -> None:
    for event in journey:
        state = step(state, event).state
    alone, beside = step(state, OUT), step(state, OUT_OF_TWO)
    assert isinstance(alone.state, s.Attract)
    assert beside.state == s.RemoveCard(ID, s.RemovalReason.OTHER_CARD, alone.state.pulled)
    assert beside.commands == alone.commands
    after = step(beside.state, replace(OUT, insertion=2))
    assert isinstance(after.state, s.Attract)
    assert after.state.pulled is alone.state.pulled
    assert after.commands == ()


def test_other_card_has_to_come_out_whatever_else_goes_in() -> None:
    asked = s.RemoveCard(ID, s.RemovalReason.OTHER_CARD, s.PulledFrom.CHANGE)
    for event in (replace(SECOND, insertion=3), e.Availability(None), e.NoticeTimedOut()):
        assert step(asked, event) == Next(asked)


def test_answer_that_comes_while_the_other_card_is_in_is_in_the_notice_after_it() -> None:
    beside = step(CHANGING_CARD[0], OUT_OF_TWO).state
    assert beside == s.RemoveCard(ID, s.RemovalReason.OTHER_CARD, s.PulledFrom.UNBLOCK)
    for reply in (Finished(Purpose.UNLOCK), ProvePin(position=STEP)):
        known = step(beside, e.Replied(ID, reply)).state
        assert step(known, OUT).state == s.Attract(s.PulledFrom.UNLOCKED, ID)


def test_second_card_does_not_hide_the_notice_of_a_card_that_the_reader_still_reports() -> None:
    gone = step(CHANGING_CARD[0], e.GaveUp(ID, Reason.OUTCOME_UNKNOWN, VisitEnd.CARD_REMOVED)).state
    assert gone == s.Attract(s.PulledFrom.UNBLOCK, ID)
    both = step(gone, SECOND).state
    assert step(both, OUT).state == gone
    assert step(step(gone, OUT_OF_TWO).state, OUT).state == gone


def _set_pin() -> e.Replied:
    return e.Replied(ID, SetPin(RULES, position=STEP))


def test_a_late_result_does_not_change_a_page_with_a_reason() -> None:
    under_way = working(c.VerifyPin(ID, AT, GOOD), s.EnterPin(VISIT))
    two_cards = step(under_way, SECOND).state
    following = step(two_cards, e.GaveUp(ID, Reason.CARD_UNREADABLE))
    assert following.state == two_cards
    assert following.commands == ()


# --- a second card while the card is being changed ------------------------------------------


CHANGING_CARD = [
    working(c.UnblockPin(ID, AT, GOOD, "1"), NEW_PIN),
    working(c.ChangePin(ID, AT, GOOD, GOOD), NEW_PIN),
]


@pytest.mark.parametrize("state", CHANGING_CARD, ids=["unblock", "change"])
def test_a_second_card_waits_for_the_outcome_of_a_change(state: s.Working) -> None:
    during = step(state, SECOND)
    assert isinstance(during.state, s.Working)
    assert during.commands == ()
    again = step(during.state, replace(SECOND, insertion=3))
    assert again.state == during.state
    done = step(during.state, e.Replied(ID, Finished(Purpose.UNLOCK)))
    assert isinstance(done.state, s.Success)
    assert [type(one) for one in done.commands] == [c.EndVisit]


def test_the_outcome_of_a_change_that_failed_is_shown_before_the_second_card() -> None:
    during = step(CHANGING_CARD[0], SECOND).state
    lost = e.Replied(ID, Refusal(Reason.OUTCOME_UNKNOWN))
    refused = step(during, lost).state
    assert isinstance(refused, s.Refused)
    assert refused.reason is Reason.OUTCOME_UNKNOWN


@pytest.mark.parametrize(
    "event", [e.PinNotTaken(ID, s.PinFault.CARD_HISTORY), e.NoReply(ID)], ids=["PIN", "no reply"]
)
def test_with_two_cards_in_nothing_goes_on_after_a_change_that_failed(event: e.Event) -> None:
    during = step(CHANGING_CARD[0], SECOND).state
    after = step(during, event)
    assert isinstance(after.state, s.Refused)
    assert after.state.reason is Reason.TWO_CARDS
    assert after.commands == (c.EndVisit(ID, VisitEnd.REFUSED),)


def test_a_second_card_stops_what_does_not_change_the_card() -> None:
    for command in (c.VerifyPin(ID, AT, GOOD), c.SubmitEntry(ID, "a", Code(GOOD))):
        assert isinstance(step(working(command, None), SECOND).state, s.Refused)


@pytest.mark.parametrize(
    ("card", "rules"),
    [
        (PinFormat(4, 16, 4), (4, 8)),
        (PinFormat(4, 8, 6), (6, 8)),
        (PinFormat(6, 7, 6), (6, 7)),
        (PinFormat(9, 20, 9), (4, 8)),
    ],
    ids=["any", "its least", "its most", "none: the card refuses it"],
)
def test_a_new_pin_keeps_the_policy_within_the_cards_lengths(
    card: PinFormat, rules: tuple[int, int]
) -> None:
    visit = replace(VISIT, pin_format=card)
    task = SetPin(PinRules(4, 8, ("123456",)), position=STEP)
    page = step(working(c.SubmitEntry(ID, "a", Code(GOOD)), None, visit), e.Replied(ID, task)).state
    assert isinstance(page, s.NewPin)
    assert page.rules == PinRules(*rules, ("123456",))


def test_the_page_for_the_present_pin_knows_the_cards_lengths() -> None:
    card = PinFormat(6, 127, 6, letters=True)
    read = e.CardRead(ID, replace(REPORT, pin_format=card), opened(Purpose.REGISTER))
    menu = step(s.Reading(ID, "Reader 0"), read).state
    assert isinstance(menu, s.Menu)
    assert menu.visit.pin_format == card


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (s.StopNumberEntry(VISIT, STOP), s.RemovalReason.NOTHING_STOPPED),
        (s.EnterPin(replace(VISIT, unlocked=True)), s.RemovalReason.LEFT_UNLOCKED),
        (s.EnterPin(VISIT), s.RemovalReason.LEFT),
    ],
)
def test_page_after_leaving_says_what_became_of_the_visit(
    page: s.HolderState, reason: s.RemovalReason
) -> None:
    left = step(page, e.Left(ID))
    assert left == Next(s.RemoveCard(ID, reason), (c.EndVisit(ID, VisitEnd.LEFT),))


class EnterSavedCode(CountedTask, frozen=True):
    """What another factor might ask for, in one entry."""


def test_task_of_a_further_factor_needs_no_state_and_no_arm() -> None:
    task = EnterSavedCode(position=STEP)
    chosen = working(c.Choose(ID, Purpose.UNLOCK), None)
    page = step(chosen, e.Replied(ID, task)).state  # type: ignore[arg-type]
    assert page == s.FactorPage(VISIT, task=task)  # type: ignore[arg-type]
    entering = step(page, e.EntryMade(ID, Code(GOOD)))
    assert entering.commands == (c.SubmitEntry(ID, f"{ID}-1", Code(GOOD)),)
    wrong = FactorWrong(task)  # type: ignore[arg-type]
    again = step(entering.state, e.Replied(ID, wrong)).state
    assert isinstance(again, s.FactorPage)
    assert again.wrong


def test_every_kind_of_entry_has_words_for_its_check() -> None:
    assert {*CHECKING} == {*get_args(FactorEntry)}


def test_saved_codes_are_made_shown_and_kept_once_they_are_written_down() -> None:
    chosen = working(c.VerifyPin(ID, AT, GOOD), None, SAVING)
    making = step(chosen, e.Replied(ID, MakeSavedCodes(position=STEP)))
    assert making.commands == (c.MakeSavedCodes(ID),)
    page = step(making.state, e.Replied(ID, SHOWN)).state
    assert isinstance(page, s.SavedCodesShown)
    assert page.task == SHOWN
    keeping = step(page, e.CodesKept(ID))
    assert keeping.commands == (c.KeepSavedCodes(ID),)
    away = step(keeping.state, e.NoReply(ID)).state
    assert isinstance(away, s.NotReached)
    assert away.back == page
    again = step(away, e.TriedAgain(ID))
    assert again.commands == (c.KeepSavedCodes(ID),)
    done = step(again.state, e.Replied(ID, Finished(Purpose.SAVED_CODES))).state
    assert isinstance(done, s.Success)
    assert "17K7Q" not in repr((page, done))


def test_last_page_has_the_code_that_takes_the_place_of_the_used_one() -> None:
    unlocking = working(c.UnblockPin(ID, AT, GOOD, "1"), None)
    done = step(unlocking, e.Replied(ID, Finished(Purpose.UNLOCK, saved_code=SAVED)))
    assert isinstance(done.state, s.Success)
    assert done.state.saved_code == SAVED
    over = step(step(done.state, e.IdleTimedOut(ID)).state, e.AnswerTimedOut(ID)).state
    assert isinstance(over, s.RemoveCard)
    assert SAVED.reveal() not in repr(done)
