"""``kiosk questions``: the list of security questions, and how many people use each."""

from __future__ import annotations

import argparse

from kiosk.commands.parts import acting, grounds_of, reading, say_json, tell
from kiosk.commands.tools import Tools, add_command, say

DESCRIPTION = """\
Holders choose from this list when they register. One that is retired is offered to nobody
new, and whoever uses it keeps it. Answers are kept as hashes: nobody can be shown one.
"""
EXAMPLE = """\
  kiosk questions list
  kiosk questions add "What was the name of your first teacher?" --reason "asked for by HR"
  kiosk questions retire 7 --reason "the answer is on many a web page"
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its parts."""
    parser = add_command(subparsers, "questions", "security questions", DESCRIPTION, EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|add|retire|revive")
    reading(parts, "list", "show all questions")
    acting(parts, "add", "offer another question").add_argument("text", metavar="QUESTION")
    for name, text in (("retire", "offer one to nobody new"), ("revive", "offer it again")):
        acting(parts, name, text).add_argument("id", type=int, metavar="NUMBER")


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for."""
    desk = Tools(args).desk.questions
    match args.part:
        case "add":
            return tell(desk.add(args.text, grounds_of(args)))
        case "retire":
            return tell(desk.retire(args.id, grounds_of(args)))
        case "revive":
            return tell(desk.revive(args.id, grounds_of(args)))
    lines = desk.every()
    if args.json:
        say_json(lines)
        return 0
    for line in lines:
        retired = "  (retired)" if line.retired_at else ""
        say(f"{line.id:>4}  {line.text}  used by {line.used_by}{retired}")
    return 0
