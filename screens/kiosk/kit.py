"""What every page is given: whom to report to, how to look, and what was set for this visit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.station.events import HolderSide
from screens.look import Look


class Shape(StrEnum):
    """How much room there is; each names a class that the stylesheet knows."""

    COMPACT = "-compact"
    NORMAL = "-normal"
    ROOMY = "-roomy"
    LARGE = "-large"

    @property
    def is_roomy(self) -> bool:
        """Whether there is room for big letters."""
        return self in (Shape.ROOMY, Shape.LARGE)


def shape_of(width: int, height: int) -> Shape:
    """Return the shape for a screen of so many cells."""
    if width >= 140 and height >= 46:
        return Shape.LARGE
    if width >= 100 and height >= 34:
        return Shape.ROOMY
    return Shape.NORMAL if width >= 78 and height >= 24 else Shape.COMPACT


@dataclass(slots=True)
class Comfort:
    """What a holder set for one visit; ``answers_shown`` is None until they choose."""

    dark: bool
    answers_shown: bool | None = None


@dataclass(frozen=True, slots=True)
class Kit:
    """``now`` gives seconds that never go back, ``wall_clock`` the time of day (aware UTC).

    ``toggle_dark`` switches the surface.
    """

    look: Look
    comfort: Comfort
    report: Callable[[HolderSide], None]
    toggle_dark: Callable[[], None]
    now: Callable[[], float]
    wall_clock: Callable[[], datetime]
