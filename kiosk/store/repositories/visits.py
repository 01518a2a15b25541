"""Visits, what they gathered, and the unblock journal."""

from __future__ import annotations

from datetime import datetime

from kiosk.dialogue import Purpose, VisitEnd
from kiosk.store.gateway import Gateway
from kiosk.store.records import PendingChange, UnblockEntry, UnblockState, Visit


class Visits:
    """Every sitting at a station."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def add(self, visit: Visit) -> bool:
        """Open one; False when there is a visit with its id (its reference must be new)."""
        raise NotImplementedError

    def get(self, visit_id: str) -> Visit | None:
        """Return one by id."""
        raise NotImplementedError

    def lock(self, visit_id: str) -> Visit | None:
        """Return one, held against other writers until the unit of work ends."""
        raise NotImplementedError

    def by_reference(self, reference: str) -> Visit | None:
        """Return the one whose screens showed ``reference``."""
        raise NotImplementedError

    def save(self, visit: Visit) -> None:
        """Overwrite one with what it has become; ``lock`` it first."""
        raise NotImplementedError

    def close(self, visit_id: str, at: datetime, how: VisitEnd) -> bool:
        """Close one; False when it is closed already or unknown."""
        raise NotImplementedError

    def open_at(self, station: str) -> tuple[Visit, ...]:
        """Return the visits of a station that were never closed, oldest first."""
        raise NotImplementedError


class PendingChanges:
    """One a card and purpose."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def put(self, change: PendingChange) -> None:
        """Store one in place of the card's earlier one for the same purpose."""
        raise NotImplementedError

    def get(self, change_id: str) -> PendingChange | None:
        """Return one by id."""
        raise NotImplementedError

    def find(self, card_id: str, purpose: Purpose) -> PendingChange | None:
        """Return what a card has gathered for a purpose."""
        raise NotImplementedError

    def delete(self, change_id: str) -> None:
        """Forget one: it was applied or given up."""
        raise NotImplementedError

    def purge(self, before: datetime) -> int:
        """Delete those made before then; return how many."""
        raise NotImplementedError


class UnblockJournal:
    """Intent before the card is changed, outcome after; one open entry a card."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def open(self, entry: UnblockEntry) -> bool:
        """Write down an intent; False, and nothing written, when the card has an open entry."""
        raise NotImplementedError

    def get(self, entry_id: str) -> UnblockEntry | None:
        """Return one by id."""
        raise NotImplementedError

    def open_for(self, card_id: str) -> UnblockEntry | None:
        """Return the card's open entry: an intent without outcome, or an unknown outcome."""
        raise NotImplementedError

    def note_unknown(self, entry_id: str, detail: str) -> bool:
        """Turn an intent into an unknown outcome; the entry stays open."""
        raise NotImplementedError

    def close(self, entry_id: str, state: UnblockState, detail: str, at: datetime) -> bool:
        """Close an open entry as done, refused, not sent or settled; False if it is not open."""
        raise NotImplementedError
