"""Why a visit cannot continue: what happened, and what to do now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from kiosk.contract.messages import Reason
from screens.words.waiting import RETIRED_TITLE

TODO_LABEL = "What to do now"
YOUR_REFERENCE = "Your reference number:"
NOT_ME = "Was something in an email not you? Give them its number."


@dataclass(frozen=True, slots=True)
class RefusalWords:
    """A title, what happened, and what the holder can do."""

    title: str
    happened: str
    todo: str
    ends_without_menu: bool = False
    """The holder may never reach the page for the number of an email with this card."""
    when: str = "later"
    """Stands for ``{when}`` in ``todo`` where the time is unknown."""


def refusal(reason: Reason, again: str = "") -> RefusalWords:
    """Return the words of ``reason``'s page; ``again``: when to come back."""
    words = _words(reason)
    return replace(words, todo=words.todo.format(when=again or words.when))


def _words(reason: Reason) -> RefusalWords:  # noqa: C901 - the type checker names a missing arm
    match reason:
        case Reason.UNKNOWN_CARD:
            return RefusalWords(
                "We do not know this smartcard",
                "It is not in our records, so nothing can be done with it here.",
                "Take it to the Registration Authority. They can find out whose it is.",
            )
        case Reason.LEAVER:
            return RefusalWords(
                "This smartcard is no longer in use",
                "Our records say that its holder has left the organisation.",
                "If that is wrong, the Registration Authority can put it right.",
                ends_without_menu=True,
            )
        case Reason.CARD_EXPIRED:
            return RefusalWords(
                "This smartcard has expired",
                "The date until which it could be used has passed.",
                "Ask the Registration Authority for a new one.",
                ends_without_menu=True,
            )
        case Reason.CARD_REVOKED:
            return RefusalWords(
                "This smartcard has been cancelled",
                "It can no longer be used, and it cannot be unlocked.",
                "Ask the Registration Authority for a new one.",
                ends_without_menu=True,
            )
        case Reason.NOT_REGISTERED:
            return RefusalWords(
                "You are not registered",
                "This smartcard is locked. Only somebody who has registered can unlock it here.",
                "The Registration Authority can give you a code that unlocks it here. Then put "
                "your smartcard in again.",
                ends_without_menu=True,
            )
        case Reason.REGISTRATION_BLOCKED:
            return RefusalWords(
                "Self-service is blocked for you",
                "It is blocked at every station, to protect you. No station says why: a stranger "
                "could have your smartcard.",
                "Ask the Registration Authority. They see why, and can lift the block.",
                ends_without_menu=True,
            )
        case Reason.SECRET_MISSING:
            return RefusalWords(
                "This smartcard cannot be unlocked here",
                "We do not hold what is needed to unlock it. You did nothing wrong.",
                "The Registration Authority can unlock or replace it.",
                ends_without_menu=True,
            )
        case Reason.SECRET_BLOCKED:
            return RefusalWords(
                "This smartcard cannot be unlocked any more",
                "It no longer accepts being unlocked. You did nothing wrong.",
                "Ask the Registration Authority to replace it.",
                ends_without_menu=True,
            )
        case Reason.NOT_GENUINE:
            return RefusalWords(
                "This smartcard cannot be used here",
                "The station could not accept it.",
                "Take it to the Registration Authority.",
                ends_without_menu=True,
            )
        case Reason.TOO_MANY_CODES:
            return RefusalWords(
                "No more codes for now",
                "We send only a few codes an hour for each smartcard, and they have all been sent.",
                "Come back {when}, or go to the Registration Authority now.",
                ends_without_menu=True,
            )
        case Reason.NO_EMAIL:
            return RefusalWords(
                "We have no email address for you",
                "Without one, we cannot send you a code.",
                "Ask the Registration Authority to add your address.",
            )
        case Reason.EMAIL_REFUSED:
            return RefusalWords(
                "Our email to you was refused",
                "Your mailbox may be full, or your address out of date.",
                "Make room and come back, or ask the Registration Authority to check your address.",
            )
        case Reason.NO_RECORDED_EMAIL:
            return RefusalWords(
                "We have no email address for you",
                "We need one that our records already know, to make sure that it is you.",
                "Ask the Registration Authority to add your address, then come back.",
            )
        case Reason.ATTEMPTS_PAUSED:
            return RefusalWords(
                "Please come back later",
                "Too many wrong answers were given with this smartcard. The Registration "
                "Authority has been told.",
                "Come back {when}, or go to the Registration Authority now.",
                ends_without_menu=True,
            )
        case Reason.STATION_RETIRED:
            return RefusalWords(
                RETIRED_TITLE,
                "That has nothing to do with your smartcard.",
                "Please use another station, or go to the Registration Authority.",
            )
        case Reason.STATION_LIMITED:
            return RefusalWords(
                "This station needs a short break",
                "Smartcards were put into it very often within the last minute, which looks like "
                "misuse. Nothing was counted against you.",
                "Put your smartcard in again {when}, or use another station.",
                when="in a minute",
            )
        case Reason.CODE_WITHDRAWN:
            return RefusalWords(
                "Your code is no longer good",
                "The Registration Authority has withdrawn it. Your PIN was not changed.",
                "Take your smartcard out and put it in again to ask for another code, or go to "
                "the Registration Authority.",
            )
        case Reason.GIVEN_CODE_OVER:
            return RefusalWords(
                "Your code is no longer good",
                "It ran out, was entered wrongly too often, or was withdrawn. Your PIN was not "
                "changed.",
                "Ask the Registration Authority for another code, then put your smartcard in "
                "again.",
            )
        case Reason.RECORD_ALTERED:
            return RefusalWords(
                "We cannot help you here",
                "Something in our records is not right. You did nothing wrong.",
                "Go to the Registration Authority and give them your reference number.",
                ends_without_menu=True,
            )
        case Reason.STOP_NUMBER_WRONG:
            return RefusalWords(
                "That was not the number",
                "Too many wrong numbers were entered. Nothing was stopped.",
                "Call the Registration Authority at once and read out the number in the email.",
            )
        case Reason.MAINTENANCE_REFUSED:
            return RefusalWords(
                "This card does not open maintenance",
                "Either it is not an officer's card any more, or it could not prove its PIN.",
                "Give a manager of the Registration Authority your reference number: they can see "
                "the reason.",
            )
        case Reason.STOP_NUMBER_USED:
            return RefusalWords(
                "That number is no longer valid",
                "We sent it to you, but a report has used it up since. Nothing was stopped now.",
                "If something else was not done by you, call the Registration Authority at once, "
                "or enter the number of a newer email.",
            )
        case Reason.STOP_NUMBER_OLD:
            return RefusalWords(
                "That number is no longer valid",
                "We sent it to you, but more than 30 days ago. Nothing was stopped now.",
                "If it was not you, call the Registration Authority at once, or enter the number "
                "of a newer email.",
            )
        case Reason.CARD_UNREADABLE:
            return RefusalWords(
                "We cannot read this smartcard",
                "It may be the wrong way round, or not be all the way in.",
                "Take it out and put it in again, with the chip first. If that does not help, "
                "take it to the Registration Authority.",
            )
        case Reason.CARD_BUSY:
            return RefusalWords(
                "This smartcard is busy",
                "Something else on this station is using it.",
                "Take it out, wait a moment, and put it in again.",
            )
        case Reason.CARD_REFUSED:
            return RefusalWords(
                "Your smartcard refused the change",
                "Your PIN was not changed. You did nothing wrong.",
                "Take your smartcard to the Registration Authority.",
            )
        case Reason.INSERT_CARD:
            return RefusalWords(
                "Your smartcard has to go into a slot",
                "Held against the reader, it lets nobody check or change its PIN. Nothing was "
                "counted against you.",
                "If this station has a slot, put your smartcard in, with the chip first. If not, "
                "use another station, or go to the Registration Authority.",
            )
        case Reason.PIN_BLOCKED:
            return RefusalWords(
                "Your smartcard is locked now",
                "There were too many wrong PINs, so it has locked itself.",
                "Take it out and put it in again. The station then shows what you can do.",
            )
        case Reason.TWO_CARDS:
            return RefusalWords(
                "There are two smartcards in the readers",
                "The station helps with one smartcard at a time.",
                "Take out both, then put in your own.",
            )
        case Reason.READER_GONE:
            return RefusalWords(
                "The card reader stopped working",
                "That is our fault, and nothing was counted against you.",
                "Please use another station, or go to the Registration Authority.",
            )
        case Reason.OUTCOME_UNKNOWN:
            return RefusalWords(
                "We do not know whether your new PIN was set",
                "The smartcard stopped answering before it was done. It has come to no harm.",
                "Put your card in again to see whether the new PIN works. If it does not, you can "
                "unlock it again.",
            )
        case Reason.AUTHORITY_AWAY:
            return RefusalWords(
                "We cannot reach the service",
                "That is our fault, and nothing was counted against you.",
                "Try again in a few minutes, or go to the Registration Authority.",
            )
        case Reason.CHANGED_MEANWHILE:
            return RefusalWords(
                "This visit cannot go on",
                "It no longer fits our records: they were changed meanwhile, or it took too long. "
                "You did nothing wrong.",
                "Take your smartcard out and put it in again, to see what you can do here now. If "
                "you have just chosen a new PIN, try it first.",
            )
        case Reason.UNLISTED:
            return RefusalWords(
                "This station cannot help you",
                "It cannot say why. You did nothing wrong.",
                "Give the Registration Authority your reference number: they can see the reason.",
                ends_without_menu=True,
            )
        case Reason.FAULT:
            return RefusalWords(
                "Something went wrong at this station",
                "That is our fault, not yours. We cannot say whether your last step went through.",
                "Take your smartcard out and put it in again; if you chose a new PIN, try it "
                "first. Or give the Registration Authority your reference number.",
            )
        case _:
            assert_never(reason)
