"""Every sentence that is mailed, to holders and to staff, ready for translation.

A holder's notice says what was done, where and when, and whom to call. No subject holds a code, as
locked telephones show subjects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kiosk.contract.messages import NOT_ME, Purpose

CALL = "Please call at once: {contact} ({hours})."
HELP = "Questions? {contact} ({hours})."
NOT_YOU = "If this was not you, somebody else may have your smartcard. {call}"
NOT_ASKED = "If you did not ask for this, somebody may have pretended to be you. {call}"

STOP = (
    "If this was not you: put your smartcard into any unlock station, choose "
    f'"{NOT_ME}" and enter {{number}}. Or call the Registration Authority and read the '
    "number out: {contact} ({hours}). Self-service for your smartcard is then stopped."
)
STOP_BY_CALL = (
    "If this was not you: call the Registration Authority and read the number {number} out: "
    "{contact} ({hours}). What else was begun with your smartcard is then stopped."
)
"""With self-service blocked, no station takes the number."""

STOP_NUMBER = "stop_number"
"""The parameter of a notice that holds the digits for it."""


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """The words of one notice; ``{name}`` and the like stand for its parameters.

    ``doubt`` is the last paragraph: when to call, and whom. ``stop`` takes its place in a mail
    with a number.
    """

    subject: str
    opening: str
    next: str = "There is nothing more to do."
    doubt: str = NOT_YOU
    stop: str = STOP


GREETING = "Hello {reader},"

CODE_SUBJECTS = {
    Purpose.REGISTER: "Your registration code",
    Purpose.UNLOCK: "Your unlock code",
    Purpose.CHANGE_EMAIL: "Confirm your email address",
}
CODE_SUBJECT = "Your smartcard code"
CODE_INTROS = {
    Purpose.REGISTER: "Here is the code that finishes your registration.",
    Purpose.UNLOCK: "Here is the code that unlocks your smartcard.",
    Purpose.CHANGE_EMAIL: "Here is the code that confirms this email address.",
}
CODE_INTRO = "Here is the code that you asked for."
OWNER_SUBJECT = "Show that it is you"
OWNER_INTROS = {
    Purpose.REGISTER: "Somebody is registering with your smartcard and its PIN. If it is you, "
    "here is the code that shows it.",
    Purpose.CHANGE_QUESTIONS: "Somebody is changing your security questions with your smartcard "
    "and its PIN. If it is you, here is the code that shows it.",
    Purpose.CHANGE_EMAIL: "Somebody is changing your email address with your smartcard and its "
    "PIN. If it is you, here is the code that shows it.",
}
OWNER_INTRO = "If you use a smartcard station now, here is the code that shows it is you."
CODE_LABEL = "Your code"
CODE_LIFE = (
    "It is good for {minutes}, and works once. Put your smartcard in at any unlock station and "
    "enter it there."
)
UNLOCK_CODE_LIFE = (
    "It is good for {minutes}. Put your smartcard in at any unlock station and enter it there. If "
    "you have to begin again, enter the same code. Once you have set a new PIN, it is used up."
)
CODE_IS_YOURS = (
    "Do not tell it to anybody. Staff never ask for your code, your PIN or your answers, "
    "by telephone or by email."
)
CODE_NOT_YOU = "If you did not ask for a code, somebody else may have your smartcard. {call}"

SENT_BY = "{service}, {trust}. This message was sent by a machine."

FACTS = {
    "holder_name": "Name",
    "holder_number": "Number",
    "station": "Station",
    "failures": "Failures",
    "finding": "Finding",
    "since": "Since",
    "until": "Until",
    "when": "Time",
    "masked_email": "Email address",
    "reference": "Reference",
    "others": "Others",
}

TIMES = frozenset({"since", "until", "when"})
"""The facts that are times."""

OTHERS = "further ones within this hour are on the page Today alone"
OTHERS_IN_AUDIT = "further ones within this hour are in the audit alone"

STAFF = "colleague"
HOLDER = "cardholder"
REPORT = "Report of smartcard self-service"


TO_HOLDERS = {
    "registered": NoticeWords(
        "You are registered for smartcard self-service",
        "You can now unlock your smartcard yourself at any unlock station, whenever its PIN is "
        "locked or forgotten.",
    ),
    "unlocked": NoticeWords(
        "Your smartcard was unlocked",
        "Your smartcard was unlocked and a new PIN was set. It is ready for use.",
    ),
    "blocked": NoticeWords(
        "Smartcard self-service is blocked for you",
        "The security questions were answered wrongly too often. To protect you, smartcard "
        "self-service is blocked for you at every station.",
        "The Registration Authority can lift the block. Bring your smartcard and proof of who you "
        "are.",
        stop=STOP_BY_CALL,
    ),
    "email-changed-old": NoticeWords(
        "Your email address for smartcard self-service was changed",
        "Codes for your smartcard now go to another address.",
        "If you made this change, there is nothing more to do.",
    ),
    "email-changed-new": NoticeWords(
        "Your email address for smartcard self-service is confirmed",
        "Codes and notices for your smartcard now come to this address.",
    ),
    "questions-changed": NoticeWords(
        "Your security questions were changed",
        "The security questions and answers for your smartcard were changed. The old ones no "
        "longer count.",
        "If you made this change, there is nothing more to do.",
    ),
    "email-change-waits": NoticeWords(
        "Your email address for smartcard self-service is going to change",
        "Another address for codes and notices was given at an unlock station. It does not count "
        "yet: until then codes go to the old one, and the change can be stopped.",
        "If you made this change, there is nothing more to do.",
    ),
    "attempts-paused": NoticeWords(
        "Wrong answers were given with your smartcard",
        "The security questions were answered wrongly too often with your smartcard, or with a "
        "copy of it. No answers are taken with it for a while.",
        "If it was you, come back later, or ask the Registration Authority.",
    ),
    "pin-changed": NoticeWords(
        "The PIN of your smartcard was changed",
        "The PIN of your smartcard was changed at an unlock station.",
        "If you made this change, there is nothing more to do.",
    ),
    "pin-maybe-changed": NoticeWords(
        "The PIN of your smartcard may have been changed",
        "A change of your smartcard's PIN was begun at an unlock station. We do not know whether "
        "your smartcard has the new PIN.",
        "If you began this change, try the new PIN. If it does not work, your old PIN still does.",
    ),
    "misuse-reported": NoticeWords(
        "What was under way with your smartcard is stopped",
        "Somebody reported that what was done with your smartcard was not done by you. What was "
        "under way is ended, and codes are withdrawn. If you are registered, self-service is "
        "blocked at every station.",
        "Go to the Registration Authority with your smartcard and proof of who you are.",
        "If you did not report this, somebody else may read your email. {call}",
    ),
    "block-lifted": NoticeWords(
        "Smartcard self-service is open to you again",
        "The Registration Authority has lifted the block. You can unlock your smartcard at any "
        "unlock station again.",
        doubt=NOT_ASKED,
    ),
    "pause-lifted": NoticeWords(
        "Answers are taken again with your smartcard",
        "After wrong answers, no answers were taken with your smartcard for a while. The "
        "Registration Authority has ended this: you can unlock it yourself again.",
        doubt="If the wrong answers were not yours, somebody may have a copy of your smartcard. "
        "{call}",
    ),
    "registration-revoked": NoticeWords(
        "Your registration for smartcard self-service was deleted",
        "The Registration Authority has deleted your registration for smartcard self-service, "
        "with your email address and your answers.",
        "You can register again at any unlock station, with your smartcard and its PIN.",
        NOT_ASKED,
    ),
    "email-corrected-old": NoticeWords(
        "Your email address for smartcard self-service was changed",
        "The Registration Authority has put another address in place of this one. Codes and "
        "notices for your smartcard no longer come here.",
        "If you asked for this, there is nothing more to do.",
        NOT_ASKED,
    ),
    "email-corrected-new": NoticeWords(
        "Your email address for smartcard self-service was changed",
        "The Registration Authority has put this address in place. Codes and notices for your "
        "smartcard now come here.",
        "The next code that you enter at an unlock station confirms it.",
        NOT_ASKED,
    ),
    "recorded-email-changed": NoticeWords(
        "Another email address is recorded for you",
        "The records of your organisation now hold another email address for you, and so does "
        "smartcard self-service. If you are registered for self-service, codes still go to the "
        "address that you registered.",
        "If the other address is yours, there is nothing more to do.",
        "If it is not yours, somebody may want to pass for you. {call}",
    ),
    "leaver-marked": NoticeWords(
        "Smartcard self-service is closed for you",
        "The Registration Authority has noted that you have left. Unlock stations can do nothing "
        "with your smartcard any more.",
        "If you have left, there is nothing more to do.",
        "If you have not left, there is a mistake. {call}",
    ),
    "leaver-taken-back": NoticeWords(
        "Smartcard self-service is open to you again",
        "The Registration Authority has noted that you are here again. Unlock stations work with "
        "your smartcard as they did before.",
        doubt=NOT_ASKED,
    ),
    "misuse-stopped": NoticeWords(
        "What was under way with your smartcard is stopped",
        "The Registration Authority was told that something was not done by you. What was under "
        "way is ended, and codes are withdrawn. If you are registered, self-service is blocked at "
        "every station.",
        "Go to the Registration Authority with your smartcard and proof of who you are.",
        NOT_ASKED,
    ),
    "change-stopped": NoticeWords(
        "Your email address for smartcard self-service stays as it was",
        "Another address for codes and notices was given at an unlock station, and was to count "
        "later. The Registration Authority has stopped this: codes go to the old address.",
        "If you asked for this, there is nothing more to do.",
        NOT_ASKED,
    ),
    "card-added": NoticeWords(
        "A smartcard was recorded for you",
        "The Registration Authority has recorded another smartcard as yours. It works at every "
        "unlock station.",
        doubt=NOT_ASKED,
    ),
    "card-replaced": NoticeWords(
        "Your smartcard was replaced",
        "The Registration Authority has recorded a new smartcard for you. The one that it "
        "replaces is cancelled: unlock stations can do nothing with it any more.",
        doubt=NOT_ASKED,
    ),
    "card-revoked": NoticeWords(
        "Your smartcard was cancelled",
        "The Registration Authority has cancelled a smartcard of yours. Unlock stations can do "
        "nothing with it any more.",
        "If you need another smartcard, ask the Registration Authority.",
        NOT_ASKED,
    ),
    "secret-set": NoticeWords(
        "Your smartcard was prepared for unlocking",
        "The Registration Authority has recorded what an unlock station needs to unlock your "
        "smartcard. Your PIN stays as it is.",
        doubt=NOT_ASKED,
    ),
    "card-key-set": NoticeWords(
        "Another key of your smartcard was recorded",
        "The records of your organisation now hold another key by which unlock stations recognise "
        "your smartcard. Your smartcard and its PIN stay as they are.",
        "If you were given new certificates or a new smartcard lately, there is nothing more to "
        "do.",
        "If not, somebody may want to use a copy of it. {call}",
    ),
    "card-in-use-again": NoticeWords(
        "A smartcard of yours is in use again",
        "The records of your organisation now say that a smartcard of yours, which had expired, "
        "is in use again. It works at every unlock station.",
        "If you have this smartcard, there is nothing more to do.",
        "If not, somebody may want to use it. {call}",
    ),
    "code-given": NoticeWords(
        "An unlock code for your smartcard was given by word of mouth",
        "Somebody told the Registration Authority that they are you and cannot read their email. "
        "They were given a code, in place of one by email, that helps to unlock your smartcard at "
        "a station for a short time.",
        "If you asked for this, there is nothing more to do.",
        NOT_ASKED,
    ),
    "first-code-given": NoticeWords(
        "A code that unlocks your smartcard was given by word of mouth",
        "Somebody told the Registration Authority that they are you, and that your smartcard is "
        "locked. They were given a code. For a short time it unlocks your smartcard at a station, "
        "where they can then register for self-service.",
        "If you asked for this, there is nothing more to do.",
        NOT_ASKED,
    ),
}


# What is mailed to staff.


TO_STAFF: Final = {
    "blocked-staff": NoticeWords(
        "Self-service was blocked for a cardholder",
        "Too many failed attempts blocked smartcard self-service for this cardholder at every "
        "station.",
        "They have been asked to come to you. Identify them before you lift the block.",
    ),
    "attempts-paused-staff": NoticeWords(
        "Wrong answers with a card that cannot prove itself",
        "Too many wrong answers were given with a card that is known by name only. Somebody may "
        "have a copy of it. Self-service is paused for cards of this holder that cannot prove "
        "themselves.",
        "Identify the cardholder before you lift the pause, and ask where their smartcard is.",
    ),
    "misuse-reported-staff": NoticeWords(
        "A cardholder says: this was not me",
        "A cardholder entered the number from a notice at a station, to say that what it tells of "
        "was not done by them. What was under way is ended. If they are registered, self-service "
        "is blocked for them.",
        "Their page says what it was about. Identify them, and put it right with them, before you "
        "lift the block.",
    ),
    "card-not-genuine": NoticeWords(
        "A smartcard failed its proof of being genuine",
        "A smartcard that was put into a station could not prove that it is the one that was "
        "issued. It was refused, and nothing was released for it.",
        "Look the reference up to see whose card it claims to be. Keep the card if you get hold "
        "of it.",
    ),
    "failures-at-station": NoticeWords(
        "Many failures at one station",
        "Much failed at this station within an hour: wrong answers, wrong codes, refusals, or it "
        "asked for what was not due. Its reader may be broken, somebody may be trying smartcards "
        "that are not theirs, or the station may be in wrong hands.",
        "Look at what happened there in the audit, and go and see the station. Retire one that is "
        "not where it should be.",
    ),
    "answers-limited": NoticeWords(
        "A station takes no answers for now",
        "So many wrong answers were given at this station, with cards that are known by name only, "
        "that it takes none with such cards for a while. Somebody may be trying cards or copies "
        "one after the other, or the station may be in wrong hands.",
        "Go and see the station, and retire one that is not where it should be. On the page "
        "Stations all pauses that it made can be lifted at once.",
    ),
    "failures-of-person": NoticeWords(
        "Many failures of one cardholder",
        "Much that was tried with a smartcard of this cardholder failed within an hour.",
        "They may need help, or somebody else may have their smartcard: call them.",
    ),
    "station-silent": NoticeWords(
        "A station is silent",
        "Nothing was heard for two minutes or longer from what is named here. Until it is back, "
        "nobody can be helped there.",
        "See whether it has power and a network. Retire a station that does not come back.",
    ),
    "mail-held-up": NoticeWords(
        "Mail was held up",
        "Mail did not leave for a while. It does again, and what had waited is being sent.",
        "The log says what the mail relay answered. Whoever waited for a code can ask for another.",
    ),
    "row-altered": NoticeWords(
        "A record was altered outside of the service",
        "A record that grants access was changed in the database by something that does not have "
        "the key of the service. Nothing was done with it, and whoever needs it was turned away.",
        "Tell whoever answers for security, and keep a copy of the database as it is now. The "
        'command "kiosk doctor" names every such record, "kiosk rows --help" says what to do.',
    ),
    "audit-broken": NoticeWords(
        "The audit does not fit any more",
        "The daily verification found that the audit was changed behind the service's back, or "
        "that its database was damaged.",
        "Tell whoever answers for security, and keep a copy of the database as it is now. The "
        'command "kiosk audit verify" shows the same at any time.',
    ),
    "clocks-differ": NoticeWords(
        "A clock of the service is wrong",
        "The clock of the database server and that of the machine named here differ by five "
        "minutes or more. Until they agree, no station is served by that machine.",
        "Set the one that is wrong, and turn time synchronisation on. Where nobody set it, tell "
        "whoever answers for security: a code lives longer by a clock that was put back.",
    ),
}
