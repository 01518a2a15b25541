"""``kiosk station``: the station, full-screen, on an authority in another process."""

from __future__ import annotations

import argparse
import os
from functools import partial
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.run import open_last, run_station

if TYPE_CHECKING:
    from kiosk.app.process import ServiceManager
    from kiosk.config.settings import Settings

_HELP = """\
Runs the station in this terminal until it is ended with SIGTERM; there is no key for it. It
has no database, no keys and no mail: it asks `kiosk authority`, where [authority] in the
settings says that it is.
"""
_EXAMPLE = """\
  kiosk station --config /etc/kiosk-station/station.toml --log /var/lib/kiosk-station/station.log
"""


def add_parser(commands: Commands) -> None:
    help_line = "run the station in this terminal, on an authority elsewhere"
    parser = add_command(commands, "station", help_line, _HELP, _EXAMPLE, run)
    parser.add_argument("--log", metavar="FILE", help="append the log to FILE")
    parser.add_argument(
        "--terminal", metavar="SOCKET", help="take the terminal that `kiosk display` serves there"
    )


def run(args: argparse.Namespace) -> int:
    if args.terminal:
        from kiosk.app.terminal_socket import receive_terminal

        receive_terminal(args.terminal)
    return run_station(args, partial(_run_visits, args))


def _run_visits(args: argparse.Namespace, settings: Settings, manager: ServiceManager) -> int:
    from kiosk.app.composition.station import RemoteExecutor
    from kiosk.app.composition.visits import run_visits
    from kiosk.config.loading import settings_path

    path = settings_path(args.config, os.environ)
    build = partial(RemoteExecutor, settings, path, os.environ)
    return run_visits(settings, partial(open_last, build), manager)
