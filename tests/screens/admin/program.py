"""The RA application as a program of its own, for tests that attack it through a terminal.

``python -m tests.screens.admin.program SCENARIO NOTES``: faults and how it ended are
written to the file NOTES, a line each; nothing of them goes to the terminal.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

from screens.terminal.lockdown import HangUps, lock_terminal
from tests.screens.terminal.program import SECRET, Notes


def load() -> tuple[ModuleType, ...]:
    """Load what ``show`` loads late, for a process that forks this program."""
    from kiosk.authority.administration import views
    from screens.admin import app, stations, today
    from screens.terminal import driver
    from tests.screens.admin import desk

    return views, app, stations, today, driver, desk


def main() -> int:
    """Run SCENARIO and return the exit code."""
    scenario, path = sys.argv[1:3]
    notes = Notes(Path(path))
    lock_terminal(notes.fault)
    return show(scenario, notes)


def show(scenario: str, notes: Notes) -> int:
    """Import what is heavy, and run the application."""
    from kiosk.authority.administration.views import Done, Grounds
    from screens.admin.app import FAREWELLS, AdminApp, End
    from screens.admin.stations import StationsPage
    from screens.admin.today import TodayPage
    from screens.words.staff.deeds import deed_words
    from tests.screens.admin.desk import FakeDesk

    hung_up = HangUps()
    desk = FakeDesk()
    retire = desk.stations.retire

    def acting(name: str, grounds: Grounds) -> Done:
        pin = SECRET
        if scenario == "broken":
            raise RuntimeError(pin)
        notes.add("begun")
        time.sleep(1.0)
        done = retire(name, grounds)
        notes.add(deed_words(done.deed))
        return done

    desk.stations.retire = acting  # type: ignore[method-assign]
    idle_s = 8.0 if scenario == "idle" else 600.0
    app = AdminApp(
        desk, notes.fault, pages=(TodayPage, StationsPage), idle_s=idle_s, hung_up=hung_up
    )
    end = app.run()
    if scenario == "late signals":
        for number in (signal.SIGHUP, signal.SIGTERM):
            os.kill(os.getpid(), number)
    notes.add(f"end {end}")
    if end is not End.HUNG_UP:
        sys.stdout.write(f"{FAREWELLS[end]}\n")
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
