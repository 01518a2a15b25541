"""Words of the maintenance page, for an officer who knows the station."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final, assert_never

from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import MaintenanceAct, MaintenanceReason, ReadFault
from kiosk.station.states import ActResult, Ending, NetworkReport, NotDone, ReaderTest

REASON_TITLE = "Why do you maintain this station?"
WORDS_TITLE = "Why? The audit keeps your words."
WORDS_TEXT = 'Say it in words, such as "the keys stick, ticket 4711".'
WORDS_UNCLEAR = "Write a reason in words, and no PIN, code or key."
MENU_TITLE = "What shall the station do?"
SURE_TITLE = "Are you sure?"
DONE = "Finish"
NOT_HERE = "Nothing happens: this station cannot do that itself."
ASK = "Ask whoever runs this machine."
NO_ADDRESS = "The authority runs in this program."

_OFF_BY_S = 5.0
_NAMED = 44
"""Characters of a station's name that are shown, on one line of the smallest display."""

REASONS: Final[dict[MaintenanceReason, str]] = {
    MaintenanceReason.CHECK: "Planned check",
    MaintenanceReason.CARD_READER: "Trouble with the card reader",
    MaintenanceReason.NETWORK: "Trouble with the network",
    MaintenanceReason.DISPLAY: "Trouble with the display or the keys",
    MaintenanceReason.OTHER: "Something else",
}

ACTS: Final[dict[MaintenanceAct, str]] = {
    MaintenanceAct.TEST_READER: "Test the card reader",
    MaintenanceAct.SHOW_NETWORK: "Show the network",
    MaintenanceAct.RESTART_STATION: "Restart the station's program",
    MaintenanceAct.RESTART_MACHINE: "Restart the machine",
    MaintenanceAct.SWITCH_OFF: "Switch the machine off",
}

CONSEQUENCES: Final[dict[MaintenanceAct, str]] = {
    MaintenanceAct.TEST_READER: "Nobody is kept waiting.",
    MaintenanceAct.SHOW_NETWORK: "Nobody is kept waiting.",
    MaintenanceAct.RESTART_STATION: "The station is back within a minute.",
    MaintenanceAct.RESTART_MACHINE: "The station is back within some minutes.",
    MaintenanceAct.SWITCH_OFF: "The station stays off until somebody switches it on.",
}

_FAULTS: Final[dict[ReadFault, str]] = {
    ReadFault.NO_ANSWER: "The card gives no answer.",
    ReadFault.TOO_SLOW: "The card or the reader is too slow.",
    ReadFault.TAKEN_OUT: "The card was taken out.",
    ReadFault.SWAPPED: "There is another card in it now.",
    ReadFault.UNKNOWN_KIND: "What the card answers cannot be read.",
    ReadFault.NO_IDENTIFIER: "What the card answers cannot be read.",
    ReadFault.GLOBAL_PIN: "The PIN in use is the card's Global PIN.",
    ReadFault.MALFORMED: "What the card answers cannot be read.",
}


def opened(station: str) -> str:
    shown = station if len(station) <= _NAMED else f"{station[: _NAMED - 3]}..."
    return f"Station {shown}"


def result(what: ActResult, zone: tzinfo | None) -> tuple[str, list[str]]:
    """Return a title and lines; ``zone`` None is the machine's."""
    match what:
        case ReaderTest(reader, family, fault):
            if fault is not None:
                return "The card could not be read again", [f"Reader: {reader}", _FAULTS[fault]]
            title = FAMILIES[family].title if family in FAMILIES else family
            lines = [f"Reader: {reader}", f"Your card was read again: {title}."]
            return "The card reader works", lines
        case NetworkReport():
            addresses, ends = what.state.addresses, what.state.certificate_ends_at
            lines = [f"{one.name}: {one.trouble or 'answers'}" for one in addresses] or [NO_ADDRESS]
            if ends is not None:
                lines.append(f"Certificate of this station: valid until {_moment(ends, zone)}")
            ahead = "as the authority's"
            if abs(what.ahead_s) >= _OFF_BY_S:
                way = "ahead of" if what.ahead_s > 0 else "behind"
                ahead = f"{abs(round(what.ahead_s))} seconds {way} the authority's"
            lines.append(f"Clock: {_moment(what.clock, zone)}, {ahead}")
            answers = all(not one.trouble for one in addresses)
            return "The authority answers" if answers else "An address gives no answer", lines
        case Ending(really=True):
            return f"{ACTS[what.act]}: it begins now", [
                CONSEQUENCES[what.act],
                "Take your card out.",
            ]
        case Ending():
            return ACTS[what.act], [NOT_HERE, ASK]
        case NotDone():
            return "That did not work", [ACTS[what.act], what.because]
        case _:
            assert_never(what)


def _moment(moment: datetime, zone: tzinfo | None) -> str:
    try:
        there = moment.astimezone(zone)
    except OverflowError:  # a certificate without an end: it is the next day there
        there = moment
    return f"{there.day} {there:%B %Y %H:%M}"
