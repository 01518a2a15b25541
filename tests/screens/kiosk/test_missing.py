"""Enter, or a touch of Continue, says what the page lacks, and the next key takes it away."""

from __future__ import annotations

import itertools

import pytest
from textual import events

from kiosk.contract.messages import GiveEmail
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import Chose, PinEntered
from kiosk.station.states import (
    AskQuestion,
    CodeEntry,
    ConfirmOwner,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    HolderState,
    NewPin,
    PinFault,
    RepeatPin,
    State,
    StopNumberEntry,
)
from screens.kiosk.choices import MenuPage
from screens.kiosk.entry_pages import DigitsPage, EntryPage
from screens.terminal.driver import KeysLost
from screens.theme import RICH
from screens.widgets.fields import Field
from screens.words import choices, email, frame, pin
from tests.screens.geometry import layout_faults
from tests.screens.kiosk.clocked import MENU, app_with, shown
from tests.screens.kiosk.pictures import SIZES, app_for
from tests.screens.kiosk.samples import (
    ASKED,
    CODE,
    REGISTER,
    REPORT,
    RULES,
    STOP,
    UNLOCK,
    Sample,
    one_of_each,
)
from tests.screens.pilots import settled, touch, type_keys
from tests.screens.recording_station import StillStation
from tests.screens.shown import screen_lines
from tests.support.steps import STEP

LACKING = pytest.mark.parametrize(
    ("state", "said"),
    [
        (EnterPin(REGISTER), "Please enter 4 to 8 digits first."),
        (CodeEntry(UNLOCK, CODE), "Please enter 8 digits first."),
        (StopNumberEntry(REPORT, STOP), "Please enter 12 digits first."),
        (NewPin(UNLOCK, RULES), pin.KEEP_RULES),
        (AskQuestion(UNLOCK, ASKED), frame.ENTER_TEXT),
        (EnterEmail(REGISTER, GiveEmail("", (), position=STEP)), frame.ENTER_TEXT),
    ],
)


@LACKING
async def test_enter_says_what_is_missing(state: HolderState, said: str) -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(state)
        await settled(pilot)
        assert said not in shown(app)
        await type_keys(pilot, ["enter"])
        await settled(pilot)
        assert said in shown(app)
        await type_keys(pilot, ["1"])
        await settled(pilot)
        assert said not in shown(app)
    assert not desk.heard


@LACKING
async def test_a_touch_of_what_cannot_be_pressed_yet_says_what_is_missing(
    state: HolderState, said: str
) -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(state)
        await settled(pilot)
        match state:
            case EnterEmail():
                label = email.SEND
            case StopNumberEntry():
                label = choices.STOP_NOW
            case _:
                label = frame.CONTINUE
        await touch(pilot, (label,))
        await settled(pilot)
        assert said in shown(app)
        await type_keys(pilot, ["1"])
        await settled(pilot)
        assert said not in shown(app)
    assert not desk.heard


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (EnterPin(REGISTER, wrong=True, tries_left=1), "One try is left"),
        (CodeEntry(UNLOCK, CODE, wrong=True), "That code is not right."),
        (StopNumberEntry(REPORT, STOP, wrong=True), "That is not the number"),
        (NewPin(UNLOCK, RULES, fault=PinFault.MISMATCH), "The two PINs were not the same."),
        (AskQuestion(UNLOCK, ASKED, wrong=True), "Not all correct."),
    ],
)
async def test_an_enter_too_many_does_not_hide_what_was_wrong(
    state: HolderState, said: str
) -> None:
    """Before: it said to enter digits first, as if nothing had been entered, and no try spent."""
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(state)
        await settled(pilot)
        assert said in " ".join(shown(app).split())
        await type_keys(pilot, ["enter"])
        await settled(pilot)
        assert said in " ".join(shown(app).split())
        await type_keys(pilot, ["1", "backspace", "enter"])
        await settled(pilot)
        assert said in " ".join(shown(app).split())
    assert not desk.heard


NO_NUM_LOCK = [(key, frame.NUM_LOCK) for key in ("home", "end", "pageup", "pagedown")]


@pytest.mark.parametrize("size", SIZES)
async def test_page_of_digits_says_what_to_do_about_another_key(
    size: tuple[int, int],
) -> None:
    """Letters, the digits of a French keyboard without Shift, and those without Num Lock."""
    app, seen = app_for(Sample(MENU)), set[type[State]]()
    async with app.run_test(size=size) as pilot:
        for state in one_of_each():
            await app.show(state)
            await settled(pilot)
            if not isinstance(app.screen, DigitsPage):
                continue
            seen.add(type(state))
            for key, said in (("a", frame.ONLY_DIGITS), ("é", frame.ONLY_DIGITS), *NO_NUM_LOCK):
                await type_keys(pilot, ["6", key])
                assert said in shown(app), (state, key)
                assert not layout_faults(app), (state, key)
                await type_keys(pilot, ["0"])
                assert said not in shown(app), (state, key)
                await type_keys(pilot, ["ctrl+u"])
    assert seen == {EnterPin, CodeEntry, StopNumberEntry, NewPin, RepeatPin}


