"""``kiosk authority``: the authority as a process; ``kiosk caretaker``: its periodic work, once."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Tools
from kiosk.app.composition.opening import open_known_keys
from kiosk.app.logs import Discreet, appended, open_log
from kiosk.app.service_manager import take_service_manager
from kiosk.authority.errors import StoreError
from kiosk.system.memory import return_freed_blocks
from kiosk.system.prctl import forbid_dumps
from kiosk.system.threads import SharedProcessor, let_threads_run

_AUTHORITY = """\
Serves stations until it is ended with SIGTERM: it has the database, the keys and the login
of the mail relay, decides, and sends the notices. Stations come over a Unix socket of this
machine or over TLS ([authority] in the settings), and hold none of it.
"""
_AUTHORITY_EXAMPLE = "  kiosk authority --config /etc/kiosk/kiosk.toml\n"
_CARETAKER = """\
Does the service's periodic work once, and ends: mails staff about what is wrong (see
[notices] in the settings), verifies a piece of the audit, deletes old records once a day,
and sends the notices that wait. The authority does the same while it runs. This command is
for the machine of the database, where it works when no authority runs: let a timer run it
once a minute (kiosk-caretaker.timer). However often it runs, staff get one mail.
"""
_CARETAKER_EXAMPLE = "  kiosk caretaker --config /etc/kiosk/kiosk.toml\n"


def add_parser(subparsers: Commands) -> None:
    text = "serve stations, which hold nothing"
    parser = add_command(
        subparsers, "authority", text, _AUTHORITY, _AUTHORITY_EXAMPLE, _run_authority
    )
    parser.add_argument("--log", metavar="FILE", help="append the log to FILE")
    text = "run the caretaker once, for a timer"
    add_command(subparsers, "caretaker", text, _CARETAKER, _CARETAKER_EXAMPLE, _run_caretaker)


def _run_authority(args: argparse.Namespace) -> None:
    from kiosk.app.composition.serving import serve
    from kiosk.config.loading import load_settings, settings_path

    manager = take_service_manager(os.environ)
    settings = load_settings(settings_path(args.config, os.environ), os.environ)
    out = appended(args.log) if args.log else sys.stdout
    open_log(out, os.environ)
    forbid_dumps()

    def report(closed_because: str) -> None:
        manager.notify(f"READY=1\nSTATUS={closed_because or 'it serves'}\nWATCHDOG=1")

    let_threads_run()
    return_freed_blocks()
    gc.freeze()  # what is loaded is used to the end: the collector need not look at it
    asyncio.run(serve(settings, os.environ, report, SharedProcessor().leave))


def _run_caretaker(args: argparse.Namespace) -> None:
    """Run the jobs, and send waiting notices; 0 also where something is wrong with the service."""
    tools = Tools(args)
    settings = tools.settings
    from kiosk.app.composition.authority import build_caretaker, build_outbox

    failed: StoreError | None = None
    with _log_on_stdout():
        ring = open_known_keys(settings, tools.environ, tools.store)
        try:
            if not build_caretaker(settings, tools.store, ring, tools.clock).run():
                echo("another process has run it within the minute")
        except StoreError as error:  # the mails about what it did find are sent first
            failed = error
        with tools.mailer() as mailer:
            sent = build_outbox(settings, tools.store, mailer, tools.clock, ring=ring).drain_once()
    with tools.store.read() as uow:
        names = [alarm.name for alarm in uow.alarms.standing()]
        waiting = uow.outbox.waiting()
    echo(f"alarms: {', '.join(names) or 'none'}")
    echo(f"notices: {sent} sent, {waiting} waiting")
    if failed is not None:
        raise failed


@contextmanager
def _log_on_stdout() -> Iterator[None]:
    """Print what is logged, including anchors of the audit, for the user of the command."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Discreet("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
