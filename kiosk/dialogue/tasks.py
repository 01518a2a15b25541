"""Tasks: what the holder does next."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.dialogue.visit import Purpose
from kiosk.sensitive import Sensitive


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
    """A code has to be sent to ``masked``; the station asks for it at once.

    ``proves_owner``: it goes to an address that is known already, as a factor, because the card
    did not prove its PIN.
    """

    masked: str
    proves_owner: bool = False


@dataclass(frozen=True, slots=True)
class EnterCode:
    """Enter the code that was sent to ``masked``; seconds count from this answer.

    ``masked`` is empty for a code that staff gave by word of mouth; another one by mail
    would take its place.
    """

    masked: str
    digits: int
    expires_in_s: float
    resend_in_s: float
    tries_left: int
    proves_owner: bool = False


@dataclass(frozen=True, slots=True)
class EnterStopNumber:
    """Enter the number from a notice that tells of something the holder did not do."""

    digits: int
    tries_left: int


@dataclass(frozen=True, slots=True)
class SetPin:
    """Choose a new PIN."""

    rules: PinRules


@dataclass(frozen=True, slots=True)
class Finished:
    """All is done; a changed address counts in ``counts_in_s`` seconds, at once where it is 0."""

    purpose: Purpose
    counts_in_s: float = 0.0


Task = (
    ProvePin
    | ChooseQuestions
    | GiveEmail
    | AnswerQuestions
    | SendCode
    | EnterCode
    | EnterStopNumber
    | SetPin
    | Finished
)
