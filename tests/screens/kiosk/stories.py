"""Short stories, one or more a page: what is pressed or touched, and what is reported."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from kiosk.contract.messages import AnswerProblem, GiveEmail, Purpose, Reason
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import RequestCode
from kiosk.station.events import (
    AnswerEntered,
    Chose,
    CodeAsked,
    CodeEntered,
    Confirmed,
    EmailEntered,
    HolderSide,
    Left,
    MisuseNoticed,
    PinEntered,
    QuestionPicked,
    SomethingElse,
    Stayed,
    TriedAgain,
    WentBack,
)
from kiosk.station.states import (
    AskQuestion,
    Attract,
    CodeEntry,
    CodeLack,
    CodeNeeded,
    ConfirmOwner,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    Menu,
    NewPin,
    Outage,
    OutOfService,
    PadNotice,
    PadPaused,
    PickQuestion,
    Reading,
    Refused,
    RemovalReason,
    RemoveCard,
    RepeatPin,
    State,
    StillThere,
    Success,
    Trouble,
    Work,
    Working,
)
from tests.screens.kiosk.samples import (
    ASKED,
    BANK,
    CHOOSE,
    CODE,
    EMAIL,
    LONG_PIN,
    LONGEST_PIN,
    REGISTER,
    RULES,
    SECRET,
    UNBLOCK_ON_PAD,
    UNLOCK,
    VISIT,
    VISIT_ID,
    _given,
)
from tests.support.steps import STEP, offers

MENU = Menu(VISIT, offers(Purpose.UNLOCK, Purpose.CHANGE_PIN))
FRESH_CODE = replace(CODE, resend_in_s=0.0)
PIN = PinEntered(VISIT_ID, Sensitive("604918"))
CODE_GIVEN = CodeEntered(VISIT_ID, Sensitive("40718263"))
WAITS = replace(UNLOCK, instead=offers(Purpose.CHANGE_PIN))
WAITING = Menu(WAITS, WAITS.instead, waiting=Purpose.UNLOCK)
ELSE = SomethingElse(VISIT_ID)
LEFT, BACK = Left(VISIT_ID), WentBack(VISIT_ID)
ON_PAD = Working(UNLOCK, Work.NEW_PIN_ON_PAD, UNBLOCK_ON_PAD, None)
PAUSED = PadPaused(UNLOCK, Work.NEW_PIN_ON_PAD, UNBLOCK_ON_PAD, None, PadNotice.CANCELLED)
TROUBLE = Trouble(UNLOCK, Work.SENDING_CODE, RequestCode(VISIT_ID, "1"), None)


def answer(text: str) -> AnswerEntered:
    return AnswerEntered(VISIT_ID, Sensitive(text))


@dataclass(frozen=True)
class Story:
    """What is done on a page, keys first, and what is reported."""

    state: State
    keys: tuple[str, ...]
    touches: tuple[str, ...]
    events: list[HolderSide]

    @property
    def name(self) -> str:
        """Name the story by what happens in it."""
        return "-".join((type(self.state).__name__, *self.keys, *self.touches))


def keys(state: State, pressed: str, *events: HolderSide) -> Story:
    return Story(state, tuple(pressed.split()), (), list(events))


def touches(state: State, touched: str, *events: HolderSide) -> Story:
    return Story(state, (), tuple(touched.split("|")), list(events))


KEYS = [
    keys(MENU, "enter"),
    keys(MENU, "2", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    keys(MENU, "3"),
    keys(MENU, "down enter", Chose(VISIT_ID, Purpose.UNLOCK)),
    keys(MENU, "tab tab enter", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    keys(MENU, "down down up enter", Chose(VISIT_ID, Purpose.UNLOCK)),
    keys(MENU, "down down down enter", LEFT),
    keys(MENU, "escape"),
    keys(MENU, "escape enter", LEFT),
    keys(MENU, "escape escape", LEFT),
    keys(ConfirmOwner(UNLOCK), "enter enter"),
    keys(ConfirmOwner(UNLOCK), "right enter", Confirmed(VISIT_ID)),
    keys(ConfirmOwner(UNLOCK), "tab enter", Confirmed(VISIT_ID)),
    keys(ConfirmOwner(UNLOCK), "left enter", MisuseNoticed(VISIT_ID)),
    keys(ConfirmOwner(UNLOCK), "left left enter", LEFT),
    keys(ConfirmOwner(UNLOCK), "escape right enter", Confirmed(VISIT_ID)),
    keys(ConfirmOwner(UNLOCK), "escape right left enter", LEFT),
    keys(ConfirmOwner(UNLOCK), "escape up enter", MisuseNoticed(VISIT_ID)),
    keys(ConfirmOwner(UNLOCK), "escape up down enter", LEFT),
    keys(ConfirmOwner(UNLOCK), "right up enter", MisuseNoticed(VISIT_ID)),
    keys(MENU, "down down down right enter", MisuseNoticed(VISIT_ID)),
    keys(MENU, "down down down right up enter", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    keys(EnterPin(REGISTER), "6 0 4 9 1 8 enter", PIN),
    keys(EnterPin(REGISTER), "6 0 4 enter"),
    keys(EnterPin(REGISTER), "6 0 4 9 1 7 backspace 8 enter", PIN),
    keys(EnterPin(REGISTER), "x 6 space 0 4 - 9 1 8 enter", PIN),
    keys(EnterPin(REGISTER), "6 0 4 9 1 8 enter enter enter", PIN),
    keys(EnterPin(REGISTER), "6 0 4 9 1 tab tab 8 enter", PIN),
    keys(EnterPin(REGISTER), "6 0 4 9 1 8 escape enter", LEFT),
    keys(
        EnterPin(REGISTER), "6 0 4 9 1 8 1 2 3 4 enter", PinEntered(VISIT_ID, Sensitive("60491812"))
    ),
    keys(
        EnterPin(LONG_PIN),
        "4 8 2 9 1 5 0 4 8 2 enter",
        PinEntered(VISIT_ID, Sensitive("4829150482")),
    ),
    keys(EnterPin(LONGEST_PIN), "4 8 2 9 1 enter"),
    keys(PickQuestion(REGISTER, CHOOSE), "2", QuestionPicked(VISIT_ID, 2)),
    keys(PickQuestion(REGISTER, CHOOSE), "pagedown 1", QuestionPicked(VISIT_ID, 5)),
    keys(PickQuestion(REGISTER, CHOOSE), "pageup 4", QuestionPicked(VISIT_ID, 20)),
    keys(PickQuestion(REGISTER, CHOOSE), "down down enter", QuestionPicked(VISIT_ID, 2)),
    keys(PickQuestion(REGISTER, CHOOSE), "5"),
    keys(PickQuestion(REGISTER, CHOOSE, _given(2)), "1", QuestionPicked(VISIT_ID, 3)),
    keys(GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), "L i enter", answer("Li")),
    keys(GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), "S t space É enter", answer("St É")),
    keys(GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), "space space enter"),
    keys(GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), "f3 L i x backspace enter", answer("Li")),
    keys(
        GiveAnswer(REGISTER, CHOOSE, (), BANK[2], AnswerProblem.EMPTY),
        "L i enter enter",
        answer("Li"),
    ),
    keys(EnterEmail(REGISTER, EMAIL), "enter", EmailEntered(VISIT_ID, EMAIL.suggested)),
    keys(EnterEmail(REGISTER, EMAIL, "a@b"), "c enter", EmailEntered(VISIT_ID, "a@bc")),
    keys(EnterEmail(REGISTER, EMAIL), "ctrl+u a @ b enter", EmailEntered(VISIT_ID, "a@b")),
    keys(
        EnterEmail(REGISTER, EMAIL), "tab tab tab enter c @ d enter", EmailEntered(VISIT_ID, "c@d")
    ),
    keys(EnterPin(REGISTER), "9 9 9 ctrl+u 6 0 4 9 1 8 enter", PIN),
    keys(NewPin(UNLOCK, RULES, SECRET), "6 0 4 9 1 8 enter"),
    keys(EnterEmail(REGISTER, GiveEmail("", (), position=STEP)), "enter"),
    keys(AskQuestion(UNLOCK, ASKED), "M i l l enter", answer("Mill")),
    keys(CodeEntry(UNLOCK, CODE), "4 0 7 1 8 2 6 enter"),
    keys(CodeEntry(UNLOCK, CODE), "4 0 7 1 8 2 6 3 enter", CODE_GIVEN),
    keys(CodeEntry(UNLOCK, CODE), "4 0 7 1 8 2 6 3 9 9 enter", CODE_GIVEN),
    keys(CodeEntry(UNLOCK, FRESH_CODE), "up enter", CodeAsked(VISIT_ID)),
    keys(CodeEntry(UNLOCK, CODE), "up enter", LEFT),
    keys(CodeEntry(UNLOCK, CODE), "up up enter", MisuseNoticed(VISIT_ID)),
    keys(CodeEntry(WAITS, CODE), "down enter", ELSE),
    keys(CodeEntry(WAITS, CODE), "down down enter", MisuseNoticed(VISIT_ID)),
    keys(CodeNeeded(WAITS, "a•••@x", CodeLack.SPENT, 30.0), "down enter", ELSE),
    keys(WAITING, "1", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    keys(WAITING, "enter"),
    keys(WAITING, "tab tab enter", BACK),
    keys(WAITING, "escape enter", LEFT),
    keys(WAITING, "up enter", MisuseNoticed(VISIT_ID)),
    keys(CodeNeeded(UNLOCK, "a•••@x", CodeLack.EXPIRED), "enter", CodeAsked(VISIT_ID)),
    keys(CodeNeeded(UNLOCK, "a•••@x", CodeLack.TOO_SOON, 30.0), "enter"),
    *(
        keys(state, f"{arrow} enter")
        for state in (
            EnterPin(REGISTER),
            GiveAnswer(REGISTER, CHOOSE, (), BANK[2]),
            AskQuestion(UNLOCK, ASKED),
            CodeEntry(UNLOCK, CODE),
            NewPin(UNLOCK, RULES),
        )
        for arrow in ("left", "right")
    ),
    keys(AskQuestion(UNLOCK, ASKED), "M i left right l l enter", answer("Mill")),
    keys(AskQuestion(UNLOCK, ASKED), "tab enter", LEFT),
    keys(AskQuestion(UNLOCK, ASKED, _given(1)), "tab right enter", BACK),
    keys(CodeEntry(UNLOCK, FRESH_CODE), "down down right left enter", LEFT),
    keys(NewPin(UNLOCK, RULES), "6 0 4 9 1 8 enter", PIN),
    keys(NewPin(UNLOCK, RULES), "6 0 4 9 1 enter"),
    keys(NewPin(UNLOCK, RULES), "1 1 1 1 1 1 enter"),
    keys(NewPin(UNLOCK, RULES), "1 2 3 4 5 6 enter"),
    keys(NewPin(UNLOCK, RULES), "3 1 1 2 8 4 enter"),
    keys(NewPin(UNLOCK, RULES), "8 3 9 2 0 1 enter"),
    keys(RepeatPin(UNLOCK, RULES, SECRET), "6 0 4 9 1 8 enter", PIN),
    keys(
        RepeatPin(UNLOCK, RULES, SECRET),
        "1 1 1 1 1 1 enter",
        PinEntered(VISIT_ID, Sensitive("111111")),
    ),
    keys(ON_PAD, "6 0 4 9 1 8 enter escape escape tab enter"),
    keys(PAUSED, "6 0 4 9 1 8"),
    keys(PAUSED, "enter", TriedAgain(VISIT_ID)),
    keys(PAUSED, "escape enter", LEFT),
    keys(TROUBLE, "enter", TriedAgain(VISIT_ID)),
    keys(TROUBLE, "escape enter", LEFT),
    keys(Success(UNLOCK, Purpose.UNLOCK), "enter", LEFT),
    keys(Refused(VISIT_ID, Reason.FAULT), "enter", LEFT),
    keys(StillThere(CodeEntry(UNLOCK, CODE)), "4 0 enter", Stayed(VISIT_ID)),
    keys(StillThere(CodeEntry(UNLOCK, CODE)), "escape escape", Stayed(VISIT_ID)),
    keys(
        Working(UNLOCK, Work.SETTING_PIN, RequestCode(VISIT_ID, "1"), None),
        "enter escape 1 tab enter",
    ),
    keys(Reading(VISIT_ID, "Reader 0"), "enter escape escape"),
    keys(RemoveCard(VISIT_ID, RemovalReason.LEFT), "enter escape escape"),
    keys(Attract(), "enter escape escape 1 2 3"),
    keys(OutOfService(Outage.NO_READER), "enter escape escape"),
]


TOUCHES = [
    touches(MENU, "Change your PIN", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    touches(MENU, "Stop", LEFT),
    touches(ConfirmOwner(UNLOCK), "Yes, it is mine", Confirmed(VISIT_ID)),
    touches(ConfirmOwner(UNLOCK), "No, stop", LEFT),
    touches(EnterPin(REGISTER), "6|0|4|9|1|8|Continue", PIN),
    touches(EnterPin(REGISTER), "6|0|5|Erase|4|9|1|8|Continue", PIN),
    touches(EnterPin(REGISTER), "1|2|3|Clear|6|0|4|9|1|8|Continue", PIN),
    touches(EnterPin(REGISTER), "6|0|Continue"),
    touches(
        PickQuestion(REGISTER, CHOOSE), "More questions|cuddly toy", QuestionPicked(VISIT_ID, 5)
    ),
    touches(PickQuestion(REGISTER, CHOOSE, _given(1)), "Back", BACK),
    touches(
        GiveAnswer(REGISTER, CHOOSE, (), BANK[2]),
        "s|t|Space|i|x|←|v|e|s|Continue",
        answer("st ives"),
    ),
    touches(GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), "Back", BACK),
    touches(GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), "F3 Hide|l|i|Continue", answer("li")),
    touches(EnterEmail(REGISTER, EMAIL, "a"), "@|b|.|c|Send code", EmailEntered(VISIT_ID, "a@b.c")),
    touches(AskQuestion(UNLOCK, ASKED), "F3 Show|m|i|l|l|Continue", answer("mill")),
    touches(AskQuestion(UNLOCK, ASKED, _given(1)), "Back", BACK),
    touches(CodeEntry(UNLOCK, CODE), "4|0|7|1|8|2|6|3|Continue", CODE_GIVEN),
    touches(CodeEntry(UNLOCK, FRESH_CODE), "New code", CodeAsked(VISIT_ID)),
    touches(CodeEntry(UNLOCK, CODE), "New code in 0:42"),
    touches(CodeEntry(WAITS, CODE), "Do something else", ELSE),
    touches(CodeNeeded(WAITS, "a•••@x", CodeLack.SPENT, 30.0), "Do something else", ELSE),
    touches(WAITING, "Change your PIN", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    touches(WAITING, "Back to the code", BACK),
    touches(CodeNeeded(UNLOCK, "a•••@x", CodeLack.SPENT), "New code", CodeAsked(VISIT_ID)),
    touches(NewPin(UNLOCK, RULES), "6|0|4|9|1|8|Continue", PIN),
    touches(NewPin(UNLOCK, RULES), "1|1|1|1|1|1|Continue"),
    touches(RepeatPin(UNLOCK, RULES, SECRET), "6|0|4|9|1|8|Continue", PIN),
    touches(RepeatPin(UNLOCK, RULES, SECRET), "Back", BACK),
    touches(ON_PAD, "To stop, press Cancel|Need help?"),
    touches(PAUSED, "Try again", TriedAgain(VISIT_ID)),
    touches(PAUSED, "Stop", LEFT),
    touches(TROUBLE, "Try again", TriedAgain(VISIT_ID)),
    touches(Success(UNLOCK, Purpose.UNLOCK), "Finish", LEFT),
    touches(Refused(VISIT_ID, Reason.FAULT), "Finish|Finish", LEFT),
    touches(StillThere(CodeEntry(UNLOCK, CODE)), "Are you still there?", Stayed(VISIT_ID)),
    touches(StillThere(CodeEntry(UNLOCK, CODE)), "Need help?", Stayed(VISIT_ID)),
]


KEYPAD = [
    touches(
        EnterPin(REGISTER),
        "|".join([digit] * 4 + ["Continue"]),
        PinEntered(VISIT_ID, Sensitive(digit * 4)),
    )
    for digit in "0123456789"
]
LETTERS = "1234567890qwertyuiop-asdfghjkl'&zxcvbnm."
KEYBOARDS = [
    touches(
        GiveAnswer(REGISTER, CHOOSE, (), BANK[2]), "|".join([*LETTERS, "Continue"]), answer(LETTERS)
    ),
    touches(
        EnterEmail(REGISTER, GiveEmail("a", (), position=STEP)),
        "_|+|@|-|Send code",
        EmailEntered(VISIT_ID, "a_+@-"),
    ),
]
STORIES = {
    f"{number}-{story.name}": story
    for number, story in enumerate((*KEYS, *TOUCHES, *KEYPAD, *KEYBOARDS))
}
