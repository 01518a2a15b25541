"""Where a PIN comes from: from the station's glass, or from the reader's own keys."""

from __future__ import annotations

from kiosk.dialogue import OnPad, PinEntry
from kiosk.errors import NotAllowed
from kiosk.sensitive import Sensitive


def typed(entry: PinEntry) -> Sensitive:
    """Return the PIN that was typed; raise ``NotAllowed`` where the reader's keys are meant."""
    if isinstance(entry, OnPad):
        raise NotAllowed("this reader has no keys of its own for this card")
    return entry
