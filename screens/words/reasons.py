"""Why a visit cannot continue: what happened, and what to do now."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from kiosk.contract.messages import Reason
from screens.words.waiting import RETIRED_TITLE

TODO_LABEL = "What to do now"
YOUR_REFERENCE = "Your reference number:"
NOT_ME = "Got an email, and it was not you? Give them its number."


class RefusalWords(Struct, frozen=True):
    """A title, what happened, and what the holder can do."""

    title: str
    happened: str
    todo: str
    ends_without_menu: bool = False
    """The holder may never reach the page for the number of an email with this card."""
    when: str = "later"
    """Stands for ``{when}`` in ``todo`` where the time is unknown."""


REFUSALS: Final[dict[Reason, RefusalWords]] = {
    Reason.UNKNOWN_CARD: RefusalWords(
        "We do not know this smartcard",
        "It is not in our records, so nothing can be done with it here.",
        "Take it to the Registration Authority. They can find out whose it is.",
    ),
    Reason.LEAVER: RefusalWords(
        "This smartcard is no longer in use",
        "Our records say that its holder has left the organisation.",
        "If that is wrong, the Registration Authority can put it right.",
        ends_without_menu=True,
    ),
    Reason.CARD_EXPIRED: RefusalWords(
        "This smartcard has expired",
        "The date until which it could be used has passed.",
        "Ask the Registration Authority for a new one.",
        ends_without_menu=True,
    ),
    Reason.CARD_REVOKED: RefusalWords(
        "This smartcard has been cancelled",
        "It can no longer be used, and it cannot be unlocked.",
        "Ask the Registration Authority for a new one.",
        ends_without_menu=True,
    ),
    Reason.NOT_REGISTERED: RefusalWords(
        "You are not registered",
        "This smartcard is locked. Only somebody who has registered can unlock it here.",
        "The Registration Authority can give you a code that unlocks it here. Then put your "
        "smartcard in again.",
        ends_without_menu=True,
    ),
    Reason.REGISTRATION_BLOCKED: RefusalWords(
        "Self-service is blocked for you",
        "It is blocked at every station, to protect you. No station says why: a stranger could "
        "have your smartcard.",
        "Ask the Registration Authority. They see why, and can lift the block.",
        ends_without_menu=True,
    ),
    Reason.SECRET_MISSING: RefusalWords(
        "This smartcard cannot be unlocked here",
        "We do not hold what is needed to unlock it. You did nothing wrong.",
        "The Registration Authority can unlock or replace it.",
        ends_without_menu=True,
    ),
    Reason.SECRET_BLOCKED: RefusalWords(
        "This smartcard refuses to be unlocked",
        "It does not accept what we unlock it with. You did nothing wrong.",
        "Take it to the Registration Authority. They can make it work again, or replace it.",
        ends_without_menu=True,
    ),
    Reason.NOT_GENUINE: RefusalWords(
        "This smartcard cannot be used here",
        "The station could not accept it.",
        "Take it to the Registration Authority.",
        ends_without_menu=True,
    ),
    Reason.TOO_MANY_CODES: RefusalWords(
        "No more codes for now",
        "We send only a few codes an hour for each smartcard, and they have all been sent.",
        "Come back {when}, or go to the Registration Authority now.",
        ends_without_menu=True,
    ),
    Reason.NO_EMAIL: RefusalWords(
        "We have no email address for you",
        "Without one, we cannot send you a code.",
        "Ask the Registration Authority to add your address.",
    ),
    Reason.EMAIL_REFUSED: RefusalWords(
        "Our email to you was refused",
        "Your mailbox may be full, or your address out of date.",
        "Delete old emails and come back, or ask the Registration Authority to check your address.",
    ),
    Reason.NO_RECORDED_EMAIL: RefusalWords(
        "We have no email address for you",
        "We need one that our records already know, to make sure that it is you.",
        "Ask the Registration Authority to add your address, then come back.",
    ),
    Reason.ATTEMPTS_PAUSED: RefusalWords(
        "Please come back later",
        "Too many wrong answers were given with this smartcard. "
        "The Registration Authority has been told.",
        "Come back {when}, or go to the Registration Authority now.",
        ends_without_menu=True,
    ),
    Reason.STATION_RETIRED: RefusalWords(
        RETIRED_TITLE,
        "That has nothing to do with your smartcard.",
        "Please use another station, or go to the Registration Authority.",
    ),
    Reason.ANSWERS_LIMITED: RefusalWords(
        "Please use another station",
        "Many wrong answers were given at this one, so it takes none for a while with "
        "smartcards of your kind. Your smartcard is as it was.",
        "Use another station, or come back {when}.",
    ),
    Reason.STATION_LIMITED: RefusalWords(
        "This station needs a short break",
        "Smartcards were put into it very often within the last minute, which looks like "
        "misuse. Nothing was counted against you.",
        "Put your smartcard in again {when}, or use another station.",
        when="in a minute",
    ),
    Reason.SECRET_KIND_DIFFERS: RefusalWords(
        "This station is not set up for your smartcard",
        "Its settings do not fit our records. "
        "That is our fault, and nothing was counted against you.",
        "Please use another station, or go to the Registration Authority.",
        ends_without_menu=True,
    ),
    Reason.CODE_WITHDRAWN: RefusalWords(
        "Your code is no longer good",
        "The Registration Authority has withdrawn it. Your PIN was not changed.",
        "Take your smartcard out and put it in again to ask for another code, "
        "or go to the Registration Authority.",
    ),
    Reason.GIVEN_CODE_OVER: RefusalWords(
        "Your code is no longer good",
        "It ran out, was entered wrongly too often, or was withdrawn. Your PIN was not changed.",
        "Ask the Registration Authority for another code, then put your smartcard in again.",
    ),
    Reason.RECORD_ALTERED: RefusalWords(
        "We cannot help you here",
        "Something in our records is not right. You did nothing wrong.",
        "Go to the Registration Authority and give them your reference number.",
        ends_without_menu=True,
    ),
    Reason.STOP_NUMBER_WRONG: RefusalWords(
        "That was not the number",
        "Too many wrong numbers were entered. Nothing was stopped.",
        "Call the Registration Authority at once and read out the number in the email.",
    ),
    Reason.MAINTENANCE_REFUSED: RefusalWords(
        "This card does not open maintenance",
        "Either it is not an officer's card any more, or it could not prove its PIN.",
        "Give a manager of the Registration Authority your reference number: they can "
        "see the reason.",
    ),
    Reason.STOP_NUMBER_USED: RefusalWords(
        "That number is no longer valid",
        "We sent it to you, but a report has used it up since. Nothing was stopped now.",
        "If something else was not done by you, call the Registration Authority at once, "
        "or enter the number of a newer email.",
    ),
    Reason.STOP_NUMBER_OLD: RefusalWords(
        "That number is no longer valid",
        "We sent it to you, but more than 30 days ago. Nothing was stopped now.",
        "If it was not you, call the Registration Authority at once, or enter the number "
        "of a newer email.",
    ),
    Reason.CARD_UNREADABLE: RefusalWords(
        "We cannot read this smartcard",
        "It may be the wrong way round, or not all the way in.",
        "Take it out and put it in again, with the chip first. "
        "If that does not help, take it to the Registration Authority.",
    ),
    Reason.CARD_NOT_SERVED: RefusalWords(
        "This kind of card is not served here",
        "The station has read it, but knows no way to check or unlock its PIN. It is not damaged.",
        "If you have another smartcard, put that one in. "
        "If not, take this one to the Registration Authority.",
    ),
    Reason.GLOBAL_PIN: RefusalWords(
        "The PIN of this smartcard is not served here",
        "You use its Global PIN, which no station can check or unlock. "
        "Nothing was counted against you.",
        "Take your smartcard to the Registration Authority. They can see the reason.",
        ends_without_menu=True,
    ),
    Reason.CARD_BUSY: RefusalWords(
        "This smartcard is busy",
        "Something else on this station is using it.",
        "Take it out, wait a moment, and put it in again.",
    ),
    Reason.CARD_REFUSED: RefusalWords(
        "Your smartcard refused the change",
        "Your PIN was not changed. You did nothing wrong.",
        "Take your smartcard to the Registration Authority.",
    ),
    Reason.INSERT_CARD: RefusalWords(
        "Your smartcard has to go into a slot",
        "Held against the reader, it lets nobody check or change its PIN. "
        "Nothing was counted against you.",
        "If this station has a slot, put your smartcard in, with the chip first. If not, "
        "use another station, or go to the Registration Authority.",
    ),
    Reason.PIN_BLOCKED: RefusalWords(
        "Your smartcard is locked now",
        "There were too many wrong PINs, so it has locked itself.",
        "Take it out and put it in again. The station then shows what you can do.",
    ),
    Reason.TWO_CARDS: RefusalWords(
        "There are two smartcards in the readers",
        "The station helps with one smartcard at a time.",
        "Take out both, then put in your own.",
    ),
    Reason.READER_GONE: RefusalWords(
        "The card reader stopped working",
        "That is our fault, and nothing was counted against you.",
        "Please use another station, or go to the Registration Authority.",
    ),
    Reason.OUTCOME_UNKNOWN: RefusalWords(
        "We do not know whether your new PIN was set",
        "The smartcard stopped answering before it was done. It is not damaged.",
        "Put your smartcard in again to see whether the new PIN works. "
        "If it does not, you can unlock it again.",
    ),
    Reason.AUTHORITY_AWAY: RefusalWords(
        "We cannot reach the service",
        "That is our fault, and nothing was counted against you.",
        "Try again in a few minutes, or go to the Registration Authority.",
    ),
    Reason.CHANGED_MEANWHILE: RefusalWords(
        "This visit cannot go on",
        "It no longer fits our records: they have changed since, or it took too long. "
        "You did nothing wrong.",
        "Take your smartcard out and put it in again, to see what you can do here now. "
        "If you have just chosen a new PIN, try it first.",
    ),
    Reason.UNLISTED: RefusalWords(
        "This station cannot help you",
        "It cannot say why. You did nothing wrong.",
        "Give the Registration Authority your reference number: they can see the reason.",
        ends_without_menu=True,
    ),
    Reason.FAULT: RefusalWords(
        "Something went wrong at this station",
        "That is our fault, not yours. We cannot say whether your last step went through.",
        "Take your smartcard out and put it in again; if you chose a new PIN, try it first. "
        "Or give the Registration Authority your reference number.",
    ),
}


def refusal(reason: Reason, again: str = "") -> RefusalWords:
    """Return the words of ``reason``'s page; ``again``: when to come back."""
    words = REFUSALS[reason]
    return replace(words, todo=words.todo.format(when=again or words.when))
