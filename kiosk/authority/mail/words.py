"""Every sentence that is mailed to holders; those to staff are in ``staff_words``.

A holder's notice says what was done, where and when, and whom to call. No subject holds a code, as
locked telephones show subjects.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.contract.language import Counted, Text
from kiosk.contract.messages import Purpose

CALL = Text("Please call at once: {contact} ({hours}).")
HELP = Text("Questions? {contact} ({hours}).")
NOT_YOU = Text("If this was not you, somebody else may have your smartcard.")
NOT_ASKED = Text("If you did not ask for this, somebody may have pretended to be you.")

# Translators: {choice} is the button of the station with these words, in your language.
STOP = Text(
    'If this was not you: put your smartcard into any unlock station, choose "{choice}" and enter '
    "{number}. Or call the Registration Authority and read the number out: {contact} ({hours}). "
    "Self-service for your smartcard is then stopped."
)
STOP_BY_CALL = Text(
    "If this was not you: call the Registration Authority and read the number {number} out: "
    "{contact} ({hours}). What else was begun with your smartcard is then stopped."
)
"""With self-service blocked, no station takes the number."""

NOTHING_MORE = Text("There is nothing more to do.")

STOP_NUMBER = "stop_number"
"""The parameter of a notice that holds the digits for it."""


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """The words of one notice.

    ``doubt`` is the last paragraph, before ``CALL``: when to call. ``stop`` takes the place of both
    in a mail with a number.
    """

    subject: Text
    opening: Text
    next: Text = NOTHING_MORE
    doubt: Text = NOT_YOU
    stop: Text = STOP


GREETING = Text("Hello {name},")
GREETING_WITHOUT_NAME = Text("Hello cardholder,")

CODE_SUBJECTS = {
    Purpose.REGISTER: Text("Your registration code"),
    Purpose.UNLOCK: Text("Your unlock code"),
    Purpose.CHANGE_EMAIL: Text("Confirm your email address"),
    Purpose.ADD_ADDRESS: Text("Confirm your further email address"),
}
CODE_SUBJECT = Text("Your smartcard code")
CODE_INTROS = {
    Purpose.REGISTER: Text("Here is the code that finishes your registration."),
    Purpose.UNLOCK: Text("Here is the code that unlocks your smartcard."),
    Purpose.CHANGE_EMAIL: Text("Here is the code that confirms this email address."),
    Purpose.ADD_ADDRESS: Text("Here is the code that confirms this further email address."),
}
CODE_INTRO = Text("Here is the code that you asked for.")
OWNER_SUBJECT = Text("Show that it is you")
OWNER_INTROS = {
    Purpose.REGISTER: Text(
        "Somebody is registering with your smartcard and its PIN. If it is you, here is the code "
        "that shows it."
    ),
    Purpose.CHANGE_QUESTIONS: Text(
        "Somebody is changing your security questions with your smartcard and its PIN. If it is "
        "you, here is the code that shows it."
    ),
    Purpose.CHANGE_EMAIL: Text(
        "Somebody is changing your email address with your smartcard and its PIN. If it is you, "
        "here is the code that shows it."
    ),
    Purpose.ADD_ADDRESS: Text(
        "Somebody is adding an email address to yours with your smartcard and its PIN. If it is "
        "you, here is the code that shows it."
    ),
    Purpose.SAVED_CODES: Text(
        "Somebody is having saved codes made with your smartcard and its PIN. If it is you, here "
        "is the code that shows it."
    ),
}
OWNER_INTRO = Text("If you use a smartcard station now, here is the code that shows it is you.")
CODE_LABEL = Text("Your code")
SCAN_ALT = Text("The code as a picture")
SCAN_HINT = Text("If the station has a scanner, hold this picture in front of it.")
CODE_LIFE = Counted(
    "It is good for {number} minute, and works once. Put your smartcard in at any unlock station "
    "and enter it there.",
    "It is good for {number} minutes, and works once. Put your smartcard in at any unlock station "
    "and enter it there.",
    spelled=10,
)
UNLOCK_CODE_LIFE = Counted(
    "It is good for {number} minute. Put your smartcard in at any unlock station and enter it "
    "there. If you have to begin again, enter the same code. Once you have set a new PIN, it is "
    "used up.",
    "It is good for {number} minutes. Put your smartcard in at any unlock station and enter it "
    "there. If you have to begin again, enter the same code. Once you have set a new PIN, it is "
    "used up.",
    spelled=10,
)
CODE_IS_YOURS = Text(
    "Do not tell it to anybody. Staff never ask for your code, your PIN or your answers, by "
    "telephone or by email."
)
CODE_NOT_YOU = Text("If you did not ask for a code, somebody else may have your smartcard.")

# Translators: in a text message, of at most 160 characters as a whole.
TEXT_CODE = Counted(
    "{code} is your code for {service}. It is good for {number} minute. Do not tell it to anybody: "
    "staff never ask for it.",
    "{code} is your code for {service}. It is good for {number} minutes. Do not tell it to "
    "anybody: staff never ask for it.",
    spelled=10,
)
# Translators: text messages, of at most 300 characters as a whole.
TEXT_NOTICE = Text("{service}: {subject}. Reference {reference}.")
TEXT_CALL = Text("Not you? Call {contact}.")
TEXT_STOP = Text('Not you? At an unlock station choose "{choice}", enter {number}. Or: {contact}.')
TEXT_STOP_BY_CALL = Text("Not you? Read {number} out to: {contact}.")

SENT_BY = Text("{service}, {trust}. This message was sent by a machine.")

FACTS = {
    "holder_name": Text("Name"),
    "holder_number": Text("Number"),
    "station": Text("Station"),
    "failures": Text("Failures"),
    "finding": Text("Finding"),
    "since": Text("Since"),
    "until": Text("Until"),
    "expires": Text("It expires"),
    "when": Text("Time"),
    "masked_email": Text("Email address"),
    "reference": Text("Reference"),
    "others": Text("Others"),
}

TIMES = frozenset({"since", "until", "when", "expires"})
"""The facts that are times."""

WHEN = Text("{weekday} {day} {month} {year} at {time} {zone}")
"""A date and a time; ``zone`` is a name such as ``BST``."""


TO_HOLDERS = {
    "registered": NoticeWords(
        Text("You are registered for smartcard self-service"),
        Text(
            "You can now unlock your smartcard yourself at any unlock station, whenever its PIN is "
            "locked or forgotten."
        ),
    ),
    "unlocked": NoticeWords(
        Text("Your smartcard was unlocked"),
        Text("Your smartcard was unlocked and a new PIN was set. It is ready for use."),
    ),
    "blocked": NoticeWords(
        Text("Smartcard self-service is blocked for you"),
        Text(
            "Somebody tried too often to show that they are you, and was wrong. To protect you, "
            "smartcard self-service is blocked for you at every station."
        ),
        Text(
            "The Registration Authority can lift the block. Bring your smartcard and proof of who "
            "you are."
        ),
        stop=STOP_BY_CALL,
    ),
    "email-changed-old": NoticeWords(
        Text("Your email address for smartcard self-service was changed"),
        Text("Codes for your smartcard now go to another address."),
        Text("If you made this change, there is nothing more to do."),
    ),
    "email-changed-new": NoticeWords(
        Text("Your email address for smartcard self-service is confirmed"),
        Text("Codes and notices for your smartcard now come to this address."),
    ),
    "questions-changed": NoticeWords(
        Text("Your security questions were changed"),
        Text(
            "The security questions and answers for your smartcard were changed. The old ones no "
            "longer count."
        ),
        Text("If you made this change, there is nothing more to do."),
    ),
    "saved-codes-made": NoticeWords(
        Text("Saved codes were made for your smartcard"),
        Text(
            "Codes to keep on paper were shown at an unlock station. Each can help to unlock your "
            "smartcard, once. Codes that you had before no longer count."
        ),
        Text("Keep them apart from your smartcard, and show them to nobody."),
    ),
    "saved-code-replaced": NoticeWords(
        Text("One of your saved codes was used"),
        Text(
            "One of your saved codes was used to unlock your smartcard. Another one was shown in "
            "its place at the end of the visit."
        ),
        Text("Cross out the old one, if you have not done so."),
    ),
    "saved-codes-withdrawn": NoticeWords(
        Text("Your saved codes no longer count"),
        Text(
            "The Registration Authority has withdrawn the codes that you have on paper for "
            "unlocking your smartcard."
        ),
        Text("You can have others made at any unlock station, with your smartcard and its PIN."),
        NOT_ASKED,
    ),
    "email-change-waits": NoticeWords(
        Text("Your email address for smartcard self-service is going to change"),
        Text(
            "Another address for codes and notices was given at an unlock station. It does not "
            "count yet: until then codes go to the old one, and the change can be stopped."
        ),
        Text("If you made this change, there is nothing more to do."),
    ),
    "further-added": NoticeWords(
        Text("An email address was added for smartcard self-service"),
        Text(
            "Another address was added at an unlock station. Notices go to all of your addresses. "
            "Once the new one counts, you choose at an unlock station where a code goes."
        ),
        Text("If you added it, there is nothing more to do."),
    ),
    "attempts-paused": NoticeWords(
        Text("Wrong answers were given with your smartcard"),
        Text(
            "The security questions were answered wrongly too often with your smartcard, or with a "
            "copy of it. No answers are taken with it for a while."
        ),
        Text("If it was you, come back later, or ask the Registration Authority."),
    ),
    "pin-changed": NoticeWords(
        Text("The PIN of your smartcard was changed"),
        Text("The PIN of your smartcard was changed at an unlock station."),
        Text("If you made this change, there is nothing more to do."),
    ),
    "pin-maybe-changed": NoticeWords(
        Text("The PIN of your smartcard may have been changed"),
        Text(
            "A change of your smartcard's PIN was begun at an unlock station. We do not know "
            "whether your smartcard has the new PIN."
        ),
        Text(
            "If you began this change, try the new PIN. If it does not work, your old PIN still "
            "does."
        ),
    ),
    "misuse-reported": NoticeWords(
        Text("What was under way with your smartcard is stopped"),
        Text(
            "Somebody reported that what was done with your smartcard was not done by you. What "
            "was under way is ended, and codes are withdrawn. If you are registered, self-service "
            "is blocked at every station."
        ),
        Text("Go to the Registration Authority with your smartcard and proof of who you are."),
        Text("If you did not report this, somebody else may read your email."),
    ),
    "block-lifted": NoticeWords(
        Text("Smartcard self-service is open to you again"),
        Text(
            "The Registration Authority has lifted the block. You can unlock your smartcard at any "
            "unlock station again."
        ),
        doubt=NOT_ASKED,
    ),
    "pause-lifted": NoticeWords(
        Text("Answers are taken again with your smartcard"),
        Text(
            "After wrong answers, no answers were taken with your smartcard for a while. The "
            "Registration Authority has ended this: you can unlock it yourself again."
        ),
        doubt=Text(
            "If the wrong answers were not yours, somebody may have a copy of your smartcard."
        ),
    ),
    "registration-revoked": NoticeWords(
        Text("Your registration for smartcard self-service was deleted"),
        Text(
            "The Registration Authority has deleted your registration for smartcard self-service, "
            "with your email address and your answers."
        ),
        Text("You can register again at any unlock station, with your smartcard and its PIN."),
        NOT_ASKED,
    ),
    "email-corrected-old": NoticeWords(
        Text("Your email address for smartcard self-service was changed"),
        Text(
            "The Registration Authority has put another address in place of this one. Codes and "
            "notices for your smartcard no longer come here."
        ),
        Text("If you asked for this, there is nothing more to do."),
        NOT_ASKED,
    ),
    "email-corrected-new": NoticeWords(
        Text("Your email address for smartcard self-service was changed"),
        Text(
            "The Registration Authority has put this address in place. Codes and notices for your "
            "smartcard now come here."
        ),
        Text("The next code that you enter at an unlock station confirms it."),
        NOT_ASKED,
    ),
    "address-added": NoticeWords(
        Text("Another address was added for smartcard self-service"),
        Text(
            "The Registration Authority has added another address for you. Notices go to all of "
            "them. Once the new one counts, you choose at an unlock station where a code goes."
        ),
        Text("If you asked for this, there is nothing more to do."),
        NOT_ASKED,
    ),
    "address-withdrawn": NoticeWords(
        Text("An address was withdrawn from smartcard self-service"),
        Text(
            "The Registration Authority has withdrawn one of your addresses. Codes and notices for "
            "your smartcard no longer go there."
        ),
        Text("If you asked for this, there is nothing more to do."),
        NOT_ASKED,
    ),
    "recorded-email-changed": NoticeWords(
        Text("Another email address is recorded for you"),
        Text(
            "The records of your organisation now hold another email address for you, and so does "
            "smartcard self-service. If you are registered for self-service, codes still go to the "
            "address that you registered."
        ),
        Text("If the other address is yours, there is nothing more to do."),
        Text("If it is not yours, somebody may want to pass for you."),
    ),
    "leaver-marked": NoticeWords(
        Text("Smartcard self-service is closed for you"),
        Text(
            "The Registration Authority has noted that you have left. Unlock stations can do "
            "nothing with your smartcard any more."
        ),
        Text("If you have left, there is nothing more to do."),
        Text("If you have not left, there is a mistake."),
    ),
    "leaver-taken-back": NoticeWords(
        Text("Smartcard self-service is open to you again"),
        Text(
            "The Registration Authority has noted that you are here again. Unlock stations work "
            "with your smartcard as they did before."
        ),
        doubt=NOT_ASKED,
    ),
    "misuse-stopped": NoticeWords(
        Text("What was under way with your smartcard is stopped"),
        Text(
            "The Registration Authority was told that something was not done by you. What was "
            "under way is ended, and codes are withdrawn. If you are registered, self-service is "
            "blocked at every station."
        ),
        Text("Go to the Registration Authority with your smartcard and proof of who you are."),
        NOT_ASKED,
    ),
    "change-stopped": NoticeWords(
        Text("Your email address for smartcard self-service stays as it was"),
        Text(
            "Another address for codes and notices was given at an unlock station, and was to "
            "count later. The Registration Authority has stopped this: codes go to the old "
            "address."
        ),
        Text("If you asked for this, there is nothing more to do."),
        NOT_ASKED,
    ),
    "card-added": NoticeWords(
        Text("A smartcard was recorded for you"),
        Text(
            "The Registration Authority has recorded another smartcard as yours. It works at every "
            "unlock station."
        ),
        doubt=NOT_ASKED,
    ),
    "card-replaced": NoticeWords(
        Text("Your smartcard was replaced"),
        Text(
            "The Registration Authority has recorded a new smartcard for you. The one that it "
            "replaces is cancelled: unlock stations can do nothing with it any more."
        ),
        doubt=NOT_ASKED,
    ),
    "card-revoked": NoticeWords(
        Text("Your smartcard was cancelled"),
        Text(
            "The Registration Authority has cancelled a smartcard of yours. Unlock stations can do "
            "nothing with it any more."
        ),
        Text("If you need another smartcard, ask the Registration Authority."),
        NOT_ASKED,
    ),
    "card-expires": NoticeWords(
        Text("Your smartcard expires soon"),
        Text(
            "A smartcard of yours expires soon. After that it does not work any more, and no "
            "unlock station can do anything about it."
        ),
        Text("Ask the Registration Authority for a new one now."),
        Text("If you have a new smartcard already, there is nothing more to do."),
    ),
    "secret-set": NoticeWords(
        Text("Your smartcard was prepared for unlocking"),
        Text(
            "The Registration Authority has recorded what an unlock station needs to unlock your "
            "smartcard. Your PIN stays as it is."
        ),
        doubt=NOT_ASKED,
    ),
    "card-key-set": NoticeWords(
        Text("Another key of your smartcard was recorded"),
        Text(
            "The records of your organisation now hold another key by which unlock stations "
            "recognise your smartcard. Your smartcard and its PIN stay as they are."
        ),
        Text(
            "If you were given new certificates or a new smartcard lately, there is nothing more "
            "to do."
        ),
        Text("If not, somebody may want to use a copy of it."),
    ),
    "card-in-use-again": NoticeWords(
        Text("A smartcard of yours is in use again"),
        Text(
            "The records of your organisation now say that a smartcard of yours, which had "
            "expired, is in use again. It works at every unlock station."
        ),
        Text("If you have this smartcard, there is nothing more to do."),
        Text("If not, somebody may want to use it."),
    ),
    "code-given": NoticeWords(
        Text("An unlock code for your smartcard was given by word of mouth"),
        Text(
            "Somebody told the Registration Authority that they are you and cannot read their "
            "email. They were given a code, in place of one by email, that helps to unlock your "
            "smartcard at a station for a short time."
        ),
        Text("If you asked for this, there is nothing more to do."),
        NOT_ASKED,
    ),
    "first-code-given": NoticeWords(
        Text("A code that unlocks your smartcard was given by word of mouth"),
        Text(
            "Somebody told the Registration Authority that they are you, and that your smartcard "
            "is locked. They were given a code. For a short time it unlocks your smartcard at a "
            "station, where they can then register for self-service."
        ),
        Text("If you asked for this, there is nothing more to do."),
        NOT_ASKED,
    ),
}
