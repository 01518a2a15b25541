"""The stations of the estate: what they say of themselves, and which may serve nobody."""

from __future__ import annotations

from kiosk.authority.parts import Parts
from kiosk.dialogue import LONGEST_NAME, Heartbeat, Reason, StationStanding
from kiosk.errors import StepRefused
from kiosk.store.service_records import Station
from kiosk.store.unit_of_work import UnitOfWork


def heartbeat(parts: Parts, beat: Heartbeat) -> StationStanding:
    """Note when a station was last heard of and what it said; a retired one stays retired.

    Raises ``StepRefused`` for texts that no settings file allows.
    """
    if not beat.station or not all(map(_is_short, (beat.station, beat.site, beat.version))):
        raise StepRefused("that is no station's name, site or version")
    with parts.store.begin() as uow:
        uow.stations.seen(
            Station(beat.station, uow.now, beat.version, beat.reader.value, beat.site)
        )
        barred = station_barred(uow, beat.station)
        uow.commit()
    return StationStanding.RETIRED if barred else StationStanding.IN_USE


def station_barred(uow: UnitOfWork, name: str) -> Reason | None:
    """Say why a station may serve nobody; one that was never heard of may."""
    station = uow.stations.get(name)
    retired = station is not None and station.retired_at is not None
    return Reason.STATION_RETIRED if retired else None


def is_station_name(text: str) -> bool:
    """Tell whether a text may name a station: it goes into mail and the audit."""
    return bool(text) and _is_short(text)


def _is_short(text: str) -> bool:
    return len(text) <= LONGEST_NAME and text.isprintable()
