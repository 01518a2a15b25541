"""When nobody has touched anything for too long, and what that means on the page that is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kiosk.station.events import ClockSide, StayedQuiet, WentQuiet
from kiosk.station.states import (
    Attract,
    OutOfService,
    Reading,
    RemoveCard,
    State,
    StillThere,
    Working,
    visit_of,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: until "are you still there", to answer it, between looks at the authority."""

    idle_s: float = 60.0
    answer_s: float = 20.0
    health_s: float = 2.0


class Quiet:
    """Counts from the last touch; ``now`` gives seconds (monotonic)."""

    def __init__(self, patience: Patience, now: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._now = now
        self._touched_at = now()

    def touched(self) -> None:
        """Note that somebody is there."""
        self._touched_at = self._now()

    def seconds_left(self, state: State) -> float | None:
        """Return how long it may stay quiet on this page; None where it may for ever."""
        allowed = self._allowed(state)
        if allowed is None:
            return None
        return max(0.0, allowed - (self._now() - self._touched_at))

    def event(self, state: State) -> ClockSide | None:
        """Say that it is quiet, if it really is: a touch may have come while one waited."""
        left, visit = self.seconds_left(state), visit_of(state)
        if left is None or left > 0 or visit is None:
            return None
        return StayedQuiet(visit) if isinstance(state, StillThere) else WentQuiet(visit)

    def _allowed(self, state: State) -> float | None:
        match state:
            case StillThere():
                return self._patience.answer_s
            case Attract() | OutOfService() | Reading() | Working() | RemoveCard():
                return None
            case _:
                return self._patience.idle_s
