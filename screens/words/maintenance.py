"""Words of the maintenance page, for an officer who knows the station."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final, assert_never

from kiosk.contract.families import FAMILIES
from kiosk.contract.language import MONTHS, Counted, Text
from kiosk.contract.messages import MaintenanceAct, MaintenanceReason, ReadFault
from kiosk.station.states import ActResult, Ending, NetworkReport, NotDone, ReaderTest

REASON_TITLE = Text("Why do you maintain this station?")
WORDS_TITLE = Text("Why? The audit keeps your words.")
WORDS_TEXT = Text('Say it in words, such as "the keys stick, ticket 4711".')
WORDS_UNCLEAR = Text("Write a reason in words, and no PIN, code or key.")
MENU_TITLE = Text("What shall the station do?")
SURE_TITLE = Text("Are you sure?")
DONE = Text("Finish")
NOT_HERE = Text("Nothing happens: this station cannot do that itself.")
ASK = Text("Ask whoever runs this machine.")
ANSWERS = Text("answers")
NO_ADDRESS = Text("The authority runs in this program.")

_OFF_BY_S = 5.0
_NAMED = 44
"""Characters of a station's name that are shown, on one line of the smallest display."""

REASONS: Final[dict[MaintenanceReason, str]] = {
    MaintenanceReason.CHECK: Text("Planned check"),
    MaintenanceReason.CARD_READER: Text("Trouble with the card reader"),
    MaintenanceReason.NETWORK: Text("Trouble with the network"),
    MaintenanceReason.DISPLAY: Text("Trouble with the display or the keys"),
    MaintenanceReason.OTHER: Text("Something else"),
}

ACTS: Final[dict[MaintenanceAct, str]] = {
    MaintenanceAct.TEST_READER: Text("Test the card reader"),
    MaintenanceAct.SHOW_NETWORK: Text("Show the network"),
    MaintenanceAct.RESTART_STATION: Text("Restart the station's program"),
    MaintenanceAct.RESTART_MACHINE: Text("Restart the machine"),
    MaintenanceAct.SWITCH_OFF: Text("Switch the machine off"),
}

CONSEQUENCES: Final[dict[MaintenanceAct, str]] = {
    MaintenanceAct.TEST_READER: Text("Nobody is kept waiting."),
    MaintenanceAct.SHOW_NETWORK: Text("Nobody is kept waiting."),
    MaintenanceAct.RESTART_STATION: Text("The station is back within a minute."),
    MaintenanceAct.RESTART_MACHINE: Text("The station is back within some minutes."),
    MaintenanceAct.SWITCH_OFF: Text("The station stays off until somebody switches it on."),
}

_FAULTS: Final[dict[ReadFault, str]] = {
    ReadFault.NO_ANSWER: Text("The card gives no answer."),
    ReadFault.TOO_SLOW: Text("The card or the reader is too slow."),
    ReadFault.TAKEN_OUT: Text("The card was taken out."),
    ReadFault.SWAPPED: Text("There is another card in it now."),
    ReadFault.UNKNOWN_KIND: Text("What the card answers cannot be read."),
    ReadFault.NO_IDENTIFIER: Text("What the card answers cannot be read."),
    ReadFault.GLOBAL_PIN: Text("The PIN in use is the card's Global PIN."),
    ReadFault.MALFORMED: Text("What the card answers cannot be read."),
}


_AS_AUTHORITY = Text("Clock: {moment}, as the authority's")
_AHEAD = Counted(
    "Clock: {moment}, {n} second ahead of the authority's",
    "Clock: {moment}, {n} seconds ahead of the authority's",
)
_BEHIND = Counted(
    "Clock: {moment}, {n} second behind the authority's",
    "Clock: {moment}, {n} seconds behind the authority's",
)


def opened(station: str) -> str:
    shown = station if len(station) <= _NAMED else f"{station[: _NAMED - 3]}..."
    return Text("Station {name}").format(name=shown)


def result(what: ActResult, zone: tzinfo | None) -> tuple[str, list[str]]:
    """Return a title and lines; ``zone`` None is the machine's."""
    match what:
        case ReaderTest(reader, family, fault):
            of_reader = Text("Reader: {reader}").format(reader=reader)
            if fault is not None:
                return Text("The card could not be read again"), [of_reader, _FAULTS[fault]]
            title = FAMILIES[family].title if family in FAMILIES else family
            read = Text("Your card was read again: {family}.").format(family=title)
            return Text("The card reader works"), [of_reader, read]
        case NetworkReport():
            addresses, ends = what.state.addresses, what.state.certificate_ends_at
            lines = [f"{one.name}: {one.trouble or ANSWERS}" for one in addresses]
            lines = lines or [NO_ADDRESS]
            if ends is not None:
                until = Text("Certificate of this station: valid until {moment}")
                lines.append(until.format(moment=_moment(ends, zone)))
            clock, off = _moment(what.clock, zone), abs(round(what.ahead_s))
            if abs(what.ahead_s) < _OFF_BY_S:
                lines.append(_AS_AUTHORITY.format(moment=clock))
            else:
                lines.append((_AHEAD if what.ahead_s > 0 else _BEHIND).of(off, moment=clock))
            answers = all(not one.trouble for one in addresses)
            title = Text("The authority answers") if answers else Text("An address gives no answer")
            return title, lines
        case Ending(really=True):
            begins = Text("{act}: it begins now").format(act=ACTS[what.act])
            return begins, [CONSEQUENCES[what.act], Text("Take your card out.")]
        case Ending():
            return ACTS[what.act], [NOT_HERE, ASK]
        case NotDone():
            return Text("That did not work"), [ACTS[what.act], what.because]
        case _:
            assert_never(what)


def _moment(moment: datetime, zone: tzinfo | None) -> str:
    try:
        there = moment.astimezone(zone)
    except OverflowError:  # a certificate without an end: it is the next day there
        there = moment
    return Text("{day} {month} {year} {time}").format(
        day=there.day, month=MONTHS[there.month - 1], year=there.year, time=f"{there:%H:%M}"
    )
