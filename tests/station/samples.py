"""One or more samples of every state, event and reply, for tests that walk all pairs."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from kiosk.contract.messages import (
    Answer,
    AnswerProblem,
    AnswerQuestions,
    Answers,
    AnswersRefused,
    CardId,
    CardReport,
    ChooseQuestions,
    ChooseWay,
    Code,
    CodeNotSent,
    EmailRefused,
    EnterCode,
    EnteredSavedCode,
    EnterSavedCode,
    EnterStopNumber,
    Factor,
    FactorEnd,
    FactorOver,
    FactorWrong,
    Finished,
    GiveEmail,
    KeepSavedCodes,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    MakeSavedCodes,
    OnPad,
    PinRules,
    PinState,
    ProvePin,
    Purpose,
    Question,
    Reason,
    Refusal,
    Reply,
    Route,
    RouteId,
    SendCode,
    SetPin,
    StopNumberWrong,
    VisitEnd,
    VisitId,
    VisitOpened,
)
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station import commands
from kiosk.station import events as e
from kiosk.station import states as s
from kiosk.station.commands import (
    ChangePin,
    Choose,
    DoMaintenance,
    PinCommand,
    Prepare,
    SaveQuestions,
    SubmitEmail,
    SubmitEntry,
    SubmitStopNumber,
    UnblockPin,
    VerifyPin,
)
from tests.support.steps import STEP, offers

ID = VisitId("0123456789abcdef0123456789abcdef")
OTHER = VisitId("f" * 32)
AT = CardAddress("Reader 0", CardId("piv", "00" * 16))
REPORT = CardReport(AT.card, PinState(blocked=True, tries_left=0))
VISIT = s.VisitState(ID, AT, "Asha Patel", Purpose.UNLOCK, position=STEP)
WAITS = replace(VISIT, instead=offers(Purpose.CHANGE_PIN, Purpose.CHANGE_EMAIL))
"""Came back to a code, and may choose something else."""
SAVING = replace(VISIT, purpose=Purpose.SAVED_CODES)
CHANGING = s.VisitState(ID, AT, "Asha Patel", Purpose.CHANGE_PIN, position=STEP)
PAD_VISIT, PAD_CHANGING = replace(VISIT, pin_pad=True), replace(CHANGING, pin_pad=True)
TYPED_CHANGE = replace(PAD_CHANGING, pad_changes=False)
"""The reader's keys take every PIN of this card, but cannot change it."""
PAD = OnPad(6, 8)
GOOD, OTHER_GOOD, WEAK = Sensitive("482916"), Sensitive("739184"), Sensitive("123456")
BANK = tuple(Question(i, f"Question number {i}?") for i in range(1, 7))
CHOOSE = ChooseQuestions(BANK, 3, position=STEP)
ASK = AnswerQuestions(BANK[:3], 3, position=STEP)
ROUTE = Route(RouteId("a" * 32), "a•••@nhs.net")
OTHER_ROUTE = Route(RouteId("b" * 32), "b•••@nhs.net")
CODE = EnterCode(ROUTE, (ROUTE,), 8, 900.0, 60.0, 5, position=STEP)
SEND = SendCode((ROUTE,), position=STEP)
CHOICE = (ROUTE, OTHER_ROUTE)
CODE_OF_TWO = replace(CODE, routes=CHOICE)
SEND_TO_ONE_OF_TWO = replace(SEND, routes=CHOICE)
SAVED = Sensitive("17K7QF2M9X4TRD0")
ENTER_SAVED = EnterSavedCode(3, position=STEP)
SHOWN = KeepSavedCodes((SAVED,), position=STEP)
STOPS = Sensitive("123456789012")
STOP = EnterStopNumber(12, 5)
EMAIL = GiveEmail("asha@nhs.net", ("nhs.net",), position=STEP)
RULES = PinRules()


def answer(question: int, text: str) -> Answer:
    return Answer(question, Sensitive(text))


TWO = (answer(1, "Grange"), answer(2, "Vane"))
THREE = (*TWO, answer(3, "Li"))


def working(command: object, back: s.HolderState | None, visit: s.VisitState = VISIT) -> s.Working:
    return s.Working(visit, s.Work.PREPARING, command, back)  # type: ignore[arg-type]


