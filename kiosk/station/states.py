"""Where a station can be: one frozen state, one screen.

States fall into four groups: nobody is here (``Attract``, ``OutOfService``); the holder
has to do something (``HolderState``); the station is busy (``Reading``, ``Working``);
the visit is over and the card has to come out (``ClosingState``).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from kiosk.contract.messages import (
    Answer,
    AnswerProblem,
    AnswerQuestions,
    ChooseQuestions,
    EnterCode,
    EnterStopNumber,
    GiveEmail,
    Maintain,
    MaintenanceAct,
    MaintenanceReason,
    Offer,
    OnPad,
    PinEntry,
    PinRules,
    Position,
    Purpose,
    Question,
    ReadFault,
    Reason,
    VisitId,
)
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import Command, PinCommand
from kiosk.station.machine import EndingAct, NetworkState

# Details that a page states in one sentence each.


class Outage(StrEnum):
    """Why nobody can be served."""

    NO_READER_SERVICE = "no-reader-service"
    NO_READER = "no-reader"
    AUTHORITY_AWAY = "authority-away"
    RETIRED = "retired"


class Work(StrEnum):
    """What the station is busy with; last, what it waits for on the reader's own keys."""

    PREPARING = "preparing"
    CHECKING_PIN = "checking-pin"
    CHECKING_ANSWERS = "checking-answers"
    SENDING_CODE = "sending-code"
    CHECKING_CODE = "checking-code"
    CHECKING_NUMBER = "checking-number"
    SETTING_PIN = "setting-pin"
    MAINTAINING = "maintaining"
    PIN_ON_PAD = "pin-on-pad"
    NEW_PIN_ON_PAD = "new-pin-on-pad"
    CHANGE_ON_PAD = "change-on-pad"

    @property
    def on_pad(self) -> bool:
        """Whether the holder is entering a PIN on the reader's keys."""
        return self in (Work.PIN_ON_PAD, Work.NEW_PIN_ON_PAD, Work.CHANGE_ON_PAD)


class EmailFault(StrEnum):
    """What was wrong with an address, or with sending to it."""

    MALFORMED = "malformed"
    DOMAIN = "domain"
    MAIL_AWAY = "mail-away"
    TOO_SOON = "too-soon"


class CodeNotice(StrEnum):
    """The notice above the field of the code page."""

    WRONG = "wrong"
    TOO_SOON = "too-soon"
    MAIL_AWAY = "mail-away"


class CodeLack(StrEnum):
    """Why there is no code to enter."""

    EXPIRED = "expired"
    SPENT = "spent"
    WITHDRAWN = "withdrawn"
    MAIL_AWAY = "mail-away"
    TOO_SOON = "too-soon"


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
    """Why the page asks the holder to remove the card."""

    LEFT = "left"
    IDLE = "idle"
    FINISHED = "finished"


# Pages on which the holder has to do something.


class VisitState(Struct, frozen=True):
    """What every page of one visit knows; ``sent`` counts attempts, so that each has its id.

    ``pin_pad``: no PIN is entered at the station; the reader asks for it on its own keys,
    except for a change of it where these cannot do that (``pad_changes`` is False).
    ``unlocked``: the card has a new PIN since its first unlock in this visit.
    ``position``: the step that the authority says the holder is at, for the page to show.
    ``instead``: what may be chosen in the place of what a code waits for, while nothing is proven.
    """

    id: VisitId
    at: CardAddress
    holder_name: str
    purpose: Purpose | None = None
    sent: int = 0
    pin_pad: bool = False
    pad_changes: bool = True
    unlocked: bool = False
    position: Position | None = None
    instead: tuple[Offer, ...] = ()


class Menu(Struct, frozen=True):
    """Choose what to do; ``blocked``: self-service is, and most of it is not offered.

    ``waiting``: what a code waits for, which any choice withdraws.
    """

    visit: VisitState
    offers: tuple[Offer, ...]
    blocked: bool = False
    waiting: Purpose | None = None


