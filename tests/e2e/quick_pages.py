"""The installed program in a hurry: what one waits on is up for as long as the work takes.

Where nobody is at the station, it looks at its authority, keys and certificate every two seconds
in place of thirty, and ``run`` hashes answers at next to no cost: the four hashes of a registration
are a second of the processor. ``python quick_pages.py ARGUMENTS`` is ``kiosk ARGUMENTS`` for tests
that are about neither.
"""

from __future__ import annotations

import sys
from functools import partial
from types import ModuleType

from msgspec.structs import replace

from kiosk.__main__ import main as run_program
from kiosk.app.composition import station
from kiosk.config.settings import Settings
from kiosk.station.loop import IdleTimes
from screens.theme import Appearance

_look_of = station.appearance_of


def _hasty(settings: Settings) -> Appearance:
    return replace(_look_of(settings), shown_s=0.05)


def load() -> tuple[ModuleType, ...]:
    """Load what a station loads late, for a process that forks stations."""
    from hardware import card_access, monitor
    from hardware.drivers import piv
    from kiosk.app.cli import station as command
    from kiosk.app.composition import authority, cards, station
    from kiosk.station import executor
    from screens.kiosk import app, visit_pages
    from screens.terminal import pulse
    from tests.support import hashes

    at_first = (command, station, app, pulse)
    return (*at_first, authority, cards, executor, card_access, monitor, piv, visit_pages, hashes)


def main() -> int:
    """Run ``kiosk`` so, with the arguments of this process."""
    station.appearance_of = _hasty
    setattr(station, "IdleTimes", partial(IdleTimes, check_s=2.0))  # noqa: B010
    if sys.argv[1] != "run":
        return run_program()  # it has no authority in it, and loads nothing of one

    from tests.support.hashes import cheap_hashes

    with cheap_hashes():
        return run_program()


if __name__ == "__main__":
    sys.exit(main())
