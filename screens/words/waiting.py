"""Words while nobody is here, and while the station is busy."""

from __future__ import annotations

from typing import Final

from kiosk.contract.language import Counted, Text
from kiosk.contract.messages import Purpose
from kiosk.station.states import Outage, PulledFrom, RemovalReason, Work
from screens.words import pad
from screens.words.choices import OFFERS

# Translators: drawn in block letters: keep to A to Z, at most eleven signs.
BANNER = Text("INSERT CARD")


ATTRACT_TITLE = Text("Put your smartcard into the reader")
ATTRACT_OFFERS = (
    (OFFERS[Purpose.UNLOCK][0], Text("about 2 minutes")),
    (
        OFFERS[Purpose.REGISTER][0],
        Text("so that you can unlock it yourself, about 4 minutes"),
    ),
    (OFFERS[Purpose.CHANGE_PIN][0], Text("about 1 minute")),
)

READING_TITLE = Text("Reading your smartcard")
READING_TEXT = Text("Leave it in the reader. This takes a moment.")

BUSY_TEXT = Text("The service is busy. Please wait, we are trying again.")

OUTAGE_TITLE = Text("This station is not in service")
_READER_AWAY = Text(
    "Its card reader is not working. It comes back by itself. Please use another station, or ask "
    "for help:"
)
_SERVICE_AWAY = Text(
    "It cannot reach the service. It comes back by itself. Please use another station, or ask for "
    "help:"
)
_OTHER_RELEASE = Text(
    "It and the service have different versions. Staff have to bring it up to date. Please use "
    "another station, or ask for help:"
)
RETIRED_TITLE = Text("This station is no longer in use")
RETIRED_TEXT = Text("Please use another station, or ask for help:")

STILL_THERE_TITLE = Text("Are you still there?")
STILL_THERE_TEXT = Text("Touch the screen or press any key to carry on.")
_STILL_THERE_END = Counted(
    "Otherwise your visit ends in {n} second.", "Otherwise your visit ends in {n} seconds."
)

REMOVE_TITLE = Text("Take your smartcard out")
# A reader has reported a card for a minute after it was taken out.
REMOVE_AGAIN = Text("Is it out already? Wait a minute, or use another station.")

PULLED: Final[dict[PulledFrom, tuple[str, str]]] = {
    PulledFrom.UNBLOCK: (
        Text("The last smartcard was taken out before we knew whether its PIN was set."),
        (
            Text(
                "Put it back in: we check what was done. "
                "If it is still locked, unlock it again. If not, try the new PIN."
            )
        ),
    ),
    PulledFrom.CHANGE: (
        Text("The last smartcard was taken out before we knew whether its PIN was changed."),
        Text("Put it back in, and try the new PIN. If it is refused, the old one still works."),
    ),
    PulledFrom.UNLOCKED: (
        Text("The last smartcard is unlocked."),
        Text("Its new PIN is set. There is nothing to do again."),
    ),
    PulledFrom.SAVING: (
        Text("The last smartcard was taken out before we knew whether everything was saved."),
        Text("We send an email once it is. If none comes, put the smartcard back in."),
    ),
    PulledFrom.CHANGED: (
        Text("The PIN of the last smartcard is changed."),
        Text("Its new PIN is set. There is nothing to do again."),
    ),
    PulledFrom.REGISTERED: (
        Text("The holder of the last smartcard is registered."),
        Text("Everything is saved. There is nothing to do again."),
    ),
    PulledFrom.EMAIL_SAVED: (
        Text("The new email address for the last smartcard is saved."),
        Text("We send an email that says when we start using it. There is nothing to do again."),
    ),
    PulledFrom.QUESTIONS_SAVED: (
        Text("The new security questions for the last smartcard are saved."),
        Text("There is nothing to do again."),
    ),
    PulledFrom.CODES_KEPT: (
        Text("The saved codes for the last smartcard are ready."),
        Text("There is nothing to do again."),
    ),
}
"""What the holder of the last card could not read. Everybody can read it: it names nobody."""

OUTAGES: Final[dict[Outage, tuple[str, str]]] = {
    Outage.NO_READER_SERVICE: (OUTAGE_TITLE, _READER_AWAY),
    Outage.NO_READER: (OUTAGE_TITLE, _READER_AWAY),
    Outage.AUTHORITY_AWAY: (OUTAGE_TITLE, _SERVICE_AWAY),
    Outage.RETIRED: (RETIRED_TITLE, RETIRED_TEXT),
    Outage.OTHER_RELEASE: (OUTAGE_TITLE, _OTHER_RELEASE),
}

WORKS: Final[dict[Work, tuple[str, str]]] = {
    Work.PREPARING: (Text("Getting things ready"), Text("This takes a moment.")),
    Work.CHECKING_PIN: (
        Text("Checking your PIN"),
        Text("Your smartcard checks it. This takes a moment."),
    ),
    Work.CHECKING_ANSWERS: (Text("Checking your answers"), Text("This takes a few seconds.")),
    Work.SENDING_CODE: (Text("Sending your code"), Text("This takes up to ten seconds.")),
    Work.CHECKING_CODE: (Text("Checking your code"), Text("This takes a moment.")),
    Work.MAKING_CODES: (
        Text("Making your codes"),
        Text("Have pen and paper ready. This takes a few seconds."),
    ),
    Work.KEEPING_CODES: (Text("Saving your codes"), Text("This takes a moment.")),
    Work.CHECKING_NUMBER: (Text("Checking the number"), Text("This takes a moment.")),
    Work.SETTING_PIN: (
        Text("Setting your new PIN"),
        Text("Leave your smartcard in until we say that it is done. This takes a few seconds."),
    ),
    Work.MAINTAINING: (
        Text("Asking the service first"),
        Text("It keeps a record of it. This takes a moment."),
    ),
    **pad.ASKING,
}
"""What the station is busy with, and for how long; or what the reader asks for."""

REMOVALS: Final[dict[RemovalReason, str]] = {
    RemovalReason.LEFT: Text(
        "You have ended your visit. Put your smartcard in again whenever you like."
    ),
    RemovalReason.LEFT_UNLOCKED: (
        Text(
            "It is unlocked, and its new PIN works. You can register another time: put your "
            "smartcard in again."
        )
    ),
    RemovalReason.NOTHING_STOPPED: (
        Text(
            "You have ended your visit, and nothing was stopped. Put your smartcard in again "
            "whenever you like."
        )
    ),
    RemovalReason.IDLE: Text("Nobody answered, so the visit has ended to keep you safe."),
    RemovalReason.FINISHED: Text("Your visit is over. Do not forget your smartcard."),
    RemovalReason.OTHER_CARD: Text(
        "There is still a smartcard in another reader. Take it out. If you need help with it, put "
        "it in again."
    ),
}


def still_there_end(seconds: int) -> str:
    return _STILL_THERE_END.of(seconds)
