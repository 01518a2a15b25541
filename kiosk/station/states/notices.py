"""What a page says beyond its title: one member, one sentence."""

from __future__ import annotations

from enum import StrEnum


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
    SAVING_ANSWERS = "saving-answers"
    CHECKING_ANSWERS = "checking-answers"
    SENDING_CODE = "sending-code"
    CHECKING_CODE = "checking-code"
    CHECKING_NUMBER = "checking-number"
    SETTING_PIN = "setting-pin"
    PIN_ON_PAD = "pin-on-pad"
    NEW_PIN_ON_PAD = "new-pin-on-pad"
    CHANGE_ON_PAD = "change-on-pad"

    @property
    def on_pad(self) -> bool:
        """Whether the holder is meanwhile entering a PIN on the reader's keys."""
        return self in (Work.PIN_ON_PAD, Work.NEW_PIN_ON_PAD, Work.CHANGE_ON_PAD)


class EmailTrouble(StrEnum):
    """What was wrong with an address, or with sending to it."""

    MALFORMED = "malformed"
    DOMAIN = "domain"
    MAIL_AWAY = "mail-away"
    TOO_SOON = "too-soon"


class CodeNotice(StrEnum):
    """What the code page says above the field."""

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


class PinTrouble(StrEnum):
    """Why a new PIN has to be chosen again."""

    MISMATCH = "mismatch"
    WEAK = "weak"
    CARD_HISTORY = "history"
    CARD_COMPLEXITY = "complexity"
    CARD_FORMAT = "format"


class PadNotice(StrEnum):
    """Why the reader has to ask for a PIN again; the first four are ``kiosk.errors.PadTrouble``."""

    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    DIFFERENT = "different"
    LENGTH = "length"
    WRONG = "wrong"
    ONCE_MORE = "once-more"
    NOT_TAKEN = "not-taken"


class Goodbye(StrEnum):
    """What "remove your card" follows."""

    LEFT = "left"
    IDLE = "idle"
    FINISHED = "finished"
