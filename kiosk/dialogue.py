"""What crosses the ``Authority`` port: plain frozen data, nothing that lives.

A station asks; the authority answers with a *task* (what the holder does next), a
*verdict* on what was just given (wrong, and how many are left), or a *refusal* (the
visit cannot go on). Durations are seconds from the moment of the answer, so that the
two halves need not agree on the time of day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from kiosk.sensitive import Sensitive

VisitId = NewType("VisitId", str)
"""32 hexadecimal digits, drawn by the station when a card goes in."""

JournalId = NewType("JournalId", str)
"""Names one unblock from its intent to its outcome."""


class Purpose(StrEnum):
    """What a visit is for."""

    REGISTER = "register"
    UNLOCK = "unlock"
    CHANGE_PIN = "change-pin"
    CHANGE_QUESTIONS = "change-questions"
    CHANGE_EMAIL = "change-email"


class Reason(StrEnum):
    """Why a visit cannot go on. Each has its own page; the first group is the authority's."""

    UNKNOWN_CARD = "unknown-card"
    LEAVER = "leaver"
    CARD_EXPIRED = "card-expired"
    CARD_REVOKED = "card-revoked"
    NOT_REGISTERED = "not-registered"
    REGISTRATION_BLOCKED = "registration-blocked"
    SECRET_MISSING = "secret-missing"
    SECRET_BLOCKED = "secret-blocked"
    NOT_GENUINE = "not-genuine"
    TOO_MANY_CODES = "too-many-codes"
    NO_EMAIL = "no-email"
    STATION_RETIRED = "station-retired"

    CARD_UNREADABLE = "card-unreadable"
    CARD_BUSY = "card-busy"
    CARD_REFUSED = "card-refused"
    PIN_BLOCKED = "pin-blocked"
    TWO_CARDS = "two-cards"
    READER_GONE = "reader-gone"
    OUTCOME_UNKNOWN = "outcome-unknown"
    AUTHORITY_AWAY = "authority-away"
    FAULT = "fault"


class VisitEnd(StrEnum):
    """How a visit ended, for the audit."""

    CARD_REMOVED = "card-removed"
    FINISHED = "finished"
    LEFT = "left"
    IDLE = "idle"
    REFUSED = "refused"
    FAULT = "fault"


# --- the card, as a station reports it -------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardId:
    """A card's stable name: the driver that read it and the identifier in lower-case hex."""

    driver: str
    identifier: str


@dataclass(frozen=True, slots=True)
class PinState:
    """Whether the PIN is blocked, and the tries left where the card says."""

    blocked: bool
    tries_left: int | None = None


@dataclass(frozen=True, slots=True)
class CardReport:
    """What a card tells without a PIN; ``expires_at`` is None where it does not say."""

    card: CardId
    pin: PinState
    expires_at: datetime | None = None


# --- tasks: what the holder does next --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """One security question of the list."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one question."""

    question: int
    text: Sensitive


@dataclass(frozen=True, slots=True)
class PinRules:
    """The kiosk's own rule for a new PIN; ``personal`` are digit strings it must not contain."""

    min_length: int = 6
    max_length: int = 8
    personal: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProvePin:
    """Enter the PIN that the card knows."""


@dataclass(frozen=True, slots=True)
class ChooseQuestions:
    """Choose ``count`` of ``bank`` and answer them."""

    bank: tuple[Question, ...]
    count: int


@dataclass(frozen=True, slots=True)
class GiveEmail:
    """Confirm or change the address; ``domains`` are the approved ones, empty for any."""

    suggested: str
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerQuestions:
    """Answer all of ``questions`` as one attempt."""

    questions: tuple[Question, ...]
    attempts_left: int


@dataclass(frozen=True, slots=True)
class SendCode:
    """A code has to be sent to ``masked``; the station asks for it at once."""

    masked: str


@dataclass(frozen=True, slots=True)
class EnterCode:
    """Enter the code that was sent to ``masked``; seconds count from this answer."""

    masked: str
    digits: int
    expires_in_s: float
    resend_in_s: float
    tries_left: int


@dataclass(frozen=True, slots=True)
class SetPin:
    """Choose a new PIN."""

    rules: PinRules


