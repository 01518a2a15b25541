"""The look of the glass, from the settings."""

from __future__ import annotations

import os
from zoneinfo import ZoneInfo

from kiosk.config import Settings
from screens.glyphs import PLAIN, RICH
from screens.look import Look, Strip

_BARE_CONSOLE = "linux"
"""What the kernel's own console calls itself; its fonts have no more than 256 characters."""


def look_of(settings: Settings, strip: Strip | None = None) -> Look:
    """Return the look; ``strip`` is the demo's."""
    service, station = settings.service, settings.station
    bare = os.environ.get("TERM") == _BARE_CONSOLE
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
        glyphs=PLAIN if bare else RICH,
        zone=ZoneInfo(station.time_zone) if station.time_zone else None,
        strip=strip,
    )
