"""``kiosk doctor``: look everything over."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from kiosk.commands.tools import Tools, add_command

if TYPE_CHECKING:
    from kiosk.administration.doctor import Check, Finding
    from kiosk.config import Settings

    Hardware = Callable[[Settings], Iterable[tuple[str, Check]]]

DESCRIPTION = """\
Looks at each part that a station stands on and says in one line how it is and what to
do: settings, smartcard service, reader and card, database, questions, keys, mail relay,
waiting notices and clock. It changes nothing, spends no try of any card and sends no mail.

The exit code is 1 when something fails, and 0 when all is well or only worth a look.
"""
EXAMPLE = """\
  runuser -u kiosk -- kiosk doctor
  kiosk doctor --json | jq '.[] | select(.condition != "ok")'
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "doctor", "look everything over and say what to do", DESCRIPTION, EXAMPLE
    )
    parser.set_defaults(run=run)
    parser.add_argument("--json", action="store_true", help="for a script")


def run(args: argparse.Namespace, hardware: Hardware | None = None) -> int:
    """Show every finding; ``hardware`` gives other checks of reader and card."""
    from kiosk.administration.doctor import Condition
    from kiosk.commands.findings import show
    from kiosk.commands.parts import say_json

    as_json, found = getattr(args, "json", False), []
    for finding in _findings(Tools(args), hardware or _hardware):
        found.append(finding)
        if not as_json:
            show(finding)
    if as_json:
        say_json(found)
    return int(any(finding.condition is Condition.FAIL for finding in found))


def _findings(tools: Tools, hardware: Hardware) -> Iterator[Finding]:
    from kiosk.administration.checks import check_example
    from kiosk.administration.doctor import examine, fail, ok
    from kiosk.commands.findings import mail_check, running_checks, store_checks
    from kiosk.config.loading import left_at_example
    from kiosk.errors import ConfigError

    try:
        settings = tools.settings
    except ConfigError as error:
        yield fail("settings", str(error), "nothing else was looked at")
        return
    yield ok("settings", str(tools.path))
    yield check_example(left_at_example(tools.path, tools.environ), tools.path)
    yield from examine(hardware(settings))
    yield from examine(store_checks(tools))
    yield from examine([mail_check(tools)])
    yield from examine(running_checks(tools))


def _hardware(settings: Settings) -> Iterable[tuple[str, Check]]:
    from kiosk.commands.hardware_checks import hardware_checks

    return hardware_checks(settings)
