"""How a station gets its certificate, renews it, and is identified by it.

A line that staff handed out (``kiosk.contract.enrolment``) enrols one key within fifteen minutes. A
try is charged before its secret is compared. Then the row of its key identifies the station, at
each call.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kiosk.authority.audit.events import ServiceKind, new_reference
from kiosk.authority.crypto.station_ca import (
    StationCa,
    fingerprint_of,
    read_request,
)
from kiosk.authority.errors import RowAltered
from kiosk.authority.records import CLOCKS_DIFFER, Station, StationKey
from kiosk.authority.stations import (
    AnonymousPeer,
    CertificatePeer,
    Peer,
    PeerRefused,
    SocketPeer,
    StationIdentity,
)
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.enrolment import RENEWAL_PART, Ca, Enrol, Enrolled, GiveCa, Renew
from kiosk.contract.errors import StepRefused

log = logging.getLogger(__name__)

LINE_LIFE: Final = timedelta(minutes=15)
"""How long a station can enrol by a line."""

TRIES: Final = 5
"""Of one line, including repeats of a lost answer."""

BOTH_KEYS: Final = timedelta(days=1)
"""How long a station is also identified by its former key, from the first call with the new one."""

CLOCKS: Final = timedelta(hours=1)
"""How much earlier than due a renewal is accepted: the station uses its own clock."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What comes with a certificate: its life, the CAs to trust, and the addresses to call."""

    life: timedelta
    believed: str
    addresses: tuple[str, ...]


class StationEnrolment:
    """The calls of ``kiosk.contract.enrolment``; safe to call from several threads.

    Raises ``StepRefused`` for a refused caller, ``StoreError``.
    """

    def __init__(self, store: Store, ca: StationCa, terms: Terms) -> None:
        self._store = store
        self._ca = ca
        self._terms = terms

    def give_ca(self, asked: GiveCa) -> Ca:
        """Return the CA's certificate, which is no secret."""
        return Ca(self._ca.pem)

    def enrol(self, asked: Enrol) -> Enrolled:
        """Enrol a station by its line, once for each line."""
        key = read_request(asked.request)
        fingerprint = fingerprint_of(key)
        with self._store.begin() as uow:
            charged = uow.enrolments.charge(asked.number, TRIES)
            uow.commit()
        with self._store.begin() as uow:
            self._store.need_right_clock()
            line = uow.enrolments.lock(asked.number)
            if line is None:
                raise StepRefused("there is no such line")
            because = ""
            if not charged:
                because = "its line has no tries left"
            elif not uow.enrolments.matches(line, asked.secret.reveal()):
                because = "its secret is wrong"
            elif not uow.now < line.expires_at <= uow.now + LINE_LIFE + CLOCKS_DIFFER:
                # Later: a clock that was ahead dated it.
                because = "its line has run out"
            elif line.used_key not in (None, fingerprint):
                because = "its line was used by another key"
            taken = None if because else uow.station_keys.find(fingerprint)
            if taken is not None and taken[0].station != line.station:
                because = "its key is another station's"
            if because:
                if charged:
                    _record(uow, ServiceKind.ENROLMENT_REFUSED, line.station, because=because)
                    uow.commit()
                raise StepRefused(because)
            row, reply = self._issue(key, line.station, uow.now)
            if taken is None:
                uow.stations.enrolled(Station(line.station, uow.now, site=line.site))
                uow.station_keys.drop(line.station)
                uow.station_keys.add(row)
                uow.enrolments.use(line.number, fingerprint)
                _record(uow, ServiceKind.STATION_ENROLLED, line.station, key=fingerprint)
                uow.commit()
        return reply

    def renew(self, fingerprint: str, asked: Renew) -> Enrolled:
        """Issue a station's next certificate, in the last third of the present one's life.

        The present key stays until the first call with the next one: the answer may be lost. A
        repeated request gets a certificate of the same life.
        """
        key = read_request(asked.request)
        with self._store.begin() as uow:
            self._store.need_right_clock()
            found = uow.station_keys.find(fingerprint)
            if found is None or found[1].retired_at is not None:
                raise StepRefused("this station is not in service")
            station = found[1]
            used = uow.station_keys.lock(station.name).get(fingerprint)
            if used is None or used.ends_at is not None:
                raise StepRefused("another key of this station is in use")
            due = used.not_after - (used.not_after - used.added_at) / RENEWAL_PART - CLOCKS
            if uow.now < due:
                raise StepRefused("it is not due yet")
            taken = uow.station_keys.find(fingerprint_of(key))
            if taken is not None:
                known, owner = taken
                if owner != station or known.added_at <= used.added_at:
                    raise StepRefused("the key is known already")
                _, reply = self._issue(key, station.name, known.added_at)
                return reply
            row, reply = self._issue(key, station.name, uow.now)
            uow.station_keys.replace(used, row)
            _record(uow, ServiceKind.STATION_KEY_RENEWED, station.name, key=row.fingerprint)
            uow.commit()
        return reply

    def _issue(
        self, key: ec.EllipticCurvePublicKey, station: str, now: datetime
    ) -> tuple[StationKey, Enrolled]:
        terms = self._terms
        made = self._ca.issue(key, station, now, terms.life)
        row = StationKey(fingerprint_of(key), station, made.not_valid_after_utc, now)
        pem = made.public_bytes(Encoding.PEM).decode()
        return row, Enrolled(station, pem, terms.believed, terms.addresses)


def _record(uow: UnitOfWork, kind: ServiceKind, station: str, **detail: str) -> None:
    uow.audit.append(
        kind=kind.value, reference=new_reference(), station=station, detail=dict(detail)
    )


class EnrolledStations:
    """The stations by their proof: the rows of keys, and those of this machine by user id."""

    def __init__(self, store: Store, on_socket: Mapping[int, StationIdentity]) -> None:
        self._store = store
        self._on_socket = on_socket

    def identify(self, peer: Peer) -> StationIdentity | PeerRefused:
        """Return which station ``peer`` is, also a retired one: the use cases refuse that.

        A key counts that is recorded and has not ended. Called at every call of a station, on a
        thread. Raises ``StoreError`` where the database gives no answer.
        """
        match peer:
            case SocketPeer(user_id):
                unknown = PeerRefused(f"user id {user_id} is not the station's")
                return self._on_socket.get(user_id, unknown)
            case CertificatePeer(key):
                try:
                    with self._store.read(once=True) as uow:
                        found = uow.station_keys.find(key)
                    if found is not None and found[0].replaces:
                        with self._store.begin() as uow:
                            uow.station_keys.first_used(found[0], uow.now + BOTH_KEYS)
                            uow.commit()
                except RowAltered as error:
                    return PeerRefused(str(error))
                if found is None:
                    return PeerRefused(f"no station is enrolled with the key {key}")
                return StationIdentity(found[1].name, found[1].site)
            case AnonymousPeer():
                return PeerRefused("it shows no certificate")
            case _:
                assert_never(peer)
