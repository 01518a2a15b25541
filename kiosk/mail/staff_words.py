"""Every sentence that is mailed to staff, in one place."""

from __future__ import annotations

from typing import Final

from kiosk.mail.words import Notice

BLOCKED_STAFF = Notice(
    "Self-service was blocked for a cardholder",
    "Too many failed attempts blocked smartcard self-service for this cardholder at every station.",
    "They have been asked to come to you. Identify them before you lift the block.",
)
ATTEMPTS_PAUSED_STAFF = Notice(
    "Wrong answers with a card that cannot prove itself",
    "Too many wrong answers were given with a card that is known by name only. Somebody may have "
    "a copy of it. Self-service is paused for cards of this holder that cannot prove themselves.",
    "Identify the cardholder before you lift the pause, and ask where their smartcard is.",
)
MISUSE_REPORTED_STAFF = Notice(
    "A cardholder says: this was not me",
    "A cardholder entered the number from a notice at a station, to say that what it tells of was "
    "not done by them. Self-service is blocked for them, and what was under way is ended.",
    "Identify them, and look at what happened under the references of their visits, before you "
    "lift the block.",
)
CARD_NOT_GENUINE = Notice(
    "A smartcard failed its proof of being genuine",
    "A smartcard that was put into a station could not prove that it is the one that was "
    "issued. It was refused, and nothing was released for it.",
    "Look the reference up to see whose card it claims to be. Keep the card if you get hold of it.",
)
FAILURES_AT_STATION = Notice(
    "Many failures at one station",
    "Many visits at this station failed within an hour: wrong answers, wrong codes, refusals. "
    "Its reader may be broken, or somebody may be trying smartcards that are not theirs.",
    "Look at what happened there in the audit, and go and see the station.",
)
FAILURES_OF_PERSON = Notice(
    "Many failures of one cardholder",
    "Much that was tried with a smartcard of this cardholder failed within an hour.",
    "They may need help, or somebody else may have their smartcard: call them.",
)
STATION_SILENT = Notice(
    "A station is silent",
    "Nothing was heard for two minutes or longer from what is named here. Until it is back, "
    "nobody can be helped there.",
    "See whether it has power and a network. Retire a station that does not come back.",
)
MAIL_HELD_UP = Notice(
    "Mail was held up",
    "Mail did not leave for a while. It does again, and what had waited is being sent.",
    "The log says what the mail relay answered. Whoever waited for a code can ask for another.",
)
ROW_ALTERED = Notice(
    "A record was altered outside of the service",
    "A record that grants access was changed in the database by something that does not have "
    "the key of the service. Nothing was done with it, and whoever needs it was turned away.",
    "Tell whoever answers for security, and keep a copy of the database as it is now. "
    'The command "kiosk doctor" names every such record, "kiosk rows --help" says what to do.',
)
AUDIT_BROKEN = Notice(
    "The audit does not fit any more",
    "The daily verification found that the audit was changed behind the service's back, "
    "or that its database was damaged.",
    "Tell whoever answers for security, and keep a copy of the database as it is now. "
    'The command "kiosk audit verify" shows the same at any time.',
)

TO_STAFF: Final = {
    "blocked-staff": BLOCKED_STAFF,
    "attempts-paused-staff": ATTEMPTS_PAUSED_STAFF,
    "misuse-reported-staff": MISUSE_REPORTED_STAFF,
    "card-not-genuine": CARD_NOT_GENUINE,
    "failures-at-station": FAILURES_AT_STATION,
    "failures-of-person": FAILURES_OF_PERSON,
    "station-silent": STATION_SILENT,
    "mail-held-up": MAIL_HELD_UP,
    "row-altered": ROW_ALTERED,
    "audit-broken": AUDIT_BROKEN,
}
