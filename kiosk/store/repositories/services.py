"""The outbox, and the stations' heartbeats."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.store.gateway import Gateway
from kiosk.store.service_records import OutboxMessage, Station


class Outbox:
    """Notices that wait to be mailed, written in the transaction that they tell of."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def add(self, message: OutboxMessage) -> None:
        """Queue one; its parameters hold no secret."""
        raise NotImplementedError

    def get(self, message_id: str) -> OutboxMessage | None:
        """Return one by id."""
        raise NotImplementedError

    def claim_due(self, limit: int, lease: timedelta) -> tuple[OutboxMessage, ...]:
        """Take up to ``limit`` that are due, oldest first; commit before mailing them.

        Each counts one more attempt and is hidden from other workers until ``lease`` is
        over, when it is due again: a worker that died loses nothing. So a message is sent
        at least once, and twice only if its worker dies between relay and ``mark_sent``.
        """
        raise NotImplementedError

    def mark_sent(self, message_id: str) -> None:
        """The relay took it."""
        raise NotImplementedError

    def mark_failed(self, message_id: str, error: str, retry_at: datetime | None) -> None:
        """It did not leave; try again at ``retry_at``, or never (None)."""
        raise NotImplementedError

    def waiting(self) -> int:
        """Return how many are neither sent nor given up."""
        raise NotImplementedError

    def purge(self, before: datetime) -> int:
        """Delete those sent or given up before then; return how many."""
        raise NotImplementedError


class Stations:
    """What each kiosk last said of itself."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def seen(self, station: Station) -> None:
        """Take a heartbeat; a station that is new is added."""
        raise NotImplementedError

    def get(self, name: str) -> Station | None:
        """Return one by name."""
        raise NotImplementedError

    def every(self) -> tuple[Station, ...]:
        """Return all, by name."""
        raise NotImplementedError
