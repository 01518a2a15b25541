"""What stands behind the loop: where commands are carried out, and the authority is looked at."""

from __future__ import annotations

from typing import Protocol

from kiosk.dialogue import ReaderState
from kiosk.station.commands import Command
from kiosk.station.events import ResultSide
from kiosk.station.states import Outage


class Stage(Protocol):
    """Called on worker threads; its calls may block."""

    def perform(self, command: Command) -> ResultSide | None:
        """Carry out ``command``; None where nothing waits for an answer."""

    def look(self, reader: ReaderState, *, idle: bool) -> Outage | None:
        """Say what keeps the authority from serving anybody here, and tell it of the station.

        Asked again and again. ``idle`` allows what would be in a visit's way.
        """
