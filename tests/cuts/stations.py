"""A station's process: ``python -m tests.cuts.stations`` starts one for each line it reads.

A line says which estate, which visit, and where to cut. The process that reads it has
loaded everything and forks, so that each station is a process of its own and starts at
once. It answers how the station ended; what a station did that lived on is in a file. A line
that kills no station is done by the reading process itself: so it has every statement in its cache.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from kiosk.authority.crypto.derivation import DerivedSecrets
from kiosk.authority.crypto.macs import AuditMacs
from kiosk.authority.service import LocalAuthority
from kiosk.contract.families import FAMILIES
from kiosk.contract.messages import CardId, Factor, Heartbeat, OnPad, VisitId
from kiosk.contract.policy import Policy
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from kiosk.station.commands import UnblockPin
from kiosk.station.events import ResultSide
from kiosk.station.executor import Actions
from tests.authority.world import World
from tests.cuts.cutter import Cut, CutStore, Cutter, Fault, Side
from tests.cuts.families import Family, families
from tests.cuts.inspected_card import NEW_PIN

LEAN = Policy(verification=((Factor.EMAIL_CODE,),))
"""One factor, whose code is used up with the release, is all that matters to a cut."""

STEPS = "steps.json"


@dataclass(frozen=True)
class Line:
    """What a station is to do."""

    folder: str
    url: str
    family: str
    now: str
    visit: str
    reader: str
    card: str
    step: int | None = None
    side: str = ""
    fault: str = ""

    @property
    def cut(self) -> Cut | None:
        """Where it is cut, if it is."""
        return None if self.step is None else Cut(self.step, Side(self.side), Fault(self.fault))

    def written(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self))


def serve(world: World, family: Family) -> None:
    """Let the authority serve one family."""
    world.policy = LEAN
    kinds = FAMILIES[family.driver].secret_kinds
    world.secret_kinds = {family.driver: next(k for k in kinds if k.rotates == family.changes)}
    world.restart()
    if family.derives:
        source = DerivedSecrets(world.parts.sealer.masters)
        world.parts = replace(world.parts, source=source)
        world.authority = LocalAuthority(world.parts)


@cache
def _world(folder: str, url: str, family: str) -> World:
    """Return the authority on one database, opened in a process that may fork: nothing is open."""
    world = World(Path(folder), url=url)
    world.store = CutStore(url, world.clock, world.macs, audit_macs=AuditMacs(lambda: world.ring))
    serve(world, families()[family])
    return world


def station(line: Line) -> ResultSide | None:
    """Unblock the card of a visit that has passed every factor; return what the flow is told."""
    folder, family, cutter = Path(line.folder), families()[line.family], Cutter(line.cut)
    world = _world(line.folder, line.url, line.family)
    world.clock.time = datetime.fromisoformat(line.now)
    assert isinstance(world.store, CutStore)
    world.store.cutter = cutter
    at = CardAddress(line.reader, CardId(family.driver, line.card))
    new = OnPad() if family.keyed else Sensitive(NEW_PIN)
    command = UnblockPin(VisitId(line.visit), at, new, "1")
    with world.store.read() as uow:
        visit = uow.visits.get(line.visit)
    assert visit is not None
    with family.at_station(folder, cutter) as cards:
        told = Actions(world.at(visit.station), cards, Heartbeat()).perform(command)
    world.store.close()
    report = {"steps": cutter.steps, "told": type(told).__name__}
    (folder / STEPS).write_text(json.dumps(report))
    return told


def _started(line: Line) -> int:
    """Return how the station ended."""
    if line.fault != Fault.KILL:
        station(line)
        return 0
    _world(line.folder, line.url, line.family)
    child = os.fork()
    if child == 0:
        station(line)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Serve lines until there are no more."""
    for text in sys.stdin:
        print(_started(Line(**json.loads(text))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
