"""Composes the authority from its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kiosk.app.composition.opening import (
    open_collector,
    open_issuers,
    open_known_keys,
    open_mailer,
    open_sealer,
    open_store,
)
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.siem import BODIES, SiemWorker
from kiosk.authority.crypto.derivation import DerivedSecrets, FollowingSecrets, Masters
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.mail.compose import compose_code, compose_notice
from kiosk.authority.mail.message import Mailer, Message
from kiosk.authority.mail.outbox import OutboxWorker
from kiosk.authority.policy import LivePolicy
from kiosk.authority.service import LocalAuthority
from kiosk.authority.stations import StationIdentity
from kiosk.authority.store.database import Store
from kiosk.authority.store.records import OutboxMessage
from kiosk.config.loading import credential_file
from kiosk.config.settings import Settings, addresses, stored_secret
from kiosk.contract.errors import KioskError
from kiosk.contract.families import FAMILIES
from kiosk.contract.ports import Clock, SystemClock
from kiosk.system.file_stamp import WatchedFile

if TYPE_CHECKING:
    from kiosk.authority.mail.smtp import SmtpMailer

CONNECTIONS = 16
"""Connections kept open to a database server, one for each concurrent call.

A new connection has every statement parsed and planned again.
"""

# The families of cards whose unblock secret is changed after its use, by the settings.


def changes_secret(settings: Settings) -> frozenset[str]:
    """Return the families in which knowledge of the secret is enough to change it."""
    return frozenset(
        family.name
        for family in FAMILIES.values()
        if (settings.pkcs11.module or not family.by_module)
        and stored_secret(settings, family).rotates
    )


# Composes the outbox: notices that wait in the store, and the relay.


def build_outbox(
    settings: Settings,
    store: Store,
    mailer: Mailer,
    clock: Clock,
    relay_answers: Callable[[], bool | None] = lambda: None,
) -> OutboxWorker:
    """Return the worker; it sends nothing yet."""
    compose = partial(_notice, settings)
    return OutboxWorker(store, mailer, clock, compose, relay_answers=relay_answers)


def _notice(settings: Settings, message: OutboxMessage) -> Message:
    return compose_notice(
        to=message.to,
        template=message.template,
        params=message.params,
        service=settings.service,
    )


def build_siem(settings: Settings, environ: Mapping[str, str], store: Store) -> SiemWorker | None:
    """Return the worker that sends the audit to the collector, if any; it sends nothing yet."""
    if not settings.siem.collector:
        return None
    return SiemWorker(store, open_collector(settings, environ), BODIES[settings.siem.format])


@dataclass(frozen=True, slots=True)
class BuiltAuthority:
    """The authority and its workers; ``close`` ends them all."""

    authority: LocalAuthority
    mailer: SmtpMailer
    outbox: OutboxWorker
    siem: SiemWorker | None
    store: Store
    masters: Masters
    hasher: AnswerHasher
    caretaker: Caretaker
    ca: StationCa
    ring: KeyRing
    key_file: WatchedFile

    @property
    def keys_changed(self) -> bool:
        """Whether the key file was replaced: everything with the old keys has to be rebuilt."""
        return self.key_file.was_replaced

    def close(self) -> None:
        """Stop the workers, and close mail, database and token."""
        self.outbox.stop()
        self.mailer.close()
        if self.siem is not None:
            self.siem.stop()
        self.store.close()
        self.masters.close()


def build_authority(
    settings: Settings, environ: Mapping[str, str], clock: Clock | None = None
) -> BuiltAuthority:
    """Build the authority and start its outbox; ``clock`` is the machine's unless given.

    Raises ``ConfigError`` for unusable certificates or keys, which includes keys under which the
    database was not filled, and ``StoreError`` where it does not answer.
    """
    clock = clock or SystemClock()
    mailer = open_mailer(settings, environ)
    store = open_store(settings, clock, environ, pool_size=CONNECTIONS)
    try:
        siem = build_siem(settings, environ, store)
        key_file = WatchedFile(credential_file(settings.keys.file, environ))
        ring = open_known_keys(settings, environ, store)
        store.use_keys(ring)
    except KioskError:
        store.close()
        raise
    sealer = open_sealer(settings, environ, ring)
    parts = Dependencies(
        store=store,
        policy=LivePolicy(store, settings.policy, clock),
        clock=clock,
        sealer=sealer,
        hasher=AnswerHasher(ring),
        codes=CodeMac(ring),
        mailer=mailer,
        compose=partial(compose_code, service=settings.service),
        changes_secret=changes_secret(settings),
        station=StationIdentity(settings.station.name, settings.station.site),
        source=(
            DerivedSecrets(sealer.masters)
            if settings.secrets.source == "derived"
            else FollowingSecrets(ring)
        ),
        issuers=open_issuers(settings),
        staff_addresses=addresses(settings.notices.registration_blocked, settings.service.ra_email),
    )
    authority = LocalAuthority(parts)
    outbox = build_outbox(settings, store, mailer, clock, authority.ask_relay)
    outbox.start()
    if siem is not None:
        siem.start()
    caretaker = build_caretaker(settings, store, ring)
    return BuiltAuthority(
        authority,
        mailer,
        outbox,
        siem,
        store,
        sealer.masters,
        parts.hasher,
        caretaker,
        StationCa(ring),
        ring,
        key_file,
    )


# Composes the caretaker from the settings.


def build_caretaker(settings: Settings, store: Store, ring: KeyRing) -> Caretaker:
    """Return the caretaker of an open store."""
    return Caretaker(
        store,
        AnchorSigner(ring),
        settings.notices,
        settings.service.ra_email,
        retention=settings.retention,
    )
