"""Composes the authority from its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from kiosk.app.composition.opening import (
    open_attestation,
    open_collector,
    open_issuers,
    open_known_keys,
    open_mailer,
    open_sealer,
    open_store,
    open_text_sender,
)
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.audit.anchors import AnchorSigner
from kiosk.authority.audit.siem import BODIES, SiemWorker
from kiosk.authority.crypto.derivation import DerivedSecrets, FollowingSecrets
from kiosk.authority.crypto.hashing import AnswerHasher
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.crypto.macs import CodeMac
from kiosk.authority.crypto.revocation import RevocationLists
from kiosk.authority.crypto.station_ca import StationCa
from kiosk.authority.dependencies import Dependencies
from kiosk.authority.mail.bounces import Bounces
from kiosk.authority.mail.compose import Mailer, Message, compose_code, compose_notice
from kiosk.authority.mail.outbox import OutboxWorker
from kiosk.authority.mail.smtp import in_ascii
from kiosk.authority.mail.times import MailTime
from kiosk.authority.policy import LivePolicy
from kiosk.authority.records import OutboxMessage
from kiosk.authority.service import LocalAuthority
from kiosk.authority.stations import StationIdentity
from kiosk.authority.store.database import Store
from kiosk.authority.texts.receipts import Receipts
from kiosk.authority.texts.senders import MailAndTexts, NotifySender, TextSender
from kiosk.authority.visit.factors import FACTORS
from kiosk.config.loading import credential_file
from kiosk.config.settings import Settings, addresses, stored_secrets
from kiosk.contract.errors import KioskError
from kiosk.contract.ports import Clock, SystemClock
from kiosk.system.files import WatchedFile

CONNECTIONS = 16
"""Connections kept open to a database server, one for each concurrent call.

A new connection has every statement parsed and planned again.
"""


def build_outbox(
    settings: Settings,
    store: Store,
    mailer: Mailer,
    clock: Clock,
    relay_answers: Callable[[], bool | None] = lambda: None,
    mail_time: MailTime | None = None,
    *,
    ring: KeyRing,
) -> OutboxWorker:
    """Return the worker that sends the notices that wait; it sends nothing yet."""

    def compose(message: OutboxMessage) -> Message:
        return compose_notice(
            to=message.to,
            template=message.template,
            params=message.params,
            service=settings.service,
            language=message.language,
        )

    return OutboxWorker(
        store,
        mailer,
        clock,
        compose,
        relay_answers=relay_answers,
        mail_time=mail_time,
        tag=CodeMac(ring).mail_tag,
    )


def build_caretaker(
    settings: Settings,
    store: Store,
    ring: KeyRing,
    clock: Clock,
    lists: RevocationLists | None = None,
    texts: TextSender | None = None,
) -> Caretaker:
    """Return the caretaker; ``lists`` and ``texts`` are those of a process that serves cards."""
    reports = texts if isinstance(texts, NotifySender) else None
    return Caretaker(
        store,
        AnchorSigner(ring),
        settings.notices,
        settings.service.ra_email,
        retention=settings.retention,
        bounces=bounces_from(settings, store, ring),
        receipts=Receipts(store, CodeMac(ring), reports) if reports else None,
        lists=lists,
        policy=LivePolicy(store, settings.policy, clock),
    )


def bounces_from(settings: Settings, store: Store, ring: KeyRing) -> Bounces | None:
    """Return what takes in mail that came back; None where the settings want none."""
    mail = settings.mail
    if not mail.bounces:
        return None
    folder = Path(mail.bounces_folder) if mail.bounces_folder else None
    return Bounces(store, CodeMac(ring), in_ascii("bounces", mail.bounces), folder)


class BuiltAuthority:
    """The authority and its workers, which it starts; ``close`` ends them all.

    Raises ``ConfigError`` for certificates or keys that are unusable, or not those under which the
    database was filled, and ``StoreError`` where it does not answer.
    """

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], clock: Clock | None = None
    ) -> None:
        clock = clock or SystemClock()
        self.mailer = open_mailer(settings, environ)
        texts = open_text_sender(settings, environ, clock)
        mailer = MailAndTexts(self.mailer, texts)
        self.store = open_store(settings, clock, environ, pool_size=CONNECTIONS)
        self.siem: SiemWorker | None = None
        try:
            if settings.siem.collector:
                collector, body = open_collector(settings, environ), BODIES[settings.siem.format]
                self.siem = SiemWorker(self.store, collector, body)
            self.key_file = WatchedFile(credential_file(settings.keys.file, environ))
            self.ring = open_known_keys(settings, environ, self.store)
            self.store.use_keys(self.ring)
            issuers, attestation = open_issuers(settings), open_attestation(settings)
        except KioskError:
            self.store.close()
            raise
        sealer = open_sealer(settings, environ, self.ring)
        self.masters = sealer.masters
        self.hasher = AnswerHasher(self.ring)
        recipients, ra_email = settings.notices.registration_blocked, settings.service.ra_email
        parts = Dependencies(
            store=self.store,
            policy=LivePolicy(self.store, settings.policy, clock),
            clock=clock,
            sealer=sealer,
            hasher=self.hasher,
            codes=CodeMac(self.ring),
            mailer=mailer,
            compose=partial(
                compose_code, service=settings.service, shows_qr=settings.mail.qr_codes
            ),
            secret_kinds=stored_secrets(settings),
            station=StationIdentity(settings.station.name, settings.station.site),
            source=(
                DerivedSecrets(self.masters)
                if settings.secrets.source == "derived"
                else FollowingSecrets(self.ring)
            ),
            factors=FACTORS,
            issuers=issuers,
            attestation=attestation,
            language=settings.service.language,
            staff_addresses=addresses(recipients, ra_email),
        )
        self.authority = LocalAuthority(parts)
        relay_answers = self.authority.health.ask_relay
        self.outbox = build_outbox(
            settings,
            self.store,
            mailer,
            clock,
            relay_answers,
            parts.mail_time,
            ring=self.ring,
        )
        self.outbox.start()
        if self.siem is not None:
            self.siem.start()
        lists = issuers.lists if issuers is not None else None
        self.caretaker = build_caretaker(settings, self.store, self.ring, clock, lists, texts)
        self.ca = StationCa(self.ring)

    @property
    def keys_changed(self) -> bool:
        """Whether the key file was replaced: everything with the old keys has to be rebuilt."""
        return self.key_file.was_replaced

    def close(self) -> None:
        self.outbox.stop()
        self.mailer.close()
        if self.siem is not None:
            self.siem.stop()
        self.store.close()
        self.masters.close()