OFFICER = s.VisitState(ID, AT, "Sam Reed", Purpose.MAINTENANCE)
MAINTAIN = Maintain("front-desk", datetime(2026, 3, 2, 12, tzinfo=UTC))
REASONS = s.PickReason(OFFICER, MAINTAIN)
MAINTENANCE = s.Maintenance(OFFICER, MAINTAIN, MaintenanceReason.CHECK)
TESTED = s.ReaderTest("Reader 0", "piv", None)
GOING = s.Ending(MaintenanceAct.RESTART_MACHINE, really=True)

MAINTAINING = DoMaintenance(ID, AT, MaintenanceAct.TEST_READER, MaintenanceReason.CHECK, "", "m-1")

PIN_PAGE = s.EnterPin(VISIT)
LAST_ANSWER = s.GiveAnswer(VISIT, CHOOSE, TWO, BANK[2])
NEW_PIN = s.NewPin(VISIT, RULES)
ON_PAD = (
    s.Working(PAD_CHANGING, s.Work.PIN_ON_PAD, VerifyPin(ID, AT, PAD), s.EnterPin(CHANGING)),
    s.Working(PAD_VISIT, s.Work.NEW_PIN_ON_PAD, UnblockPin(ID, AT, PAD, "1"), NEW_PIN),
    s.Working(
        PAD_CHANGING, s.Work.CHANGE_ON_PAD, ChangePin(ID, AT, PAD, PAD), s.EnterPin(CHANGING)
    ),
)
"""The reader asks for a PIN on its own keys."""

WAY = (Factor.QUESTIONS, Factor.EMAIL_CODE)
WAYS = ChooseWay((WAY, (Factor.EMAIL_CODE,)), position=STEP)
OFFERED_WAYS = replace(VISIT, ways=WAYS)

