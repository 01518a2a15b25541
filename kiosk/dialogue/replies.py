"""Verdicts on what was just given, and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.dialogue.tasks import (
    AnswerQuestions,
    EnterCode,
    EnterStopNumber,
    GiveEmail,
    SendCode,
    Task,
)
from kiosk.dialogue.visit import Purpose, Reason, VisitId


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
    """The visit cannot go on; ``reference`` is what RA staff look up.

    ``retry_at`` (aware UTC) is set where the same can be tried again later at any station.
    """

    reason: Reason
    reference: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AnswersWrong:
    """The set was wrong; which of its answers, nobody can tell."""

    again: AnswerQuestions


class AnswerProblem(StrEnum):
    """Why a registration answer is not taken."""

    EMPTY = "empty"
    TOO_SHORT = "too-short"
    NOT_TYPABLE = "not-typable"
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
class StopNumberWrong:
    """No stop number of this card's holder; ``again`` counts the tries left."""

    again: EnterStopNumber


class CodeEnd(StrEnum):
    """Why a code is no longer good."""

    EXPIRED = "expired"
    SPENT = "spent"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class CodeDead:
    """The code is no longer good; another must be sent."""

    why: CodeEnd
    again: SendCode


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
    | StopNumberWrong
)
"""Everything that a station can be answered, the ``Grant`` aside."""
