"""Every sentence that is mailed to staff: alarms and reports, in English as their pages are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GREETING = "Hello colleague,"
REPORT = "Report of smartcard self-service"

OTHERS = "further ones within this hour are on the page Today alone"
OTHERS_IN_AUDIT = "further ones within this hour are in the audit alone"


@dataclass(frozen=True, slots=True)
class StaffNoticeWords:
    """The words of one notice to staff."""

    subject: str
    opening: str
    next: str


TO_STAFF: Final = {
    "blocked-staff": StaffNoticeWords(
        "Self-service was blocked for a cardholder",
        "Too many failed attempts blocked smartcard self-service for this cardholder at every "
        "station.",
        "They have been asked to come to you. Identify them before you lift the block.",
    ),
    "attempts-paused-staff": StaffNoticeWords(
        "Wrong answers with a card that cannot prove itself",
        "Too many wrong answers were given with a card that is known by name only. Somebody may "
        "have a copy of it. Self-service is paused for cards of this holder that cannot prove "
        "themselves.",
        "Identify the cardholder before you lift the pause, and ask where their smartcard is.",
    ),
    "misuse-reported-staff": StaffNoticeWords(
        "A cardholder says: this was not me",
        "A cardholder entered the number from a notice at a station, to say that what it tells of "
        "was not done by them. What was under way is ended. If they are registered, self-service "
        "is blocked for them.",
        "Their page says what it was about. Identify them, and put it right with them, before you "
        "lift the block.",
    ),
    "card-not-genuine": StaffNoticeWords(
        "A smartcard failed its proof of being genuine",
        "A smartcard that was put into a station could not prove that it is the one that was "
        "issued. It was refused, and nothing was released for it.",
        "Look the reference up to see whose card it claims to be. Keep the card if you get hold "
        "of it.",
    ),
    "failures-at-station": StaffNoticeWords(
        "Many failures at one station",
        "Much failed at this station within an hour: wrong answers, wrong codes, refusals, or it "
        "asked for what was not due. Its reader may be broken, somebody may be trying smartcards "
        "that are not theirs, or the station may be in wrong hands.",
        "Look at what happened there in the audit, and go and see the station. Retire one that is "
        "not where it should be.",
    ),
    "answers-limited": StaffNoticeWords(
        "A station takes no answers for now",
        "So many wrong answers were given at this station, with cards that are known by name only, "
        "that it takes none with such cards for a while. Somebody may be trying cards or copies "
        "one after the other, or the station may be in wrong hands.",
        "Go and see the station, and retire one that is not where it should be. On the page "
        "Stations all pauses that it made can be lifted at once.",
    ),
    "failures-of-person": StaffNoticeWords(
        "Many failures of one cardholder",
        "Much that was tried with a smartcard of this cardholder failed within an hour.",
        "They may need help, or somebody else may have their smartcard: call them.",
    ),
    "station-silent": StaffNoticeWords(
        "A station is silent",
        "Nothing was heard for two minutes or longer from what is named here. Until it is back, "
        "nobody can be helped there.",
        "See whether it has power and a network. Retire a station that does not come back.",
    ),
    "mail-held-up": StaffNoticeWords(
        "Mail was held up",
        "Mail did not leave for a while. It does again, and what had waited is being sent.",
        "The log says what the mail relay answered. Whoever waited for a code can ask for another.",
    ),
    "row-altered": StaffNoticeWords(
        "A record was altered outside of the service",
        "A record that grants access was changed in the database by something that does not have "
        "the key of the service. Nothing was done with it, and whoever needs it was turned away.",
        "Tell whoever answers for security, and keep a copy of the database as it is now. The "
        'command "kiosk doctor" names every such record, "kiosk rows --help" says what to do.',
    ),
    "audit-broken": StaffNoticeWords(
        "The audit does not fit any more",
        "The daily verification found that the audit was changed behind the service's back, or "
        "that its database was damaged.",
        "Tell whoever answers for security, and keep a copy of the database as it is now. The "
        'command "kiosk audit verify" shows the same at any time.',
    ),
    "clocks-differ": StaffNoticeWords(
        "A clock of the service is wrong",
        "The clock of the database server and that of the machine named here differ by five "
        "minutes or more. Until they agree, no station is served by that machine.",
        "Set the one that is wrong, and turn time synchronisation on. Where nobody set it, tell "
        "whoever answers for security: a code lives longer by a clock that was put back.",
    ),
    "list-not-current": StaffNoticeWords(
        "A list of revoked certificates is not current",
        "The list of an issuer of cards could not be used, or it ended and no newer one came. The "
        "last good list stays in use: a card that was revoked since is not in it.",
        "See why the file is not renewed: its name, or its issuer, is below. The command "
        '"kiosk doctor" shows each list and its age.',
    ),
}
