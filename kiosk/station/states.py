"""The states of a station: one frozen state, one screen.

States fall into four groups: nobody is here (``Attract``, ``OutOfService``); the holder has to do
something (``HolderState``); the station is busy (``Reading``, ``Working``); the visit is over and
the card has to come out (``ClosingState``).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from kiosk.contract.language import Language
from kiosk.contract.messages import (
    Answer,
    AnswerProblem,
    AnswerQuestions,
    ChooseQuestions,
    ChooseWay,
    EnterCode,
    EnterSavedCode,
    EnterStopNumber,
    FactorEnd,
    FactorTask,
    GiveEmail,
    KeepSavedCodes,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    Offer,
    OnPad,
    PinEntry,
    PinFormat,
    PinRules,
    Position,
    Purpose,
    Question,
    ReadFault,
    Reason,
    SendCode,
    VisitId,
)
from kiosk.contract.ports import CardAddress, CardCheck
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import Command, PinCommand
from kiosk.station.machine import EndingAct, NetworkState

# Details that a page states in one sentence each.


class Outage(StrEnum):
    NO_READER_SERVICE = "no-reader-service"
    NO_READER = "no-reader"
    AUTHORITY_AWAY = "authority-away"
    RETIRED = "retired"
    OTHER_RELEASE = "other-release"


class Work(StrEnum):
    """What the station is doing; last, what the reader's own keys are waiting for."""

    PREPARING = "preparing"
    CHECKING_PIN = "checking-pin"
    CHECKING_ANSWERS = "checking-answers"
    SENDING_CODE = "sending-code"
    CHECKING_CODE = "checking-code"
    CHECKING_NUMBER = "checking-number"
    MAKING_CODES = "making-codes"
    KEEPING_CODES = "keeping-codes"
    SETTING_PIN = "setting-pin"
    MAINTAINING = "maintaining"
    PIN_ON_PAD = "pin-on-pad"
    NEW_PIN_ON_PAD = "new-pin-on-pad"
    CHANGE_ON_PAD = "change-on-pad"

    @property
    def on_pad(self) -> bool:
        return self in (Work.PIN_ON_PAD, Work.NEW_PIN_ON_PAD, Work.CHANGE_ON_PAD)


class EmailFault(StrEnum):
    MALFORMED = "malformed"
    DOMAIN = "domain"
    REFUSED = "refused"


class CodeNotice(StrEnum):
    """The notice above the field of the code page, where the last entry was not wrong."""

    TOO_SOON = "too-soon"
    MAIL_AWAY = "mail-away"


class CodeLack(StrEnum):
    EXPIRED = "expired"
    SPENT = "spent"
    WITHDRAWN = "withdrawn"
    MAIL_AWAY = "mail-away"
    TOO_SOON = "too-soon"
    MOVED = "moved"
    """It went, or was to go, where codes go no longer."""
    REFUSED = "refused"
    """Nothing ever arrives where it was to go; there is another way."""


class PinFault(StrEnum):
    """Why a new PIN has to be chosen again."""

    MISMATCH = "mismatch"
    WEAK = "weak"
    CARD_HISTORY = "history"
    CARD_COMPLEXITY = "complexity"
    CARD_FORMAT = "format"


