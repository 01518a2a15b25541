"""``kiosk rows``: the records that grant access, and the altered ones."""

from __future__ import annotations

import argparse

from kiosk.app.cli.help import Commands, add_command, add_config
from kiosk.app.cli.printing import complain, echo
from kiosk.app.cli.tools import Tools, add_part
from kiosk.authority.wording import numbered

DESCRIPTION = """\
Each record that grants access (people, cards, registrations, codes, visits, staff and their
keys, policy, stations) carries a code made with a key that is not in the database. One that
was changed by anything but this program does not fit it: nobody is served by it, and staff
get an alarm. `check` names every one of them.

Find out first who wrote to the database. Then put the record right from a backup, or by the
statement that undoes the change: it fits again as soon as it is as it was. Where that cannot
be done, and you have made sure that what it says is true, `accept` takes it as it is; the
audit keeps who did that, and why. A record that nobody can vouch for is better deleted.
"""
EXAMPLE = """\
  kiosk rows check
  kiosk rows accept registration 4f0c... --reason "restored by hand from the paper form"
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(subparsers, "rows", "find altered records", DESCRIPTION, EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="check|accept")
    check = add_part(parts, "check", _check, "name every altered record")
    accept = add_part(parts, "accept", _accept, "take an altered record as it is")
    accept.add_argument("table", metavar="TABLE")
    accept.add_argument("row", metavar="ROW")
    accept.add_argument("--reason", required=True, metavar="TEXT", help="why it is right")
    for part in (check, accept):
        add_config(part)


def _accept(args: argparse.Namespace) -> None:
    from kiosk.authority.administration.verification import accept

    tools = Tools(args)
    accept(tools.staff_store, args.table, args.row, tools.actor(), args.reason)
    echo(f"{args.table} {args.row} is taken as it is")


def _check(args: argparse.Namespace) -> int:
    """List them; 1 where a record is altered."""
    from kiosk.authority.administration.verification import sweep

    found = sweep(Tools(args).staff_store)
    for table, row in found.altered:
        echo(f"{table} {row}")
    if found.unknown:
        for text, advice in found.findings():
            complain(f"{text}; {advice}")
    else:
        many = len(found.altered)
        echo(f"{many} of {numbered(found.rows, 'record')} altered outside of the service")
    return int(bool(found.altered))
