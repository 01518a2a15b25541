"""``kiosk enrol``: make this machine a station of an estate."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from pathlib import Path

from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import complain, echo
from kiosk.contract.errors import ConfigError, KioskError

DESCRIPTION = """\
Makes a key for this station and fetches its certificate from the authority, by the line that
`kiosk stations enrol` printed there. It is the part of `kiosk setup station --enrol` that the
account of the station does: where a machine is to become a station, run that. Case, dashes and
spaces in its code do not matter, and a typing error is noticed before anything is sent. Without a
line it asks for one, and on a terminal it asks until one was taken.

Key, certificate and the authority's addresses go into the state directory ($STATE_DIRECTORY, or
the home of the account), for its owner's eyes only: run it as the user that the station runs
as. `kiosk station` finds them there, and renews the certificate by itself, by --renew.
"""
EXAMPLE = """\
  runuser -u kiosk-station -- kiosk enrol authority.example:8444 7QKX-3M2P-...
"""
_ASKED = """\
This machine is not enrolled as a station yet. Have a line made for it, on the
page Stations of the RA application or with `kiosk stations enrol`, and type it
here, from the address to the end of the code."""
_AGAIN = "Type the line again, or another one:"
_SAME = "Enter alone tries this line once more. Or type another one:"


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "enrol", "make this machine a station of an estate", DESCRIPTION, EXAMPLE, run
    )
    parser.add_argument("line", metavar="LINE", nargs="*", help="as it was printed")
    add_flag(parser, "--renew", "fetch the next certificate, where it is due")


def run(args: argparse.Namespace) -> None:
    folder = _folder()
    if args.renew:
        from kiosk.app.enrolment import renew
        from kiosk.config.loading import load_settings, settings_path

        environ = {**os.environ, "STATE_DIRECTORY": str(folder)}
        settings = load_settings(settings_path(args.config, environ), environ)
        done = renew(folder, settings.authority.addresses)
        echo("renewed" if done else "not due yet")
        return
    if args.line or not sys.stdin.isatty():
        _enrol(" ".join(args.line) or sys.stdin.readline(), folder)
        return
    from kiosk.app.enrolment import AuthorityUnreached

    complain(_ASKED)
    unanswered = ""
    for typed in sys.stdin:
        line = typed.strip() or unanswered
        try:
            if line:
                _enrol(line, folder)
                return
        except AuthorityUnreached as error:
            unanswered = line
            complain(f"\n{error}\n\n{_SAME}")
        except KioskError as error:
            unanswered = ""
            complain(f"\n{error}\n\n{_AGAIN}")
    raise ConfigError("no line was typed")


def _enrol(typed: str, folder: Path) -> None:
    from kiosk.app.enrolment import enrol
    from kiosk.contract.enrolment import read_line

    try:
        line = read_line(typed)
    except ValueError as wrong:
        raise ConfigError(f"the line was not read: {wrong}") from None
    echo(f"{enrol(line, folder)} is enrolled. {_what_is_next(folder)}")


def _what_is_next(folder: Path) -> str:
    from kiosk.app.setup.station import present_display
    from kiosk.config.loading import STATION_STATE

    if folder == STATION_STATE and present_display() is None:
        return "Now, as root, `kiosk setup station`: it makes the settings, and starts the station."
    return "Start the station, or start it again."


def _folder() -> Path:
    """Return the station's folder for its credential; raises ``ConfigError`` for root's home."""
    named = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if not named and os.geteuid() == 0:
        as_station = "as the account of the station: runuser -u kiosk-station -- kiosk enrol ..."
        as_root = 'root sets a machine up with `kiosk setup station --enrol "LINE"`'
        raise ConfigError(f"{as_root}; run this {as_station}")
    return Path(named or pwd.getpwuid(os.geteuid()).pw_dir)
