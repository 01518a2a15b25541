"""Times, numbers and reasons of refusal in words that staff can read out on the telephone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

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


_QUOTES: Final = str.maketrans("“”", "''")


def quoted(text: str) -> str:
    """Return what somebody wrote in quotation marks, so that nothing in it passes for ours."""
    return f"“{text.rstrip('.').translate(_QUOTES)}”"


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


def local_time(moment: datetime, *, seconds: bool = False) -> str:
    """Return ``2026-05-03 09:14 BST``: this machine's time, for those who use its commands."""
    here = moment.astimezone()
    return f"{here:%Y-%m-%d %H:%M:%S %Z}" if seconds else f"{here:%Y-%m-%d %H:%M %Z}"


def last_day(expires_at: datetime) -> str:
    """Return the last day on which a card works; days of cards end in UTC, as imported."""
    return format_day(expires_at - _A_MOMENT, UTC)


# Why a visit was refused, in the few words that staff read in a story, a list and a report.


REASONS: Final[dict[Reason, str]] = {
    Reason.UNKNOWN_CARD: "The card is not recorded",
    Reason.LEAVER: "The holder has left",
    Reason.CARD_EXPIRED: "The card has expired",
    Reason.CARD_REVOKED: "The card was revoked",
    Reason.CARD_STOPPED: "The policy stops cards of its kind",
    Reason.NOT_REGISTERED: "Not registered, and the PIN is blocked",
    Reason.REGISTRATION_BLOCKED: "Self-service is blocked",
    Reason.SECRET_MISSING: "No usable unblock secret for the card",
    Reason.SECRET_BLOCKED: "The card takes no unblock secret any more",
    Reason.NOT_GENUINE: "The card failed its proof of being genuine",
    Reason.TOO_MANY_CODES: "Too many codes were asked for",
    Reason.NO_EMAIL: "No email address is recorded",
    Reason.EMAIL_REFUSED: "The code was refused for its email address",
    Reason.NO_RECORDED_EMAIL: "The card did not prove its PIN, and no address is recorded",
    Reason.ATTEMPTS_PAUSED: "Too many wrong answers with a card that cannot prove itself",
    Reason.STATION_RETIRED: "The station was retired",
    Reason.STATION_LIMITED: "The station began too many visits within a minute",
    Reason.ANSWERS_LIMITED: (
        "Too many wrong answers at the station, with cards that cannot prove themselves"
    ),
    Reason.SECRET_KIND_DIFFERS: "The station would present another kind of secret than is stored",
    Reason.CODE_WITHDRAWN: "The code was withdrawn after it was entered",
    Reason.CODE_MOVED: "The address of the code was changed after it was entered",
    Reason.SAVED_CODE_OVER: "The saved code was used, withdrawn or replaced after it was entered",
    Reason.GIVEN_CODE_OVER: "The code from staff was used up, ran out or was withdrawn",
    Reason.RECORD_ALTERED: "A record was altered outside of the service",
    Reason.STOP_NUMBER_WRONG: "Too many wrong numbers of notices were entered",
    Reason.MAINTENANCE_REFUSED: "The card does not open the maintenance page",
    Reason.STOP_NUMBER_USED: "The number of a notice was used up by an earlier report",
    Reason.STOP_NUMBER_OLD: "The number of a notice was older than 30 days",
    Reason.CARD_UNREADABLE: "The card could not be read",
    Reason.CARD_NOT_SERVED: "The card is of no kind that the station serves",
    Reason.GLOBAL_PIN: "The PIN in use is the card's Global PIN, which no station serves",
    Reason.CARD_BUSY: "Another program held the card",
    Reason.CARD_REFUSED: "The card refused the change",
    Reason.INSERT_CARD: "The card was held against the reader, and takes no PIN that way",
    Reason.PIN_BLOCKED: "The PIN was blocked by wrong entries",
    Reason.TWO_CARDS: "Two cards were in the readers",
    Reason.READER_GONE: "The reader was unplugged",
    Reason.OUTCOME_UNKNOWN: "What the card did is not known",
    Reason.AUTHORITY_AWAY: "The service did not answer",
    Reason.CHANGED_MEANWHILE: "A record or a setting was changed during the visit",
    Reason.UNLISTED: "The station is of an older release, and did not know the answer",
    Reason.FAULT: "An unexpected fault",
}


def reason_words(reason: object) -> str:
    """Return the words of a reason as the audit stores it; an unknown one is returned as it is.

    A row whose detail was redacted has the empty one.
    """
    if not reason:
        return "The reason was taken out of the audit"
    known = {each.value: words for each, words in REASONS.items()}
    return known.get(str(reason), str(reason))