@dataclass(frozen=True, slots=True)
class Finished:
    """All is done."""

    purpose: Purpose


Task = (
    ProvePin
    | ChooseQuestions
    | GiveEmail
    | AnswerQuestions
    | SendCode
    | EnterCode
    | SetPin
    | Finished
)

# --- verdicts and refusals -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VisitOpened:
    """A known card; ``resumed`` is set when a code that was sent earlier is still waited for.

    ``verification`` names the policy's factors in order, for the step count on the screen.
    """

    visit: VisitId
    reference: str
    holder_name: str
    offers: tuple[Purpose, ...]
    resumed: tuple[Purpose, EnterCode] | None = None
    verification: tuple[str, ...] = ("questions", "email-code")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The visit cannot go on; ``reference`` is what RA staff look up."""

    reason: Reason
    reference: str


@dataclass(frozen=True, slots=True)
class AnswersWrong:
    """The set was wrong; which of its answers, nobody can tell."""

    again: AnswerQuestions


class AnswerProblem(StrEnum):
    """Why a registration answer is not taken."""

    EMPTY = "empty"
    REPEATS_QUESTION = "repeats-question"
    SAME_AS_ANOTHER = "same-as-another"
    TOO_LONG = "too-long"


@dataclass(frozen=True, slots=True)
class AnswersRefused:
    """A registration answer breaks a rule; nothing was stored."""

    question: int
    problem: AnswerProblem


@dataclass(frozen=True, slots=True)
class EmailRefused:
    """The address is malformed, or (``domain``) its domain is not approved."""

    domain: bool
    again: GiveEmail


@dataclass(frozen=True, slots=True)
class CodeNotSent:
    """No code went out and nothing was charged.

    ``mail_away`` tells a relay that did not take it from a limit. ``again`` is what can be
    done instead: enter the code that is still live, ask again (``SendCode``), or give
    another address.
    """

    mail_away: bool
    retry_in_s: float
    again: EnterCode | SendCode | GiveEmail


@dataclass(frozen=True, slots=True)
class CodeWrong:
    """Not the code; ``again`` counts the tries left."""

    again: EnterCode


@dataclass(frozen=True, slots=True)
class CodeDead:
    """The code has expired or its tries are spent; another must be sent."""

    expired: bool
    again: SendCode


@dataclass(frozen=True, slots=True)
class Grant:
    """One unblock, journaled: the secret for the card of this visit, to be used once."""

    journal: JournalId
    secret: Sensitive


@dataclass(frozen=True, slots=True)
class UnblockDone:
    """The card answered that the PIN was reset."""


@dataclass(frozen=True, slots=True)
class UnblockRefused:
    """The card refused; ``tries_left`` of the unblock secret (0: blocked, None: not spent)."""

    tries_left: int | None
    because: str


@dataclass(frozen=True, slots=True)
class UnblockNotSent:
    """The command was never sent to the card."""


@dataclass(frozen=True, slots=True)
class UnblockUnknown:
    """The command was sent and its answer was lost."""


UnblockOutcome = UnblockDone | UnblockRefused | UnblockNotSent | UnblockUnknown

Reply = (
    VisitOpened
    | Task
    | Refusal
    | AnswersWrong
    | AnswersRefused
    | EmailRefused
    | CodeNotSent
    | CodeWrong
    | CodeDead
)
"""Everything that a station can be answered, the ``Grant`` aside."""


@dataclass(frozen=True, slots=True)
class Health:
    """The authority's own state: what of its parts answers."""

    store: bool
    mail: bool


# --- the station, as it reports itself -------------------------------------------------

LONGEST_NAME = 80
"""Characters of a station's name, site or version; a heartbeat with more is refused."""


class ReaderState(StrEnum):
    """What a station's reader is doing, in the words that staff read."""

    LOOKING = "looking for a reader"
    READY = "ready"
    NO_READER = "no reader"
    NO_SERVICE = "PC/SC service away"


class StationStanding(StrEnum):
    """Whether a station may serve anybody: staff retire it, and reinstate it."""

    IN_USE = "in-use"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a station says of itself; ``site`` is where it stands, for reports, or empty."""

    station: str
    site: str = ""
    version: str = ""
    reader: ReaderState = ReaderState.LOOKING
