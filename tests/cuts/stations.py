"""A station's process: ``python -m tests.cuts.stations`` starts one for each line it reads.

A line says which estate, which visit, and where to cut. The process that reads it has
loaded everything and forks, so that each station is a process of its own and starts at
once. It answers with the steps that the station did, or with how it ended.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from hardware.cards import PcscCards
from hardware.drivers.piv import PivDriver
from hardware.registry import Registry
from kiosk.dialogue import CardId, Heartbeat, VisitId
from kiosk.ports import CardAddress
from kiosk.sensitive import Sensitive
from kiosk.station.actions import Actions
from kiosk.station.commands import UnblockPin
from tests.authority.world import World
from tests.cuts.cutter import Cut, CutStore, Cutter, Fault, Side
from tests.cuts.reader import READER, Reader, RemoteChip

NEW_PIN = "736251"
SOCKET = "card.socket"
STEPS = "steps.json"


def real_cards(reader: Reader) -> PcscCards:
    """Return the product's own way to the card."""
    reader.install(pytest.MonkeyPatch())
    return PcscCards(Registry([PivDriver()]))


def station(folder: Path, visit: VisitId, card: CardId, cut: Cut | None) -> None:
    """Unblock the card of a visit that has passed every factor."""
    cutter = Cutter(cut)
    world = World(folder)
    store = CutStore(world.url, world.clock)
    store.cutter = cutter
    world.store = store
    world.restart()
    cards = real_cards(Reader(RemoteChip(folder / SOCKET), cutter))
    actions = Actions(world.authority, cards, Heartbeat("A"))
    told = actions.perform(UnblockPin(visit, CardAddress(READER, card), Sensitive(NEW_PIN)))
    report = {"steps": cutter.steps, "told": type(told).__name__}
    (folder / STEPS).write_text(json.dumps(report))


def main() -> None:
    """Serve lines until there are no more."""
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            cut = asked["cut"]
            where = Cut(cut[0], Side(cut[1]), Fault(cut[2])) if cut else None
            card = CardId("piv", asked["card"])
            station(Path(asked["folder"]), VisitId(asked["visit"]), card, where)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