class PadNotice(StrEnum):
    """Why the reader has to ask for a PIN again; the first four are ``PadTrouble``."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    DIFFERENT = "different"
    LENGTH = "length"
    WRONG = "wrong"
    ONCE_MORE = "once-more"
    NOT_TAKEN = "not-taken"


class RemovalReason(StrEnum):
    LEFT = "left"
    LEFT_UNLOCKED = "left-unlocked"
    """The PIN was set in this visit; what was left came after that."""
    NOTHING_STOPPED = "nothing-stopped"
    IDLE = "idle"
    FINISHED = "finished"
    OTHER_CARD = "other-card"
    """The card of the visit is out; one that was never served is in another reader."""


# Pages on which the holder has to do something.


class VisitState(Struct, frozen=True):
    """What all pages of one visit share; ``sent`` counts attempts, so that each has its id.

    ``pin_pad``: PINs are entered on the reader's keys and not at the station, except for a change
    of PIN that these keys cannot do (``pad_changes`` is False). ``unlocked``: the card got a new
    PIN by its first unlock in this visit. ``position``: the holder's step by the authority's count,
    for the page to show. ``instead``: what may be chosen in place of the purpose of a live code,
    while nothing is proven. ``ways``: the ways that were offered, from which the holder may choose
    another until the chosen one is passed. ``language``: of the pages; None is the station's own.
    ``check``: what the card did after it was unblocked in this visit.
    """

    id: VisitId
    at: CardAddress
    holder_name: str
    purpose: Purpose | None = None
    sent: int = 0
    pin_pad: bool = False
    pad_changes: bool = True
    pin_format: PinFormat = PinFormat()
    unlocked: bool = False
    position: Position | None = None
    instead: tuple[Offer, ...] = ()
    ways: ChooseWay | None = None
    language: Language | None = None
    check: CardCheck | None = None


class VisitPage(Struct, frozen=True):
    visit: VisitState


class Menu(VisitPage, frozen=True):
    """Choose what to do; ``blocked``: self-service is blocked, so that most is not offered.

    ``waiting``: the purpose of the page for a code that was left. Any choice withdraws that code,
    where it has not ended, and what was answered for it.
    """

    offers: tuple[Offer, ...]
    blocked: bool = False
    waiting: Purpose | None = None


class ConfirmOwner(VisitPage, frozen=True):
    """Confirm that the card is one's own; ``locked``: its PIN leaves only an unlock."""

    locked: bool = False


class EnterPin(VisitPage, frozen=True):
    """Enter the card's present PIN; ``wrong`` after a wrong one, with the tries left."""

    wrong: bool = False
    tries_left: int | None = None


class PickQuestion(VisitPage, frozen=True):
    """Choose the next question to answer for registration."""

    task: ChooseQuestions
    given: tuple[Answer, ...] = ()


class GiveAnswer(VisitPage, frozen=True):
    task: ChooseQuestions
    given: tuple[Answer, ...]
    question: Question
    problem: AnswerProblem | None = None


class EnterEmail(VisitPage, frozen=True):
    """Confirm or change the email address; ``typed`` is the earlier entry, if any."""

    task: GiveEmail
    typed: str | None = None
    fault: EmailFault | None = None


class PickWay(VisitPage, frozen=True):
    """Choose how to show who one is; ``over``: why the way that was begun leads no further."""

    task: ChooseWay
    over: FactorEnd | None = None


class FactorPage(VisitPage, frozen=True, kw_only=True):
    """Make the entry that a factor asks for; ``wrong`` after a wrong one.

    The task names the page. A factor with more to remember between its pages has a subclass.
    """

    task: FactorTask
    wrong: bool = False


class AskQuestion(FactorPage, frozen=True):
    """Answer the next of one's questions; the set is sent when all are answered."""

    task: AnswerQuestions
    given: tuple[Answer, ...] = ()

    @property
    def question(self) -> Question:
        return self.task.questions[len(self.given)]


class CodeEntry(FactorPage, frozen=True):
    """Enter the emailed code; the card may be taken out before.

    ``resumed``: it was taken out, or the page was left for the menu. The code may have been entered
    before, and is still valid.
    ``entered_on``: the page on which its address was entered in this visit, to correct it.
    """

    task: EnterCode
    notice: CodeNotice | None = None
    resumed: bool = False
    entered_on: EnterEmail | None = None


class SavedCodeEntry(FactorPage, frozen=True):
    """Enter one of the codes that were written down."""

    task: EnterSavedCode


