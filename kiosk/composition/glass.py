"""The look of the glass, from the settings."""

from __future__ import annotations

from kiosk.config import Settings
from screens.look import Look, Strip


def look_of(settings: Settings, strip: Strip | None = None) -> Look:
    """Return the look; ``strip`` is the demo's."""
    service, station = settings.service, settings.station
    return Look(
        service=service.name,
        trust=service.trust,
        contact=service.ra_contact,
        hours=service.ra_hours,
        accent=service.accent,
        motion=station.motion,
        touch=station.touch,
        dark=station.dark,
        still_s=station.idle_answer_s,
        strip=strip,
    )
