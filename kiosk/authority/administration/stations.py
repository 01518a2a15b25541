"""The stations of the estate: their list, enrolment, and retirement."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from kiosk.authority.administration.acts import (
    EnrolCertificate,
    EnrolStation,
    ReinstateStation,
    StationAct,
    read_certificate,
)
from kiosk.authority.administration.alarms import state_of
from kiosk.authority.administration.deeds import (
    LineMade,
    PausesLifted,
    StationCertified,
    StationReinstated,
    StationRetired,
)
from kiosk.authority.administration.office import Act, Desk, concurrent_change
from kiosk.authority.administration.pauses import end_pause, paused_at
from kiosk.authority.administration.proposals import Proposal
from kiosk.authority.administration.views import (
    Done,
    Grounds,
    StationLetIn,
    StationLine,
    StationState,
)
from kiosk.authority.audit.events import StaffKind
from kiosk.authority.enrolment import LINE_LIFE
from kiosk.authority.errors import ConcurrentChange, NotFound, NotTaken
from kiosk.authority.records import AuditQuery, Station, StationKey
from kiosk.authority.refusals import (
    KeyOfOtherStation,
    NoPauseInForce,
    NoSuchStation,
    PlainRefusal,
    Refusal,
    StationInServiceAlready,
    StationNameTooLong,
    StationRetiredAlready,
    StationRetiredSince,
)
from kiosk.authority.roles import Action
from kiosk.contract.enrolment import RENEWAL_PART, EnrolmentLine, draw_number, draw_secret
from kiosk.contract.messages import LONGEST_STATION_NAME
from kiosk.contract.text import can_be_seen


class StationsDesk(Desk):
    def every(self) -> tuple[StationLine, ...]:
        """Return all, by name; the retired ones last."""
        with self._office.look(Action.SEE_STATIONS) as uow:
            visits, good = uow.stations.last_visits(), uow.station_keys.certificates()
            lines = [
                StationLine(
                    name=each.name,
                    site=each.site,
                    version=each.version,
                    reader=each.reader_state,
                    last_seen_at=each.last_seen_at if each.has_started else None,
                    let_in_at=None if each.has_started else each.last_seen_at,
                    last_visit_at=visits.get(each.name),
                    state=state_of(each, uow.now),
                    retired_at=each.retired_at,
                    certificate_until=good[each.name][1] if each.name in good else None,
                    certificate_late=each.name in good and _is_late(*good[each.name], uow.now),
                )
                for each in uow.stations.every()
            ]
        return tuple(sorted(lines, key=lambda line: line.state is StationState.RETIRED))

    def enrol(self, name: str, site: str, grounds: Grounds) -> Done:
        """Make a line for a station; its use ends an earlier station of that name.

        Where it waits, no line is kept until then: another one is made for whoever agrees.
        """
        means, secret = self._office.means, draw_secret()
        proposal = Proposal(EnrolStation(name, site))
        with self._office.act(Action.ENROL_STATION, grounds, proposal=proposal) as act:
            name, site = _tidy("name", name), _tidy("site", site, empty=True)
            _refuse_retired_since(act, name)
            if not means.enrol_addresses:
                raise NotTaken("", PlainRefusal.STATIONS_CANNOT_ENROL)
            number = draw_number()
            while not act.uow.enrolments.is_free(number):
                number = draw_number()
            until = act.uow.now + LINE_LIFE
            act.uow.enrolments.open(number, secret.reveal(), name, site, until)
            act.record(StaffKind.ENROLMENT_OPENED, station=name)
        done = act.done(LineMade(name))
        if done.waits:
            return done
        line = EnrolmentLine(means.enrol_addresses, number, secret, means.ca_fingerprint)
        let_in = StationLetIn(name, line.text(), until, act.reference)
        return replace(done, let_in=let_in)

    def enrol_certificate(self, name: str, site: str, pem: str, grounds: Grounds) -> Done:
        """Enrol a station by a certificate of the estate's own CA, which also renews it."""
        proposal = Proposal(EnrolCertificate(name, site, pem))
        with self._office.act(Action.ENROL_STATION, grounds, proposal=proposal) as act:
            name, site = _tidy("name", name), _tidy("site", site, empty=True)
            _refuse_retired_since(act, name)
            fingerprint, until = read_certificate(pem)
            uow = act.uow
            if until <= uow.now:
                raise NotTaken("certificate", PlainRefusal.CERTIFICATE_EXPIRED)
            known = uow.station_keys.find(fingerprint)
            if known is not None and known[1].name != name:
                raise NotTaken("certificate", KeyOfOtherStation(known[1].name))
            uow.stations.enrolled(Station(name, uow.now, site=site))
            uow.enrolments.close(name)
            uow.station_keys.drop(name)
            uow.station_keys.add(StationKey(fingerprint, name, until, uow.now))
            act.record(StaffKind.STATION_CERTIFIED, station=name, certificate=fingerprint)
        return act.done(StationCertified(name, fingerprint))

    def retire(self, name: str, grounds: Grounds) -> Done:
        """Retire a station, so that it serves nobody and nothing enrols in its place."""
        with self._office.act(Action.RETIRE_STATION, grounds) as act:
            if not act.uow.stations.retire(name, act.uow.now):
                raise _too_late(act, name, StaffKind.STATION_RETIRED, StationRetiredAlready(name))
            act.uow.enrolments.close(name)
            act.record(StaffKind.STATION_RETIRED, station=name)
        return act.done(StationRetired(name))

    def reinstate(self, name: str, grounds: Grounds) -> Done:
        proposal = Proposal(ReinstateStation(name))
        with self._office.act(Action.REINSTATE_STATION, grounds, proposal=proposal) as act:
            _refuse_retired_since(act, name)
            if not act.uow.stations.reinstate(name):
                raise _too_late(
                    act, name, StaffKind.STATION_REINSTATED, StationInServiceAlready(name)
                )
            act.record(StaffKind.STATION_REINSTATED, station=name)
        return act.done(StationReinstated(name))

    def lift_pauses(self, name: str, grounds: Grounds) -> Done:
        """Lift every pause that wrong answers at a station made; blocks stay, and need two."""
        with self._office.act(Action.LIFT_PAUSES, grounds) as act:
            uow = act.uow
            # In the order of their ids, as others who lift pauses at this moment lock them.
            found = (uow.holders.get(each) for each in sorted(paused_at(uow, name)))
            lifted = sum(end_pause(act, holder, name) for holder in found if holder is not None)
            if not lifted:
                if uow.stations.get(name) is None:
                    raise NotFound(NoSuchStation(name))
                raise ConcurrentChange(NoPauseInForce(name))
        return act.done(PausesLifted(lifted))


