"""Reading the card in a reader of this machine, for whoever records cards."""

from __future__ import annotations

import time
from collections.abc import Iterator

from hardware.doctor import CardCondition, PcscFinding, ReaderFinding, look_over
from kiosk.commands.tools import complain, say
from kiosk.composition.cards import plain_cards
from kiosk.dialogue import CardReport

LOOK_S = 0.5


def read_card(part: str, wait_s: float) -> int:
    """Print ``driver identifier`` of the card in a reader whose name holds ``part``.

    Waits so many seconds for one; 1 where none was read. No try of the card is spent.
    """
    cards, ends, asked = plain_cards(), time.monotonic() + wait_s, False
    while True:
        found = look_over(cards)
        read = [one.report for one in _readers(found, part) if one.report]
        if len(read) == 1:
            return _print(read[0])
        if len(read) > 1 or time.monotonic() >= ends or not _may_come(found, part):
            complain(f"kiosk: {_why_not(found, part)}")
            return 1
        if not asked:
            complain("Put the card into the reader.")
            asked = True
        time.sleep(LOOK_S)


def _print(report: CardReport) -> int:
    say(f"{report.card.driver} {report.card.identifier}")
    return 0


def _readers(found: PcscFinding, part: str) -> list[ReaderFinding]:
    return [one for one in found.readers if part in one.reader]


def _may_come(found: PcscFinding, part: str) -> bool:
    """Tell whether a card that is put in now would be read."""
    return any(one.card is not CardCondition.UNKNOWN for one in _readers(found, part))


def _why_not(found: PcscFinding, part: str) -> str:
    if not found.reachable:
        return found.detail
    readers = _readers(found, part)
    if not readers:
        return _no_reader(found, part)
    if sum(one.report is not None for one in readers) > 1:
        return "there are several cards; take out all but one, or name a reader with --reader"
    return "; ".join(_troubles(readers)) or "no card was put in"


def _no_reader(found: PcscFinding, part: str) -> str:
    if not found.readers:
        return "no reader is plugged in"
    names = ", ".join(one.reader for one in found.readers)
    return f"no reader has {part!r} in its name; there are: {names}"


def _troubles(readers: list[ReaderFinding]) -> Iterator[str]:
    for one in readers:
        if one.card is not CardCondition.EMPTY:
            yield f"{one.reader}: {one.detail}"
