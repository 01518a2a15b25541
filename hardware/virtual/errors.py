"""What can go wrong with hardware that is only pretended."""

from __future__ import annotations

from kiosk.errors import KioskError


class VirtualHardwareError(KioskError):
    """A part is not installed or does not start; the message says what to do."""