def _refuse_retired_since(act: Act, name: str) -> None:
    """Keep with a proposal when the station was retired; refuse one that was retired since."""
    station = act.uow.stations.get(name)
    retired_at = station.retired_at.isoformat() if station and station.retired_at else ""
    act.amend(retired_at=retired_at)
    proposed = act.agreement.proposed.entered if act.agreement else None
    known = proposed.retired_at if isinstance(proposed, StationAct) else retired_at
    if retired_at not in ("", known):
        raise ConcurrentChange(StationRetiredSince(name))


def _is_late(since: datetime, until: datetime, now: datetime) -> bool:
    """Return whether half of the time for the renewal of a certificate has passed."""
    return until - now < (until - since) / (2 * RENEWAL_PART)


def _tidy(field: str, given: str, *, empty: bool = False) -> str:
    name = given.strip()
    if not name and not empty:
        raise NotTaken(field, PlainRefusal.STATION_NAME_MISSING)
    if len(name) > LONGEST_STATION_NAME or not can_be_seen(name):
        raise NotTaken(field, StationNameTooLong(LONGEST_STATION_NAME))
    return name


def _too_late(
    act: Act, name: str, deed: StaffKind, because: Refusal
) -> ConcurrentChange | NotFound:
    if act.uow.stations.get(name) is None:
        return NotFound(NoSuchStation(name))
    latest = act.uow.trail.newest(AuditQuery(station=name, kind=deed.value), limit=1)
    return concurrent_change(act.uow, because, latest)
