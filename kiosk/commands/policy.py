"""``kiosk policy``: the settings that stations take up within a minute."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kiosk.commands.parts import acting, grounds_of, reading, say_json, tell, tell_changes
from kiosk.commands.tools import Tools, add_command, say
from kiosk.errors import ChangedMeanwhile, NothingThere

if TYPE_CHECKING:
    from kiosk.administration.desk_of_service import PolicyDesk
    from kiosk.administration.views.service import PolicyLine

DESCRIPTION = """\
What a holder has to pass, and how often it may be got wrong. A value that is set here
counts before the one in the settings file, on every station within a minute and without a
restart; reset lets the file's value count again.
"""
EXAMPLE = """\
  kiosk policy list
  kiosk policy set max_failures 5 --reason "decided by the board on 3 May"
  kiosk policy reset max_failures --reason "trial is over"
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its parts."""
    parser = add_command(subparsers, "policy", "the policy", DESCRIPTION, EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|set|reset")
    reading(parts, "list", "show every setting with its limits")
    put = acting(parts, "set", "let another value count")
    put.add_argument("name", metavar="SETTING")
    put.add_argument("value", metavar="VALUE")
    acting(parts, "reset", "let the file's value count").add_argument("name", metavar="SETTING")


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for; 1 where somebody else was first."""
    desk = Tools(args).desk.policy
    if args.part == "list":
        return _list(desk, as_json=args.json)
    line = _find(desk, args.name)
    try:
        if args.part == "set":
            return tell(desk.change(line.name, args.value, line.revision, grounds_of(args)))
        return tell(desk.reset(line.name, line.revision, grounds_of(args)))
    except ChangedMeanwhile as error:
        return tell_changes(error)


def _find(desk: PolicyDesk, name: str) -> PolicyLine:
    for line in desk.every():
        if line.name == name:
            return line
    raise NothingThere(f"There is no policy setting {name!r}; `kiosk policy list` shows all.")


def _list(desk: PolicyDesk, *, as_json: bool) -> int:
    lines = desk.every()
    if as_json:
        say_json(lines)
        return 0
    for line in lines:
        by = f"  set by {line.changed_by}: {line.reason}" if line.changed_at else ""
        say(f"{line.name} = {line.value}  ({line.allowed}){by}")
        say(f"    {line.help}")
        if line.trouble:
            say(f"    {line.trouble}")
    return 0