class CodeNeeded(VisitPage, frozen=True):
    """There is no live code; ask for one. ``entered_on`` as for ``CodeEntry``."""

    task: SendCode
    lack: CodeLack
    retry_in_s: float = 0.0
    entered_on: EnterEmail | None = None


class PickRoute(VisitPage, frozen=True):
    """Choose where a code goes; ``back`` is the page on which it was asked for, if any."""

    task: SendCode | EnterCode
    back: CodeEntry | CodeNeeded | None = None


class SavedCodesShown(VisitPage, frozen=True):
    """Write down the codes, which are shown this once."""

    task: KeepSavedCodes


class StopNumberEntry(VisitPage, frozen=True):
    """Enter the number from a notice about an act that the holder did not do."""

    task: EnterStopNumber
    wrong: bool = False


class NewPin(VisitPage, frozen=True):
    """Choose a new PIN; ``current`` is set where the card needs the old one, too."""

    rules: PinRules
    current: PinEntry | None = None
    fault: PinFault | None = None


def typed_pin(pin: PinEntry | None) -> Sensitive | None:
    """Return a PIN that was typed at the station; None for one on the reader's keys."""
    return None if isinstance(pin, OnPad) else pin


class RepeatPin(VisitPage, frozen=True):
    rules: PinRules
    pin: Sensitive
    current: PinEntry | None = None


class ReaderTest(Struct, frozen=True):
    """The officer's card was read again; ``fault`` is the error, None: no error."""

    reader: str
    family: str
    fault: ReadFault | None


class NetworkReport(Struct, frozen=True):
    """``state`` of the network at the station's ``clock``, ``ahead_s`` ahead of the authority's."""

    state: NetworkState
    clock: datetime
    ahead_s: float


class Ending(Struct, frozen=True):
    """The station is restarting or switching off; not ``really``: it is only simulated."""

    act: EndingAct
    really: bool


class NotDone(Struct, frozen=True):
    """The act failed; ``because`` is the machine's reason."""

    act: MaintenanceAct
    because: str


ActResult = ReaderTest | NetworkReport | Ending | NotDone


class PickReason(VisitPage, frozen=True):
    task: Maintain


class WriteReason(VisitPage, frozen=True):
    """The officer's reason is not listed; ``unclear``: it says nothing, or looks like a secret."""

    task: Maintain
    unclear: bool = False


class Maintenance(VisitPage, frozen=True):
    """What an officer can do here; ``words`` give the reason where ``why`` is ``OTHER``."""

    task: Maintain
    why: MaintenanceReason
    words: str = ""


class ConfirmAct(VisitPage, frozen=True):
    menu: Maintenance
    act: EndingAct


class ActDone(VisitPage, frozen=True):
    """The result of an act; after one that ends the station there is no way back."""

    menu: Maintenance
    result: ActResult


class PadPaused(VisitPage, frozen=True):
    """The reader asked for a PIN and got none; ``command`` makes it ask again.

    The reader is not waiting for an entry. ``back`` is the page for the PIN at the station, where
    the reader's keys cannot take it; ``tries_left`` is the card's count after a wrong PIN.
    """

    work: Work
    command: PinCommand
    back: HolderState | None
    why: PadNotice | PinFault
    tries_left: int | None = None


class NotReached(VisitPage, frozen=True):
    """The authority gave no answer; ``command`` can be sent again, and is charged once."""

    work: Work
    command: Command
    back: HolderState | None


OfficerState = PickReason | WriteReason | Maintenance | ConfirmAct | ActDone

HolderState = (
    Menu
    | ConfirmOwner
    | EnterPin
    | PickQuestion
    | GiveAnswer
    | EnterEmail
    | PickWay
    | FactorPage
    | CodeNeeded
    | PickRoute
    | SavedCodesShown
    | StopNumberEntry
    | NewPin
    | RepeatPin
    | OfficerState
    | PadPaused
    | NotReached
)


# Pages on which the holder has nothing to enter.