async def test_a_code_that_is_typed_without_num_lock_does_not_end_the_visit() -> None:
    """8 and 2 are arrows then: the last of them chose Stop, and Enter pressed it."""
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(CodeEntry(UNLOCK, CODE))
        await settled(pilot)
        await type_keys(pilot, ["up", "home", "right", "enter"])
        assert frame.enter_digits(8, 8) in shown(app)
    assert not desk.heard


async def test_enter_on_a_chosen_button_that_an_erased_digit_disabled_says_what_is_missing() -> (
    None
):
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(EnterPin(REGISTER))
        await settled(pilot)
        await type_keys(pilot, ["1", "2", "3", "4", "tab", "backspace", "enter"])
        await settled(pilot)
        assert "Please enter 4 to 8 digits first." in shown(app)
    assert not desk.heard


async def test_a_new_pin_that_breaks_a_rule_leaves_the_boxes() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(NewPin(UNLOCK, RULES))
        await settled(pilot)
        await type_keys(pilot, [*"111111", "enter"])
        await settled(pilot)
        assert pin.KEEP_RULES in shown(app)
        assert not desk.heard
        await type_keys(pilot, [*"604918", "enter"])
        assert desk.heard == [PinEntered(UNLOCK.id, Sensitive("604918"))]


async def test_a_digit_too_many_is_not_left_out_without_a_word() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await app.show(CodeEntry(UNLOCK, CODE))
        await settled(pilot)
        await type_keys(pilot, list("12345678"))
        await settled(pilot)
        assert frame.no_more_digits(8) not in shown(app)
        await type_keys(pilot, ["9"])
        await settled(pilot)
        assert frame.no_more_digits(8) in shown(app)


def test_a_field_takes_no_more_than_it_is_long() -> None:
    field = Field(3, RICH, shown=True)
    for char in "Leeds":
        field.type(char)
    assert field.take() == "Lee"


async def test_enter_does_not_confirm_whose_card_it_is_and_says_why() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(ConfirmOwner(UNLOCK))
        await settled(pilot)
        assert choices.OWNER_CHOOSE not in shown(app)
        await type_keys(pilot, ["enter"])
        await settled(pilot)
        assert choices.OWNER_CHOOSE in shown(app)
        await type_keys(pilot, ["right"])
        await settled(pilot)
        assert choices.OWNER_CHOOSE not in shown(app)
    assert not desk.heard


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("locked", [False, True])
async def test_what_can_be_touched_stays_where_it_is(
    size: tuple[int, int], *, locked: bool
) -> None:
    app = app_with(StillStation())
    async with app.run_test(size=size) as pilot:
        await app.show(ConfirmOwner(UNLOCK, locked=locked))
        await settled(pilot)
        link = app.screen.query_one(".-line")
        before = link.region
        await type_keys(pilot, ["enter"])
        await settled(pilot)
        assert choices.OWNER_CHOOSE in shown(app)
        assert link.region == before


async def test_after_a_wrong_code_the_card_may_still_be_taken_out() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await app.show(CodeEntry(UNLOCK, CODE, wrong=True))
        await settled(pilot)
        assert "That code is not right." in shown(app)
        assert "You may take your smartcard out" in shown(app)


async def test_the_first_enter_on_a_menu_chooses_and_the_second_takes() -> None:
    desk = StillStation()
    app = app_with(desk)
    async with app.run_test() as pilot:
        await app.show(MENU)
        await settled(pilot)
        assert choices.MENU_HINT in " ".join(shown(app).split())
        await type_keys(pilot, ["enter"])
        assert not desk.heard
        assert isinstance(app.screen, MenuPage)
        assert app.screen.focus_order.chosen is app.screen.choices[0]
        await type_keys(pilot, ["enter"])
        assert desk.heard == [Chose(MENU.visit.id, MENU.offers[0].purpose)]


@pytest.mark.parametrize("size", SIZES)
async def test_page_of_entry_says_that_keys_were_lost(size: tuple[int, int]) -> None:
    """Until the next key; a page on which nothing is typed says nothing."""
    app, digits = app_for(Sample(MENU)), itertools.cycle("12")
    async with app.run_test(size=size) as pilot:
        for state in one_of_each():
            await app.show(state)
            await settled(pilot)
            app.post_message(KeysLost())
            await settled(pilot)
            said = "Too fast: some" in " ".join(screen_lines(app))
            assert said is isinstance(app.screen, EntryPage), type(state)
            assert not layout_faults(app), type(state)
            if isinstance(state, GiveAnswer | AskQuestion):
                assert "Question " in " ".join(screen_lines(app)), type(state)
            if said:
                await type_keys(pilot, next(digits))
                assert "Too fast: some" not in " ".join(screen_lines(app))


async def test_keys_that_passed_before_do_not_hide_that_others_were_lost() -> None:
    app = app_with(StillStation())
    async with app.run_test() as pilot:
        await app.show(EnterEmail(REGISTER, GiveEmail("", (), position=STEP)))
        await settled(pilot)
        for key in "asha":
            app.post_message(events.Key(key, key))
        app.post_message(KeysLost())
        await settled(pilot)
        assert "Too fast: some" in shown(app)
        assert "asha" in shown(app)
