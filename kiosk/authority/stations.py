"""The stations of the estate: what they say of themselves, and which may serve nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from kiosk.authority.dependencies import Dependencies
from kiosk.authority.store.database import Store
from kiosk.authority.store.records import Station
from kiosk.authority.store.unit_of_work import UnitOfWork
from kiosk.contract.errors import KeyMissing, KeysUnavailable, MailError, StepRefused, StoreError
from kiosk.contract.messages import LONGEST_NAME, Health, Heartbeat, Reason, StationStanding
from kiosk.contract.ports import Clock, Mailer


def heartbeat(parts: Dependencies, beat: Heartbeat) -> StationStanding:
    """Note when a station was last heard of and what it said; a retired one stays retired.

    Raises ``StepRefused`` for texts that no settings file allows.
    """
    if not _is_short(beat.version):
        raise StepRefused("that is no version")
    station = parts.station
    with parts.store.begin() as uow:
        uow.stations.seen(
            Station(station.name, uow.now, beat.version, beat.reader.value, station.site)
        )
        barred = station_barred(uow, station.name)
        uow.commit()
    return StationStanding.RETIRED if barred else StationStanding.IN_USE


def station_barred(uow: UnitOfWork, name: str) -> Reason | None:
    """Say why a station may serve nobody; one that was never heard of may."""
    return barred_at(uow.stations.get(name))


def barred_at(station: Station | None) -> Reason | None:
    """Say why a station may serve nobody, by its row."""
    retired = station is not None and station.retired_at is not None
    return Reason.STATION_RETIRED if retired else None


def _is_short(text: str) -> bool:
    return len(text) <= LONGEST_NAME and text.isprintable()


# What answers: asked every few seconds by idle stations, so mostly answered from memory.

log = logging.getLogger(__name__)

STORE_S = 3.0
"""How long an answer of the database counts: many stations ask, one question is enough."""

KEYS_S = 3.0
"""How long an answer of the token of master keys counts."""

MAIL_S = 60.0
"""How long a good answer of the relay counts."""

MAIL_AWAY_S = 15.0
"""How long a bad one counts: the relay is asked more often while it is away."""


class HealthWatch:
    """Asks database, master keys and relay, and remembers what they said for a while.

    One caller asks at a time; the others are answered with what was known before.
    """

    def __init__(
        self, store: Store, mailer: Mailer, clock: Clock, reach_keys: Callable[[], object]
    ) -> None:
        self._store = store
        self._mailer = mailer
        self._clock = clock
        self._reach_keys = reach_keys
        self._asking = Lock()
        self._known = Health(store=True, mail=True)
        self._store_until = float("-inf")
        self._keys_until = float("-inf")
        self._mail_until = float("-inf")

    def look(self) -> Health:
        """Return what answers; asking the relay may take as long as its deadline."""
        if self._asking.acquire(blocking=False):
            try:
                self._known = self._ask()
            finally:
                self._asking.release()
        return self._known

    def _ask(self) -> Health:
        """Ask the relay only while the database is well: a slow one must not hold up its return."""
        was_well, store = self._known.store, self._store_answers()
        mail = self._mail_answers() if store and was_well else self._known.mail
        return Health(store, mail, self._keys_answer())

    def _store_answers(self) -> bool:
        """Ask for its schema: one without tables, or with another program's, can decide nothing."""
        now = self._clock.monotonic()
        if self._known.store and now < self._store_until:
            return True
        try:
            if not self._store.schema_serves():
                return False
        except StoreError:
            return False
        self._store_until = now + STORE_S
        return True

    def _keys_answer(self) -> bool:
        now = self._clock.monotonic()
        if self._known.keys and now < self._keys_until:
            return True
        try:
            self._reach_keys()
        except (KeyMissing, KeysUnavailable) as error:
            if self._known.keys:
                log.warning("the master keys are away: %s", error)
            return False
        if not self._known.keys:
            log.info("the master keys are there again")
        self._keys_until = now + KEYS_S
        return True

    def _mail_answers(self) -> bool:
        if self._clock.monotonic() < self._mail_until:
            return self._known.mail
        try:
            self._mailer.check()
        except MailError:
            self._mail_until = self._clock.monotonic() + MAIL_AWAY_S
            return False
        self._mail_until = self._clock.monotonic() + MAIL_S
        return True
