"""What the flow asks of the world: each is carried out on a worker thread and answered
by one event that carries the same visit."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.contract.messages import Answer, PinEntry, Purpose, VisitEnd, VisitId
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """Read the card and open the visit."""

    visit: VisitId
    reader: str


@dataclass(frozen=True, slots=True)
class Choose:
    """Start on a purpose."""

    visit: VisitId
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class VerifyPin:
    """Let the card verify the PIN, then report it to the authority."""

    visit: VisitId
    at: CardAddress
    pin: PinEntry


@dataclass(frozen=True, slots=True)
class SaveQuestions:
    """Store the chosen questions and their answers."""

    visit: VisitId
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class SubmitEmail:
    """Take this address and send a code to it; repeated with the same ``attempt``: one mail."""

    visit: VisitId
    email: str
    attempt: str


@dataclass(frozen=True, slots=True)
class SubmitAnswers:
    """Check one full set of answers; sent again with the same ``attempt`` it counts once."""

    visit: VisitId
    attempt: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class RequestCode:
    """Send the code that is due, or a fresh one; repeated with the same ``attempt``: one mail."""

    visit: VisitId
    attempt: str


@dataclass(frozen=True, slots=True)
class SubmitCode:
    """Check one entered code; sent again with the same ``attempt`` it counts once."""

    visit: VisitId
    attempt: str
    code: Sensitive


@dataclass(frozen=True, slots=True)
class SubmitStopNumber:
    """Check one entered stop number; sent again with the same ``attempt`` it counts once."""

    visit: VisitId
    attempt: str
    number: Sensitive


@dataclass(frozen=True, slots=True)
class UnblockPin:
    """Have the secret released, reset the PIN on the card and report the outcome.

    Repeated with the same ``attempt``, while no outcome was reported, it is one release.
    """

    visit: VisitId
    at: CardAddress
    new: PinEntry
    attempt: str


@dataclass(frozen=True, slots=True)
class ChangePin:
    """Change the PIN on the card and report it to the authority."""

    visit: VisitId
    at: CardAddress
    current: PinEntry
    new: PinEntry


PinCommand = VerifyPin | UnblockPin | ChangePin
"""The commands that send a PIN to the card."""


@dataclass(frozen=True, slots=True)
class EndVisit:
    """Report to the authority that the visit is over; nothing waits for it."""

    visit: VisitId
    how: VisitEnd


@dataclass(frozen=True, slots=True)
class ReportMute:
    """Report a card that gives no answer to the authority; nothing waits for it."""

    visit: VisitId


Command = (
    OpenVisit
    | Choose
    | VerifyPin
    | SaveQuestions
    | SubmitEmail
    | SubmitAnswers
    | RequestCode
    | SubmitCode
    | SubmitStopNumber
    | UnblockPin
    | ChangePin
    | EndVisit
    | ReportMute
)
