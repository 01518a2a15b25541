"""When a station counts as silent."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.store.service_records import Station

SILENT_AFTER = timedelta(minutes=2)
"""Four heartbeats, which a station sends every thirty seconds."""


def is_silent(station: Station, now: datetime) -> bool:
    """Tell whether a station that is in service was not heard of for two minutes."""
    return station.retired_at is None and now - station.last_seen_at >= SILENT_AFTER
