"""Tells the time."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> datetime:
        """Return the time of day, UTC and aware."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""
