"""``kiosk sessions``: the process from which the sessions of RA staff are forked."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.logs import open_log
from kiosk.app.process import take_service_manager
from kiosk.system.prctl import forbid_dumps, merge_equal_pages

DESCRIPTION = """\
Loads the RA application once, so that sessions share it: `kiosk admin --sessions SOCKET`, which
sshd runs, hands its terminal over to a child of this process. Without this process each session
loads the application itself, and works as well. It holds no key and no connection to the database.
"""
EXAMPLE = "  kiosk sessions /run/kiosk-sessions/sessions.sock --config /etc/kiosk/kiosk.toml\n"

LOADED = (
    "cryptography.hazmat.backends.openssl.backend",
    "encodings.ascii",
    "encodings.utf_8_sig",
    "kiosk.app.cli.admin",
    "kiosk.app.composition.opening",
    "kiosk.app.composition.staff",
    "kiosk.config.loading",
    "kiosk.authority.administration.login",
    "kiosk.authority.crypto.macs",
    "kiosk.authority.store.database",
    "screens.admin.app",
    "screens.terminal.colours",
    "textual.drivers.headless_driver",
    "textual.drivers.linux_driver",
    "textual.layouts.factory",
    "textual.layouts.horizontal",
    "textual.layouts.stream",
    "textual.pilot",
)
"""What a session imports; Textual imports the last ones when it uses them."""


def add_parser(subparsers: Commands) -> None:
    text = "load the RA application once for all staff"
    parser = add_command(subparsers, "sessions", text, DESCRIPTION, EXAMPLE, run)
    parser.add_argument(
        "socket", type=Path, metavar="SOCKET", help="where sessions are handed over"
    )
    parser.add_argument("--log", metavar="FILE", help="append the log of sessions to FILE")


def run(args: argparse.Namespace) -> None:
    from screens.terminal.lockdown import scrub_environment

    manager = take_service_manager(os.environ)
    open_log(sys.stdout, os.environ)
    forbid_dumps()
    merge_equal_pages()
    scrub_environment(os.environ)  # Textual reads it when it is imported
    # The C library gives a thread a heap of its own, and the gaps that loading leaves stay in that.
    # In the heap of the main thread each session filled them, and so copied 3 MiB of shared pages.
    with ThreadPoolExecutor(1) as loading:
        loading.submit(_load).result()

    from kiosk.app.cli.admin import run_session
    from kiosk.app.sessions import SessionServer

    gc.collect()
    gc.freeze()
    server = SessionServer(args.socket, partial(run_session, args.config, args.log))

    server.run(partial(manager.notify, "READY=1\nWATCHDOG=1"))


def _load() -> None:
    for module in LOADED:
        import_module(module)
    if find_spec("psycopg") is not None:
        import_module("kiosk.authority.store.postgresql")
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
