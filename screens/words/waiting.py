"""Words while nobody is here, and while the station is busy."""

from __future__ import annotations

from typing import Final

from kiosk.contract.messages import Purpose
from kiosk.station.states import Outage, PulledFrom, RemovalReason, Work
from screens.words import pad
from screens.words.choices import OFFERS

BANNER = "INSERT CARD"
"""Drawn in block letters: keep to A to Z, at most eleven signs."""

ATTRACT_TITLE = "Put your smartcard into the reader"
ATTRACT_OFFERS = tuple(
    (OFFERS[each][0], f"{before}about {OFFERS[each][1]}")
    for each, before in (
        (Purpose.UNLOCK, ""),
        (Purpose.REGISTER, "so that you can unlock it yourself, "),
        (Purpose.CHANGE_PIN, ""),
    )
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
# A reader has reported a card for a minute after it was taken out.
REMOVE_AGAIN = "Is it out already? Wait a minute, or use another station."

PULLED: Final[dict[PulledFrom, tuple[str, str]]] = {
    PulledFrom.UNBLOCK: (
        "The last smartcard was taken out before we knew whether its PIN was set.",
        (
            "Put it back in: we check what was done. "
            "If it is still locked, unlock it again. If not, try the new PIN."
        ),
    ),
    PulledFrom.CHANGE: (
        "The last smartcard was taken out before we knew whether its PIN was changed.",
        "Put it back in, and try the new PIN. If it is refused, the old one still works.",
    ),
    PulledFrom.UNLOCKED: (
        "The last smartcard is unlocked.",
        "Its new PIN is set. There is nothing to do again.",
    ),
    PulledFrom.SAVING: (
        "The last smartcard was taken out before we knew whether everything was saved.",
        "We send an email once it is. If none comes, put the smartcard back in.",
    ),
    PulledFrom.CHANGED: (
        "The PIN of the last smartcard is changed.",
        "Its new PIN is set. There is nothing to do again.",
    ),
    PulledFrom.REGISTERED: (
        "The holder of the last smartcard is registered.",
        "Everything is saved. There is nothing to do again.",
    ),
    PulledFrom.EMAIL_SAVED: (
        "The new email address for the last smartcard is saved.",
        "We send an email that says when we start using it. There is nothing to do again.",
    ),
    PulledFrom.QUESTIONS_SAVED: (
        "The new security questions for the last smartcard are saved.",
        "There is nothing to do again.",
    ),
}
"""What the holder of the last card could not read. Everybody can read it: it names nobody."""

OUTAGES: Final[dict[Outage, tuple[str, str]]] = {
    Outage.NO_READER_SERVICE: (OUTAGE_TITLE, f"Its card reader is not working. {OUTAGE_TEXT}"),
    Outage.NO_READER: (OUTAGE_TITLE, f"Its card reader is not working. {OUTAGE_TEXT}"),
    Outage.AUTHORITY_AWAY: (OUTAGE_TITLE, f"It cannot reach the service. {OUTAGE_TEXT}"),
    Outage.RETIRED: (RETIRED_TITLE, RETIRED_TEXT),
}

WORKS: Final[dict[Work, tuple[str, str]]] = {
    Work.PREPARING: ("Getting things ready", "This takes a moment."),
    Work.CHECKING_PIN: ("Checking your PIN", "Your smartcard checks it. This takes a moment."),
    Work.CHECKING_ANSWERS: ("Checking your answers", "This takes a few seconds."),
    Work.SENDING_CODE: ("Sending your code", "This takes up to ten seconds."),
    Work.CHECKING_CODE: ("Checking your code", "This takes a moment."),
    Work.CHECKING_NUMBER: ("Checking the number", "This takes a moment."),
    Work.SETTING_PIN: (
        "Setting your new PIN",
        "Leave your smartcard in until we say that it is done. This takes a few seconds.",
    ),
    Work.MAINTAINING: ("Asking the service first", "It keeps a record of it. This takes a moment."),
    **pad.ASKING,
}
"""What the station is busy with, and for how long; or what the reader asks for."""

REMOVALS: Final[dict[RemovalReason, str]] = {
    RemovalReason.LEFT: "You have ended your visit. Put your smartcard in again whenever you like.",
    RemovalReason.LEFT_UNLOCKED: (
        "It is unlocked, and its new PIN works. You can register another time: put your smartcard "
        "in again."
    ),
    RemovalReason.NOTHING_STOPPED: (
        "You have ended your visit, and nothing was stopped. Put your smartcard in again whenever "
        "you like."
    ),
    RemovalReason.IDLE: "Nobody answered, so the visit has ended to keep you safe.",
    RemovalReason.FINISHED: "Your visit is over. Do not forget your smartcard.",
    RemovalReason.OTHER_CARD: (
        "There is still a smartcard in another reader. Take it out. If you need help with it, put "
        "it in again."
    ),
}
