"""``kiosk demo``: the whole story on virtual cards, in this terminal, in two minutes."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands
from kiosk.app.cli.printing import echo
from kiosk.app.cli.station import open_log
from kiosk.app.logs import log_fault
from kiosk.config.loading import require_own_folder
from kiosk.contract.errors import KioskError

if TYPE_CHECKING:
    from kiosk.app.demo.estate import DemoTable
    from kiosk.app.demo.ra_side import RaSide
    from kiosk.config.settings import Settings

_HELP = """\
Starts a PC/SC service with a virtual reader, a mail server that keeps its mail, and a small
estate of example people, all in a temporary directory and on this machine alone; then runs
the station full-screen. The strip at the bottom pushes cards in and out, opens the mail, and
with F10 the RA application, as a member of staff sees it. Its page Import lists the files in
the folder imports of the estate; exports go to the folder exports there. Ctrl+Q ends it, and
everything is gone. With --keep the estate stays, with its settings file kiosk.toml. In a
checkout, after `make demo`, the program is .venv/bin/kiosk.
"""
_EXAMPLE = """\
example:
  kiosk demo
  kiosk demo --keep ./estate
  kiosk people search asha --config ./estate/kiosk.toml
"""
LEAST = 60, 23


def add_parser(commands: Commands) -> None:
    text = "try it in a checkout: virtual cards, example people, no hardware"
    parser = commands.add_parser("demo", help=text, description=_HELP, epilog=_EXAMPLE)
    parser.set_defaults(run=run)
    parser.add_argument("--log", metavar="FILE", help="append the log to FILE")
    parser.add_argument("--keep", metavar="DIR", help="make the estate in DIR and leave it there")


def run(args: argparse.Namespace) -> int:
    if not all(map(os.isatty, (0, 1, 2))):
        raise KioskError(
            "the demo needs a terminal, with nothing redirected: run it in one, at least 60 by 23"
        )
    columns, rows = os.get_terminal_size()
    if columns < LEAST[0] or rows < LEAST[1]:
        # One line of the narrowest terminal: a longer one is broken within a word.
        raise KioskError(f"this terminal is {columns} by {rows}; make it at least 60 by 23")
    if args.keep:
        require_own_folder(Path(args.keep))
    directory = Path(args.keep or tempfile.mkdtemp(prefix="kiosk-demo-")).absolute()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A socket's path has at most 107 bytes: this folder's is short, wherever the estate is.
    sockets = Path(tempfile.mkdtemp(prefix="kiosk-pcsc-", dir="/tmp"))
    try:
        code = _run_in(directory, sockets, args.log or str(directory / "demo.log"))
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
        if not args.keep:
            shutil.rmtree(directory, ignore_errors=True)
    _print_step(f"ended; the estate stays in {directory}" if args.keep else "ended; all is gone")
    return code


def _run_in(directory: Path, sockets: Path, log: str) -> int:
    from hardware.virtual.pcscd import PrivatePcscd
    from kiosk.app.demo import estate
    from kiosk.app.demo.mailbox import Mailbox
    from kiosk.app.demo.ra_side import RaSide

    pcscd, mailbox = PrivatePcscd(sockets), Mailbox(directory / "mail")
    _print_step("starting a PC/SC service with a virtual reader")
    pcscd.start()
    try:
        os.environ.update(pcscd.env)
        _print_step("starting a mail server that keeps its mail")
        mail = mailbox.start()
        actors = estate.cast()
        people, cards = estate.count_people(actors), len(actors)
        _print_step(f"making keys, a database, {people} people and {cards} cards")
        settings = estate.make_estate(directory, mail, actors)
        _print_step("registering Asha, who is about to block her PIN")
        estate.register(settings, os.environ, actors[0], mailbox)
        _print_step("letting in a manager of the Registration Authority")
        ra = RaSide(directory, estate.settings_file(directory))
        ra.prepare(settings, os.environ)
        table = estate.DemoTable(actors, pcscd.slots[0], mailbox, len(mailbox.messages()))
        try:
            return _show(settings, table, ra, log)
        finally:
            ra.stop()
    finally:
        mailbox.stop()
        pcscd.stop()


def _show(settings: Settings, table: DemoTable, ra: RaSide, log: str) -> int:
    from kiosk.app.composition.station import LocalExecutor, appearance_of, build_station
    from screens.demo import DemoApp

    open_log(log)
    open_executor = partial(LocalExecutor, settings, os.environ)
    while True:
        loop, close = build_station(settings, open_executor)
        app = DemoApp(loop, appearance_of(settings), log_fault, table, ra.ssh)
        app.run()
        table.remove()
        close()
        if not app.ra_wanted:
            break
        ra.open(open_executor)
    code = app.return_code or 0
    if code:
        sys.stdout.write(Path(log).read_text())
        _print_step("the station stopped by an error; what it logged stands above")
    return code


def _print_step(what: str) -> None:
    echo(f"[demo] {what}")
