"""``kiosk policy`` and ``kiosk questions``: what holders have to pass, and what they are asked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Tools, acting, grounds_of, print_json, reading
from kiosk.authority.errors import NotFound
from kiosk.authority.wording import local_time

if TYPE_CHECKING:
    from kiosk.authority.administration.policy import PolicyDesk
    from kiosk.authority.administration.views import Done, PolicyLine


_POLICY = """\
What a holder has to pass, and how often it may be got wrong. A value that is set here
counts before the one in the settings file, on every station within a minute and without a
restart. Set to the file's value, it follows the file again.
"""
_POLICY_EXAMPLE = """\
  kiosk policy list
  kiosk policy set max_failures 5 --reason "decided by the board on 3 May"
"""
_QUESTIONS = """\
Holders choose from this list when they register. One that is retired is offered to nobody
new, and those who use it keep it. Answers are kept as hashes: nobody can be shown one.
"""
_QUESTIONS_EXAMPLE = """\
  kiosk questions list
  kiosk questions add "What was the name of your first teacher?" --reason "asked for by HR"
  kiosk questions retire 7 --reason "the answer is on many a web page"
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(subparsers, "policy", "the policy", _POLICY, _POLICY_EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|set")
    reading(parts, "list", _list, "show every setting with its limits")
    acting(parts, "set", _set, "let another value count", "SETTING", "VALUE")
    parser = add_command(
        subparsers, "questions", "security questions", _QUESTIONS, _QUESTIONS_EXAMPLE
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="list|add|retire")
    reading(parts, "list", _list_questions, "show all questions")
    acting(parts, "add", _add_question, "offer another question", "QUESTION")
    retire = acting(parts, "retire", _retire_question, "offer one to nobody new")
    retire.add_argument(
        "id", type=int, metavar="NUMBER", help="as `kiosk questions list` prints it"
    )


def _set(args: argparse.Namespace) -> Done:
    desk = Tools(args).desk.policy
    line = _find(desk, args.setting)
    return desk.change(line.name, args.value, line.revision, grounds_of(args))


def _find(desk: PolicyDesk, name: str) -> PolicyLine:
    for line in desk.every():
        if line.name == name:
            return line
    raise NotFound(f"There is no policy setting {name!r}; `kiosk policy list` shows all.")


def _list(args: argparse.Namespace) -> None:
    lines = Tools(args).desk.policy.every()
    if args.json:
        print_json(lines)
        return
    for line in lines:
        by = ""
        if line.changed_at:
            when = local_time(line.changed_at)
            by = f"  set {when} by {line.changed_by}: {line.reason}; "
            by += f"{line.in_file or 'none'} in the file"
        echo(f"{line.name} = {line.value}  ({line.allowed}){by}")
        echo(f"    {line.help}")
        if line.trouble:
            echo(f"    {line.trouble}")


def _add_question(args: argparse.Namespace) -> Done:
    return Tools(args).desk.questions.add(args.question, grounds_of(args))


def _retire_question(args: argparse.Namespace) -> Done:
    return Tools(args).desk.questions.retire(args.id, grounds_of(args))


def _list_questions(args: argparse.Namespace) -> None:
    lines = Tools(args).desk.questions.every()
    if args.json:
        print_json(lines)
        return
    for line in lines:
        retired = "  (retired)" if line.retired_at else ""
        echo(f"{line.id:>4}  {line.text}  used by {line.used_by}{retired}")
