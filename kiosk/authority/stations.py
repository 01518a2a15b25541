"""The stations of the estate: who calls, by the proof of the connection, and their heartbeats."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from kiosk.authority.records import Station
from kiosk.authority.store.database import Store, UnitOfWork
from kiosk.contract.errors import StepRefused
from kiosk.contract.language import Language, is_language
from kiosk.contract.messages import LONGEST_STATION_NAME, Heartbeat, StationStanding
from kiosk.contract.ports import Clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StationIdentity:
    """A station by its recorded name; ``site`` is its place, for reports, or empty."""

    name: str
    site: str = ""


@dataclass(frozen=True, slots=True)
class SocketPeer:
    """A process on this machine: its user id from the kernel (SO_PEERCRED)."""

    user_id: int


@dataclass(frozen=True, slots=True)
class CertificatePeer:
    """A client that proved the key of a certificate of our CA in the TLS handshake.

    ``key`` is the SHA-256 of its SubjectPublicKeyInfo in DER, in hexadecimal. A connection can
    outlive the certificate: ``not_after`` is checked at each call.
    """

    key: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class AnonymousPeer:
    """A client without a certificate, at the listener for enrolment; its address proves nothing."""

    address: str


Peer = SocketPeer | CertificatePeer | AnonymousPeer


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """The peer is no station that may call; ``because`` is for the log."""

    because: str


# Heartbeats: the stations of an estate send far more of them than there are visits.

WRITTEN_EVERY_S = 45.0
"""How old the last heartbeat in the database may be when a station sends the next one."""

STANDING_S = 3.0
"""How long the list of retired stations is reused; a visit reads its station's row itself."""


_NO_VERSION = "none named"
"""Recorded where a station leaves its version out: a station without any has never started."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A station's heartbeat, and its time by the monotonic clock."""

    site: str
    beat: Heartbeat
    at: float

    def is_news_after(self, last: _Heard | None) -> bool:
        return last is None or (self.site, self.beat) != (last.site, last.beat)


class Heartbeats:
    """Accepts the heartbeats that reach this process, and writes few of them.

    A heartbeat with news is written at once, any other when the last one written of its station is
    old. Heartbeats of others are written with it, so that the stations of a large estate share a
    transaction. ``language`` is the service's, which a station's should be, too.
    """

    def __init__(self, store: Store, clock: Clock, language: Language) -> None:
        self._store = store
        self._clock = clock
        self._language = language
        self._spoken: dict[str, str] = {}
        self._guard = Lock()
        self._waiting: dict[str, _Heard] = {}
        self._written: dict[str, _Heard] = {}
        self._writing = Lock()
        self._retired: frozenset[str] = frozenset()
        self._retired_until = float("-inf")

    def take(self, station: StationIdentity, beat: Heartbeat) -> StationStanding:
        """Record a station's heartbeat; a retired station stays retired.

        Raises ``StepRefused`` for texts that no settings file allows, and ``StoreError``.
        """
        if len(beat.version) > LONGEST_STATION_NAME or not beat.version.isprintable():
            raise StepRefused("that is no version")
        self._compare(station.name, beat.language)
        heard = _Heard(station.site, beat, self._clock.monotonic())
        with self._guard:
            last = self._written.get(station.name)
            self._waiting[station.name] = heard
        is_news = heard.is_news_after(last)
        is_due = is_news or last is None or heard.at - last.at >= WRITTEN_EVERY_S
        # While another thread writes, what is no news is due at the next heartbeat.
        if is_due and self._writing.acquire(blocking=is_news):
            try:
                self._write()
            finally:
                self._writing.release()
        if heard.at >= self._retired_until:
            with self._store.read() as uow:
                self._read_retired(uow, heard.at)
        is_retired = station.name in self._retired
        return StationStanding.RETIRED if is_retired else StationStanding.IN_USE

    def _compare(self, station: str, language: str) -> None:
        """Log once where a station's own language is not the service's.

        Its first page would be in one, and the visit of somebody who has chosen none in the other.
        """
        if not language:
            return
        if not is_language(language):
            raise StepRefused("that is no language")
        with self._guard:
            before = self._spoken.get(station, self._language)
            self._spoken[station] = language
        if language not in (before, self._language):
            log.warning(
                "station %s has the language %r, and this service %r: let `language` in [service] "
                "be the same on both",
                station,
                language,
                self._language,
            )

    def _write(self) -> None:
        """Write what is due; the previous writer may have written it all."""
        now = self._clock.monotonic()
        with self._guard:
            waiting = sorted(self._waiting.items())
        # What has news, or is half as old as allowed, in the order for locking rows.
        due = {
            name: heard
            for name, heard in waiting
            if (last := self._written.get(name)) is None
            or heard.is_news_after(last)
            or now - last.at >= WRITTEN_EVERY_S / 2
        }
        if not due:
            return
        with self._store.begin() as uow:
            for name, heard in due.items():
                last = self._written.get(name)
                if last is None or last.site != heard.site:
                    uow.stations.seen(_row(uow, name, heard, now))
            uow.stations.seen_again([_row(uow, *each, now) for each in due.items()])
            self._read_retired(uow, now)
            uow.commit()
        with self._guard:
            self._written.update(due)
            for name, heard in due.items():
                if self._waiting.get(name) is heard:
                    del self._waiting[name]

    def _read_retired(self, uow: UnitOfWork, now: float) -> None:
        self._retired = uow.stations.retired()
        self._retired_until = now + STANDING_S


def _row(uow: UnitOfWork, name: str, heard: _Heard, now: float) -> Station:
    beat, at = heard.beat, uow.now - timedelta(seconds=now - heard.at)
    version = beat.version or _NO_VERSION
    return Station(name, at, version, beat.reader.value, heard.site)
