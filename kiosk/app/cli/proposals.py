"""``kiosk proposals``: what waits for a second member of staff."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import (
    Tools,
    acting,
    grounds_of,
    print_json,
    reading,
    waiting_id,
)

if TYPE_CHECKING:
    from kiosk.authority.administration.proposed_acts import ProposalsDesk
    from kiosk.authority.administration.views import Done

DESCRIPTION = """\
With `four_eyes` in [policy], whatever could help one member of staff to open somebody else's
card waits until a second one agrees: somebody else, with another key, where neither of the
two let the other in. A proposal runs out after seven days, a code after fifteen minutes.

The command line counts as one person, with any account. What it does waits as well, unless there
are no two members who could agree with each other: so the first two managers are added here.
"""
EXAMPLE = """\
  kiosk proposals list
  kiosk proposals agree ID --reason "spoke to Asha, she saw the badge"
  kiosk proposals decline ID --reason "nobody asked for this"
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "proposals", "what a second has to agree to", DESCRIPTION, EXAMPLE
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|agree|decline")
    reading(parts, "list", _list, "show what waits, oldest first")
    agree = acting(parts, "agree", _agree, "have it done now")
    decline = acting(parts, "decline", _decline, "let it never be done")
    for part in (agree, decline):
        part.add_argument(
            "proposal", metavar="ID", help="its id or the beginning of it, see `list`"
        )
        add_flag(part, "--json", "for a script")


def _agree(args: argparse.Namespace) -> Done:
    desk = Tools(args).desk.proposals
    return desk.agree(_proposal_id(desk, args), grounds_of(args))


def _decline(args: argparse.Namespace) -> Done:
    desk = Tools(args).desk.proposals
    return desk.decline(_proposal_id(desk, args), grounds_of(args))


def _proposal_id(desk: ProposalsDesk, args: argparse.Namespace) -> str:
    return waiting_id(args.proposal, (line.proposal_id for line in desk.waiting()))


def _list(args: argparse.Namespace) -> None:
    lines = Tools(args).desk.proposals.waiting()
    if args.json:
        print_json(lines)
        return
    for line in lines:
        about = f"  about {line.whom}" if line.about else ""
        echo(f"{line.proposal_id}  until {line.expires_at.astimezone():%Y-%m-%d %H:%M}{about}")
        echo(f"    {line.sentence}")
        echo(f"    proposed by {line.proposed_by}: {line.reason} (reference {line.reference})")
        if line.why_not:
            echo(f"    {line.why_not}")
    if not lines:
        echo("nothing waits")