STATES: tuple[s.State, ...] = (
    s.Attract(),
    s.Attract(s.PulledFrom.UNBLOCK, ID),
    s.OutOfService(s.Outage.NO_READER),
    s.OutOfService(s.Outage.AUTHORITY_AWAY, s.PulledFrom.CHANGE, ID),
    s.Reading(ID, "Reader 0"),
    s.Menu(replace(VISIT, position=None), offers(*Purpose)),
    s.ConfirmOwner(VISIT),
    PIN_PAGE,
    s.EnterPin(replace(VISIT, purpose=Purpose.REGISTER, unlocked=True)),
    s.PickQuestion(VISIT, CHOOSE),
    s.PickQuestion(VISIT, CHOOSE, TWO),
    s.GiveAnswer(VISIT, CHOOSE, (), BANK[0]),
    LAST_ANSWER,
    s.EnterEmail(VISIT, EMAIL),
    s.AskQuestion(VISIT, ASK),
    s.AskQuestion(VISIT, ASK, TWO),
    s.Menu(replace(WAITS, position=None), WAITS.instead, waiting=Purpose.UNLOCK),
    s.CodeEntry(VISIT, CODE),
    s.CodeEntry(WAITS, CODE, resumed=True),
    s.CodeEntry(VISIT, CODE, entered_on=s.EnterEmail(VISIT, EMAIL, "asha@nhs.net")),
    s.CodeNeeded(WAITS, SEND, s.CodeLack.SPENT),
    s.CodeNeeded(VISIT, SEND, s.CodeLack.EXPIRED),
    s.CodeNeeded(
        VISIT, SEND, s.CodeLack.MAIL_AWAY, 0.0, s.EnterEmail(VISIT, EMAIL, "asha@nhs.net")
    ),
    s.PickWay(OFFERED_WAYS, WAYS),
    s.AskQuestion(OFFERED_WAYS, ASK),
    s.CodeEntry(OFFERED_WAYS, CODE),
    s.CodeNeeded(OFFERED_WAYS, SEND, s.CodeLack.EXPIRED),
    s.PickRoute(VISIT, SEND_TO_ONE_OF_TWO),
    s.PickRoute(OFFERED_WAYS, SEND_TO_ONE_OF_TWO),
    s.PickRoute(VISIT, CODE_OF_TWO, s.CodeEntry(VISIT, CODE_OF_TWO)),
    s.PickRoute(
        VISIT, SEND_TO_ONE_OF_TWO, s.CodeNeeded(VISIT, SEND_TO_ONE_OF_TWO, s.CodeLack.EXPIRED)
    ),
    s.CodeEntry(VISIT, CODE_OF_TWO),
    s.CodeNeeded(VISIT, SEND_TO_ONE_OF_TWO, s.CodeLack.EXPIRED),
    s.SavedCodeEntry(OFFERED_WAYS, ENTER_SAVED),
    s.SavedCodesShown(SAVING, SHOWN),
    s.StopNumberEntry(VISIT, STOP),
    NEW_PIN,
    s.RepeatPin(VISIT, RULES, GOOD),
    s.RepeatPin(CHANGING, RULES, GOOD, OTHER_GOOD),
    REASONS,
    s.WriteReason(OFFICER, MAINTAIN),
    MAINTENANCE,
    s.ConfirmAct(OFFICER, MAINTENANCE, MaintenanceAct.SWITCH_OFF),
    s.ActDone(OFFICER, MAINTENANCE, TESTED),
    s.ActDone(OFFICER, MAINTENANCE, GOING),
    *(
        s.PadPaused(one.visit, one.work, one.command, one.back, why)
        for one in ON_PAD
        if isinstance(one.command, PinCommand)
        for why in (s.PadNotice.TIMEOUT, s.PadNotice.NOT_TAKEN)
    ),
    s.NotReached(VISIT, s.Work.SENDING_CODE, Prepare(ID, "1", Factor.EMAIL_CODE, ROUTE.id), None),
    s.StillThere(PIN_PAGE),
    s.Success(VISIT, Purpose.UNLOCK),
    s.Refused(ID, Reason.LEAVER),
    s.RemoveCard(ID, s.RemovalReason.LEFT),
    s.RemoveCard(ID, s.RemovalReason.OTHER_CARD),
    s.RemoveCard(ID, s.RemovalReason.OTHER_CARD, s.PulledFrom.UNBLOCK),
    working(Choose(ID, Purpose.REGISTER), None),
    working(Choose(ID, Purpose.CHANGE_PIN), None, TYPED_CHANGE),
    working(commands.ChooseWay(ID, WAY), s.PickWay(OFFERED_WAYS, WAYS), OFFERED_WAYS),
    working(VerifyPin(ID, AT, GOOD), PIN_PAGE, CHANGING),
    working(SaveQuestions(ID, THREE), LAST_ANSWER),
    working(SubmitEmail(ID, "asha@nhs.net", "1"), s.EnterEmail(VISIT, EMAIL)),
    working(SubmitEntry(ID, "a-1", Answers(THREE)), s.AskQuestion(VISIT, ASK)),
    working(Prepare(ID, "1", Factor.EMAIL_CODE, ROUTE.id), None),
    working(SubmitEntry(ID, "a-2", Code(Sensitive("12345678"))), s.CodeEntry(VISIT, CODE)),
    working(SubmitEntry(ID, "a-4", EnteredSavedCode(SAVED)), s.SavedCodeEntry(VISIT, ENTER_SAVED)),
    working(commands.MakeSavedCodes(ID), None, SAVING),
    working(commands.KeepSavedCodes(ID), s.SavedCodesShown(SAVING, SHOWN), SAVING),
    working(SubmitStopNumber(ID, "a-3", STOPS), s.StopNumberEntry(VISIT, STOP)),
    working(UnblockPin(ID, AT, GOOD, "1"), NEW_PIN),
    working(ChangePin(ID, AT, OTHER_GOOD, GOOD), NEW_PIN, CHANGING),
    s.Working(OFFICER, s.Work.MAINTAINING, MAINTAINING, MAINTENANCE),
    *ON_PAD,
)

