"""One sample of every page, and of its variants, with the longest honest data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from msgspec.structs import replace

from kiosk.contract.messages import (
    Answer,
    AnswerProblem,
    AnswerQuestions,
    CardId,
    ChooseQuestions,
    ChooseWay,
    EnterCode,
    EnterSavedCode,
    EnterStopNumber,
    Factor,
    FactorEnd,
    GiveEmail,
    KeepSavedCodes,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    OnPad,
    PinFormat,
    PinRules,
    Position,
    Purpose,
    Question,
    ReadFault,
    Reason,
    Route,
    RouteId,
    SendCode,
    VisitId,
)
from kiosk.contract.ports import CardAddress, CardCheck
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import ChangePin, Prepare, UnblockPin, VerifyPin
from kiosk.station.machine import AuthorityAddress, EndingAct, NetworkState
from kiosk.station.states import (
    ActDone,
    ActResult,
    AskQuestion,
    Attract,
    CodeEntry,
    CodeLack,
    CodeNeeded,
    CodeNotice,
    ConfirmAct,
    ConfirmOwner,
    EmailFault,
    Ending,
    EnterEmail,
    EnterPin,
    GiveAnswer,
    Maintenance,
    Menu,
    NetworkReport,
    NewPin,
    NotDone,
    NotReached,
    Outage,
    OutOfService,
    PadNotice,
    PadPaused,
    PickQuestion,
    PickReason,
    PickRoute,
    PickWay,
    PinFault,
    PulledFrom,
    ReaderTest,
    Reading,
    Refused,
    RemovalReason,
    RemoveCard,
    RepeatPin,
    SavedCodeEntry,
    SavedCodesShown,
    State,
    StillThere,
    StopNumberEntry,
    Success,
    VisitState,
    Work,
    Working,
    WriteReason,
)
from tests.support.steps import STEP, offers

VISIT_ID = VisitId("5fa3c9017b6e4d2a8c10e4d9b7a6f321")
AT = CardAddress("Reader 0", CardId("piv", "00112233445566778899aabbccddeeff"))
VISIT = VisitState(VISIT_ID, AT, "Anneliese Featherstonehaugh-Patel")
REGISTER = replace(VISIT, purpose=Purpose.REGISTER)
UNLOCK = replace(VISIT, purpose=Purpose.UNLOCK)
FIRST_UNLOCK = replace(VISIT, purpose=Purpose.FIRST_UNLOCK)
UNLOCKED = replace(REGISTER, unlocked=True)
CHANGE_PIN = replace(VISIT, purpose=Purpose.CHANGE_PIN)
REPORT = replace(VISIT, purpose=Purpose.REPORT_MISUSE)
CHANGE_EMAIL = replace(VISIT, purpose=Purpose.CHANGE_EMAIL)
ADD_ADDRESS = replace(VISIT, purpose=Purpose.ADD_ADDRESS)
SAVING = replace(VISIT, purpose=Purpose.SAVED_CODES)
MAINTENANCE = replace(VISIT, purpose=Purpose.MAINTENANCE)

_BANK = (
    "What was the name of the first street that you remember living in?",
    "What was the surname of the teacher you liked best at primary school?",
    "In which town or village did your grandparents live when you were small?",
    "What was the first concert or show that you went to see by yourself?",
    "What was the name of your first cuddly toy?",
    "What did you want to be when you were ten years old?",
    "What was the make and colour of the first car you drove?",
    "What was the first name of your best friend at secondary school?",
    "Where did you go on your first journey abroad?",
    "What was the title of the first book that you read twice?",
    "What was your first job, and where was it?",
    "What was the nickname that only your family used for you?",
    "Which dish did your grandmother or grandfather cook best?",
    "What was the name of the shop nearest to your childhood home?",
    "What is the first name of the person who taught you to drive?",
    "What was the number and street of your first flat?",
    "Which song was played most in your home when you were a child?",
    "What was the name of a pet that a neighbour kept?",
    "What was the first thing that you saved up to buy?",
    "Which place did you most often visit on a day out as a child?",
)
BANK = tuple(Question(number, text) for number, text in enumerate(_BANK, 1))
CHOOSE = ChooseQuestions(BANK, 4, position=STEP)
ASKED = AnswerQuestions((BANK[1], BANK[2], BANK[6]), attempts_left=3, position=STEP)
EMAIL = GiveEmail(
    "anneliese.featherstonehaugh@wexbridge.nhs.uk",
    ("nhs.net", "nhs.uk", "gov.uk", "mod.uk"),
    position=STEP,
)
ROUTE = Route(RouteId("a" * 32), "a•••@wexbridge.nhs.uk")
CODE = EnterCode(ROUTE, (ROUTE,), 8, 872.0, 42.0, 5, position=STEP)
SEND = SendCode((ROUTE,), position=STEP)
ROUTES = (ROUTE, Route(RouteId("b" * 32), "a•••@nhs.net"))
NUMBER = Route(RouteId("e" * 32), "•••56", by_text=True)
NUMBERS = (ROUTE, NUMBER)
ALIKE = (
    Route(RouteId("a" * 32), "a•••@wexbridge.nhs.uk (1)"),
    Route(RouteId("b" * 32), "a•••@wexbridge.nhs.uk (2)"),
    Route(RouteId("c" * 32), "k•••@nhs.net"),
    Route(RouteId("d" * 32), "a•••@community-services.trust.nhs.uk"),
)
STOP = EnterStopNumber(12, 5)
LONG_PIN = replace(REGISTER, pin_format=PinFormat(4, 16, 4, letters=True))
LONGEST_PIN = replace(REGISTER, pin_format=PinFormat(6, 127, 6, letters=True))
RULES = PinRules(6, 8, ("504839201746",))
SECRET = Sensitive("604918")


PAD = OnPad(6, 8)
VERIFY_ON_PAD = VerifyPin(VISIT_ID, AT, PAD)
UNBLOCK_ON_PAD = UnblockPin(VISIT_ID, AT, PAD, "1")
CHANGE_ON_PAD = ChangePin(VISIT_ID, AT, PAD, PAD)


def _given(count: int) -> tuple[Answer, ...]:
    return tuple(Answer(question.id, Sensitive("—")) for question in BANK[:count])


@dataclass(frozen=True)
class Sample:
    """A state, the keys that are pressed on it, and the look that it is seen with."""

    state: State
    keys: tuple[str, ...] = ()
    touch: bool = True
    dark: bool = False


def _offers(*purposes: Purpose) -> Menu:
    return Menu(VISIT, offers(*purposes))


_STEPS = {
    Purpose.REGISTER: 4,
    Purpose.UNLOCK: 4,
    Purpose.FIRST_UNLOCK: 7,
    Purpose.CHANGE_PIN: 2,
    Purpose.CHANGE_EMAIL: 3,
    Purpose.ADD_ADDRESS: 3,
    Purpose.SAVED_CODES: 2,
}


def _at(step: int, visit: VisitState) -> VisitState:
    """Return ``visit`` at one of its steps, by the usual policy."""
    assert visit.purpose is not None
    of = Purpose.FIRST_UNLOCK if visit.unlocked else visit.purpose
    return replace(visit, position=Position(step, _STEPS[of]))


def _tried(*, signs: bool, days: int) -> VisitState:
    """Return a visit whose card was tried out; it expires ``days`` after the pictures are taken."""
    expires = datetime(2026, 7, 15, tzinfo=UTC) + timedelta(days=days)
    return replace(UNLOCK, check=CardCheck(signs, expires))


_ALL_BUT_REGISTER = (
    Purpose.UNLOCK,
    Purpose.CHANGE_PIN,
    Purpose.CHANGE_QUESTIONS,
    Purpose.CHANGE_EMAIL,
)
_CHOOSE_WAY = ChooseWay(
    ((Factor.QUESTIONS, Factor.EMAIL_CODE), (Factor.EMAIL_CODE,)), position=Position(2, 4)
)
_CHOOSE_SAVED = ChooseWay(
    (
        (Factor.QUESTIONS, Factor.EMAIL_CODE),
        (Factor.SAVED_CODE, Factor.EMAIL_CODE),
        (Factor.QUESTIONS, Factor.SAVED_CODE, Factor.EMAIL_CODE),
    ),
    position=Position(2, 4),
)
_WAYS = replace(_at(2, UNLOCK), ways=_CHOOSE_WAY)
_ENTER_SAVED = EnterSavedCode(2, position=Position(3, 5))
_DRAWN = "7K7QF2M9X4TRD0", "V3HC8WZ1JS5N6E", "0P4GBY9R2XKQ7M", "TA6D3F8VJ1W5CH", "ZN9E2S4K7YB0GR"
_SHOWN = KeepSavedCodes(
    tuple(Sensitive(f"{digit}{drawn}") for digit, drawn in enumerate(_DRAWN, 1)), position=STEP
)
_NINE_SHOWN = KeepSavedCodes(
    tuple(Sensitive(f"{digit}{drawn}") for digit, drawn in enumerate((*_DRAWN, *_DRAWN[1:]), 1)),
    position=STEP,
)
_CODE_ENTRY = CodeEntry(_at(3, UNLOCK), CODE)
_ADDRESS = EnterEmail(_at(3, REGISTER), EMAIL, EMAIL.suggested)
_WAITS = replace(_at(3, UNLOCK), instead=offers(*_ALL_BUT_REGISTER[1:]))
"""Came back to a code, and may choose something else."""
_GIVEN = replace(CODE, sent_to=None, resend_in_s=0.0)
_FIRST = replace(_GIVEN, routes=())
_TROUBLED = replace(ROUTE, may_fail=True)
_MAY_FAIL = replace(CODE, sent_to=_TROUBLED, routes=(_TROUBLED,), resend_in_s=0.0)
_SLOW = replace(CODE, mail_takes_s=247.0, resend_in_s=0.0)

MAINTAIN = Maintain("wexbridge-general-hospital-front-desk", datetime(2026, 7, 14, tzinfo=UTC))
ACTS = Maintenance(MAINTENANCE, MAINTAIN, MaintenanceReason.CHECK)
_READER = "HID Global OMNIKEY 3x21 Smart Card Reader [OMNIKEY 3x21 Smart Card Reader] 00 00"
_ADDRESSES = (
    AuthorityAddress("authority-north.kiosk.wexbridge.nhs.uk:8443", ""),
    AuthorityAddress("authority-south.kiosk.wexbridge.nhs.uk:8443", ""),
)


def _came_of(result: ActResult) -> ActDone:
    return ActDone(MAINTENANCE, ACTS, result)


def _network(*addresses: AuthorityAddress) -> NetworkReport:
    ends = datetime(2026, 9, 1, 12, tzinfo=UTC) if addresses else None
    now = datetime(2026, 7, 14, 16, 24, 30, tzinfo=UTC)
    return NetworkReport(NetworkState(addresses, ends), now, ahead_s=184.0 if addresses else 0.1)


_STORY: Mapping[str, Sample] = {
    "attract": Sample(Attract()),
    "outage-pulled": Sample(OutOfService(Outage.AUTHORITY_AWAY, PulledFrom.UNBLOCK)),
    "attract-dark": Sample(Attract(), dark=True),
    "reading": Sample(Reading(VISIT_ID, "Reader 0")),
    "reading-busy": Sample(Reading(VISIT_ID, "Reader 0", repeats=1)),
    "working-busy": Sample(
        Working(
            _at(2, UNLOCK),
            Work.CHECKING_ANSWERS,
            Prepare(VISIT_ID, "1", Factor.EMAIL_CODE, ROUTE.id),
            None,
            repeats=1,
        )
    ),
    "menu-unregistered": Sample(_offers(Purpose.REGISTER)),
    "menu-registered": Sample(_offers(*_ALL_BUT_REGISTER)),
    "menu-chosen": Sample(_offers(*_ALL_BUT_REGISTER), ("down", "down")),
    "menu-five": Sample(_offers(Purpose.REGISTER, *_ALL_BUT_REGISTER)),
    "menu-blocked": Sample(replace(_offers(Purpose.CHANGE_PIN), blocked=True)),
    "menu-dark": Sample(_offers(*_ALL_BUT_REGISTER), ("down",), dark=True),
    "confirm-owner": Sample(ConfirmOwner(_at(1, UNLOCK))),
    "confirm-owner-locked": Sample(ConfirmOwner(_at(1, UNLOCK), locked=True)),
    "confirm-owner-chosen": Sample(ConfirmOwner(_at(1, UNLOCK)), ("right",)),
    "pin": Sample(EnterPin(_at(1, REGISTER))),
    "pin-missing": Sample(EnterPin(_at(1, CHANGE_PIN)), ("enter",)),
    "pin-typed": Sample(EnterPin(_at(1, CHANGE_PIN)), tuple("604918")),
    "pin-wrong": Sample(EnterPin(_at(1, REGISTER), wrong=True, tries_left=2)),
    "pin-wrong-uncounted": Sample(EnterPin(_at(1, REGISTER), wrong=True)),
    "pin-keys-only": Sample(EnterPin(_at(1, REGISTER)), tuple("604"), touch=False),
    "pin-long": Sample(EnterPin(_at(1, LONG_PIN))),
    "pin-long-typed": Sample(EnterPin(_at(1, LONG_PIN)), tuple("6049183752046")),
    "pin-long-letter": Sample(EnterPin(_at(1, LONG_PIN)), tuple("604a"), touch=False),
    "pin-long-wrong": Sample(EnterPin(_at(1, LONG_PIN), wrong=True, tries_left=2)),
    "pin-longest": Sample(EnterPin(_at(1, LONGEST_PIN)), tuple("6049183752" * 6)),
    "pin-dark": Sample(
        EnterPin(_at(1, REGISTER), wrong=True, tries_left=1), tuple("60"), dark=True
    ),
    "pick-question": Sample(PickQuestion(_at(2, REGISTER), CHOOSE)),
    "pick-question-second": Sample(
        PickQuestion(_at(2, REGISTER), CHOOSE, _given(2)), ("pagedown", "down")
    ),
    "pick-question-last": Sample(PickQuestion(_at(2, REGISTER), CHOOSE, _given(3)), ("pageup",)),
    "pick-question-keys-only": Sample(PickQuestion(_at(2, REGISTER), CHOOSE), touch=False),
    "give-answer": Sample(GiveAnswer(_at(2, REGISTER), CHOOSE, _given(1), BANK[2])),
    "give-answer-typed": Sample(
        GiveAnswer(_at(2, REGISTER), CHOOSE, _given(1), BANK[2]), tuple("Little Wexbridge")
    ),
    "give-answer-hidden": Sample(
        GiveAnswer(_at(2, REGISTER), CHOOSE, (), BANK[2]), (*"Wexbridge", "f3")
    ),
    "give-answer-long": Sample(
        GiveAnswer(_at(2, REGISTER), CHOOSE, (), BANK[2]), tuple("abcdefghi " * 8)
    ),
    "give-answer-problem": Sample(
        GiveAnswer(_at(2, REGISTER), CHOOSE, _given(1), BANK[2], AnswerProblem.SAME_AS_ANOTHER)
    ),
    "give-answer-keys-only": Sample(GiveAnswer(_at(2, REGISTER), CHOOSE, (), BANK[0]), touch=False),
    "give-answer-dark": Sample(
        GiveAnswer(_at(2, REGISTER), CHOOSE, (), BANK[0]), tuple("Mill"), dark=True
    ),
    "email": Sample(EnterEmail(_at(3, REGISTER), EMAIL)),
    "email-change": Sample(
        EnterEmail(_at(2, CHANGE_EMAIL), GiveEmail("", EMAIL.domains, position=STEP))
    ),
    "email-domain": Sample(
        EnterEmail(_at(3, REGISTER), EMAIL, "anna@example.com", EmailFault.DOMAIN)
    ),
    "email-malformed": Sample(EnterEmail(_at(3, REGISTER), EMAIL, "anna", EmailFault.MALFORMED)),
    "email-refused": Sample(
        EnterEmail(_at(3, REGISTER), EMAIL, EMAIL.suggested, EmailFault.REFUSED)
    ),
    "email-keys-only": Sample(EnterEmail(_at(3, REGISTER), EMAIL), touch=False),
    "ask-question": Sample(AskQuestion(_at(2, UNLOCK), ASKED)),
    "ask-question-typed": Sample(
        AskQuestion(_at(2, UNLOCK), ASKED, _given(1)), tuple("Little Wexbridge")
    ),
    "ask-question-shown": Sample(AskQuestion(_at(2, UNLOCK), ASKED), (*"Ellwood", "f3")),
    "ask-question-missing": Sample(AskQuestion(_at(2, UNLOCK), ASKED), ("enter",)),
    "ask-question-wrong": Sample(
        AskQuestion(_at(2, UNLOCK), replace(ASKED, attempts_left=1), (), wrong=True)
    ),
    "ask-question-keys-only": Sample(AskQuestion(_at(2, UNLOCK), ASKED), touch=False),
    "code": Sample(_CODE_ENTRY, tuple("4071")),
    "code-resumed": Sample(replace(_CODE_ENTRY, resumed=True)),
    "code-resumed-else": Sample(CodeEntry(_WAITS, CODE, resumed=True), ("down",)),
    "code-resumed-register": Sample(
        CodeEntry(
            replace(_at(4, REGISTER), instead=offers(Purpose.REGISTER, Purpose.CHANGE_PIN)),
            replace(CODE, tries_left=3),
            resumed=True,
        )
    ),
    "code-resumed-email": Sample(
        CodeEntry(
            replace(_at(3, CHANGE_EMAIL), instead=offers(*_ALL_BUT_REGISTER)), CODE, resumed=True
        )
    ),
    "code-too-soon": Sample(
        CodeEntry(
            _at(4, REGISTER),
            replace(CODE, tries_left=4),
            CodeNotice.TOO_SOON,
            entered_on=_ADDRESS,
        )
    ),
    "code-resumed-wrong": Sample(CodeEntry(_WAITS, CODE, wrong=True)),
    "menu-waiting": Sample(
        Menu(replace(_WAITS, position=None), _WAITS.instead, waiting=Purpose.UNLOCK)
    ),
    "menu-waiting-address": Sample(
        Menu(
            replace(_WAITS, position=None),
            offers(*_ALL_BUT_REGISTER),
            waiting=Purpose.CHANGE_EMAIL,
        )
    ),
    "code-missing": Sample(_CODE_ENTRY, (*"40", "enter")),
    "code-register": Sample(
        CodeEntry(_at(4, REGISTER), replace(CODE, resend_in_s=0.0), entered_on=_ADDRESS)
    ),
    "code-register-wrong": Sample(
        CodeEntry(_at(4, REGISTER), CODE, wrong=True, entered_on=_ADDRESS), ("down",)
    ),
    "code-register-mail-away": Sample(
        CodeNeeded(_at(4, REGISTER), SEND, CodeLack.MAIL_AWAY, entered_on=_ADDRESS)
    ),
    "code-wrong": Sample(
        CodeEntry(_at(3, UNLOCK), replace(CODE, tries_left=2), wrong=True), tuple("40718")
    ),
    "code-long-wait": Sample(CodeEntry(_at(3, UNLOCK), replace(CODE, resend_in_s=2057.0))),
    "code-mail-away": Sample(CodeEntry(_at(3, UNLOCK), CODE, CodeNotice.MAIL_AWAY)),
    "code-over": Sample(
        CodeEntry(_at(3, UNLOCK), replace(CODE, expires_in_s=0.0, resend_in_s=0.0))
    ),
    "code-ten-digits": Sample(
        CodeEntry(_at(3, UNLOCK), replace(CODE, digits=10)), tuple("1234567")
    ),
    "code-six-digits": Sample(CodeEntry(_at(3, UNLOCK), replace(CODE, digits=6)), tuple("123456")),
    "code-keys-only": Sample(_CODE_ENTRY, tuple("40718263"), touch=False),
    "stop-number": Sample(StopNumberEntry(REPORT, STOP), tuple("1234")),
    "stop-number-wrong": Sample(
        StopNumberEntry(REPORT, replace(STOP, tries_left=4), wrong=True), tuple("12345678")
    ),
    "stopped": Sample(Success(REPORT, Purpose.REPORT_MISUSE)),
    "code-given": Sample(CodeEntry(_at(3, UNLOCK), _GIVEN), tuple("4071")),
    "code-given-wrong": Sample(
        CodeEntry(_at(3, UNLOCK), replace(_GIVEN, tries_left=2, resend_in_s=42.0), wrong=True)
    ),
    "code-given-over": Sample(CodeEntry(_at(3, UNLOCK), replace(_GIVEN, expires_in_s=0.0))),
    "code-given-keys-only": Sample(CodeEntry(_at(3, UNLOCK), _GIVEN), tuple("4071"), touch=False),
    "code-first": Sample(CodeEntry(_at(2, FIRST_UNLOCK), _FIRST), tuple("4071")),
    "code-first-wrong": Sample(
        CodeEntry(_at(2, FIRST_UNLOCK), replace(_FIRST, tries_left=2), wrong=True)
    ),
    "pin-first": Sample(EnterPin(_at(4, UNLOCKED))),
    "menu-first": Sample(_offers(Purpose.FIRST_UNLOCK, Purpose.REGISTER, Purpose.CHANGE_PIN)),
    "code-dark": Sample(_CODE_ENTRY, tuple("4071"), dark=True),
    "code-needed-expired": Sample(CodeNeeded(_at(3, UNLOCK), SEND, CodeLack.EXPIRED)),
    "code-needed-else": Sample(CodeNeeded(_WAITS, SEND, CodeLack.SPENT, 31.0)),
    "code-needed-spent": Sample(CodeNeeded(_at(3, UNLOCK), SEND, CodeLack.SPENT, 31.0)),
    "code-needed-withdrawn": Sample(CodeNeeded(_at(3, UNLOCK), SEND, CodeLack.WITHDRAWN)),
    "code-needed-moved": Sample(CodeNeeded(_at(3, UNLOCK), SEND, CodeLack.MOVED)),
    "code-needed-mail-away": Sample(CodeNeeded(_at(3, UNLOCK), SEND, CodeLack.MAIL_AWAY)),
    "code-needed-too-soon": Sample(CodeNeeded(_at(3, UNLOCK), SEND, CodeLack.TOO_SOON, 1800.0)),
    "new-pin": Sample(NewPin(_at(4, UNLOCK), RULES)),
    "new-pin-half": Sample(NewPin(_at(4, UNLOCK), RULES), tuple("1234567")),
    "new-pin-good": Sample(NewPin(_at(4, UNLOCK), RULES), tuple("604918")),
    "new-pin-present": Sample(NewPin(_at(2, CHANGE_PIN), RULES, SECRET), (*"604918", "enter")),
    "new-pin-mismatch": Sample(NewPin(_at(4, UNLOCK), RULES, fault=PinFault.MISMATCH)),
    "new-pin-history": Sample(NewPin(_at(2, CHANGE_PIN), RULES, SECRET, PinFault.CARD_HISTORY)),
    "new-pin-keys-only": Sample(NewPin(_at(4, UNLOCK), RULES), tuple("11112"), touch=False),
    "new-pin-dark": Sample(NewPin(_at(4, UNLOCK), RULES), tuple("1111"), dark=True),
    "ways": Sample(PickWay(_WAYS, _CHOOSE_WAY), ("down",)),
    "ways-over": Sample(PickWay(_WAYS, _CHOOSE_WAY, FactorEnd.SPENT)),
    "ways-saved-codes": Sample(PickWay(_WAYS, _CHOOSE_SAVED), ("down",)),
    "ask-question-ways": Sample(AskQuestion(_WAYS, ASKED)),
    "code-ways": Sample(CodeEntry(_WAYS, CODE), ("down",)),
    "code-ways-wrong": Sample(CodeEntry(_WAYS, CODE, wrong=True)),
    "code-needed-ways": Sample(CodeNeeded(_WAYS, SEND, CodeLack.EXPIRED)),
    "routes": Sample(PickRoute(_at(3, UNLOCK), replace(SEND, routes=ROUTES)), ("down",)),
    "routes-alike": Sample(
        PickRoute(
            _at(3, UNLOCK),
            replace(CODE, routes=ALIKE),
            CodeEntry(_at(3, UNLOCK), replace(CODE, routes=ALIKE)),
        )
    ),
    "code-slow": Sample(CodeEntry(_at(3, UNLOCK), _SLOW)),
    "code-slow-wrong": Sample(CodeEntry(_at(3, UNLOCK), _SLOW, wrong=True)),
    "code-slow-routes": Sample(CodeEntry(_at(3, UNLOCK), replace(_SLOW, routes=ROUTES))),
    "code-may-fail": Sample(CodeEntry(_at(3, UNLOCK), _MAY_FAIL)),
    "code-may-fail-wrong": Sample(CodeEntry(_at(3, UNLOCK), _MAY_FAIL, wrong=True)),
    "code-may-fail-routes": Sample(
        CodeEntry(_at(3, UNLOCK), replace(_MAY_FAIL, routes=(_TROUBLED, ROUTES[1])))
    ),
    "routes-may-fail": Sample(
        PickRoute(_at(3, UNLOCK), replace(SEND, routes=(_TROUBLED, ROUTES[1])))
    ),
    "code-routes": Sample(CodeEntry(_at(3, UNLOCK), replace(CODE, routes=ROUTES, resend_in_s=0.0))),
    "code-needed-routes": Sample(
        CodeNeeded(_at(3, UNLOCK), replace(SEND, routes=ROUTES), CodeLack.EXPIRED)
    ),
    "routes-by-text": Sample(PickRoute(_at(3, UNLOCK), replace(SEND, routes=NUMBERS)), ("down",)),
    "code-by-text": Sample(
        CodeEntry(
            _at(3, UNLOCK),
            replace(CODE, sent_to=NUMBER, routes=NUMBERS, expires_in_s=572.0),
        )
    ),
    "code-needed-by-text": Sample(
        CodeNeeded(_at(3, UNLOCK), replace(SEND, routes=NUMBERS), CodeLack.MAIL_AWAY)
    ),
    "code-needed-refused": Sample(
        CodeNeeded(_at(3, UNLOCK), replace(SEND, routes=NUMBERS), CodeLack.REFUSED)
    ),
    "saved-code": Sample(SavedCodeEntry(_WAYS, _ENTER_SAVED), tuple("7k7qf 2m9x4")),
    "saved-code-missing": Sample(SavedCodeEntry(_WAYS, _ENTER_SAVED), (*"7k7qf", "enter")),
    "saved-code-unclear": Sample(SavedCodeEntry(_WAYS, _ENTER_SAVED), (*"7k7uf", "enter")),
    "saved-code-wrong": Sample(SavedCodeEntry(_WAYS, _ENTER_SAVED, wrong=True)),
    "saved-code-keys-only": Sample(
        SavedCodeEntry(_at(2, UNLOCK), _ENTER_SAVED), tuple("7k7qf"), touch=False
    ),
    "saved-codes": Sample(SavedCodesShown(_at(2, SAVING), _SHOWN)),
    "saved-codes-enter": Sample(SavedCodesShown(_at(2, SAVING), _SHOWN), ("enter",)),
    "saved-codes-nine": Sample(SavedCodesShown(_at(2, SAVING), _NINE_SHOWN), ("right",)),
    "saved-codes-dark": Sample(SavedCodesShown(_at(2, SAVING), _SHOWN), dark=True),
    "registered-saved-codes": Sample(Success(REGISTER, Purpose.REGISTER, saved_codes=True)),
    "registered-saved-codes-later": Sample(
        Success(REGISTER, Purpose.REGISTER, counts_in_s=86_400.0, saved_codes=True)
    ),
    "saved-codes-kept": Sample(Success(SAVING, Purpose.SAVED_CODES)),
    "unlocked-saved-code": Sample(
        Success(UNLOCK, Purpose.UNLOCK, saved_code=Sensitive("77K7QF2M9X4TRD0"))
    ),
    "menu-saved-codes": Sample(_offers(*_ALL_BUT_REGISTER, Purpose.SAVED_CODES)),
    "menu-waiting-saved-codes": Sample(
        Menu(
            replace(_WAITS, position=None),
            offers(*_ALL_BUT_REGISTER, Purpose.SAVED_CODES),
            waiting=Purpose.CHANGE_EMAIL,
        )
    ),
    "menu-waiting-officer": Sample(
        Menu(
            replace(_WAITS, position=None),
            offers(*_ALL_BUT_REGISTER, Purpose.SAVED_CODES, Purpose.MAINTENANCE),
            waiting=Purpose.CHANGE_EMAIL,
        )
    ),
    "menu-further": Sample(_offers(*_ALL_BUT_REGISTER, Purpose.ADD_ADDRESS, Purpose.SAVED_CODES)),
    "menu-seven": Sample(
        _offers(*_ALL_BUT_REGISTER, Purpose.ADD_ADDRESS, Purpose.SAVED_CODES, Purpose.MAINTENANCE)
    ),
    "menu-further-officer": Sample(
        Menu(
            replace(_WAITS, position=None),
            offers(
                *_ALL_BUT_REGISTER, Purpose.ADD_ADDRESS, Purpose.SAVED_CODES, Purpose.MAINTENANCE
            ),
            waiting=Purpose.CHANGE_EMAIL,
        )
    ),
    "email-further": Sample(
        EnterEmail(_at(2, ADD_ADDRESS), GiveEmail("", EMAIL.domains, position=STEP))
    ),
    "email-further-wrong": Sample(
        EnterEmail(
            _at(2, ADD_ADDRESS),
            GiveEmail("", EMAIL.domains, position=STEP),
            "anna@example.com",
            EmailFault.DOMAIN,
        )
    ),
    "further-later": Sample(Success(ADD_ADDRESS, Purpose.ADD_ADDRESS, counts_in_s=86_400.0)),
    "menu-officer-saved-codes": Sample(
        _offers(*_ALL_BUT_REGISTER, Purpose.SAVED_CODES, Purpose.MAINTENANCE)
    ),
    "repeat-pin": Sample(RepeatPin(_at(4, UNLOCK), RULES, SECRET), tuple("6049")),
    "repeat-pin-keys-only": Sample(RepeatPin(_at(4, UNLOCK), RULES, SECRET), touch=False),
    "menu-officer": Sample(_offers(*_ALL_BUT_REGISTER, Purpose.MAINTENANCE)),
    "maintenance-reason": Sample(PickReason(MAINTENANCE, MAINTAIN), ("down",)),
    "maintenance-words": Sample(
        WriteReason(MAINTENANCE, MAINTAIN), tuple("the keys stick, ticket 4711")
    ),
    "maintenance-words-unclear": Sample(WriteReason(MAINTENANCE, MAINTAIN, unclear=True)),
    "maintenance-words-keys-only": Sample(WriteReason(MAINTENANCE, MAINTAIN), touch=False),
    "maintenance": Sample(ACTS),
    "maintenance-dark": Sample(ACTS, ("down", "down"), dark=True),
    "maintenance-reader": Sample(_came_of(ReaderTest(_READER, "piv", None))),
    "maintenance-reader-fault": Sample(_came_of(ReaderTest(_READER, "piv", ReadFault.NO_ANSWER))),
    "maintenance-network": Sample(_came_of(_network(*_ADDRESSES))),
    "maintenance-network-alone": Sample(_came_of(_network())),
    "maintenance-network-away": Sample(
        _came_of(_network(replace(_ADDRESSES[0], trouble="timed out"), *_ADDRESSES[1:]))
    ),
    "maintenance-not-done": Sample(
        _came_of(
            NotDone(
                MaintenanceAct.RESTART_MACHINE,
                "logind refuses: org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
            )
        )
    ),
    "pad-pin-long": Sample(Working(_at(1, LONG_PIN), Work.PIN_ON_PAD, VERIFY_ON_PAD, None)),
    "pad-pin": Sample(Working(_at(1, REGISTER), Work.PIN_ON_PAD, VERIFY_ON_PAD, None)),
    "pad-pin-unlocked": Sample(Working(_at(1, UNLOCKED), Work.PIN_ON_PAD, VERIFY_ON_PAD, None)),
    "pad-pin-dark": Sample(
        Working(_at(1, REGISTER), Work.PIN_ON_PAD, VERIFY_ON_PAD, None), dark=True
    ),
    "pad-new": Sample(
        Working(_at(4, UNLOCK), Work.NEW_PIN_ON_PAD, UNBLOCK_ON_PAD, None), tuple("604918")
    ),
    "pad-change": Sample(Working(_at(2, CHANGE_PIN), Work.CHANGE_ON_PAD, CHANGE_ON_PAD, None)),
    "pad-paused-wrong": Sample(
        PadPaused(
            _at(1, REGISTER), Work.PIN_ON_PAD, VERIFY_ON_PAD, None, PadNotice.WRONG, tries_left=2
        )
    ),
    "pad-paused-simple": Sample(
        PadPaused(
            _at(4, UNLOCK), Work.NEW_PIN_ON_PAD, UNBLOCK_ON_PAD, None, PinFault.CARD_COMPLEXITY
        )
    ),
    "pad-not-reached": Sample(
        NotReached(_at(4, UNLOCK), Work.NEW_PIN_ON_PAD, UNBLOCK_ON_PAD, None)
    ),
    "not-reached": Sample(
        NotReached(
            _at(3, UNLOCK),
            Work.SENDING_CODE,
            Prepare(VISIT_ID, "1", Factor.EMAIL_CODE, ROUTE.id),
            None,
        )
    ),
    "still-there": Sample(StillThere(_CODE_ENTRY)),
    "still-there-dark": Sample(StillThere(NewPin(_at(4, UNLOCK), RULES)), dark=True),
    "success-dark": Sample(Success(UNLOCK, Purpose.UNLOCK), dark=True),
    "success-signed": Sample(Success(_tried(signs=True, days=900), Purpose.UNLOCK)),
    "success-expires-soon": Sample(Success(_tried(signs=True, days=20), Purpose.UNLOCK)),
    "success-did-not-sign": Sample(Success(_tried(signs=False, days=20), Purpose.UNLOCK)),
    "refused-until": Sample(
        Refused(
            VISIT_ID,
            Reason.TOO_MANY_CODES,
            datetime(2026, 7, 14, 16, 24, 30, tzinfo=UTC),
        )
    ),
    "refused-until-tomorrow": Sample(
        Refused(
            VISIT_ID,
            Reason.ATTEMPTS_PAUSED,
            datetime(2026, 7, 15, 8, 10, tzinfo=UTC),
        )
    ),
    "refused-dark": Sample(Refused(VISIT_ID, Reason.REGISTRATION_BLOCKED), dark=True),
}


def _every_kind() -> dict[str, Sample]:
    """Return a sample for each member of the enumerations that pages speak about."""
    steps = {
        Work.PREPARING: 1,
        Work.CHECKING_ANSWERS: 2,
        Work.SENDING_CODE: 3,
        Work.CHECKING_CODE: 3,
        Work.SETTING_PIN: 4,
    }
    visits = ((work, _at(steps[work], UNLOCK) if work in steps else UNLOCK) for work in Work)
    working = (
        (
            f"working-{work}",
            Working(visit, work, Prepare(VISIT_ID, "1", Factor.EMAIL_CODE, ROUTE.id), None),
        )
        for work, visit in visits
        if not work.on_pad
    )
    paused = (
        (
            f"pad-paused-{why}",
            PadPaused(_at(4, UNLOCK), Work.NEW_PIN_ON_PAD, UNBLOCK_ON_PAD, None, why),
        )
        for why in PadNotice
        if why is not PadNotice.WRONG
    )
    outages = ((f"outage-{outage}", OutOfService(outage)) for outage in Outage)
    left = ((f"attract-pulled-{pulled}", Attract(pulled)) for pulled in PulledFrom)
    success = (
        (f"success-{purpose}", Success(replace(VISIT, purpose=purpose), purpose))
        for purpose in Purpose
    )
    refused = ((f"refused-{reason}", Refused(VISIT_ID, reason)) for reason in Reason)
    remove = ((f"remove-{reason}", RemoveCard(VISIT_ID, reason)) for reason in RemovalReason)
    acts: list[tuple[str, State]] = [
        (f"maintenance-{name}-{act}", state)
        for act in get_args(EndingAct)
        for name, state in (
            ("sure", ConfirmAct(MAINTENANCE, ACTS, act)),
            ("begins", _came_of(Ending(act, really=True))),
            ("only-said", _came_of(Ending(act, really=False))),
        )
    ]
    pairs: list[tuple[str, State]] = [
        *acts,
        *working,
        *paused,
        *outages,
        *left,
        *success,
        *refused,
        *remove,
    ]
    return {name: Sample(state) for name, state in pairs}


def samples() -> dict[str, Sample]:
    """Return every sample by name."""
    return {**_STORY, **_every_kind()}


def one_of_each() -> list[State]:
    """Return one state for each page."""
    first = {_page_of(sample.state): sample.state for sample in reversed(samples().values())}
    return list(first.values())


def _page_of(state: State) -> tuple[type[State], bool]:
    return type(state), isinstance(state, Working) and state.work.on_pad
