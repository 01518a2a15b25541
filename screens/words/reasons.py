"""Why a visit cannot continue: what happened, and what to do now."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from kiosk.contract.language import Text
from kiosk.contract.messages import Reason
from screens.words.waiting import RETIRED_TITLE

TODO_LABEL = Text("What to do now")
YOUR_REFERENCE = Text("Your reference number:")
NOT_ME = Text("Got an email, and it was not you? Give them its number.")


class RefusalWords(Struct, frozen=True):
    """A title, what happened, and what the holder can do."""

    title: str
    happened: str
    todo: str
    ends_without_menu: bool = False
    """The holder may never reach the page for the number of an email with this card."""
    when: str = Text("later")
    """Stands for ``{when}`` in ``todo`` where the time is unknown."""


REFUSALS: Final[dict[Reason, RefusalWords]] = {
    Reason.UNKNOWN_CARD: RefusalWords(
        Text("We do not know this smartcard"),
        Text("It is not in our records, so nothing can be done with it here."),
        Text("Take it to the Registration Authority. They can find out whose it is."),
    ),
    Reason.LEAVER: RefusalWords(
        Text("This smartcard is no longer in use"),
        Text("Our records say that its holder has left the organisation."),
        Text("If that is wrong, the Registration Authority can put it right."),
        ends_without_menu=True,
    ),
    Reason.CARD_EXPIRED: RefusalWords(
        Text("This smartcard has expired"),
        Text("The date until which it could be used has passed."),
        Text("Ask the Registration Authority for a new one."),
        ends_without_menu=True,
    ),
    Reason.CARD_REVOKED: RefusalWords(
        Text("This smartcard has been cancelled"),
        Text("It can no longer be used, and it cannot be unlocked."),
        Text("Ask the Registration Authority for a new one."),
        ends_without_menu=True,
    ),
    Reason.CARD_STOPPED: RefusalWords(
        Text("Smartcards of this kind are stopped"),
        Text("For now no station serves them, to protect their holders. You did nothing wrong."),
        Text("Ask the Registration Authority. They know more, and can give you another one."),
        ends_without_menu=True,
    ),
    Reason.NOT_REGISTERED: RefusalWords(
        Text("You are not registered"),
        Text("This smartcard is locked. Only somebody who has registered can unlock it here."),
        Text(
            "The Registration Authority can give you a code that unlocks it here. Then put your "
            "smartcard in again."
        ),
        ends_without_menu=True,
    ),
    Reason.REGISTRATION_BLOCKED: RefusalWords(
        Text("Self-service is blocked for you"),
        Text(
            "It is blocked at every station, to protect you. No station says why: a stranger could "
            "have your smartcard."
        ),
        Text("Ask the Registration Authority. They see why, and can lift the block."),
        ends_without_menu=True,
    ),
    Reason.SECRET_MISSING: RefusalWords(
        Text("This smartcard cannot be unlocked here"),
        Text("We do not hold what is needed to unlock it. You did nothing wrong."),
        Text("The Registration Authority can unlock or replace it."),
        ends_without_menu=True,
    ),
    Reason.SECRET_BLOCKED: RefusalWords(
        Text("This smartcard refuses to be unlocked"),
        Text("It does not accept what we unlock it with. You did nothing wrong."),
        Text("Take it to the Registration Authority. They can make it work again, or replace it."),
        ends_without_menu=True,
    ),
    Reason.NOT_GENUINE: RefusalWords(
        Text("This smartcard cannot be used here"),
        Text("The station could not accept it."),
        Text("Take it to the Registration Authority."),
        ends_without_menu=True,
    ),
    Reason.TOO_MANY_CODES: RefusalWords(
        Text("No more codes for now"),
        Text("We send only a few codes an hour for each smartcard, and they have all been sent."),
        Text("Come back {when}, or go to the Registration Authority now."),
        ends_without_menu=True,
    ),
    Reason.NO_EMAIL: RefusalWords(
        Text("We have no email address for you"),
        Text("Without one, we cannot send you a code."),
        Text("Ask the Registration Authority to add your address."),
    ),
    Reason.EMAIL_REFUSED: RefusalWords(
        Text("Our email to you was refused"),
        Text("Your mailbox may be full, or your address out of date."),
        Text(
            "Delete old emails and come back, or ask the Registration Authority to check your "
            "address."
        ),
    ),
    Reason.NO_RECORDED_EMAIL: RefusalWords(
        Text("We have no email address for you"),
        Text("We need one that our records already know, to make sure that it is you."),
        Text("Ask the Registration Authority to add your address, then come back."),
    ),
    Reason.ATTEMPTS_PAUSED: RefusalWords(
        Text("Please come back later"),
        Text(
            "Too many wrong answers were given with this smartcard. "
            "The Registration Authority has been told."
        ),
        Text("Come back {when}, or go to the Registration Authority now."),
        ends_without_menu=True,
    ),
    Reason.STATION_RETIRED: RefusalWords(
        RETIRED_TITLE,
        Text("That has nothing to do with your smartcard."),
        Text("Please use another station, or go to the Registration Authority."),
    ),
    Reason.ANSWERS_LIMITED: RefusalWords(
        Text("Please use another station"),
        Text(
            "Many wrong answers were given at this one, so it takes none for a while with "
            "smartcards of your kind. Your smartcard is as it was."
        ),
        Text("Use another station, or come back {when}."),
    ),
    Reason.STATION_LIMITED: RefusalWords(
        Text("This station needs a short break"),
        Text(
            "Smartcards were put into it very often within the last minute, which looks like "
            "misuse. Nothing was counted against you."
        ),
        Text("Put your smartcard in again {when}, or use another station."),
        when=Text("in a minute"),
    ),
    Reason.SECRET_KIND_DIFFERS: RefusalWords(
        Text("This station is not set up for your smartcard"),
        Text(
            "Its settings do not fit our records. "
            "That is our fault, and nothing was counted against you."
        ),
        Text("Please use another station, or go to the Registration Authority."),
        ends_without_menu=True,
    ),
    Reason.CODE_WITHDRAWN: RefusalWords(
        Text("Your code is no longer good"),
        Text("The Registration Authority has withdrawn it. Your PIN was not changed."),
        Text(
            "Take your smartcard out and put it in again to ask for another code, "
            "or go to the Registration Authority."
        ),
    ),
    Reason.CODE_MOVED: RefusalWords(
        Text("Your email address has changed"),
        Text("Your code was sent to the old one and is no longer good. Your PIN was not changed."),
        Text(
            "Take your smartcard out and put it in again to have a code sent to the new one, "
            "or go to the Registration Authority."
        ),
    ),
    Reason.SAVED_CODE_OVER: RefusalWords(
        Text("That saved code is no longer good"),
        Text(
            "It was used in another visit, withdrawn or replaced since you entered it. "
            "Your PIN was not changed."
        ),
        Text(
            "Take your smartcard out, put it in again and enter another one, "
            "or go to the Registration Authority."
        ),
    ),
    Reason.GIVEN_CODE_OVER: RefusalWords(
        Text("Your code is no longer good"),
        Text(
            "It ran out, was entered wrongly too often, or was withdrawn. Your PIN was not changed."
        ),
        Text("Ask the Registration Authority for another code, then put your smartcard in again."),
    ),
    Reason.RECORD_ALTERED: RefusalWords(
        Text("We cannot help you here"),
        Text("Something in our records is not right. You did nothing wrong."),
        Text("Go to the Registration Authority and give them your reference number."),
        ends_without_menu=True,
    ),
    Reason.STOP_NUMBER_WRONG: RefusalWords(
        Text("That was not the number"),
        Text("Too many wrong numbers were entered. Nothing was stopped."),
        Text("Call the Registration Authority at once and read out the number in the email."),
    ),
    Reason.MAINTENANCE_REFUSED: RefusalWords(
        Text("This card does not open maintenance"),
        Text("Either it is not an officer's card any more, or it could not prove its PIN."),
        Text(
            "Give a manager of the Registration Authority your reference number: they can "
            "see the reason."
        ),
    ),
    Reason.STOP_NUMBER_USED: RefusalWords(
        Text("That number is no longer valid"),
        Text("We sent it to you, but a report has used it up since. Nothing was stopped now."),
        Text(
            "If something else was not done by you, call the Registration Authority at once, "
            "or enter the number of a newer email."
        ),
    ),
    Reason.STOP_NUMBER_OLD: RefusalWords(
        Text("That number is no longer valid"),
        Text("We sent it to you, but more than 30 days ago. Nothing was stopped now."),
        Text(
            "If it was not you, call the Registration Authority at once, or enter the number "
            "of a newer email."
        ),
    ),
    Reason.CARD_UNREADABLE: RefusalWords(
        Text("We cannot read this smartcard"),
        Text("It may be the wrong way round, or not all the way in."),
        Text(
            "Take it out and put it in again, with the chip first. "
            "If that does not help, take it to the Registration Authority."
        ),
    ),
    Reason.CARD_NOT_SERVED: RefusalWords(
        Text("This kind of card is not served here"),
        Text(
            "The station has read it, but knows no way to check or unlock its PIN. It is not "
            "damaged."
        ),
        Text(
            "If you have another smartcard, put that one in. "
            "If not, take this one to the Registration Authority."
        ),
    ),
    Reason.GLOBAL_PIN: RefusalWords(
        Text("The PIN of this smartcard is not served here"),
        Text(
            "You use its Global PIN, which no station can check or unlock. "
            "Nothing was counted against you."
        ),
        Text("Take your smartcard to the Registration Authority. They can see the reason."),
        ends_without_menu=True,
    ),
    Reason.CARD_BUSY: RefusalWords(
        Text("This smartcard is busy"),
        Text("Something else on this station is using it."),
        Text("Take it out, wait a moment, and put it in again."),
    ),
    Reason.CARD_REFUSED: RefusalWords(
        Text("Your smartcard refused the change"),
        Text("Your PIN was not changed. You did nothing wrong."),
        Text("Take your smartcard to the Registration Authority."),
    ),
    Reason.INSERT_CARD: RefusalWords(
        Text("Your smartcard has to go into a slot"),
        Text(
            "Held against the reader, it lets nobody check or change its PIN. "
            "Nothing was counted against you."
        ),
        Text(
            "If this station has a slot, put your smartcard in, with the chip first. If not, "
            "use another station, or go to the Registration Authority."
        ),
    ),
    Reason.PIN_BLOCKED: RefusalWords(
        Text("Your smartcard is locked now"),
        Text("There were too many wrong PINs, so it has locked itself."),
        Text("Take it out and put it in again. The station then shows what you can do."),
    ),
    Reason.TWO_CARDS: RefusalWords(
        Text("There are two smartcards in the readers"),
        Text("The station helps with one smartcard at a time."),
        Text("Take out both, then put in your own."),
    ),
    Reason.READER_GONE: RefusalWords(
        Text("The card reader stopped working"),
        Text("That is our fault, and nothing was counted against you."),
        Text("Please use another station, or go to the Registration Authority."),
    ),
    Reason.OUTCOME_UNKNOWN: RefusalWords(
        Text("We do not know whether your new PIN was set"),
        Text("The smartcard stopped answering before it was done. It is not damaged."),
        Text(
            "Put your smartcard in again to see whether the new PIN works. "
            "If it does not, you can unlock it again."
        ),
    ),
    Reason.AUTHORITY_AWAY: RefusalWords(
        Text("We cannot reach the service"),
        Text("That is our fault, and nothing was counted against you."),
        Text("Try again in a few minutes, or go to the Registration Authority."),
    ),
    Reason.CHANGED_MEANWHILE: RefusalWords(
        Text("This visit cannot go on"),
        Text(
            "It no longer fits our records: they have changed since, or it took too long. "
            "You did nothing wrong."
        ),
        Text(
            "Take your smartcard out and put it in again, to see what you can do here now. "
            "If you have just chosen a new PIN, try it first."
        ),
    ),
    Reason.UNLISTED: RefusalWords(
        Text("This station cannot help you"),
        Text("It cannot say why. You did nothing wrong."),
        Text("Give the Registration Authority your reference number: they can see the reason."),
        ends_without_menu=True,
    ),
    Reason.FAULT: RefusalWords(
        Text("Something went wrong at this station"),
        Text("That is our fault, not yours. We cannot say whether your last step went through."),
        Text(
            "Take your smartcard out and put it in again; if you chose a new PIN, try it first. "
            "Or give the Registration Authority your reference number."
        ),
    ),
}


def refusal(reason: Reason, again: str = "") -> RefusalWords:
    """Return the words of ``reason``'s page; ``again``: when to come back."""
    words = REFUSALS[reason]
    return replace(words, todo=words.todo.format(when=again or words.when))
