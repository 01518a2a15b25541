"""Times, numbers and reasons of refusal in words that staff can read out on the telephone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, assert_never

from kiosk.contract.messages import Reason

_NUMBERS: Final = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
)  # fmt: skip

_A_MOMENT: Final = timedelta(microseconds=1)


def counted(count: int, of: str, many: str = "") -> str:
    """Return ``three failed attempts``, ``one failed attempt``; ``many``: the plural, if not -s."""
    number = _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)
    return f"{number} {of}" if count == 1 else f"{number} {many or f'{of}s'}"


def numbered(count: object, thing: str, many: str = "") -> str:
    """Return ``1 row`` or ``1,204 rows``; ``many``: the plural, if not -s."""
    figures = f"{count:,}" if isinstance(count, int) else str(count)
    return f"{figures} {thing}" if count == 1 else f"{figures} {many or f'{thing}s'}"


def as_sentence(text: str) -> str:
    """Return ``text`` with a capital letter before and a full stop behind."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def format_moment(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Return ``09:14 today``, ``09:14 yesterday`` or ``09:14 on 3 May 2026``."""
    then = moment.astimezone(zone)
    days = (now.astimezone(zone).date() - then.date()).days
    day = {0: "today", 1: "yesterday"}.get(days) or f"on {format_day(moment, zone)}"
    return f"{then:%H:%M} {day}"


def format_day(moment: datetime, zone: tzinfo) -> str:
    """Return ``3 May 2026``."""
    then = moment.astimezone(zone)
    return f"{then.day} {then:%B %Y}"


def last_day(expires_at: datetime) -> str:
    """Return the last day on which a card works; days of cards end in UTC, as imported."""
    return format_day(expires_at - _A_MOMENT, UTC)


# Why a visit was refused, in the few words that staff read in a story, a list and a report.


def reason_words(reason: object) -> str:
    """Return the words of a reason as the audit stores it; an unknown one is returned as it is.

    A row whose detail was redacted has the empty one.
    """
    if not reason:
        return "The reason was taken out of the audit"
    try:
        return _words(Reason(str(reason)))
    except ValueError:
        return str(reason)


def _words(reason: Reason) -> str:  # noqa: C901 - the type checker names a missing arm
    match reason:
        case Reason.UNKNOWN_CARD:
            return "The card is not recorded"
        case Reason.LEAVER:
            return "The holder has left"
        case Reason.CARD_EXPIRED:
            return "The card has expired"
        case Reason.CARD_REVOKED:
            return "The card was revoked"
        case Reason.NOT_REGISTERED:
            return "Not registered, and the PIN is blocked"
        case Reason.REGISTRATION_BLOCKED:
            return "Self-service is blocked"
        case Reason.SECRET_MISSING:
            return "No usable unblock secret for the card"
        case Reason.SECRET_BLOCKED:
            return "The card takes no unblock secret any more"
        case Reason.NOT_GENUINE:
            return "The card failed its proof of being genuine"
        case Reason.TOO_MANY_CODES:
            return "Too many codes were asked for"
        case Reason.NO_EMAIL:
            return "No email address is recorded"
        case Reason.EMAIL_REFUSED:
            return "The code was refused for its email address"
        case Reason.NO_RECORDED_EMAIL:
            return "The card did not prove its PIN, and no address is recorded"
        case Reason.ATTEMPTS_PAUSED:
            return "Too many wrong answers with a card that cannot prove itself"
        case Reason.STATION_RETIRED:
            return "The station was retired"
        case Reason.STATION_LIMITED:
            return "The station began too many visits within a minute"
        case Reason.CODE_WITHDRAWN:
            return "The code was withdrawn after it was entered"
        case Reason.GIVEN_CODE_OVER:
            return "The code from staff was used up, ran out or was withdrawn"
        case Reason.RECORD_ALTERED:
            return "A record was altered outside of the service"
        case Reason.STOP_NUMBER_WRONG:
            return "Too many wrong numbers of notices were entered"
        case Reason.MAINTENANCE_REFUSED:
            return "The card does not open the maintenance page"
        case Reason.STOP_NUMBER_USED:
            return "The number of a notice was used up by an earlier report"
        case Reason.STOP_NUMBER_OLD:
            return "The number of a notice was older than 30 days"
        case Reason.CARD_UNREADABLE:
            return "The card could not be read"
        case Reason.CARD_BUSY:
            return "Another program held the card"
        case Reason.CARD_REFUSED:
            return "The card refused the change"
        case Reason.INSERT_CARD:
            return "The card was held against the reader, and takes no PIN that way"
        case Reason.PIN_BLOCKED:
            return "The PIN was blocked by wrong entries"
        case Reason.TWO_CARDS:
            return "Two cards were in the readers"
        case Reason.READER_GONE:
            return "The reader was unplugged"
        case Reason.OUTCOME_UNKNOWN:
            return "What the card did is not known"
        case Reason.AUTHORITY_AWAY:
            return "The service did not answer"
        case Reason.CHANGED_MEANWHILE:
            return "A record or a setting was changed during the visit"
        case Reason.UNLISTED:
            return "The station is of an older release, and did not know the answer"
        case Reason.FAULT:
            return "An unexpected fault"
        case _:
            assert_never(reason)
