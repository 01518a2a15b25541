"""The station on the display of a machine of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tests.e2e.station import Station
from tests.support.waiting import wait_for


class Machine(Protocol):
    """A container or a virtual machine."""

    @property
    def screen(self) -> str:
        """What can be read on its display."""


class DisplayedStation(Station):
    """Read from outside the machine; its keys and touches are the machine's."""

    machine: Machine

    @property
    def text(self) -> str:
        return self.machine.screen

    def wait_until(self, met: Callable[[str], bool], wanted: str) -> str:
        shown = ""

        def is_met() -> bool:
            nonlocal shown
            shown = self.text
            return met(shown)

        wait_for(is_met, wanted, lambda: shown)
        return shown