class ConfirmOwner(Struct, frozen=True):
    """Confirm that the card is one's own; ``locked``: an unlock is all that its PIN leaves."""

    visit: VisitState
    locked: bool = False


class EnterPin(Struct, frozen=True):
    """Enter the card's present PIN; ``wrong`` after a failed try, with the tries left."""

    visit: VisitState
    wrong: bool = False
    tries_left: int | None = None


class PickQuestion(Struct, frozen=True):
    """Choose the next question to answer for registration."""

    visit: VisitState
    task: ChooseQuestions
    given: tuple[Answer, ...] = ()


class GiveAnswer(Struct, frozen=True):
    """Write the answer to a chosen question."""

    visit: VisitState
    task: ChooseQuestions
    given: tuple[Answer, ...]
    question: Question
    problem: AnswerProblem | None = None


class EnterEmail(Struct, frozen=True):
    """Confirm or change the email address; ``typed`` is what was entered before, if anything."""

    visit: VisitState
    task: GiveEmail
    typed: str | None = None
    trouble: EmailFault | None = None


class AskQuestion(Struct, frozen=True):
    """Answer the next of one's own questions; the set is sent when all are given."""

    visit: VisitState
    task: AnswerQuestions
    given: tuple[Answer, ...] = ()
    wrong: bool = False

    @property
    def question(self) -> Question:
        """The question that is asked now."""
        return self.task.questions[len(self.given)]


class CodeEntry(Struct, frozen=True):
    """Enter the emailed code; the card may be taken out before.

    ``resumed``: it was taken out. The code may have been entered before, and still counts.
    """

    visit: VisitState
    task: EnterCode
    notice: CodeNotice | None = None
    resumed: bool = False


class CodeNeeded(Struct, frozen=True):
    """There is no code that could be entered; ask for one."""

    visit: VisitState
    masked: str
    lack: CodeLack
    retry_in_s: float = 0.0


class StopNumberEntry(Struct, frozen=True):
    """Enter the number of a notice about something that the holder did not do."""

    visit: VisitState
    task: EnterStopNumber
    wrong: bool = False


class NewPin(Struct, frozen=True):
    """Choose a new PIN; ``current`` is set where the card wants the old one beside it."""

    visit: VisitState
    rules: PinRules
    current: PinEntry | None = None
    trouble: PinFault | None = None


def typed_pin(pin: PinEntry | None) -> Sensitive | None:
    """Return a PIN that was typed at the station; one on the reader's own keys is not known."""
    return None if isinstance(pin, OnPad) else pin


class RepeatPin(Struct, frozen=True):
    """Enter the new PIN a second time."""

    visit: VisitState
    rules: PinRules
    pin: Sensitive
    current: PinEntry | None = None


class ReaderTest(Struct, frozen=True):
    """The officer's card was read again; ``fault`` is what went wrong, None: nothing."""

    reader: str
    family: str
    fault: ReadFault | None


class NetworkReport(Struct, frozen=True):
    """``state`` of the network, at ``clock`` by the station's own time.

    ``ahead_s`` is how far that is ahead of the authority's.
    """

    state: NetworkState
    clock: datetime
    ahead_s: float


class Ending(Struct, frozen=True):
    """The station is restarting or going off; not ``really``: that is only said."""

    act: EndingAct
    really: bool


class NotDone(Struct, frozen=True):
    """It could not be done; ``because`` is what the machine says."""

    act: MaintenanceAct
    because: str


ActResult = ReaderTest | NetworkReport | Ending | NotDone


class PickReason(Struct, frozen=True):
    """An officer picks why they maintain the station."""

    visit: VisitState
    task: Maintain


class WriteReason(Struct, frozen=True):
    """An officer writes why, since no reason of the list is it.

    ``unclear``: what was written gives no reason, or looks like a secret.
    """

    visit: VisitState
    task: Maintain
    unclear: bool = False


class Maintenance(Struct, frozen=True):
    """What an officer can have done here; ``words`` say why where ``why`` is ``OTHER``."""

    visit: VisitState
    task: Maintain
    why: MaintenanceReason
    words: str = ""


