"""``kiosk policy`` and ``kiosk questions``: what holders have to pass, and what they are asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_flag
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Parts, Tools, on_desk
from kiosk.authority.errors import NotFound, NotTaken
from kiosk.authority.refusals import StopsManyCards
from kiosk.authority.wording import local_time

if TYPE_CHECKING:
    import argparse

    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.views import Done, Grounds, PolicyLine, QuestionLine


_POLICY = """\
What a holder has to pass, and how often it may be got wrong. A value that is set here
counts before the one in the settings file, on every station within a minute and without a
restart. Set to the file's value, it follows the file again.
"""
_POLICY_EXAMPLE = """\
  kiosk policy list
  kiosk policy explain "saved-code, email-code or questions, email-code"
  kiosk policy set max_failures 5 --reason "decided by the board on 3 May"
"""
_QUESTIONS = """\
Holders choose from this list when they register. One that is retired is offered to nobody
new, and those who use it keep it. Where a language has no text for one, it is asked in
English. Answers are kept as hashes: nobody can be shown one.
"""
_NUMBER = "as `kiosk questions list` prints it"
_QUESTIONS_EXAMPLE = """\
  kiosk questions list
  kiosk questions add "What was the name of your first teacher?" --reason "asked for by HR"
  kiosk questions translate 3 cy "Beth oedd enw eich siop losin?" --reason "by a speaker"
  kiosk questions retire 7 --reason "the answer is on many a web page"
"""


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "policy", "the policy", _POLICY, _POLICY_EXAMPLE)
    text = "show every setting with its limits"
    parts.showing("list", lambda desk, _: desk.policy.every(), _print_policy, text)
    change = parts.acting("set", on_desk(_set), "let another value count", "SETTING", "VALUE")
    add_flag(change, "--dry-run", "check the value, say how many cards it stops, and set nothing")
    add_flag(change, "--sure", "also where it stops more than 5 %% of the recorded cards")
    text = "say what a value of verification would mean, and set nothing"
    explain = parts.add("explain", _explain, text)
    explain.add_argument("value", metavar="VALUE", nargs="?", help="without: the present one")
    parts = Parts(subparsers, "questions", "security questions", _QUESTIONS, _QUESTIONS_EXAMPLE)
    text = "show all questions"
    parts.showing("list", lambda desk, _: desk.questions.every(), _print_questions, text)
    add = on_desk(lambda desk, args, why: desk.questions.add(args.question, why))
    parts.acting("add", add, "offer another question", "QUESTION")
    words = on_desk(
        lambda desk, args, why: desk.questions.translate(args.id, args.language, args.text, why)
    )
    said = parts.acting("translate", words, "ask one in a language by a text of its own")
    said.add_argument("id", type=int, metavar="NUMBER", help=_NUMBER)
    said.add_argument("language", metavar="LANGUAGE")
    said.add_argument("text", metavar="QUESTION", help="empty: as in English again")
    retire = on_desk(lambda desk, args, why: desk.questions.retire(args.id, why))
    parts.acting("retire", retire, "offer one to nobody new").add_argument(
        "id", type=int, metavar="NUMBER", help=_NUMBER
    )


def _set(desk: AdminDesk, args: argparse.Namespace, why: Grounds) -> Done | None:
    for line in desk.policy.every():
        if line.name != args.setting:
            continue
        if args.dry_run:
            _try(desk, line.name, args.value)
            return None
        from screens.words.staff.refusals import would_stop

        try:
            return desk.policy.change(line.name, args.value, line.revision, why, sure=args.sure)
        except NotTaken as refused:
            many = refused.because
            if not isinstance(many, StopsManyCards):
                raise
            text = f"{would_stop(many.stopped, many.cards)} If you mean it, add --sure."
            raise NotTaken("value", text) from None
    raise NotFound(f"There is no policy setting {args.setting!r}; `kiosk policy list` shows all.")


def _explain(args: argparse.Namespace) -> None:
    from kiosk.authority.administration.policy import VERIFICATION, ways_of
    from kiosk.authority.refusals import ValueUnfit
    from screens.words.staff.ways import BY_TEXT, WEAKEST, ways_lines

    tools = Tools(args)
    desk = tools.desk.policy
    line = next(each for each in desk.every() if each.name == VERIFICATION)
    value = line.value if args.value is None else args.value
    if problem := desk.problem(VERIFICATION, value):
        raise NotTaken("value", ValueUnfit(problem))
    for sentence in ways_lines(ways_of(value)):
        is_head = sentence.endswith(":") or sentence == WEAKEST
        echo(sentence if is_head else f"    {sentence}")
    if tools.settings.texts.service != "none":
        echo(BY_TEXT)


def _try(desk: AdminDesk, name: str, value: str) -> None:
    from kiosk.authority.administration.policy import STOP_CARDS
    from screens.words.staff.refusals import would_stop

    if problem := desk.policy.problem(name, value):
        raise NotTaken("value", problem)
    found = ""
    if name == STOP_CARDS:
        count = desk.policy.stops(value)
        found = f": {would_stop(count.stopped, count.cards)}"
    echo(f"dry run: nothing was set{found}")


def _print_policy(lines: Iterable[PolicyLine]) -> None:
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


def _print_questions(lines: Iterable[QuestionLine]) -> None:
    for line in lines:
        retired = "  (retired)" if line.retired_at else ""
        echo(f"{line.id:>4}  {line.text}  used by {line.used_by}{retired}")
        for language, text in sorted(line.others.items()):
            echo(f"      {language}: {text}")
