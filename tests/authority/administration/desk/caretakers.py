"""Caretakers, and the post that they leave."""

from __future__ import annotations

from datetime import timedelta

from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.administration.office import StaffDependencies
from kiosk.authority.records import OutboxMessage, Scalar
from kiosk.authority.store.database import Store
from kiosk.config.settings import NoticeSettings

RA = "ra@nhs.net"
LIMITS = NoticeSettings(failures_at_station=4, failures_of_person=3, mail_minutes=15)


class Post:
    """Reads what was queued, by template, and lets the relay take it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> list[OutboxMessage]:
        """Return what was not sent yet, and count it as sent."""
        with self._store.begin() as uow:
            claimed = uow.outbox.claim_due(100, timedelta(minutes=2))
            for message in claimed:
                uow.outbox.mark_sent(message.id)
            uow.commit()
        return sorted(claimed, key=lambda message: message.template)


def keep(
    means: StaffDependencies, limits: NoticeSettings = LIMITS, store: Store | None = None
) -> Caretaker:
    return Caretaker(store or means.store, means.signer, limits, RA)


def told(post: Post) -> list[tuple[str, str, dict[str, Scalar]]]:
    return [(one.to, one.template, one.params) for one in post.collect()]


def templates(post: Post) -> list[str]:
    return [one.template for one in post.collect()]
