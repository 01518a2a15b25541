"""Alarms in the words of the first page, the newest first."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import assert_never

from kiosk.administration.alarms import LOOK, UNWATCHED_AFTER, AlarmKind
from kiosk.administration.silence import is_silent
from kiosk.store.service_records import Station
from kiosk.store.unit_of_work import UnitOfWork
from kiosk.store.watch_records import Alarm

_TAIL = 8
GONE = "somebody who is not recorded any more"


def alarm_lines(uow: UnitOfWork, zone: tzinfo) -> tuple[str, ...]:
    """Return a line for each alarm that stands, and one where nobody looks for alarms."""
    lines = [
        f"{_told(alarm, uow, zone)} (noticed {_when(alarm.since, uow.now, zone)})."
        for alarm in reversed(uow.alarms.standing())
    ]
    return (*_unwatched(uow, zone), *lines)


def _unwatched(uow: UnitOfWork, zone: tzinfo) -> tuple[str, ...]:
    look = uow.chores.get(LOOK)
    if look is None:
        return ("Nobody watches over the service yet: no station and no caretaker has run.",)
    if uow.now - look.done_at < UNWATCHED_AFTER:
        return ()
    since = _when(look.done_at, uow.now, zone)
    up = [each for each in uow.stations.every() if _serves(each, uow.now)]
    if not up:
        running = "no station and no caretaker is running"
        return (f"Nobody has watched over the service since {since}: {running}.",)
    cards = " ".join(_card_left(each.name, uow, zone) for each in up)
    told = (
        f"Nobody has watched over the service since {since}: a station does so only while no "
        f"card is in it. {cards} Take the card out, or let “kiosk caretaker” run."
    )
    return (told,)


def _serves(station: Station, now: datetime) -> bool:
    return station.retired_at is None and not is_silent(station, now)


def _card_left(station: str, uow: UnitOfWork, zone: tzinfo) -> str:
    """Say which card is in a station, and since when: the one of its last visit."""
    visit = uow.visits.last_at(station)
    if visit is None:
        return f"A card is in {station}."
    since = _when(visit.opened_at, uow.now, zone)
    card = uow.cards.get(visit.card_id) if visit.card_id else None
    holder = uow.holders.get(visit.holder_id) if visit.holder_id else None
    which = f"The card ending in {card.identifier[-_TAIL:]}" if card else "A card"
    whose = f" of {holder.name}, {holder.number}," if holder else ""
    return f"{which}{whose} has been in {station} since {since}."


def _told(alarm: Alarm, uow: UnitOfWork, zone: tzinfo) -> str:
    said = alarm.detail
    kind = AlarmKind(alarm.kind)
    match kind:
        case AlarmKind.CARD_NOT_GENUINE:
            where = f"{said['station']}, reference {said['reference']}"
            return f"A card failed its proof of being genuine at {where}"
        case AlarmKind.FAILURES_AT_STATION:
            return f"{said['failures']} failures within an hour at {said['station']}"
        case AlarmKind.FAILURES_OF_PERSON:
            return f"{said['failures']} failures within an hour of {_person(alarm, uow)}"
        case AlarmKind.STATION_SILENT:
            return f"{said['station']} has been silent since {_since(alarm, uow, zone)}"
        case AlarmKind.MAIL_HELD_UP:
            return f"Mail has not moved since {_since(alarm, uow, zone)}"
        case AlarmKind.ROW_ALTERED:
            return f"A record was altered outside of the service: {said['table']} {said['row']}"
        case AlarmKind.AUDIT_BROKEN:
            return f"The audit does not fit: {said['finding']}"
        case _:
            assert_never(kind)


def _person(alarm: Alarm, uow: UnitOfWork) -> str:
    holder_id = str(alarm.detail["holder_id"])
    holder = uow.holders.by_ids([holder_id]).get(holder_id)
    return f"{holder.name}, {holder.number}" if holder else GONE


def _since(alarm: Alarm, uow: UnitOfWork, zone: tzinfo) -> str:
    return _when(datetime.fromisoformat(str(alarm.detail["since"])), uow.now, zone)


def _when(moment: datetime, now: datetime, zone: tzinfo) -> str:
    """Say the time of a moment of today, and the day of an earlier one."""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}, {local:%H:%M}"
