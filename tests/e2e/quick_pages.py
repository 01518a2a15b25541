"""The installed program in a hurry: what one waits on is up for as long as the work takes.

Where nobody is at the station, it looks at its authority, keys and certificate every two seconds
in place of thirty. ``python quick_pages.py ARGUMENTS`` is ``kiosk ARGUMENTS`` for tests that are
not about the display.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

from kiosk.__main__ import main as run_program
from kiosk.app.composition import station
from kiosk.config.settings import Settings
from kiosk.station.loop import IdleTimes
from screens.theme import Appearance, ExtraBar

_look_of = station.appearance_of


def _hasty(settings: Settings, extra_bar: ExtraBar | None = None) -> Appearance:
    return replace(_look_of(settings, extra_bar), shown_s=0.05)


def main() -> int:
    """Run ``kiosk`` so, with the arguments of this process."""
    station.appearance_of = _hasty
    setattr(station, "IdleTimes", partial(IdleTimes, check_s=2.0))  # noqa: B010
    return run_program()


if __name__ == "__main__":
    sys.exit(main())
