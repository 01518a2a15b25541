"""Why a visit was refused, in the few words that staff read in a story, a list and a report."""

from __future__ import annotations

from typing import Final

from kiosk.dialogue import Reason

REASONS: Final[dict[Reason, str]] = {
    Reason.UNKNOWN_CARD: "The card is not recorded",
    Reason.LEAVER: "The holder has left",
    Reason.CARD_EXPIRED: "The card has expired",
    Reason.CARD_REVOKED: "The card was revoked",
    Reason.NOT_REGISTERED: "Not registered, and the PIN is blocked",
    Reason.REGISTRATION_BLOCKED: "Self-service is blocked",
    Reason.SECRET_MISSING: "No usable unblock secret for the card",
    Reason.SECRET_BLOCKED: "The card takes no unblock secret any more",
    Reason.NOT_GENUINE: "The card failed its proof of being genuine",
    Reason.TOO_MANY_CODES: "Too many codes were asked for",
    Reason.NO_EMAIL: "No email address that takes a code",
    Reason.NO_RECORDED_EMAIL: "The card did not prove its PIN, and no address is recorded",
    Reason.ATTEMPTS_PAUSED: "Too many wrong answers with a card that cannot prove itself",
    Reason.STATION_RETIRED: "The station was retired",
    Reason.CODE_WITHDRAWN: "The code was withdrawn after it was entered",
    Reason.GIVEN_CODE_OVER: "The code from staff was used up, ran out or was withdrawn",
    Reason.RECORD_ALTERED: "A record was altered outside of the service",
    Reason.STOP_NUMBER_WRONG: "Too many wrong numbers of notices were entered",
    Reason.CARD_UNREADABLE: "The card could not be read",
    Reason.CARD_BUSY: "Another program held the card",
    Reason.CARD_REFUSED: "The card refused the change",
    Reason.INSERT_CARD: "The card was held against the reader, and takes no PIN that way",
    Reason.PIN_BLOCKED: "The PIN was blocked by wrong entries",
    Reason.TWO_CARDS: "Two cards were in the readers",
    Reason.READER_GONE: "The reader was unplugged",
    Reason.OUTCOME_UNKNOWN: "What the card did is not known",
    Reason.AUTHORITY_AWAY: "The service did not answer",
    Reason.CHANGED_MEANWHILE: "A record or a setting was changed during the visit",
    Reason.FAULT: "An unexpected fault",
}


def reason_words(reason: object) -> str:
    """Say a reason as the audit holds it; one that this program does not know is said as it is."""
    known = {each.value: words for each, words in REASONS.items()}
    return known.get(str(reason), str(reason))
