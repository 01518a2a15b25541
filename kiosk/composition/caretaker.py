"""Puts the caretaker together from the settings."""

from __future__ import annotations

from kiosk.administration.caretaker import Caretaker
from kiosk.config import Settings
from kiosk.secrets.anchors import AnchorSigner
from kiosk.secrets.keys import KeyRing
from kiosk.store.database import Store


def build_caretaker(settings: Settings, store: Store, ring: KeyRing) -> Caretaker:
    """Return the caretaker of an open store."""
    return Caretaker(
        store,
        AnchorSigner(ring),
        settings.notices,
        settings.service.ra_email,
        visits_kept_months=settings.store.visits_kept_months,
    )
