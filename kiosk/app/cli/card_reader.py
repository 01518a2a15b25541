"""Reading the card in a reader of this machine, for whoever records cards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from hardware.doctor import CardCondition, PcscFinding, ReaderFinding, examine_readers
from kiosk.app.cli.hardware_checks import also_on
from kiosk.app.cli.printing import complain, echo
from kiosk.app.composition.cards import build_cards, plain_cards
from kiosk.app.config.loading import load_settings, settings_path
from kiosk.app.config.settings import Settings

LOOK_S = 0.5


def read_card(config: str | None, part: str, wait_s: float) -> int:
    """Print ``driver identifier`` of the card in a reader whose name holds ``part``.

    A card is read as the stations of these settings read it. Waits so many seconds for one; 1
    where none was read. No try of the card is spent.
    """
    cards, every = build_cards(_settings(config), os.environ), plain_cards().applications
    ends, asked = time.monotonic() + wait_s, False
    while True:
        found = examine_readers(cards, every)
        read = [one for one in _readers(found, part) if one.report]
        if len(read) == 1:
            return _print(read[0])
        if len(read) > 1 or time.monotonic() >= ends or not _may_come(found, part):
            complain(f"kiosk: {_why_not(found, part)}")
            return 1
        if not asked:
            complain("Put the card into the reader.")
            asked = True
        time.sleep(LOOK_S)


def _settings(config: str | None) -> Settings:
    """Return the settings of the service; a clerk's own machine has none but the environment."""
    path = settings_path(config, os.environ)
    try:
        here = path.exists()
    except PermissionError:
        here = False
    if config or here:
        return load_settings(path, os.environ)
    complain(f"There is no {path} here: the families are read in their usual order.")
    return load_settings(None, os.environ)


def _print(read: ReaderFinding) -> int:
    if also := also_on(read.others):
        complain(f"This card serves as the following{also}")
    if read.report:
        echo(f"{read.report.card.driver} {read.report.card.identifier}")
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
            yield f"{one.reader}: {one.detail}{also_on(one.others)}"
