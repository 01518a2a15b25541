"""The station's heartbeat: what the authority is told of it, how often, and what it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from kiosk.dialogue import Heartbeat, ReaderState, StationStanding
from kiosk.errors import AuthorityError
from kiosk.ports import Authority
from kiosk.station.states import Outage

BEAT_S = 30.0
"""Between two heartbeats that say the same: each is written down by the authority."""


class Pulse:
    """Looks at the authority; ``first`` is what the station says before it knows its reader.

    Used by one thread at a time. ``now`` gives seconds (monotonic).
    """

    def __init__(
        self, authority: Authority, first: Heartbeat, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._authority = authority
        self._last = first
        self._now = now
        self._due = float("-inf")
        self._standing = StationStanding.IN_USE

    def look(self, reader: ReaderState) -> Outage | None:
        """Say what keeps the authority from serving anybody here.

        One that cannot write a heartbeat down cannot open a visit either: it is away.
        """
        try:
            health = self._authority.health()
            if not health.store:
                return Outage.AUTHORITY_AWAY
            self._beat(replace(self._last, reader=reader))
            if not health.keys:
                return Outage.AUTHORITY_AWAY
        except AuthorityError:
            return Outage.AUTHORITY_AWAY
        return Outage.RETIRED if self._standing is StationStanding.RETIRED else None

    def _beat(self, beat: Heartbeat) -> None:
        if beat == self._last and self._now() < self._due:
            return
        self._standing = self._authority.heartbeat(beat)
        self._last, self._due = beat, self._now() + BEAT_S
