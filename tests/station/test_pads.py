"""A PIN that is entered on the reader's own keys: nothing of it passes through the station."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from kiosk.contract.errors import PadTrouble, PinRefusal
from kiosk.contract.messages import (
    Code,
    OnPad,
    PinFormat,
    PinRules,
    ProvePin,
    Purpose,
    SetPin,
    VisitEnd,
)
from kiosk.station import commands as c
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.step import step
from tests.station.samples import (
    AT,
    GOOD,
    ID,
    ON_PAD,
    OTHER_GOOD,
    OUT,
    OUT_OF_TWO,
    PAD,
    PAD_CHANGING,
    PAD_VISIT,
    REPORT,
    SECOND,
    STATES,
    TYPED_CHANGE,
    opened,
    working,
)
from tests.support.steps import STEP

TROUBLES: tuple[PadTrouble, ...] = get_args(PadTrouble)


def _task(task: ProvePin | SetPin) -> e.Replied:
    return e.Replied(ID, task)


def test_the_visit_knows_that_its_reader_has_keys() -> None:
    for changes in (True, False):
        report = replace(REPORT, pin_pad=True, pad_changes=changes)
        read = e.CardRead(ID, report, opened(Purpose.UNLOCK))
        page = step(s.Reading(ID, "Reader 0"), read).state
        assert isinstance(page, s.ConfirmOwner)
        assert (page.visit.pin_pad, page.visit.pad_changes) == (True, changes)


def test_a_visit_without_keys_on_its_reader_goes_on_at_the_station() -> None:
    visit = replace(PAD_VISIT, pin_pad=False)
    following = step(
        working(c.Choose(ID, Purpose.REGISTER), None, visit), _task(ProvePin(position=STEP))
    )
    assert following.state == s.EnterPin(visit)
    assert following.commands == ()


@pytest.mark.parametrize("visit", [PAD_VISIT, PAD_CHANGING], ids=["unlock", "change"])
def test_the_present_pin_is_asked_for_at_once(visit: s.VisitState) -> None:
    following = step(
        working(c.Choose(ID, Purpose.UNLOCK), None, visit), _task(ProvePin(position=STEP))
    )
    verify = c.VerifyPin(ID, AT, OnPad())
    typed = s.EnterPin(replace(visit, pin_pad=False))
    assert following.state == s.Working(visit, s.Work.PIN_ON_PAD, verify, typed)
    assert following.commands == (verify,)


def test_a_change_that_the_readers_keys_cannot_do_is_typed_after_a_page() -> None:
    chosen = working(c.Choose(ID, Purpose.CHANGE_PIN), None, TYPED_CHANGE)
    paused = step(chosen, _task(ProvePin(position=STEP)))
    assert isinstance(paused.state, s.PadPaused)
    assert (paused.state.why, paused.commands) == (s.PadNotice.NOT_TAKEN, ())
    typed = step(paused.state, e.TriedAgain(ID)).state
    assert typed == s.EnterPin(replace(TYPED_CHANGE, pin_pad=False))
    unlocking = replace(TYPED_CHANGE, purpose=Purpose.UNLOCK)
    asked = step(
        working(c.SubmitEntry(ID, "a", Code(GOOD)), None, unlocking),
        _task(SetPin(PinRules(), position=STEP)),
    )
    assert isinstance(asked.state, s.Working)


def test_a_new_pin_is_asked_for_with_the_length_of_the_rules() -> None:
    rules = SetPin(PinRules(7, 8), position=STEP)
    unblock = step(working(c.SubmitEntry(ID, "a", Code(GOOD)), None, PAD_VISIT), _task(rules))
    assert unblock.commands == (c.UnblockPin(ID, AT, OnPad(7, 8), f"{ID}-1"),)
    change = step(working(c.VerifyPin(ID, AT, PAD), None, PAD_CHANGING), _task(rules))
    assert change.commands == (c.ChangePin(ID, AT, OnPad(), OnPad(7, 8)),)


def test_a_present_pin_is_asked_for_with_the_lengths_of_the_card() -> None:
    visit = replace(PAD_VISIT, pin_format=PinFormat(6, 127, 6, letters=True))
    chosen = working(c.Choose(ID, Purpose.UNLOCK), None, visit)
    asked = step(chosen, _task(ProvePin(position=STEP)))
    assert asked.commands == (c.VerifyPin(ID, AT, OnPad(6, 127)),)


@pytest.mark.parametrize("state", ON_PAD, ids=lambda state: state.work)
def test_only_the_card_and_the_reader_end_what_is_under_way(state: s.Working) -> None:
    for event in (
        e.Left(ID),
        e.WentBack(ID),
        e.TriedAgain(ID),
        e.IdleTimedOut(ID),
        e.Confirmed(ID),
    ):
        assert step(state, event).state == state
    assert isinstance(step(state, OUT).state, s.Attract)
    assert isinstance(step(state, OUT_OF_TWO).state, s.RemoveCard)
    second = step(state, SECOND).state
    if isinstance(state.command, c.VerifyPin):
        assert isinstance(second, s.Refused)
    else:
        assert second == replace(state, second_card=True)


@pytest.mark.parametrize("state", ON_PAD, ids=lambda state: state.work)
def test_an_entry_that_came_to_nothing_can_be_tried_again_or_left(state: s.Working) -> None:
    page = step(state, e.PadEnded(ID, s.PadNotice.CANCELLED)).state
    assert isinstance(page, s.PadPaused)
    assert page.why is s.PadNotice.CANCELLED
    again = step(page, e.TriedAgain(ID))
    assert isinstance(again.state, s.Working)
    assert again.commands == (again.state.command,)
    command = state.command
    if isinstance(command, c.UnblockPin):
        assert again.state.visit.sent == state.visit.sent + 1
        command = replace(command, attempt=f"{ID}-1")
    assert again.state.command == command
    assert (again.state.work, type(again.state.back)) == (state.work, type(state.back))
    left = step(page, e.Left(ID))
    assert left.state == s.RemoveCard(ID, s.RemovalReason.LEFT)
    assert left.commands == (c.EndVisit(ID, VisitEnd.LEFT),)


@pytest.mark.parametrize("state", ON_PAD, ids=lambda state: state.work)
def test_where_the_readers_keys_do_not_take_it_the_pin_is_typed_after_all(
    state: s.Working,
) -> None:
    page = step(state, e.PadEnded(ID, s.PadNotice.NOT_TAKEN)).state
    following = step(page, e.TriedAgain(ID))
    assert following.state == state.back
    assert following.commands == ()
    assert isinstance(following.state, s.EnterPin | s.NewPin)
    assert not following.state.visit.pin_pad


def test_a_wrong_pin_and_one_that_the_card_refuses_wait_for_the_holder() -> None:
    wrong = step(ON_PAD[0], e.PinFailed(ID, 2))
    assert isinstance(wrong.state, s.PadPaused)
    assert (wrong.state.why, wrong.state.tries_left) == (s.PadNotice.WRONG, 2)
    refused = step(ON_PAD[1], e.PinNotTaken(ID, s.PinFault.CARD_HISTORY))
    assert isinstance(refused.state, s.PadPaused)
    assert refused.state.why is s.PinFault.CARD_HISTORY
    assert (*wrong.commands, *refused.commands) == ()


@pytest.mark.parametrize("state", ON_PAD, ids=lambda state: state.work)
def test_an_authority_that_is_away_has_the_reader_ask_again(state: s.Working) -> None:
    not_reached = step(state, e.NoReply(ID)).state
    assert isinstance(not_reached, s.NotReached)
    assert step(not_reached, e.TriedAgain(ID)).state == state


def test_the_readers_events_count_only_while_it_asks() -> None:
    typed = working(c.VerifyPin(ID, AT, GOOD), s.EnterPin(PAD_VISIT))
    assert step(typed, e.PadEnded(ID, s.PadNotice.TIMEOUT)).state == typed


def test_every_failure_of_a_pad_has_its_notice() -> None:
    assert [s.PadNotice(trouble) for trouble in TROUBLES] == list(s.PadNotice)[: len(TROUBLES)]


def test_no_state_shows_a_pin() -> None:
    shown = " ".join(map(repr, STATES))
    assert "OnPad" in shown
    assert GOOD.reveal() not in shown
    assert OTHER_GOOD.reveal() not in shown


def test_every_reason_of_a_card_against_a_new_pin_is_a_fault_that_the_page_names() -> None:
    faults = [s.PinFault(reason) for reason in get_args(PinRefusal)]
    assert faults == [fault for fault in s.PinFault if fault.name.startswith("CARD_")]
