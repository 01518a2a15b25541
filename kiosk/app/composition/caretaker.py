"""Puts the caretaker together from the settings."""

from __future__ import annotations

from kiosk.app.config.settings import Settings
from kiosk.authority.administration.caretaker import Caretaker
from kiosk.authority.crypto.anchors import AnchorSigner
from kiosk.authority.crypto.keys import KeyRing
from kiosk.authority.store.database import Store


def build_caretaker(settings: Settings, store: Store, ring: KeyRing) -> Caretaker:
    """Return the caretaker of an open store."""
    return Caretaker(
        store,
        AnchorSigner(ring),
        settings.notices,
        settings.service.ra_email,
        retention=settings.retention,
    )