class PulledFrom(StrEnum):
    """What was being done when a card was taken out, before its holder could read the outcome."""

    UNBLOCK = "unblock"
    CHANGE = "change"
    SAVING = "saving"
    UNLOCKED = "unlocked"
    CHANGED = "changed"
    REGISTERED = "registered"
    EMAIL_SAVED = "email-saved"
    QUESTIONS_SAVED = "questions-saved"
    CODES_KEPT = "codes-kept"

    @property
    def in_doubt(self) -> bool:
        return self in (PulledFrom.UNBLOCK, PulledFrom.CHANGE, PulledFrom.SAVING)


class Attract(Struct, frozen=True):
    """Waiting for a card; ``pulled``: what the holder of the last one could not read.

    ``visit``: that holder's visit, whose answer may still say that it was done.
    """

    pulled: PulledFrom | None = None
    visit: VisitId | None = None


class OutOfService(Struct, frozen=True):
    """A part does not answer, or the station is retired; it ends by itself.

    ``pulled`` and ``visit`` as for ``Attract``.
    """

    outage: Outage
    pulled: PulledFrom | None = None
    visit: VisitId | None = None


class Reading(Struct, frozen=True):
    """The card is being read and looked up; ``repeats`` as in ``Working``."""

    visit: VisitId
    reader: str
    repeats: int = 0


class Working(VisitPage, frozen=True):
    """``command`` is running; ``back`` is the page that it came from.

    For a PIN on the reader's keys, ``back`` is the page that takes it at the station.
    ``second_card``: one was put in while the card is being changed. ``repeats``: how many times the
    command was repeated because the authority is busy.
    """

    work: Work
    command: Command
    back: HolderState | None
    second_card: bool = False
    repeats: int = 0


class StillThere(Struct, frozen=True):
    """Nobody touched anything for a while; any key leads back to ``inner``."""

    inner: HolderState | LastPage


class Success(VisitPage, frozen=True):
    """It is done; what is beside ``purpose`` as for ``Finished``."""

    purpose: Purpose
    counts_in_s: float = 0.0
    saved_code: Sensitive | None = None
    saved_codes: bool = False
    expires_soon_days: int = 30


class Refused(Struct, frozen=True):
    """It cannot be done here.

    ``retry_at`` (aware UTC) is set where the holder may come back later. ``pulled``: what is said
    once the card is out, as its holder cannot have read it here.
    """

    visit: VisitId
    reason: Reason
    retry_at: datetime | None = None
    pulled: PulledFrom | None = None


class RemoveCard(Struct, frozen=True):
    """The holder can only take the card out; ``pulled`` as for ``Refused``."""

    visit: VisitId
    reason: RemovalReason
    pulled: PulledFrom | None = None


LastPage = Success | Refused
"""Pages that the holder can still read when the authority already knows how the visit ended."""

ClosingState = LastPage | RemoveCard


State = Attract | OutOfService | Reading | Working | HolderState | StillThere | ClosingState


def position_of(state: State) -> Position | None:
    """Return the step that the page shows; None where it shows none."""
    match state:
        case Attract() | OutOfService() | Reading() | Refused() | RemoveCard():
            return None
        case StillThere(inner):
            return position_of(inner)
        case _:
            return state.visit.position


def is_unlocked(state: State) -> bool:
    """Return whether the visit has unlocked its card, and goes on to register it."""
    match state:
        case Attract() | OutOfService() | Reading() | Refused() | RemoveCard():
            return False
        case StillThere(inner):
            return is_unlocked(inner)
        case _:
            return state.visit.unlocked


def visit_of(state: State) -> VisitId | None:
    """Return the id of the visit that ``state`` belongs to; None where nobody is here."""
    match state:
        case Attract() | OutOfService():
            return None
        case Reading() | Refused() | RemoveCard():
            return state.visit
        case StillThere(inner):
            return visit_of(inner)
        case _:
            return state.visit.id
