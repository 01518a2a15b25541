"""``kiosk stations``: the last report of each; enrol, retire, reinstate one, lift its pauses."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from kiosk.app.cli.help import Commands
from kiosk.app.cli.printing import complain, echo
from kiosk.app.cli.tools import Parts, Tools, file_path, grounds_of, on_desk, print_result
from kiosk.authority.administration.views import Done, StationLine
from kiosk.authority.wording import local_time

DESCRIPTION = """\
Each station says about every half minute that it lives, with its version and what its
reader does. One that has not been heard of for two minutes is silent; one that was let in
and was never heard of has not started. A retired one serves nobody, whatever it is
switched on with, until it is reinstated.

`enrol` prints the command that makes a machine this station: type or paste it there, as
root. It works once, for fifteen minutes. The station makes its own key and fetches its
certificate. One of the image asks for the line: type what is between the quotation marks.
A station that already has a certificate, of a CA of yours that `ca` in [authority] names,
is let in with it: --certificate. With `four_eyes` in [policy] a station is let in, or
put back, once a second member agrees: who agrees (`kiosk proposals agree`) is shown the
line.

`ca` prints the certificate of the CA that such a line is of. An image that is built with
it (`make image CA=FILE`) takes lines of this authority alone.

Wrong answers with a card that cannot prove itself pause its holder. Where somebody paused
many at one station, `lift-pauses` ends all of these; retire a stolen station first.
"""
EXAMPLE = """\
  kiosk stations list
  kiosk stations enrol "West Wing 2" --site "Wexbridge General" --reason "new"
  kiosk stations retire "Ward 7" --reason "moved to the new building"
"""


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "stations", "the stations", DESCRIPTION, EXAMPLE)
    parts.showing("list", lambda desk, _: desk.stations.every(), _print_all, "show all stations")
    text = "let a station in; prints a line to type there"
    enrol = parts.acting("enrol", _enrol, text, "STATION")
    enrol.add_argument("--site", default="", help="where it stands, for reports")
    text = "its certificate (PEM) of a CA of yours"
    enrol.add_argument("--certificate", metavar="FILE", type=file_path, help=text)
    retire = on_desk(lambda desk, args, why: desk.stations.retire(args.station, why))
    parts.acting("retire", retire, "let a station serve nobody", "STATION")
    parts.add("ca", _print_ca, "print the certificate of the CA of the stations (PEM)")
    reinstate = on_desk(lambda desk, args, why: desk.stations.reinstate(args.station, why))
    parts.acting("reinstate", reinstate, "undo that", "STATION")
    lift = on_desk(lambda desk, args, why: desk.stations.lift_pauses(args.station, why))
    parts.acting("lift-pauses", lift, "end every pause that wrong answers there made", "STATION")


def _enrol(args: argparse.Namespace) -> Done | None:
    tools = Tools(args)
    desk, given = tools.desk.stations, grounds_of(args)
    if args.certificate is None:
        return desk.enrol(args.station, args.site, given)
    pem = args.certificate.read_text(encoding="ascii", errors="replace")
    print_result(desk.enrol_certificate(args.station, args.site, pem, given))
    if not tools.settings.authority.ca:
        complain("it is turned away until `ca` in [authority] names the certificate of your CA;")
        complain("set it on each authority, and restart that: `systemctl restart kiosk-authority`")
    return None


def _print_ca(args: argparse.Namespace) -> None:
    from kiosk.authority.crypto.station_ca import StationCa

    echo(StationCa(Tools(args).ring()).pem.rstrip())


def _print_all(lines: Sequence[StationLine]) -> None:
    for line in lines:
        about = f"let in {local_time(line.let_in_at)}" if line.let_in_at else ""
        if line.last_seen_at is not None:
            seen = local_time(line.last_seen_at)
            about = f"{line.reader}  version {line.version}  last heard of {seen}"
        until = line.certificate_until
        shown = f"  certificate until {until:%Y-%m-%d}" if until else ""
        if line.certificate_late:
            shown += ", not renewed"
        echo(f"{line.name}  {line.state}  {about}{shown}")
    if not lines:
        echo("no station has been heard of yet")
