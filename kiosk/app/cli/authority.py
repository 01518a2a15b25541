"""``kiosk authority``: the authority as a process, for stations elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.logs import appended, open_log
from kiosk.app.process import take_service_manager
from kiosk.system.prctl import forbid_dumps
from kiosk.system.threads import let_threads_run

DESCRIPTION = """\
Serves stations until it is ended with SIGTERM: it has the database, the keys and the login
of the mail relay, decides, and sends the notices. Stations come over a Unix socket of this
machine or over TLS ([authority] in the settings), and hold none of it.
"""
EXAMPLE = "  kiosk authority --config /etc/kiosk/kiosk.toml\n"


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "authority", "serve stations, which hold nothing", DESCRIPTION, EXAMPLE, run
    )
    parser.add_argument("--log", metavar="FILE", help="append the log to FILE")


def run(args: argparse.Namespace) -> None:
    from kiosk.app.composition.serving import serve
    from kiosk.config.loading import load_settings, settings_path

    manager = take_service_manager(os.environ)
    settings = load_settings(settings_path(args.config, os.environ), os.environ)
    out = appended(args.log) if args.log else sys.stdout
    open_log(out, os.environ, settings.monitoring.log)
    forbid_dumps()

    def report(closed_because: str) -> None:
        manager.notify(f"READY=1\nSTATUS={closed_because or 'it serves'}\nWATCHDOG=1")

    let_threads_run()
    asyncio.run(serve(settings, os.environ, report))
