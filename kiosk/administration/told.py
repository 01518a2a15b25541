"""What the audit holds, in plain words: one sentence for each kind, more where it says more."""

from __future__ import annotations

from typing import Final

from kiosk.administration.key_rotation import BACKED_UP
from kiosk.administration.kinds import DEEDS, PERSON_IMPORTED, StaffKind
from kiosk.administration.saying import as_sentence
from kiosk.administration.told_of_service import SAID_OF_SERVICE
from kiosk.administration.told_of_visits import SAID_OF_VISITS
from kiosk.authority.audit import AuditKind
from kiosk.authority.housekeeping import PURGED
from kiosk.secrets.rotate import RESEALED
from kiosk.store.audit_records import AuditEvent

WORDS: Final[dict[str, str]] = {
    AuditKind.VISIT_OPENED: "Put the card into the station.",
    AuditKind.VISIT_RESUMED: "Came back to enter the code.",
    AuditKind.VISIT_SUPERSEDED: "The card went into another station.",
    AuditKind.VISIT_ENDED: "The visit ended.",
    AuditKind.CARD_UNPROVEN: "The card could not prove that it is the one that was issued.",
    AuditKind.CARD_PROVEN_BY_KEY: "The card showed that it has its admin key.",
    AuditKind.CARD_KEY_RECORDED: "The key of the card was recorded, to know the card by.",
    AuditKind.PIN_KEY_RECORDED: "The key that the card uses after its PIN was recorded.",
    AuditKind.STATION_LIMITED: "The station opened too many visits within a minute.",
    AuditKind.REFUSED: "Turned away.",
    AuditKind.REFUSED_AT_STATION: "Turned away by the station.",
    AuditKind.STEP_REFUSED: "The station asked for something out of turn, and was refused.",
    AuditKind.ROW_ALTERED: "A record that was altered outside of the service was refused.",
    AuditKind.PURPOSE_CHOSEN: "Chose what to do.",
    AuditKind.PIN_VERIFIED: "The card took its PIN.",
    AuditKind.OWNER_CONFIRMED: "Entered the code that was sent to the known address.",
    AuditKind.QUESTIONS_TAKEN: "Chose security questions and answered them.",
    AuditKind.QUESTIONS_NOT_TAKEN: "An answer that was to be registered was not taken.",
    AuditKind.EMAIL_TAKEN: "Gave an email address.",
    AuditKind.EMAIL_NOT_TAKEN: "Gave an email address that is not taken.",
    AuditKind.ATTEMPT_CHARGED: "Began an attempt at the security questions.",
    AuditKind.ANSWERS_RIGHT: "Answered the security questions rightly.",
    AuditKind.ANSWERS_WRONG: "Answered the security questions wrongly.",
    AuditKind.ATTEMPTS_PAUSED: (
        "No answers are taken for a while with cards that cannot prove themselves."
    ),
    AuditKind.REGISTRATION_BLOCKED: "Self-service was blocked: too many failed attempts.",
    AuditKind.STOP_NUMBER_TRIED: "Began to enter the number of a notice.",
    AuditKind.STOP_NUMBER_WRONG: "Entered a wrong number as that of a notice.",
    AuditKind.MISUSE_REPORTED: (
        'Reported "This was not me" with the number of a notice: self-service was stopped.'
    ),
    AuditKind.CODE_DRAFTED: "A code was made.",
    AuditKind.CODE_SENT: "A code was sent by mail.",
    AuditKind.CODE_NOT_SENT: "A code could not be sent.",
    AuditKind.CODE_LIMITED: "Asked for another code too early.",
    AuditKind.CODE_TRY_CHARGED: "Began to enter a code.",
    AuditKind.CODE_RIGHT: "Entered the code rightly.",
    AuditKind.CODE_WRONG: "Entered a wrong code.",
    AuditKind.CODE_DEAD: "Entered a code that works no more.",
    AuditKind.REGISTERED: "Registered for self-service.",
    AuditKind.EMAIL_CHANGED: "Changed the email address.",
    AuditKind.EMAIL_CHANGE_WAITS: "Gave another email address; it does not count yet.",
    AuditKind.EMAIL_CHANGE_STOPPED: "The other email address was not put in place.",
    AuditKind.EMAIL_CONFIRMED: "Confirmed the email address that staff had put in place.",
    AuditKind.QUESTIONS_CHANGED: "Changed the security questions.",
    AuditKind.PIN_CHANGED: "Changed the PIN.",
    AuditKind.SECRET_RELEASED: "The unblock secret was given to the station for the card.",
    AuditKind.ADMIN_KEY_USED: "The admin key was used for the card; the station was not given it.",
    AuditKind.SECRET_BROKEN: "The unblock secret of the card could not be opened.",
    AuditKind.UNBLOCK_DONE: "Unlocked the card and set a new PIN.",
    AuditKind.UNBLOCK_REFUSED: "The card refused to be unlocked.",
    AuditKind.UNBLOCK_NOT_SENT: "The card was not unlocked: nothing was sent to it.",
    AuditKind.UNBLOCK_UNKNOWN: "The card's answer was lost: whether it was unlocked is not known.",
    AuditKind.UNBLOCK_SETTLED: "The card showed what had become of an unlock.",
    AuditKind.UNBLOCK_TOLD_LATE: "The station told of an unlock that was settled already.",
    AuditKind.SECRET_TRIES_TOLD: "The card says how many tries its unblock secret has left.",
    AuditKind.SECRET_DRAWN: "Another unblock secret was made for the card.",
    AuditKind.SECRET_CHANGED: "The unblock secret of the card was changed.",
    AuditKind.SECRET_NOT_CHANGED: "The card kept its unblock secret.",
    AuditKind.SECRET_CHANGE_UNKNOWN: (
        "Whether the card took its new unblock secret is not known; its next unlock finds out."
    ),
    AuditKind.SECRET_FOUND: "The card showed which of two unblock secrets it has.",
    AuditKind.CARD_SET_ASIDE: (
        "The card was set aside: it refused every unblock secret that it could have."
    ),
    PERSON_IMPORTED: "Name or email address were changed by an import.",
    "card-changed": "The card was changed by an import.",
    "people-imported": "People were imported.",
    "rows-restamped": "The MACs of records were made anew under another key.",
    "row-accepted": "A record that was altered outside of the service was taken as it is.",
    "key-added": "A key was added, to the key file or to a token.",
    BACKED_UP: "A copy of the key file was made and is kept in a safe place.",
    RESEALED: "Unblock secrets were sealed under another key.",
    PURGED: "Old visits and entries of the unblock journal were deleted.",
    **{kind: as_sentence(deed) for kind, deed in DEEDS.items()},
}
"""What each kind means, whatever its detail says."""

