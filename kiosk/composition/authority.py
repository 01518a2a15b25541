"""Puts the deciding half together from its settings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from kiosk.administration.audit_chain import anchor_line
from kiosk.administration.live_policy import LivePolicy
from kiosk.authority.anchors import anchor_head
from kiosk.authority.housekeeping import tidy
from kiosk.authority.parts import Parts
from kiosk.authority.service import LocalAuthority
from kiosk.clock import SystemClock
from kiosk.composition.opening import open_keys, open_mailer, open_store
from kiosk.config import Settings
from kiosk.config.notices import addresses
from kiosk.mail.compose import compose_code, compose_notice
from kiosk.mail.outbox import OutboxWorker
from kiosk.ports import Clock, Message
from kiosk.secrets.anchors import AnchorSigner
from kiosk.secrets.codes import CodeMac
from kiosk.secrets.hashing import AnswerHasher
from kiosk.secrets.sealing import Sealer
from kiosk.store.database import Store
from kiosk.store.service_records import OutboxMessage

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuthorityHouse:
    """The authority and what works beside it; ``close`` ends it all."""

    authority: LocalAuthority
    outbox: OutboxWorker
    store: Store
    signer: AnchorSigner

    def tend(self) -> None:
        """Forget what is past and sign the audit's head; raises ``StoreError``.

        The anchor goes into the log as well: that is kept where the database's owner
        may not reach, and ``kiosk audit verify --anchors`` reads it.
        """
        tidy(self.store)
        anchor = anchor_head(self.store, self.signer)
        if anchor is not None:
            log.info("audit anchor %s", anchor_line(anchor))

    def close(self) -> None:
        """Stop the outbox and let go of the database."""
        self.outbox.stop()
        self.store.close()


def build_authority(
    settings: Settings, environ: Mapping[str, str], clock: Clock | None = None
) -> AuthorityHouse:
    """Build the authority and start its outbox; ``clock`` is the machine's unless given.

    Raises ``ConfigError`` for keys or certificates that cannot be used.
    """
    clock = clock or SystemClock()
    ring, mailer = open_keys(settings, environ), open_mailer(settings, environ)
    store = open_store(settings, clock)
    parts = Parts(
        store=store,
        policy=LivePolicy(store, settings.policy, clock),
        clock=clock,
        sealer=Sealer(ring),
        hasher=AnswerHasher(ring),
        codes=CodeMac(ring),
        mailer=mailer,
        compose=partial(compose_code, service=settings.service),
        staff_addresses=addresses(settings.notices.registration_blocked, settings.service.ra_email),
    )
    outbox = OutboxWorker(store, mailer, clock, partial(_notice, settings))
    outbox.start()
    return AuthorityHouse(LocalAuthority(parts), outbox, store, AnchorSigner(ring))


def _notice(settings: Settings, message: OutboxMessage) -> Message:
    return compose_notice(
        to=message.to,
        template=message.template,
        params=message.params,
        service=settings.service,
    )
