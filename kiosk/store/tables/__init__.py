"""The tables; importing this fills ``Row.metadata`` with all of them."""

from __future__ import annotations

from kiosk.store.tables import people, services, visits
from kiosk.store.tables.base import Row

__all__ = ["Row", "people", "services", "visits"]