GRAVE: Final[frozenset[str]] = frozenset(
    {
        AuditKind.REFUSED,
        AuditKind.REFUSED_AT_STATION,
        AuditKind.STEP_REFUSED,
        AuditKind.ROW_ALTERED,
        AuditKind.QUESTIONS_NOT_TAKEN,
        AuditKind.EMAIL_NOT_TAKEN,
        AuditKind.ANSWERS_WRONG,
        AuditKind.REGISTRATION_BLOCKED,
        AuditKind.ATTEMPTS_PAUSED,
        AuditKind.STATION_LIMITED,
        AuditKind.STOP_NUMBER_WRONG,
        AuditKind.MISUSE_REPORTED,
        AuditKind.EMAIL_CHANGE_STOPPED,
        AuditKind.CODE_NOT_SENT,
        AuditKind.CODE_LIMITED,
        AuditKind.CODE_WRONG,
        AuditKind.CODE_DEAD,
        AuditKind.CARD_UNPROVEN,
        AuditKind.SECRET_BROKEN,
        AuditKind.UNBLOCK_REFUSED,
        AuditKind.UNBLOCK_NOT_SENT,
        AuditKind.UNBLOCK_UNKNOWN,
        AuditKind.SECRET_CHANGE_UNKNOWN,
        AuditKind.CARD_SET_ASIDE,
        StaffKind.TURNED_AWAY,
        StaffKind.NOT_PERMITTED,
    }
)
"""Refusals and failures."""


_MORE: Final = {**SAID_OF_VISITS, **SAID_OF_SERVICE}


def told(event: AuditEvent) -> str:
    """Return what happened; a kind of another version of the program is named as it is."""
    say = _MORE.get(event.kind)
    words = say(event.detail) if say else ""
    return words or WORDS.get(event.kind, event.kind)
