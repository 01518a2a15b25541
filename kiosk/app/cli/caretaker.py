"""``kiosk caretaker``: one run of the caretaker, for a timer."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Tools
from kiosk.app.composition.opening import open_known_keys
from kiosk.app.logs import Discreet
from kiosk.authority.errors import StoreError

DESCRIPTION = """\
Does the service's periodic work once, and ends: mails staff about what is wrong (see
[notices] in the settings), verifies a piece of the audit, deletes old records once a day,
and sends the notices that wait. The authority does the same while it runs. This command is
for the machine of the database, where it works when no authority runs: let a timer run it
once a minute (kiosk-caretaker.timer). However often it runs, staff get one mail.
"""
EXAMPLE = "  kiosk caretaker --config /etc/kiosk/kiosk.toml\n"


def add_parser(subparsers: Commands) -> None:
    add_command(
        subparsers, "caretaker", "run the caretaker once, for a timer", DESCRIPTION, EXAMPLE, run
    )


def run(args: argparse.Namespace) -> None:
    """Run the jobs, and send waiting notices; 0 also where something is wrong with the service."""
    tools = Tools(args)
    settings = tools.settings
    from kiosk.app.composition.authority import build_caretaker, build_outbox

    failed: StoreError | None = None
    with _log_on_stdout():
        ring = open_known_keys(settings, tools.environ, tools.store)
        try:
            if not build_caretaker(settings, tools.store, ring).run():
                echo("another process has run it within the minute")
        except StoreError as error:  # the mails about what it did find are sent first
            failed = error
        with tools.mailer() as mailer:
            sent = build_outbox(settings, tools.store, mailer, tools.clock).drain_once()
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
