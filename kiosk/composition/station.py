"""Puts the acting half together: cards, the loop, and the glass in front of it.

What the first page does not need is imported behind it, where it is built: readers, card
drivers, and the authority with its database take longer to import than the page to paint.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from kiosk.composition.backstage import Backstage, OpenStage
from kiosk.composition.readers import only_readers
from kiosk.config import Settings, credential_file
from kiosk.dialogue import Heartbeat, ReaderState, VisitId
from kiosk.faults import describe_fault
from kiosk.ports import PostReaderEvent, ReaderMonitor
from kiosk.reference import reference_of
from kiosk.station.commands import Command
from kiosk.station.events import ResultSide
from kiosk.station.loop import StationLoop
from kiosk.station.quiet import Patience
from kiosk.station.states import Outage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Station:
    """The loop, and what it stands on; ``close`` after the loop has ended."""

    loop: StationLoop
    close: Callable[[], None]


def build_station(settings: Settings, open_stage: Callable[[], OpenStage]) -> Station:
    """Return the station; ``open_stage`` is called on a thread, once it is wanted."""
    station = settings.station
    backstage = Backstage(open_stage, _log_trouble)
    loop = StationLoop(
        backstage,
        partial(_monitor, settings.pcsc.reader),
        log_fault,
        Patience(idle_s=station.idle_s, answer_s=station.idle_answer_s),
    )
    return Station(loop, backstage.close)


class LocalStage:
    """The actions on an authority in this process, and on the cards."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        from kiosk.composition.authority import build_authority
        from kiosk.composition.cards import build_cards
        from kiosk.composition.upkeep import Upkeep
        from kiosk.station.actions import Actions

        keys = credential_file(settings.keys.file, environ)
        self._house = build_authority(settings, environ)
        self._upkeep = Upkeep(keys, self._house.caretaker.look, time.monotonic)
        cards = build_cards(settings, environ)
        self._actions = Actions(self._house.authority, cards, _first_beat(settings))

    def perform(self, command: Command) -> ResultSide | None:
        """Carry out ``command``."""
        return self._actions.perform(command)

    def look(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        """Say what keeps the authority from serving anybody here; where ``idle``, look after it."""
        outage = self._actions.look(reader, idle=idle)
        if idle and outage is None:
            self._upkeep.tend()
        return outage

    @property
    def stale(self) -> bool:
        """Whether the keys have changed since."""
        return self._upkeep.stale

    def close(self) -> None:
        """Close the authority."""
        self._house.close()


def _first_beat(settings: Settings) -> Heartbeat:
    from importlib.metadata import version

    return Heartbeat(settings.station.name, settings.station.site, version("unlock-kiosk"))


def log_fault(visit: VisitId, fault: BaseException) -> None:
    """Log an error that nobody expected, without anything it carries."""
    reference = reference_of(visit) if visit else "none"
    log.error("fault in visit %s\n%s", reference, describe_fault(fault))


def _monitor(reader: str, post: PostReaderEvent) -> ReaderMonitor:
    from hardware.monitor import PcscMonitor

    return PcscMonitor(only_readers(reader, post))


def _log_trouble(trouble: Exception) -> None:
    log.error("the authority cannot be opened: %s", trouble)
