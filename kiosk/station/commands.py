"""The commands of the flow.

A worker thread carries out each, and answers all but a ``Report`` with one event of the same visit.
"""

from __future__ import annotations

from msgspec import Struct

from kiosk.contract.messages import (
    Answer,
    Factor,
    FactorEntry,
    MaintenanceAct,
    MaintenanceReason,
    PinEntry,
    Purpose,
    RouteId,
    VisitEnd,
    VisitId,
)
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive


class VisitCommand(Struct, frozen=True):
    visit: VisitId


class OpenVisit(VisitCommand, frozen=True):
    reader: str


class Choose(VisitCommand, frozen=True):
    """Start on a purpose; with ``anew`` also where its code can still be entered."""

    purpose: Purpose
    anew: bool = False


class VerifyPin(VisitCommand, frozen=True):
    """Let the card verify the PIN, then report it to the authority."""

    at: CardAddress
    pin: PinEntry


class SaveQuestions(VisitCommand, frozen=True):
    answers: tuple[Answer, ...]


class SubmitEmail(VisitCommand, frozen=True):
    """Take this address and send a code to it; repeated with the same ``attempt``: one mail."""

    email: str
    attempt: str


class ChooseWay(VisitCommand, frozen=True):
    """Take one of the ways that were offered."""

    way: tuple[Factor, ...]


class Prepare(VisitCommand, frozen=True):
    """Have sent what a factor needs, or a fresh one; with the same ``attempt`` one is sent."""

    attempt: str
    factor: Factor
    route: RouteId


class SubmitEntry(VisitCommand, frozen=True):
    """Check what was entered for a factor; sent again with the same ``attempt`` it counts once."""

    attempt: str
    entry: FactorEntry


class MakeSavedCodes(VisitCommand, frozen=True):
    """Make the codes that the holder writes down; the same ones where it is repeated."""


class KeepSavedCodes(VisitCommand, frozen=True):
    """Let the codes count that the holder has written down."""


class SubmitStopNumber(VisitCommand, frozen=True):
    """Check one entered stop number; sent again with the same ``attempt`` it counts once."""

    attempt: str
    number: Sensitive


class UnblockPin(VisitCommand, frozen=True):
    """Have the secret released, reset the PIN and report the outcome.

    Repeated with the same ``attempt`` before an outcome is recorded, it is one release.
    """

    at: CardAddress
    new: PinEntry
    attempt: str


class ChangePin(VisitCommand, frozen=True):
    at: CardAddress
    current: PinEntry
    new: PinEntry


PinCommand = VerifyPin | UnblockPin | ChangePin
"""The commands that send a PIN to the card."""


class DoMaintenance(VisitCommand, frozen=True):
    """Have an act of an officer recorded, then do it; with the same ``attempt`` recorded once."""

    at: CardAddress
    act: MaintenanceAct
    why: MaintenanceReason
    words: str
    attempt: str


class EndVisit(VisitCommand, frozen=True):
    how: VisitEnd


class ReportMute(VisitCommand, frozen=True):
    """Report a card that gives no answer to the authority."""


Report = EndVisit | ReportMute
"""The commands whose answer nothing waits for."""

Command = (
    OpenVisit
    | Choose
    | VerifyPin
    | SaveQuestions
    | SubmitEmail
    | ChooseWay
    | Prepare
    | SubmitEntry
    | MakeSavedCodes
    | KeepSavedCodes
    | SubmitStopNumber
    | UnblockPin
    | ChangePin
    | DoMaintenance
    | Report
)
