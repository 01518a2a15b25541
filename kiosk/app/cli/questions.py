"""``kiosk questions``: the list of security questions, and how many people use each."""

from __future__ import annotations

import argparse

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Tools, acting, grounds_of, print_json, reading
from kiosk.authority.administration.views import Done

DESCRIPTION = """\
Holders choose from this list when they register. One that is retired is offered to nobody
new, and those who use it keep it. Answers are kept as hashes: nobody can be shown one.
"""
EXAMPLE = """\
  kiosk questions list
  kiosk questions add "What was the name of your first teacher?" --reason "asked for by HR"
  kiosk questions retire 7 --reason "the answer is on many a web page"
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(subparsers, "questions", "security questions", DESCRIPTION, EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|add|retire|revive")
    reading(parts, "list", _list, "show all questions")
    acting(parts, "add", _add, "offer another question", "QUESTION")
    retire = acting(parts, "retire", _retire, "offer one to nobody new")
    revive = acting(parts, "revive", _revive, "offer it again")
    for part in (retire, revive):
        part.add_argument("id", type=int, metavar="NUMBER")


def _add(args: argparse.Namespace) -> Done:
    return Tools(args).desk.questions.add(args.question, grounds_of(args))


def _retire(args: argparse.Namespace) -> Done:
    return Tools(args).desk.questions.retire(args.id, grounds_of(args))


def _revive(args: argparse.Namespace) -> Done:
    return Tools(args).desk.questions.revive(args.id, grounds_of(args))


def _list(args: argparse.Namespace) -> None:
    lines = Tools(args).desk.questions.every()
    if args.json:
        print_json(lines)
        return
    for line in lines:
        retired = "  (retired)" if line.retired_at else ""
        echo(f"{line.id:>4}  {line.text}  used by {line.used_by}{retired}")
