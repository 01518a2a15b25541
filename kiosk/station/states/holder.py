"""The holder has to do something: one page each."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.dialogue import (
    Answer,
    AnswerProblem,
    AnswerQuestions,
    ChooseQuestions,
    EnterCode,
    EnterStopNumber,
    GiveEmail,
    PinEntry,
    PinRules,
    Purpose,
    Question,
    VisitId,
)
from kiosk.ports import CardAddress
from kiosk.sensitive import Sensitive
from kiosk.station.commands import Command, PinCommand
from kiosk.station.states.notices import (
    CodeLack,
    CodeNotice,
    EmailTrouble,
    PadNotice,
    PinTrouble,
    Work,
)


@dataclass(frozen=True, slots=True)
class Visit:
    """What every page of one visit knows; ``sent`` counts attempts, so that each has its id.

    ``pin_pad``: no PIN is entered at the station; the reader asks for it on keys of its own,
    but for a change of it where these do none (``pad_changes``).
    ``unlocked``: the card has a new PIN since its first unlock in this visit.
    ``asks_owner``: a code to a known address is one of its steps; ``at_owner``: it is due now.
    """

    id: VisitId
    at: CardAddress
    reference: str
    holder_name: str
    verification: tuple[str, ...]
    purpose: Purpose | None = None
    sent: int = 0
    pin_pad: bool = False
    pad_changes: bool = True
    asks_owner: bool = False
    at_owner: bool = False
    unlocked: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """Choose what to do."""

    visit: Visit
    offers: tuple[Purpose, ...]


@dataclass(frozen=True, slots=True)
class ConfirmOwner:
    """Confirm that the card is one's own."""

    visit: Visit


@dataclass(frozen=True, slots=True)
class EnterPin:
    """Enter the card's present PIN; ``wrong`` after a failed try, with the tries left."""

    visit: Visit
    wrong: bool = False
    tries_left: int | None = None


@dataclass(frozen=True, slots=True)
class PickQuestion:
    """Choose the next question to answer for registration."""

    visit: Visit
    task: ChooseQuestions
    given: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class GiveAnswer:
    """Write the answer to a chosen question."""

    visit: Visit
    task: ChooseQuestions
    given: tuple[Answer, ...]
    question: Question
    problem: AnswerProblem | None = None


@dataclass(frozen=True, slots=True)
class EnterEmail:
    """Confirm or change the email address; ``typed`` is what was entered before, if anything."""

    visit: Visit
    task: GiveEmail
    typed: str | None = None
    trouble: EmailTrouble | None = None


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """Answer the next of one's own questions; the set is sent when all are given."""

    visit: Visit
    task: AnswerQuestions
    given: tuple[Answer, ...] = ()
    wrong: bool = False

    @property
    def question(self) -> Question:
        """The question that is asked now."""
        return self.task.questions[len(self.given)]


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """Enter the emailed code; the card may be taken out meanwhile."""

    visit: Visit
    task: EnterCode
    notice: CodeNotice | None = None


@dataclass(frozen=True, slots=True)
class CodeNeeded:
    """There is no code that could be entered; ask for one."""

    visit: Visit
    masked: str
    lack: CodeLack
    retry_in_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StopNumberEntry:
    """Enter the number of a notice that tells of something the holder did not do."""

    visit: Visit
    task: EnterStopNumber
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class NewPin:
    """Choose a new PIN; ``current`` is set where the card wants the old one beside it."""

    visit: Visit
    rules: PinRules
    current: PinEntry | None = None
    trouble: PinTrouble | None = None


@dataclass(frozen=True, slots=True)
class RepeatPin:
    """Enter the new PIN a second time."""

    visit: Visit
    rules: PinRules
    pin: Sensitive
    current: PinEntry | None = None


@dataclass(frozen=True, slots=True)
class PadPaused:
    """The reader asked for a PIN and nothing came of it; ``command`` has it ask again.

    The reader waits for nobody here. ``back`` is the page that takes the PIN at the station,
    where the reader's keys do not; ``tries_left`` is what the card said of a wrong PIN.
    """

    visit: Visit
    work: Work
    command: PinCommand
    back: HolderState | None
    why: PadNotice | PinTrouble
    tries_left: int | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """The authority gave no answer; ``command`` can be sent again, and counts once at most."""

    visit: Visit
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
    | PadPaused
    | Trouble
)