REPLIES: tuple[Reply, ...] = (
    ProvePin(position=STEP),
    CHOOSE,
    EMAIL,
    ASK,
    SEND,
    CODE,
    ENTER_SAVED,
    MakeSavedCodes(position=STEP),
    SHOWN,
    STOP,
    SetPin(RULES, position=STEP),
    MAINTAIN,
    Finished(Purpose.UNLOCK),
    Refusal(Reason.REGISTRATION_BLOCKED),
    FactorWrong(ASK),
    AnswersRefused(2, AnswerProblem.SAME_AS_ANOTHER),
    EmailRefused(True, EMAIL),
    CodeNotSent(True, 0.0, SEND),
    CodeNotSent(False, 30.0, CODE),
    CodeNotSent(True, 0.0, EMAIL),
    FactorWrong(CODE),
    FactorWrong(ENTER_SAVED),
    FactorOver(FactorEnd.EXPIRED, SEND),
    FactorOver(FactorEnd.SPENT, WAYS),
    WAYS,
    StopNumberWrong(STOP),
)


def opened(*purposes: Purpose, resumed: tuple[Purpose, EnterCode] | None = None) -> VisitOpened:
    return VisitOpened(ID, "Asha Patel", offers(*purposes), resumed)


OUT = e.CardOut(ID, "Reader 0", 1)
OUT_OF_TWO = replace(OUT, others_in=True)
SECOND = e.SecondCard(ID, "Reader 1", 2)

EVENTS: tuple[e.Event, ...] = (
    e.CardIn(OTHER, "Reader 0", 3),
    e.CardUnreadable(OTHER, "Reader 0", 3),
    OUT,
    replace(OUT, unread=True),
    OUT_OF_TWO,
    replace(OUT_OF_TWO, unread=True),
    SECOND,
    e.Availability(None),
    e.Availability(s.Outage.NO_READER),
    e.Availability(s.Outage.AUTHORITY_AWAY),
    *(e.Chose(ID, purpose) for purpose in Purpose),
    e.Confirmed(ID),
    e.PinEntered(ID, GOOD),
    e.PinEntered(ID, OTHER_GOOD),
    e.PinEntered(ID, WEAK),
    e.QuestionPicked(ID, 3),
    e.QuestionPicked(ID, 99),
    e.AnswerEntered(ID, Sensitive("Rowan")),
    e.AnswerEntered(ID, Sensitive(" ")),
    e.EmailEntered(ID, "asha@nhs.net"),
    e.WayPicked(ID, WAY),
    e.EntryMade(ID, Code(Sensitive("12345678"))),
    e.EntryMade(ID, EnteredSavedCode(SAVED)),
    e.CodesKept(ID),
    e.CodeAsked(ID, ROUTE.id),
    e.RouteWanted(ID),
    e.SomethingElse(ID),
    e.MisuseNoticed(ID),
    e.StopNumberEntered(ID, STOPS),
    e.ReasonPicked(ID, MaintenanceReason.CHECK),
    e.ReasonPicked(ID, MaintenanceReason.OTHER),
    e.ReasonWritten(ID, "ticket 4711"),
    e.ReasonWritten(ID, "604918"),
    *(e.ActPicked(ID, act) for act in MaintenanceAct),
    e.TriedAgain(ID),
    e.WentBack(ID),
    e.Left(ID),
    e.Stayed(ID),
    e.IdleTimedOut(ID),
    e.AnswerTimedOut(ID),
    e.NoticeTimedOut(),
    e.CardRead(ID, REPORT, opened(Purpose.UNLOCK)),
    e.CardRead(ID, REPORT, opened(Purpose.REGISTER, Purpose.CHANGE_PIN)),
    e.CardRead(ID, REPORT, opened(Purpose.UNLOCK, resumed=(Purpose.UNLOCK, CODE))),
    e.CardRead(ID, replace(REPORT, pin_pad=True), opened(Purpose.UNLOCK)),
    e.CardRead(ID, REPORT, Refusal(Reason.LEAVER)),
    *(e.Replied(ID, reply) for reply in REPLIES),
    e.Maintained(ID, TESTED),
    e.Maintained(ID, GOING),
    e.PinFailed(ID, 2),
    e.PinNotTaken(ID, s.PinFault.CARD_HISTORY),
    e.PadEnded(ID, s.PadNotice.TIMEOUT),
    e.GaveUp(ID, Reason.CARD_BUSY),
    e.GaveUp(ID, Reason.CARD_UNREADABLE, VisitEnd.CARD_REMOVED),
    e.NoReply(ID),
    e.NoReply(ID, busy=True),
)
