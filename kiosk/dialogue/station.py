"""A running station: what it says of itself, what it is told back, and how the authority is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LONGEST_NAME = 80
"""Characters of a station's name, site or version; a heartbeat with more is refused."""


class ReaderState(StrEnum):
    """What a station's reader is doing, in the words that staff read."""

    LOOKING = "looking for a reader"
    READY = "ready"
    NO_READER = "no reader"
    NO_SERVICE = "PC/SC service away"


class StationStanding(StrEnum):
    """Whether a station may serve anybody: staff retire it, and reinstate it."""

    IN_USE = "in-use"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a station says of itself; ``site`` is where it stands, for reports, or empty."""

    station: str
    site: str = ""
    version: str = ""
    reader: ReaderState = ReaderState.LOOKING


@dataclass(frozen=True, slots=True)
class Health:
    """The authority's own state: what of its parts answers.

    ``keys`` are the master keys that unblock secrets derive from, where any do.
    """

    store: bool
    mail: bool
    keys: bool = True
