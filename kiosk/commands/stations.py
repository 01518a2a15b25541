"""``kiosk stations``: what each station last said of itself; retire one, or put it back."""

from __future__ import annotations

import argparse

from kiosk.commands.parts import acting, grounds_of, reading, say_json, tell
from kiosk.commands.tools import Tools, add_command, say

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
    reading(parts, "list", "show all stations")
    for name, text in (("retire", "let a station serve nobody"), ("reinstate", "undo that")):
        acting(parts, name, text).add_argument("name", metavar="STATION")


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for."""
    desk = Tools(args).desk.stations
    match args.part:
        case "retire":
            return tell(desk.retire(args.name, grounds_of(args)))
        case "reinstate":
            return tell(desk.reinstate(args.name, grounds_of(args)))
    lines = desk.every()
    if args.json:
        say_json(lines)
        return 0
    for line in lines:
        state = "retired" if line.retired_at else "silent" if line.silent else "up"
        seen = f"{line.last_seen_at:%Y-%m-%d %H:%M} UTC"
        say(f"{line.name}  {state}  {line.reader}  version {line.version}  last heard of {seen}")
    if not lines:
        say("no station has been heard of yet")
    return 0
