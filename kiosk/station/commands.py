"""The commands of the flow.

A worker thread carries out each and answers it with one event that carries the same visit.
"""

from __future__ import annotations

from msgspec import Struct

from kiosk.contract.messages import (
    Answer,
    MaintenanceAct,
    MaintenanceReason,
    PinEntry,
    Purpose,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive


class OpenVisit(Struct, frozen=True):
    """Read the card and open the visit."""

    visit: VisitId
    reader: str


class Choose(Struct, frozen=True):
    """Start on a purpose; with ``anew`` also where its code can still be entered."""

    visit: VisitId
    purpose: Purpose
    anew: bool = False


class VerifyPin(Struct, frozen=True):
    """Let the card verify the PIN, then report it to the authority."""

    visit: VisitId
    at: CardAddress
    pin: PinEntry


class SaveQuestions(Struct, frozen=True):
    """Have the chosen questions and their answers checked and kept."""

    visit: VisitId
    answers: tuple[Answer, ...]


class SubmitEmail(Struct, frozen=True):
    """Take this address and send a code to it; repeated with the same ``attempt``: one mail."""

    visit: VisitId
    email: str
    attempt: str


class SubmitAnswers(Struct, frozen=True):
    """Check one full set of answers; sent again with the same ``attempt`` it counts once."""

    visit: VisitId
    attempt: str
    answers: tuple[Answer, ...]


class RequestCode(Struct, frozen=True):
    """Send the code that is due, or a fresh one; repeated with the same ``attempt``: one mail."""

    visit: VisitId
    attempt: str


class SubmitCode(Struct, frozen=True):
    """Check one entered code; sent again with the same ``attempt`` it counts once."""

    visit: VisitId
    attempt: str
    code: Sensitive


class SubmitStopNumber(Struct, frozen=True):
    """Check one entered stop number; sent again with the same ``attempt`` it counts once."""

    visit: VisitId
    attempt: str
    number: Sensitive


class UnblockPin(Struct, frozen=True):
    """Have the secret released, reset the PIN on the card and report the outcome.

    Repeated with the same ``attempt`` before an outcome is reported, it is one release.
    """

    visit: VisitId
    at: CardAddress
    new: PinEntry
    attempt: str


class ChangePin(Struct, frozen=True):
    """Change the PIN on the card and report it to the authority."""

    visit: VisitId
    at: CardAddress
    current: PinEntry
    new: PinEntry


PinCommand = VerifyPin | UnblockPin | ChangePin
"""The commands that send a PIN to the card."""


class DoMaintenance(Struct, frozen=True):
    """Have an act of an officer recorded, then do it; with the same ``attempt`` recorded once."""

    visit: VisitId
    at: CardAddress
    act: MaintenanceAct
    why: MaintenanceReason
    words: str
    attempt: str


class EndVisit(Struct, frozen=True):
    """Report the end of the visit to the authority; nothing waits for it."""

    visit: VisitId
    how: VisitEnd


class ReportMute(Struct, frozen=True):
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
    | DoMaintenance
    | EndVisit
    | ReportMute
)
