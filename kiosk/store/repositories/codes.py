"""One-time codes: drafted, sent, tried, consumed or revoked."""

from __future__ import annotations

from datetime import datetime

from kiosk.store.gateway import Gateway
from kiosk.store.records import Charge, EmailCode


class EmailCodes:
    """At most one live code a card: sent, not consumed, not revoked (its expiry aside)."""

    def __init__(self, gateway: Gateway, now: datetime) -> None:
        self._gateway = gateway
        self._now = now

    def get(self, code_id: str) -> EmailCode | None:
        """Return one by id, live or not."""
        raise NotImplementedError

    def live(self, card_id: str) -> EmailCode | None:
        """Return the card's live code; it may have expired or have no try left: look."""
        raise NotImplementedError

    def send_times(self, card_id: str, since: datetime) -> tuple[datetime, ...]:
        """Return when codes for a card were drafted or sent since then, oldest first.

        Lock the card first (``cards.lock``) when a limit is decided by this.
        """
        raise NotImplementedError

    def draft(self, code: EmailCode) -> None:
        """Write down a code before it is mailed; it counts as a send and cannot be entered."""
        raise NotImplementedError

    def activate(self, code_id: str, sent_at: datetime, expires_at: datetime) -> bool:
        """Make a draft the card's live code: the relay took it. Earlier ones are revoked.

        False when it is no draft any more.
        """
        raise NotImplementedError

    def discard(self, code_id: str) -> None:
        """Delete a draft: it was not sent, and counts for nothing."""
        raise NotImplementedError

    def charge_try(self, code_id: str, attempt_id: str) -> Charge | None:
        """Charge one entry, before it is looked at; commit this alone.

        None when the code is not live, has expired or has no try left. A repeated
        ``attempt_id`` is treated as in ``Registrations.charge``.
        """
        raise NotImplementedError

    def give_back(self, code_id: str, attempt_id: str) -> bool:
        """Conclude an entry as right and take its try back, once; False if concluded before."""
        raise NotImplementedError

    def keep_charge(self, code_id: str, attempt_id: str) -> bool:
        """Conclude an entry as wrong; False when it was concluded before."""
        raise NotImplementedError

    def consume(self, code_id: str) -> bool:
        """Use up a code; True for exactly one caller. Expiry was for the entry to check."""
        raise NotImplementedError

    def revoke_live(self, card_id: str) -> bool:
        """Revoke the card's live code, if there is one."""
        raise NotImplementedError

    def purge(self, before: datetime) -> int:
        """Delete codes drafted, and attempts charged, before then; return how many codes."""
        raise NotImplementedError