class ConfirmAct(Struct, frozen=True):
    """Confirm that the station is to be restarted or switched off."""

    visit: VisitState
    menu: Maintenance
    act: EndingAct


class ActDone(Struct, frozen=True):
    """What came of an act; after one that ends the station there is no way back."""

    visit: VisitState
    menu: Maintenance
    result: ActResult


class PadPaused(Struct, frozen=True):
    """The reader asked for a PIN and nothing came of it; ``command`` has it ask again.

    The reader waits for nobody here. ``back`` is the page that takes the PIN at the station,
    where the reader's keys do not; ``tries_left`` is what the card reported of a wrong PIN.
    """

    visit: VisitState
    work: Work
    command: PinCommand
    back: HolderState | None
    why: PadNotice | PinFault
    tries_left: int | None = None


class Trouble(Struct, frozen=True):
    """The authority gave no answer; ``command`` can be sent again, and counts once at most."""

    visit: VisitState
    work: Work
    command: Command
    back: HolderState | None


HolderState = (
    Menu
    | ConfirmOwner
    | EnterPin
    | PickQuestion
    | GiveAnswer
    | EnterEmail
    | AskQuestion
    | CodeEntry
    | CodeNeeded
    | StopNumberEntry
    | NewPin
    | RepeatPin
    | PickReason
    | WriteReason
    | Maintenance
    | ConfirmAct
    | ActDone
    | PadPaused
    | Trouble
)


# Pages on which the holder has nothing to enter.


class PulledFrom(StrEnum):
    """What was being done to a card when it was taken out."""

    UNBLOCK = "unblock"
    CHANGE = "change"


class Attract(Struct, frozen=True):
    """Waiting for a card; ``pulled``: the last one left while its PIN was being set."""

    pulled: PulledFrom | None = None


class OutOfService(Struct, frozen=True):
    """Waiting for a part of the station to come back, or retired; it is left by itself."""

    outage: Outage


class Reading(Struct, frozen=True):
    """The card is being read and looked up; ``repeats`` as in ``Working``."""

    visit: VisitId
    reader: str
    repeats: int = 0


class Working(Struct, frozen=True):
    """``command`` is under way; ``back`` is the page it was given on.

    Of a PIN on the reader's keys it is the page that would take it at the station.
    ``second_card``: one was put in while the card is being changed. ``repeats``: how many times
    it was given again, because the authority is busy.
    """

    visit: VisitState
    work: Work
    command: Command
    back: HolderState | None
    second_card: bool = False
    repeats: int = 0


class StillThere(Struct, frozen=True):
    """Nobody touched anything for a while; ``inner`` comes back with any key."""

    inner: HolderState


class Success(Struct, frozen=True):
    """It is done."""

    visit: VisitState
    purpose: Purpose
    counts_in_s: float = 0.0


class Refused(Struct, frozen=True):
    """It cannot be done here.

    ``retry_at`` (aware UTC) is set where the holder may come back later. ``pulled``: its card may
    have left while its PIN was being set, which is not known yet.
    """

    visit: VisitId
    reason: Reason
    retry_at: datetime | None = None
    pulled: PulledFrom | None = None


class RemoveCard(Struct, frozen=True):
    """Nothing but to take the card out."""

    visit: VisitId
    reason: RemovalReason


ClosingState = Success | Refused | RemoveCard


State = Attract | OutOfService | Reading | Working | HolderState | StillThere | ClosingState


def position_of(state: State) -> Position | None:
    """Return the step that the page shows; None where none counts."""
    match state:
        case Attract() | OutOfService() | Reading() | Refused() | RemoveCard():
            return None
        case StillThere(inner):
            return inner.visit.position
        case _:
            return state.visit.position


def visit_of(state: State) -> VisitId | None:
    """Return the id of the visit that ``state`` belongs to; None where nobody is here."""
    match state:
        case Attract() | OutOfService():
            return None
        case Reading() | Refused() | RemoveCard():
            return state.visit
        case StillThere(inner):
            return inner.visit.id
        case _:
            return state.visit.id
