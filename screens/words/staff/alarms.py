"""What is out of order, on the first page of staff."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from kiosk.authority import facts
from kiosk.authority.administration.views import Today
from kiosk.authority.facts import AlarmFact, ReadAt
from kiosk.authority.wording import counted


def alarm_lines(today: Today) -> tuple[str, ...]:
    """Return a sentence for each alarm of the first page."""
    clock = today.clock
    return tuple(alarm_words(each, clock) for each in today.alarms)


def alarm_words(alarm: AlarmFact, clock: ReadAt) -> str:
    match alarm:
        case facts.Noticed(at, what):
            return f"{_noticed_words(what, clock)} (noticed {_when(at, clock)})."
        case facts.NeverWatched():
            return "Nobody watches over the service yet: no authority and no caretaker has run."
        case facts.Unwatched(since, stations_served):
            begins = f"Nobody has watched over the service since {_when(since, clock)}"
            if stations_served:
                where = "on the authority's machine, “journalctl -u kiosk-authority” says why"
                return f"{begins}, though stations are served. Tell the administrator: {where}."
            return f"{begins}: no authority and no caretaker is running. Tell the administrator."
        case facts.ReportedByHolder(name, number, station, at):
            who = f"{name}, {number}," if name else _GONE
            said = f"reported at {station} that something was not done by them"
            return f"{who} {said} ({_when(at, clock)})."
        case _:
            assert_never(alarm)


_GONE = "somebody who is not recorded any more"


def _noticed_words(what: facts.NoticedAlarm, clock: ReadAt) -> str:
    match what:
        case facts.AlarmOfOtherVersion(kind):
            return f"Another version of the program has raised an alarm, {kind}"
        case facts.AlarmChanged(kind):
            changed = f"An alarm, {kind}, was changed outside of the product"
            return f"{changed}: the audit has what it said"
        case facts.ProofFailed(station, reference):
            where = f"{station}, reference {reference}"
            return f"A card failed its proof of being genuine at {where}"
        case facts.ManyFailuresAtStation(failures, station):
            return f"{failures} failures within an hour at {station}"
        case facts.StationTakesNoAnswers(station, until):
            return (
                f"{station} takes no answers before {_when(until, clock)} with cards that cannot "
                "prove themselves: too many were wrong"
            )
        case facts.ManyFailuresOfPerson(failures, name, number):
            who = f"{name}, {number}" if name else _GONE
            return f"{failures} failures within an hour of {who}"
        case facts.StationSilent(station, since):
            return f"{station} has been silent since {_when(since, clock)}"
        case facts.MailDeniedTo(addresses, since):
            to = counted(addresses, "address", "addresses")
            return (
                f"The mail relay has refused mail to {to} by a policy since {_when(since, clock)}"
            )
        case facts.MailStuck(since):
            return f"Mail has not moved since {_when(since, clock)}"
        case facts.RelayAway(since):
            when = _when(since, clock)
            return f"The mail relay has not answered since {when}: nobody gets a code by mail"
        case facts.RecordAlteredOutside(table, row):
            return f"A record was altered outside of the service: {table} {row}"
        case facts.AuditBroken(finding):
            return f"The audit does not fit: {finding}"
        case facts.ClocksDiffer(machine, minutes):
            apart = f"{minutes} minutes"
            return f"The clocks of {machine} and of the database differ by {apart}"
        case facts.ListNotCurrent(name, machine, "past"):
            return f"The list of revoked certificates of {name} at {machine} has ended"
        case facts.ListNotCurrent(name, machine, finding):
            return f"No current list of revoked certificates at {machine}: {name}: {finding}"
        case _:
            assert_never(what)


def _when(moment: datetime, clock: ReadAt) -> str:
    """Return the time of a moment of today, or the day of an earlier one."""
    local, today = moment.astimezone(clock.zone), clock.now.astimezone(clock.zone).date()
    if local.date() == today:
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}, {local:%H:%M}"
