"""Puts the outbox together: notices that wait in the store, and the relay that takes them."""

from __future__ import annotations

from functools import partial

from kiosk.config import Settings
from kiosk.mail.compose import compose_notice
from kiosk.mail.outbox import OutboxWorker
from kiosk.ports import Clock, Mailer, Message
from kiosk.store.database import Store
from kiosk.store.service_records import OutboxMessage


def build_outbox(settings: Settings, store: Store, mailer: Mailer, clock: Clock) -> OutboxWorker:
    """Return the worker; it sends nothing yet."""
    return OutboxWorker(store, mailer, clock, partial(_notice, settings))


def _notice(settings: Settings, message: OutboxMessage) -> Message:
    return compose_notice(
        to=message.to,
        template=message.template,
        params=message.params,
        service=settings.service,
    )
