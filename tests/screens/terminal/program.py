"""A station's screen as a separate program, for tests that attack it through a terminal.

``python -m tests.screens.terminal.program SCENARIO NOTES``: what is reported, and faults,
are written to the file NOTES, a line each; nothing of them goes to the terminal.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from screens.terminal.lockdown import lock_terminal

SECRET = "canary-604918"


class Notes:
    """Lines in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, line: str) -> None:
        """Add one line."""
        with self._path.open("a") as file:
            file.write(line + "\n")

    def fault(self, error: BaseException) -> None:
        """Write down what kind of error it was."""
        self.add(f"fault {type(error).__name__}")


def load() -> tuple[ModuleType, ...]:
    """Load what ``show`` loads late, for a process that forks this program."""
    from kiosk.station import states
    from screens.kiosk import app
    from screens.terminal import driver
    from tests.screens import recording_station
    from tests.screens.kiosk import samples

    return states, app, driver, recording_station, samples


def main() -> int:
    """Run SCENARIO and return the exit code."""
    scenario, path = sys.argv[1:3]
    notes = Notes(Path(path))
    lock_terminal(notes.fault)
    notes.add("locked")
    return show(scenario, notes)


def show(scenario: str, notes: Notes) -> int:
    """Import what is heavy, and show the scenario's page."""
    from kiosk.station.events import HolderSide
    from kiosk.station.states import Attract, EnterPin
    from screens.kiosk.app import KioskApp
    from screens.theme import Appearance
    from tests.screens.kiosk.samples import REGISTER
    from tests.screens.recording_station import StillStation

    class NotingDesk(StillStation):
        """Notes what it hears; breaks where the scenario says so."""

        def submit(self, event: HolderSide) -> None:
            pin = SECRET
            notes.add(type(event).__name__)
            if scenario == "broken":
                raise RuntimeError(pin)

        async def stop(self) -> None:
            notes.add("stopped")
            await super().stop()

    state = Attract() if scenario == "attract" else EnterPin(REGISTER)
    look = Appearance(motion=False, shown_s=0.0, touch=scenario != "keys-only")
    app = KioskApp(NotingDesk(state), look, notes.fault)
    app.run()
    notes.add(f"code {app.return_code}")
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
