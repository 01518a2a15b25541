"""Nobody is here, the station is busy, or the visit is over: the holder has nothing to enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.dialogue import Purpose, Reason, VisitId
from kiosk.station.commands import Command
from kiosk.station.states.holder import HolderState, Visit
from kiosk.station.states.notices import Goodbye, Outage, Work


@dataclass(frozen=True, slots=True)
class Attract:
    """Waiting for a card."""


@dataclass(frozen=True, slots=True)
class OutOfService:
    """Waiting for a part of the station to come back, or retired; it is left by itself."""

    outage: Outage


@dataclass(frozen=True, slots=True)
class Reading:
    """The card is being read and looked up."""

    visit: VisitId
    reader: str


@dataclass(frozen=True, slots=True)
class Working:
    """``command`` is under way; ``back`` is the page it was given on.

    Of a PIN on the reader's keys it is the page that would take it at the station.
    ``second_card``: one was put in while the card is being changed.
    """

    visit: Visit
    work: Work
    command: Command
    back: HolderState | None
    second_card: bool = False


@dataclass(frozen=True, slots=True)
class StillThere:
    """Nobody touched anything for a while; ``inner`` comes back with any key."""

    inner: HolderState


@dataclass(frozen=True, slots=True)
class Success:
    """It is done."""

    visit: Visit
    purpose: Purpose
    counts_in_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be done here; ``reference`` is what the RA looks up.

    ``retry_at`` (aware UTC) is set where the holder may come back later.
    """

    visit: VisitId
    reason: Reason
    reference: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoveCard:
    """Nothing but to take the card out."""

    visit: VisitId
    goodbye: Goodbye


ClosingState = Success | Refused | RemoveCard
