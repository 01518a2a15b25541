"""``kiosk stations``: what each station last said of itself; retire one, or put it back."""

from __future__ import annotations

import argparse

from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import (
    Tools,
    acting,
    add_command,
    grounds_of,
    print_json,
    print_result,
    reading,
)

DESCRIPTION = """\
Each station tells every half minute that it lives, with its version and what its reader
does. One that has not been heard of for two minutes is silent. A retired one serves nobody,
whatever it is switched on with, until it is reinstated.
"""
EXAMPLE = """\
  kiosk stations list
  kiosk stations retire "Ward 7" --reason "moved to the new building"
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its parts."""
    parser = add_command(subparsers, "stations", "the stations", DESCRIPTION, EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|retire|reinstate")
    reading(parts, "list", _list, "show all stations")
    retire = acting(parts, "retire", _retire, "let a station serve nobody")
    reinstate = acting(parts, "reinstate", _reinstate, "undo that")
    for part in (retire, reinstate):
        part.add_argument("name", metavar="STATION")


def _retire(args: argparse.Namespace) -> int:
    return print_result(Tools(args).desk.stations.retire(args.name, grounds_of(args)))


def _reinstate(args: argparse.Namespace) -> int:
    return print_result(Tools(args).desk.stations.reinstate(args.name, grounds_of(args)))


def _list(args: argparse.Namespace) -> int:
    lines = Tools(args).desk.stations.every()
    if args.json:
        print_json(lines)
        return 0
    for line in lines:
        state = "retired" if line.retired_at else "silent" if line.silent else "up"
        seen = f"{line.last_seen_at:%Y-%m-%d %H:%M} UTC"
        echo(f"{line.name}  {state}  {line.reader}  version {line.version}  last heard of {seen}")
    if not lines:
        echo("no station has been heard of yet")
    return 0
