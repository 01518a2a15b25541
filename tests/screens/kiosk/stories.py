"""Short stories, one or more a page: what is pressed or touched, and what is reported."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from kiosk.contract.messages import (
    Code,
    EnteredSavedCode,
    Factor,
    GiveEmail,
    MaintenanceAct,
    MaintenanceReason,
    Purpose,
)
from kiosk.contract.sensitive import Sensitive
from kiosk.station.events import (
    ActPicked,
    AnswerEntered,
    Chose,
    CodeAsked,
    CodesKept,
    Confirmed,
    EmailEntered,
    EntryMade,
    HolderSide,
    Left,
    MisuseNoticed,
    PinEntered,
    QuestionPicked,
    ReasonPicked,
    ReasonWritten,
    RouteWanted,
    SomethingElse,
    Stayed,
    StopNumberEntered,
    TriedAgain,
    WayPicked,
    WentBack,
)
from kiosk.station.states import CodeEntry, EnterEmail, Menu, State
from tests.screens.kiosk.samples import (
    CODE,
    EMAIL,
    REGISTER,
    ROUTE,
    ROUTES,
    UNLOCK,
    VISIT,
    VISIT_ID,
    samples,
)
from tests.support.steps import STEP, offers

_SAMPLES = samples()
MENU = Menu(VISIT, offers(Purpose.UNLOCK, Purpose.CHANGE_PIN))
FRESH = CodeEntry(UNLOCK, replace(CODE, resend_in_s=0.0))
PIN = PinEntered(VISIT_ID, Sensitive("604918"))
STOP_NUMBER = StopNumberEntered(VISIT_ID, Sensitive("123456789012"))
CODE_GIVEN = EntryMade(VISIT_ID, Code(Sensitive("40718263")))
SAVED_TYPED = EntryMade(VISIT_ID, EnteredSavedCode(Sensitive("7K7Qf-2m9X4-trdoa")))
SAVED_GIVEN = EntryMade(VISIT_ID, EnteredSavedCode(Sensitive("7k7qf2m9x4trd0a")))
WAITS = replace(UNLOCK, instead=offers(Purpose.CHANGE_PIN))
WAITING = Menu(WAITS, WAITS.instead, waiting=Purpose.UNLOCK)
ELSE = SomethingElse(VISIT_ID)
LEFT, BACK = Left(VISIT_ID), WentBack(VISIT_ID)


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


def keys(page: State | str, pressed: str, *events: HolderSide) -> Story:
    """Return a story by keys; ``page``: its state, or the name of a sample with that state."""
    return Story(_state(page), tuple(pressed.split()), (), list(events))


def touches(page: State | str, touched: str, *events: HolderSide) -> Story:
    return Story(_state(page), (), tuple(touched.split("|")), list(events))


def _state(page: State | str) -> State:
    return _SAMPLES[page].state if isinstance(page, str) else page


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
    keys("confirm-owner", "enter enter"),
    keys("confirm-owner", "right enter", Confirmed(VISIT_ID)),
    keys("confirm-owner", "tab enter", Confirmed(VISIT_ID)),
    keys("confirm-owner", "down enter", Confirmed(VISIT_ID)),
    keys("confirm-owner", "left enter", LEFT),
    keys("confirm-owner", "up enter", LEFT),
    keys("confirm-owner", "left left enter", Confirmed(VISIT_ID)),
    keys("confirm-owner", "escape right enter", Confirmed(VISIT_ID)),
    keys("confirm-owner", "escape right left enter", LEFT),
    keys("confirm-owner", "escape up enter", MisuseNoticed(VISIT_ID)),
    keys("confirm-owner", "escape up down enter", LEFT),
    keys("confirm-owner", "right up enter", MisuseNoticed(VISIT_ID)),
    keys(MENU, "down down down right enter", MisuseNoticed(VISIT_ID)),
    keys(MENU, "down down down right up enter", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    keys("routes", "2", CodeAsked(VISIT_ID, ROUTES[1].id)),
    keys("routes", "down enter", CodeAsked(VISIT_ID, ROUTES[0].id)),
    keys("ways", "2", WayPicked(VISIT_ID, (Factor.EMAIL_CODE,))),
    keys("ways", "down enter", WayPicked(VISIT_ID, (Factor.QUESTIONS, Factor.EMAIL_CODE))),
    keys("pin", "6 0 4 9 1 8 enter", PIN),
    keys("pin", "6 0 4 enter"),
    keys("pin", "6 0 4 9 1 7 backspace 8 enter", PIN),
    keys("pin", "x 6 space 0 4 - 9 1 8 enter", PIN),
    keys("pin", "6 0 4 9 1 8 enter enter enter", PIN),
    keys("pin", "6 0 4 9 1 tab tab 8 enter", PIN),
    keys("pin", "6 0 4 9 1 8 escape enter", LEFT),
    keys("pin", "6 0 4 9 1 8 1 2 3 4 enter", PinEntered(VISIT_ID, Sensitive("60491812"))),
    keys(
        "pin-long",
        "4 8 2 9 1 5 0 4 8 2 enter",
        PinEntered(VISIT_ID, Sensitive("4829150482")),
    ),
    keys("pin-longest", "4 8 2 9 1 enter"),
    keys("pick-question", "2", QuestionPicked(VISIT_ID, 2)),
    keys("pick-question", "pagedown 1", QuestionPicked(VISIT_ID, 5)),
    keys("pick-question", "pageup 4", QuestionPicked(VISIT_ID, 20)),
    keys("pick-question", "down down enter", QuestionPicked(VISIT_ID, 2)),
    keys("pick-question", "5"),
    keys("pick-question-second", "1", QuestionPicked(VISIT_ID, 3)),
    keys("give-answer", "L i enter", answer("Li")),
    keys("give-answer", "S t space É enter", answer("St É")),
    keys("give-answer", "space space enter"),
    keys("give-answer", "f3 L i x backspace enter", answer("Li")),
    keys(
        "give-answer-problem",
        "L i enter enter",
        answer("Li"),
    ),
    keys("email", "enter", EmailEntered(VISIT_ID, EMAIL.suggested)),
    keys(EnterEmail(REGISTER, EMAIL, "a@b"), "c enter", EmailEntered(VISIT_ID, "a@bc")),
    keys("email", "ctrl+u a @ b enter", EmailEntered(VISIT_ID, "a@b")),
    keys("email", "tab tab tab enter c @ d enter", EmailEntered(VISIT_ID, "c@d")),
    keys("pin", "9 9 9 ctrl+u 6 0 4 9 1 8 enter", PIN),
    keys("new-pin-present", "6 0 4 9 1 8 enter"),
    keys("email-change", "enter"),
    keys("ask-question", "M i l l enter", answer("Mill")),
    keys("code", "4 0 7 1 8 2 6 enter"),
    keys("code", "4 0 7 1 8 2 6 3 enter", CODE_GIVEN),
    keys("code", "4 0 7 1 8 2 6 3 9 9 enter", CODE_GIVEN),
    keys(FRESH, "up enter", CodeAsked(VISIT_ID, ROUTE.id)),
    keys("code", "up enter", LEFT),
    keys("code", "up up enter", MisuseNoticed(VISIT_ID)),
    keys("code-resumed-else", "down enter", ELSE),
    keys("code-resumed-else", "down down enter", MisuseNoticed(VISIT_ID)),
    keys("code-needed-else", "down enter", ELSE),
    keys(WAITING, "1", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    keys(WAITING, "enter"),
    keys(WAITING, "tab tab enter", BACK),
    keys(WAITING, "escape enter", LEFT),
    keys(WAITING, "up enter", MisuseNoticed(VISIT_ID)),
    keys("saved-code", "7 K 7 Q f - 2 m 9 X 4 - t r d o a enter", SAVED_TYPED),
    keys("saved-code", "7 k 7 q f 2 m 9 x 4 t r d 0 enter"),
    keys("saved-code", "7 k 7 u f 2 m 9 x 4 t r d 0 a enter"),
    keys("saved-code", "k k 7 q f 2 m 9 x 4 t r d 0 a enter"),
    keys("saved-code", "7 k 7 q f 2 m 9 x 4 t r d 0 a a enter"),
    keys("saved-code", "enter tab enter", LEFT),
    keys("saved-codes", "enter enter"),
    keys("saved-codes", "right enter", CodesKept(VISIT_ID)),
    keys("saved-codes", "left enter", LEFT),
    keys("unlocked-saved-code", "enter", LEFT),
    keys("code-needed-expired", "enter", CodeAsked(VISIT_ID, ROUTE.id)),
    keys("code-needed-too-soon", "enter"),
    *(
        keys(state, f"{arrow} enter")
        for state in (
            "pin",
            "give-answer",
            "ask-question",
            "code",
            "new-pin",
        )
        for arrow in ("left", "right")
    ),
    keys("ask-question", "M i left right l l enter", answer("Mill")),
    keys("ask-question", "tab enter", LEFT),
    keys("ask-question-typed", "tab right enter", BACK),
    keys(FRESH, "down down right left enter", LEFT),
    keys("new-pin", "6 0 4 9 1 8 enter", PIN),
    keys("new-pin", "6 0 4 9 1 enter"),
    keys("new-pin", "1 1 1 1 1 1 enter"),
    keys("new-pin", "1 2 3 4 5 6 enter"),
    keys("new-pin", "3 1 1 2 8 4 enter"),
    keys("new-pin", "8 3 9 2 0 1 enter"),
    keys("repeat-pin", "6 0 4 9 1 8 enter", PIN),
    keys(
        "repeat-pin",
        "1 1 1 1 1 1 enter",
        PinEntered(VISIT_ID, Sensitive("111111")),
    ),
    keys("pad-new", "6 0 4 9 1 8 enter escape escape tab enter"),
    keys("pad-paused-cancelled", "6 0 4 9 1 8"),
    keys("pad-paused-cancelled", "enter", TriedAgain(VISIT_ID)),
    keys("pad-paused-cancelled", "escape enter", LEFT),
    keys("not-reached", "enter", TriedAgain(VISIT_ID)),
    keys("not-reached", "escape enter", LEFT),
    keys("success-unlock", "enter", LEFT),
    keys("refused-fault", "enter", LEFT),
    keys("still-there", "4 0 enter", Stayed(VISIT_ID)),
    keys("still-there", "escape escape", Stayed(VISIT_ID)),
    keys(
        "working-setting-pin",
        "enter escape 1 tab enter",
    ),
    keys("reading", "enter escape escape"),
    keys("remove-left", "enter escape escape"),
    keys("stop-number", "1 2 3 4 5 6 7 8 9 0 1 2 enter", STOP_NUMBER),
    keys("stop-number", "1 2 3 4 5 6 7 8 enter"),
    keys("stop-number", "escape enter", LEFT),
    keys("maintenance-reason", "2", ReasonPicked(VISIT_ID, MaintenanceReason.CARD_READER)),
    keys("maintenance-reason", "escape enter", LEFT),
    keys("maintenance-words", "k e y s enter", ReasonWritten(VISIT_ID, "keys")),
    keys("maintenance", "1", ActPicked(VISIT_ID, MaintenanceAct.TEST_READER)),
    keys("maintenance", "escape enter", LEFT),
    keys("maintenance-sure-switch-off", "enter enter"),
    keys("maintenance-sure-switch-off", "tab enter", Confirmed(VISIT_ID)),
    keys("maintenance-reader", "enter", BACK),
    keys("maintenance-begins-switch-off", "enter", LEFT),
    keys("attract", "enter escape escape 1 2 3"),
    keys("outage-no-reader", "enter escape escape"),
]


TOUCHES = [
    touches(MENU, "Change your PIN", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    touches(MENU, "Stop", LEFT),
    touches("confirm-owner", "Yes, it is mine", Confirmed(VISIT_ID)),
    touches("confirm-owner", "No, stop", LEFT),
    touches("pin", "6|0|4|9|1|8|Continue", PIN),
    touches("pin", "6|0|5|←|4|9|1|8|Continue", PIN),
    touches("pin", "1|2|3|Clear|6|0|4|9|1|8|Continue", PIN),
    touches("pin", "6|0|Continue"),
    touches("pick-question", "More questions|cuddly toy", QuestionPicked(VISIT_ID, 5)),
    touches("pick-question-second", "Back", BACK),
    touches(
        "give-answer",
        "s|t|Space|i|x|←|v|e|s|Continue",
        answer("st ives"),
    ),
    touches(
        "ways",
        "My answers + Email I can read",
        WayPicked(VISIT_ID, (Factor.QUESTIONS, Factor.EMAIL_CODE)),
    ),
    touches("routes", "a•••@nhs.net", CodeAsked(VISIT_ID, ROUTES[1].id)),
    touches("routes-alike", "Back", WentBack(VISIT_ID)),
    touches("code-routes", "New code", RouteWanted(VISIT_ID)),
    touches("code-needed-routes", "New code", RouteWanted(VISIT_ID)),
    touches("ask-question-ways", "Back", WentBack(VISIT_ID)),
    touches("code-ways", "Choose another way", WentBack(VISIT_ID)),
    touches("code-needed-ways", "Choose another way", WentBack(VISIT_ID)),
    touches("give-answer", "Back", BACK),
    touches("give-answer", "F3 Hide|l|i|Continue", answer("li")),
    touches(EnterEmail(REGISTER, EMAIL, "a"), "@|b|.|c|Send code", EmailEntered(VISIT_ID, "a@b.c")),
    touches("ask-question", "F3 Show|m|i|l|l|Continue", answer("mill")),
    touches("ask-question-typed", "Back", BACK),
    touches("code", "4|0|7|1|8|2|6|3|Continue", CODE_GIVEN),
    touches(FRESH, "New code", CodeAsked(VISIT_ID, ROUTE.id)),
    touches("code", "New code in 0:42"),
    touches("code-resumed-else", "Do something else", ELSE),
    touches("code-needed-else", "Do something else", ELSE),
    touches(WAITING, "Change your PIN", Chose(VISIT_ID, Purpose.CHANGE_PIN)),
    touches(WAITING, "Back to the code", BACK),
    touches("saved-code", "7|k|7|q|f|2|m|9|x|4|t|r|d|0|a|Continue", SAVED_GIVEN),
    touches("saved-code", "Back", BACK),
    touches("saved-codes", "I have them", CodesKept(VISIT_ID)),
    touches("code-needed-expired", "New code", CodeAsked(VISIT_ID, ROUTE.id)),
    touches("new-pin", "6|0|4|9|1|8|Continue", PIN),
    touches("new-pin", "1|1|1|1|1|1|Continue"),
    touches("repeat-pin", "6|0|4|9|1|8|Continue", PIN),
    touches("repeat-pin", "Back", BACK),
    touches("pad-new", "To stop, press Cancel|Need help?"),
    touches("pad-paused-cancelled", "Try again", TriedAgain(VISIT_ID)),
    touches("pad-paused-cancelled", "Stop", LEFT),
    touches("not-reached", "Try again", TriedAgain(VISIT_ID)),
    touches("success-unlock", "Finish", LEFT),
    touches("refused-fault", "Finish|Finish", LEFT),
    touches("stop-number", "1|2|3|4|5|6|7|8|9|0|1|2|Stop self-service", STOP_NUMBER),
    touches("maintenance-reason", "the network", ReasonPicked(VISIT_ID, MaintenanceReason.NETWORK)),
    touches("maintenance-words", "k|e|y|s|Continue", ReasonWritten(VISIT_ID, "keys")),
    touches("maintenance-words", "Back", BACK),
    touches("maintenance", "Finish", LEFT),
    touches("maintenance-sure-switch-off", "Continue", Confirmed(VISIT_ID)),
    touches("maintenance-sure-switch-off", "Back", BACK),
    touches("maintenance-reader", "Back", BACK),
    touches("still-there", "Are you still there?", Stayed(VISIT_ID)),
    touches("still-there", "Need help?", Stayed(VISIT_ID)),
]


KEYPAD = [
    touches(
        "pin",
        "|".join([digit] * 4 + ["Continue"]),
        PinEntered(VISIT_ID, Sensitive(digit * 4)),
    )
    for digit in "0123456789"
]
LETTERS = "1234567890qwertyuiop-asdfghjkl'&zxcvbnm."
KEYBOARDS = [
    touches("give-answer", "|".join([*LETTERS, "Continue"]), answer(LETTERS)),
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
