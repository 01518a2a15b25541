"""What a visit is called, what it is for, why it cannot go on and how it ended."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

VisitId = NewType("VisitId", str)
"""32 hexadecimal digits, drawn by the station when a card goes in."""

JournalId = NewType("JournalId", str)
"""Names one unblock from its intent to its outcome."""


class Purpose(StrEnum):
    """What a visit is for.

    ``FIRST_UNLOCK`` is for a holder who is not registered, with a code that staff gave by word of
    mouth; once the card has its new PIN, the same visit goes on as ``REGISTER``.
    """

    REGISTER = "register"
    UNLOCK = "unlock"
    FIRST_UNLOCK = "first-unlock"
    CHANGE_PIN = "change-pin"
    CHANGE_QUESTIONS = "change-questions"
    CHANGE_EMAIL = "change-email"
    REPORT_MISUSE = "report-misuse"


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
    NO_RECORDED_EMAIL = "no-recorded-email"
    ATTEMPTS_PAUSED = "attempts-paused"
    STATION_RETIRED = "station-retired"
    CODE_WITHDRAWN = "code-withdrawn"
    GIVEN_CODE_OVER = "given-code-over"
    RECORD_ALTERED = "record-altered"
    STOP_NUMBER_WRONG = "stop-number-wrong"

    CARD_UNREADABLE = "card-unreadable"
    CARD_BUSY = "card-busy"
    CARD_REFUSED = "card-refused"
    INSERT_CARD = "insert-card"
    PIN_BLOCKED = "pin-blocked"
    TWO_CARDS = "two-cards"
    READER_GONE = "reader-gone"
    OUTCOME_UNKNOWN = "outcome-unknown"
    AUTHORITY_AWAY = "authority-away"
    CHANGED_MEANWHILE = "changed-meanwhile"
    FAULT = "fault"


class VisitEnd(StrEnum):
    """How a visit ended, for the audit."""

    CARD_REMOVED = "card-removed"
    FINISHED = "finished"
    LEFT = "left"
    IDLE = "idle"
    REFUSED = "refused"
    FAULT = "fault"
