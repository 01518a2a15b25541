"""The stations of the estate, as staff see them and take them out of service."""

from __future__ import annotations

from datetime import datetime

from kiosk.authority.administration.alarms import is_silent
from kiosk.authority.administration.office import Act, Office, describe_change
from kiosk.authority.administration.views import Done, Grounds, StationLine
from kiosk.authority.audit import StaffKind
from kiosk.authority.roles import Action
from kiosk.authority.store.records import AuditQuery, Station
from kiosk.contract.errors import ConcurrentChange, NotFound


class LocalStationsDesk:
    """Implements ``StationsDesk``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def every(self) -> tuple[StationLine, ...]:
        """Return all, by name; the retired ones last."""
        with self._office.look(Action.SEE_STATIONS) as uow:
            visits = uow.stations.last_visits()
            lines = [_line(each, visits.get(each.name), uow.now) for each in uow.stations.every()]
        return tuple(sorted(lines, key=lambda line: line.retired_at is not None))

    def retire(self, name: str, grounds: Grounds) -> Done:
        """Let a station serve nobody any more."""
        with self._office.act(Action.RETIRE_STATION, grounds) as act:
            if not act.uow.stations.retire(name, act.uow.now):
                raise _too_late(act, name, StaffKind.STATION_RETIRED, "retired already")
            act.tell(StaffKind.STATION_RETIRED, station=name)
        return act.done(f"{name} is retired. It serves nobody any more.")

    def reinstate(self, name: str, grounds: Grounds) -> Done:
        """Undo that."""
        with self._office.act(Action.RETIRE_STATION, grounds) as act:
            if not act.uow.stations.reinstate(name):
                raise _too_late(act, name, StaffKind.STATION_REINSTATED, "in service already")
            act.tell(StaffKind.STATION_REINSTATED, station=name)
        return act.done(f"{name} is in service again.")


def _line(station: Station, last_visit_at: datetime | None, now: datetime) -> StationLine:
    return StationLine(
        name=station.name,
        site=station.site,
        version=station.version,
        reader=station.reader_state,
        last_seen_at=station.last_seen_at,
        last_visit_at=last_visit_at,
        silent=is_silent(station, now),
        retired_at=station.retired_at,
    )


def _too_late(act: Act, name: str, deed: StaffKind, is_so: str) -> ConcurrentChange | NotFound:
    if act.uow.stations.get(name) is None:
        return NotFound(f"There is no station named {name}.")
    latest = act.uow.trail.newest(AuditQuery(station=name, kind=deed.value), limit=1)
    done = tuple(describe_change(act.uow, event) for event in latest)
    return ConcurrentChange(f"{name} is {is_so}.", done)
