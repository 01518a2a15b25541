"""``kiosk run`` and ``kiosk station``: the station, full-screen, in this terminal."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk import HAS_AUTHORITY
from kiosk.app import logs
from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.printing import printable
from kiosk.app.service_manager import ServiceManager, take_service_manager
from kiosk.contract.errors import ConfigError
from kiosk.system.memory import pause_collector, resume_collector
from kiosk.system.prctl import forbid_dumps

if TYPE_CHECKING:
    from kiosk.app.composition.station import OpenExecutor
    from kiosk.config.settings import Settings
    from kiosk.system.files import FileStamp


log = logging.getLogger(__name__)

SHOWN_S = 30.0
LOOK_S = 0.5
_OUT_OF_SERVICE = (
    b"\x1b[2J\x1b[H\x1b[?25l\r\n\r\n  This station is out of service.\r\n"
    b"  Please use another one, or ask the Registration Authority.\r\n"
)

_RUN = """\
Runs the station in this terminal until it is ended with SIGTERM; there is no key for it.
What it has to say goes to the system's journal under systemd, or else to --log.
"""
_RUN_EXAMPLE = """\
  kiosk run --config /etc/kiosk/kiosk.toml --log /var/lib/kiosk/station.log
"""
_STATION = """\
Runs the station in this terminal until it is ended with SIGTERM; there is no key for it. It
has no database, no keys and no mail: it asks `kiosk authority`, where [authority] in the
settings says that it is.
"""
_STATION_EXAMPLE = """\
  kiosk station --config /etc/kiosk-station/station.toml --log /var/lib/kiosk-station/station.log
"""


def add_parser(commands: Commands) -> None:
    help_line = "run the station in this terminal, on an authority elsewhere"
    parser = add_command(commands, "station", help_line, _STATION, _STATION_EXAMPLE, _station)
    parser.add_argument("--log", metavar="FILE", help="append the log to FILE")
    parser.add_argument(
        "--terminal", metavar="SOCKET", help="take the terminal that `kiosk display` serves there"
    )
    if HAS_AUTHORITY:
        text = "run the station in this terminal"
        run = partial(_show_station, run_on=_run_in_one_process)
        parser = add_command(commands, "run", text, _RUN, _RUN_EXAMPLE, run)
        parser.add_argument("--log", metavar="FILE", help="append the log to FILE")


def _station(args: argparse.Namespace) -> int:
    if args.terminal:
        from kiosk.app.terminal_socket import receive_terminal

        receive_terminal(args.terminal)
    return _show_station(args, _run_visits)


def _show_station(
    args: argparse.Namespace, run_on: Callable[[Settings, Path, ServiceManager], int]
) -> int:
    """Close the terminal and ``run_on`` it; return the program's exit code."""
    take_terminal(args.log)
    from screens.terminal.colours import is_bare_console

    if is_bare_console(os.environ):
        os.environ["TEXTUAL_COLOR_SYSTEM"] = "truecolor"  # the driver makes them the console's
    manager = take_service_manager(os.environ)
    from kiosk.config.loading import load_settings, settings_path
    from kiosk.system.files import stamp_of

    path = settings_path(args.config, os.environ)
    read = stamp_of(path)  # a change while the file is read and found wrong is one to start for
    try:
        settings = load_settings(path, os.environ)
        _require_terminal()
        code = run_on(settings, path, manager)
    except ConfigError as wrong:
        one_line = "; ".join(line.strip() for line in str(wrong).splitlines())
        log.error("the station cannot start: %s", one_line)  # noqa: TRY400
        _print_out_of_service(path, read, str(wrong), args.log, manager)
        return 2
    log.info("ended with code %d", code)
    return code


def _require_terminal() -> None:
    if not (os.isatty(0) and os.isatty(2)):
        raise ConfigError("the station is shown in a terminal, and there is none")


def _print_out_of_service(
    path: Path, read: FileStamp | None, because: str, log_path: str | None, manager: ServiceManager
) -> None:
    """Show the public that nothing works here, or an administrator at a terminal ``because``.

    A unit restarts its service at once. To keep the display, and the journal from a line a second,
    this waits until the settings file differs from the one that was ``read``, or for ``SHOWN_S``.
    """
    if not log_path and os.isatty(1):
        os.write(2, f"kiosk: {printable(because)}\n".encode())
        return
    if not os.isatty(2):
        return
    from kiosk.system.files import stamp_of

    os.write(2, _OUT_OF_SERVICE)
    ends = time.monotonic() + SHOWN_S
    while stamp_of(path) == read and time.monotonic() < ends:
        manager.beat()
        time.sleep(LOOK_S)


def take_terminal(log_path: str | None) -> None:
    from screens.terminal.lockdown import lock_terminal

    pause_collector()
    open_log(log_path)
    lock_terminal(logs.log_fault)
    forbid_dumps()


def open_log(path: str | None) -> None:
    """Write the log to ``path``, or to standard output where that is not the terminal.

    The display is drawn on standard error, so a service manager reads the log from standard output.
    Raises ``ConfigError`` for a file that cannot be opened.
    """
    # A library's warning on standard error would write over the display.
    sys.stderr = logs.appended(path or os.devnull)
    shown = None if sys.stdout.isatty() else sys.stdout
    logs.open_log(sys.stderr if path else shown, os.environ)


def _run_in_one_process(settings: Settings, _path: Path, manager: ServiceManager) -> int:
    from kiosk.app.composition.station import LocalExecutor, appearance_of, build_station
    from screens.kiosk.app import KioskApp
    from screens.terminal.pulse import WatchdogPulse

    pulse = WatchdogPulse(manager.beat, manager.watchdog_s) if manager.is_there else None
    build = partial(LocalExecutor, settings, os.environ)
    loop, close = build_station(settings, partial(open_last, build))
    app = KioskApp(loop, appearance_of(settings), logs.log_fault, pulse=pulse)
    app.run()
    close()
    return app.return_code or 0


def open_last(build: Callable[[], OpenExecutor]) -> OpenExecutor:
    """Build the executor, the last part of the program to be loaded."""
    try:
        return build()
    finally:
        resume_collector()


def _run_visits(settings: Settings, path: Path, manager: ServiceManager) -> int:
    from kiosk.app.composition.station import RemoteExecutor
    from kiosk.app.composition.visits import run_visits

    build = partial(RemoteExecutor, settings, path, os.environ)
    return run_visits(settings, partial(open_last, build), manager)
