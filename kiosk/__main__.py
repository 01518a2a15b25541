"""The entry point: first the terminal and the environment, then the command line is loaded.

What is imported here is in the standard library and light: until the keyboard is closed,
a key is echoed, and Ctrl+C shows a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from screens.terminal import lockdown

_STATIONS = ("run", "station")
_TAKE_THE_TERMINAL = (*_STATIONS, "admin")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code, which ``kiosk.app.cli.main`` lists."""
    if argv is None:
        _begin(sys.argv[1:2])
    from kiosk.app.cli.main import run_command

    return run_command(argv)


def _begin(command: list[str]) -> None:
    """Close the keyboard and clean the environment, before anything else of the program runs."""
    takes_terminal = command and command[0] in _TAKE_THE_TERMINAL
    if takes_terminal:
        lockdown.ignore_keyboard_signals()
    lockdown.isolate()
    lockdown.remove_unsafe_variables(os.environ)
    if takes_terminal:
        lockdown.lock_keyboard(0)
    if takes_terminal and command[0] in _STATIONS:
        lockdown.wipe(2)


if __name__ == "__main__":
    sys.exit(main())
