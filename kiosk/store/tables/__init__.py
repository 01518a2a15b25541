"""The tables; importing this fills ``Row.metadata`` with all of them."""

from __future__ import annotations

from kiosk.store.tables import kept, people, services, staff, visits, watch
from kiosk.store.tables.base import Row

REVISION = "0001"
"""The migration that these tables are the outcome of."""

__all__ = ["REVISION", "Row", "kept", "people", "services", "staff", "visits", "watch"]
