"""Puts the deciding half together from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from kiosk.administration.caretaker import Caretaker
from kiosk.administration.live_policy import LivePolicy
from kiosk.authority.parts import Parts
from kiosk.authority.service import LocalAuthority
from kiosk.clock import SystemClock
from kiosk.composition.caretaker import build_caretaker
from kiosk.composition.families import changes_secret
from kiosk.composition.opening import (
    open_issuers,
    open_known_keys,
    open_mailer,
    open_sealer,
    open_store,
)
from kiosk.composition.outbox import build_outbox
from kiosk.config import Settings
from kiosk.config.notices import addresses
from kiosk.errors import KioskError
from kiosk.mail.compose import compose_code
from kiosk.mail.outbox import OutboxWorker
from kiosk.ports import Clock
from kiosk.secrets.codes import CodeMac
from kiosk.secrets.hashing import AnswerHasher
from kiosk.secrets.masters import Masters
from kiosk.secrets.source import DerivedSecrets, RandomSecrets, SecretSource
from kiosk.store.database import Store


@dataclass(frozen=True, slots=True)
class AuthorityHouse:
    """The authority and what works beside it; ``close`` ends it all."""

    authority: LocalAuthority
    outbox: OutboxWorker
    store: Store
    masters: Masters
    caretaker: Caretaker

    def close(self) -> None:
        """Stop the outbox, and let go of the database and of the token."""
        self.outbox.stop()
        self.store.close()
        self.masters.close()


def build_authority(
    settings: Settings, environ: Mapping[str, str], clock: Clock | None = None
) -> AuthorityHouse:
    """Build the authority and start its outbox; ``clock`` is the machine's unless given.

    Raises ``ConfigError`` for keys or certificates that cannot be used, as keys are that the
    database was not filled under, and ``StoreError`` where it does not answer.
    """
    clock = clock or SystemClock()
    mailer, store = open_mailer(settings, environ), open_store(settings, clock, environ)
    try:
        ring = open_known_keys(settings, environ, store)
    except KioskError:
        store.close()
        raise
    sealer = open_sealer(settings, environ, ring)
    parts = Parts(
        store=store,
        policy=LivePolicy(store, settings.policy, clock),
        clock=clock,
        sealer=sealer,
        hasher=AnswerHasher(ring),
        codes=CodeMac(ring),
        mailer=mailer,
        compose=partial(compose_code, service=settings.service),
        changes_secret=changes_secret(settings),
        source=_source(settings, sealer.masters),
        issuers=open_issuers(settings),
        staff_addresses=addresses(settings.notices.registration_blocked, settings.service.ra_email),
    )
    outbox = build_outbox(settings, store, mailer, clock)
    outbox.start()
    caretaker = build_caretaker(settings, store, ring)
    return AuthorityHouse(LocalAuthority(parts), outbox, store, sealer.masters, caretaker)


def _source(settings: Settings, masters: Masters) -> SecretSource:
    return DerivedSecrets(masters) if settings.secrets.source == "derived" else RandomSecrets()
