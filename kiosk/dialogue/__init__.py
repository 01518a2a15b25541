"""What crosses the ``Authority`` port: plain frozen data, nothing that lives.

A station asks; the authority answers with a *task* (what the holder does next), a
*verdict* on what was just given (wrong, and how many are left), or a *refusal* (the
visit cannot go on). Durations are seconds from the moment of the answer, so that the
two halves need not agree on the time of day.
"""

from __future__ import annotations

from kiosk.dialogue.card import (
    CardChallenge,
    CardId,
    CardProof,
    CardReport,
    KeyKind,
    OnPad,
    PinEntry,
    PinState,
)
from kiosk.dialogue.replies import (
    AnswerProblem,
    AnswersRefused,
    AnswersWrong,
    CodeDead,
    CodeEnd,
    CodeNotSent,
    CodeWrong,
    EmailRefused,
    Refusal,
    Reply,
    VisitOpened,
)
from kiosk.dialogue.station import LONGEST_NAME, Health, Heartbeat, ReaderState, StationStanding
from kiosk.dialogue.tasks import (
    Answer,
    AnswerQuestions,
    ChooseQuestions,
    EnterCode,
    Finished,
    GiveEmail,
    PinRules,
    ProvePin,
    Question,
    SendCode,
    SetPin,
    Task,
)
from kiosk.dialogue.unblocking import (
    Grant,
    KeyAnswer,
    KeyChallenge,
    KeyGrant,
    KeyNonce,
    UnblockDone,
    UnblockNotSent,
    UnblockOutcome,
    UnblockRefused,
    UnblockUnknown,
    UnblockWrong,
)
from kiosk.dialogue.visit import JournalId, Purpose, Reason, VisitEnd, VisitId

__all__ = [
    "LONGEST_NAME",
    "Answer",
    "AnswerProblem",
    "AnswerQuestions",
    "AnswersRefused",
    "AnswersWrong",
    "CardChallenge",
    "CardId",
    "CardProof",
    "CardReport",
    "ChooseQuestions",
    "CodeDead",
    "CodeEnd",
    "CodeNotSent",
    "CodeWrong",
    "EmailRefused",
    "EnterCode",
    "Finished",
    "GiveEmail",
    "Grant",
    "Health",
    "Heartbeat",
    "JournalId",
    "KeyAnswer",
    "KeyChallenge",
    "KeyGrant",
    "KeyKind",
    "KeyNonce",
    "OnPad",
    "PinEntry",
    "PinRules",
    "PinState",
    "ProvePin",
    "Purpose",
    "Question",
    "ReaderState",
    "Reason",
    "Refusal",
    "Reply",
    "SendCode",
    "SetPin",
    "StationStanding",
    "Task",
    "UnblockDone",
    "UnblockNotSent",
    "UnblockOutcome",
    "UnblockRefused",
    "UnblockUnknown",
    "UnblockWrong",
    "VisitEnd",
    "VisitId",
    "VisitOpened",
]
