"""Words while nobody is here, and while the station is busy."""

from __future__ import annotations

from kiosk.station.states import Outage, PulledFrom, RemovalReason, Work
from screens.words import pad

BANNER = "INSERT CARD"
"""Drawn in block letters: keep to A to Z, at most eleven signs."""

ATTRACT_TITLE = "Put your smartcard into the reader"
ATTRACT_OFFERS = (
    ("Unlock your smartcard", "2 minutes"),
    ("Register for self-service", "4 minutes"),
    ("Change your PIN", "1 minute"),
)

READING_TITLE = "Reading your smartcard"
READING_TEXT = "Leave it in the reader. This takes a moment."

BUSY_TEXT = "The service is busy. Please wait, we are trying again."

OUTAGE_TITLE = "This station is not in service"
OUTAGE_TEXT = "It comes back by itself. Please use another station, or ask for help:"
RETIRED_TITLE = "This station is no longer in use"
RETIRED_TEXT = "Please use another station, or ask for help:"

STILL_THERE_TITLE = "Are you still there?"
STILL_THERE_TEXT = "Touch the screen or press any key to carry on."
STILL_THERE_END = "Otherwise your visit ends in"

REMOVE_TITLE = "Take your smartcard out"


def pulled(what: PulledFrom) -> tuple[str, str]:
    """Say that the last card was taken out too early, and what to do with it.

    Everybody can read it: it names nobody.
    """
    match what:
        case PulledFrom.UNBLOCK:
            return (
                "The last smartcard left before we knew whether its PIN was set.",
                (
                    "Put it back in: we check what was done. "
                    "If it is still locked, unlock it again. If not, try the new PIN."
                ),
            )
        case PulledFrom.CHANGE:
            return (
                "The last smartcard left before we knew whether its PIN was changed.",
                "Put it back in, and try the new PIN. If it is refused, the old one still counts.",
            )
        case PulledFrom.UNLOCKED:
            return (
                "The last smartcard left early, but it is unlocked.",
                "Its new PIN is set. There is nothing to do again.",
            )
        case PulledFrom.SAVING:
            return (
                "The last smartcard left before we knew whether everything was saved.",
                "We send an email once it is. If none comes, put the smartcard back in.",
            )
        case PulledFrom.CHANGED:
            return (
                "The last smartcard left early, but its PIN is changed.",
                "Its new PIN is set. There is nothing to do again.",
            )
        case PulledFrom.REGISTERED:
            return (
                "The last smartcard left early, but its holder is registered.",
                "Everything is saved. There is nothing to do again.",
            )
        case PulledFrom.EMAIL_SAVED:
            return (
                "The last smartcard left early, but the new email address is saved.",
                "We send an email about when it counts. There is nothing to do again.",
            )
        case PulledFrom.QUESTIONS_SAVED:
            return (
                "The last smartcard left early, but the new security questions are saved.",
                "There is nothing to do again.",
            )


def outage(why: Outage) -> tuple[str, str]:
    """Say that the station serves nobody, why, and what to do instead."""
    match why:
        case Outage.NO_READER_SERVICE | Outage.NO_READER:
            return OUTAGE_TITLE, f"Its card reader is not working. {OUTAGE_TEXT}"
        case Outage.AUTHORITY_AWAY:
            return OUTAGE_TITLE, f"It cannot reach the service. {OUTAGE_TEXT}"
        case Outage.RETIRED:
            return RETIRED_TITLE, RETIRED_TEXT


def work(what: Work) -> tuple[str, str]:
    """Say what the station is busy with, and for how long; or what the reader asks for."""
    match what:
        case Work.PREPARING:
            return "Getting things ready", "This takes a moment."
        case Work.CHECKING_PIN:
            return "Checking your PIN", "Your smartcard checks it. This takes a moment."
        case Work.CHECKING_ANSWERS:
            return "Checking your answers", "This takes a few seconds."
        case Work.SENDING_CODE:
            return "Sending your code", "This takes up to ten seconds."
        case Work.CHECKING_CODE:
            return "Checking your code", "This takes a moment."
        case Work.CHECKING_NUMBER:
            return "Checking the number", "This takes a moment."
        case Work.SETTING_PIN:
            return (
                "Setting your new PIN",
                "Leave your smartcard in until we say that it is done. This takes a few seconds.",
            )
        case Work.MAINTAINING:
            return "Asking the service first", "It keeps a record of it. This takes a moment."
        case Work.PIN_ON_PAD | Work.NEW_PIN_ON_PAD | Work.CHANGE_ON_PAD:
            return pad.asking(what)


def removal(how: RemovalReason) -> str:
    """Say how the visit ended."""
    match how:
        case RemovalReason.LEFT:
            return "You have ended your visit. Put your smartcard in again whenever you like."
        case RemovalReason.IDLE:
            return "Nobody answered, so the visit has ended to keep you safe."
        case RemovalReason.FINISHED:
            return "Your visit is over. Do not forget your smartcard."
