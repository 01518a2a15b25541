"""``kiosk doctor``: look everything over."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from kiosk.commands.tools import Tools, add_command

if TYPE_CHECKING:
    from kiosk.administration.doctor import Check
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
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    add_command(
        subparsers, "doctor", "look everything over and say what to do", DESCRIPTION, EXAMPLE
    )


def run(args: argparse.Namespace, hardware: Hardware | None = None) -> int:
    """Show every finding; ``hardware`` gives other checks of reader and card."""
    from kiosk.administration.doctor import Condition, examine, fail, ok
    from kiosk.commands.findings import mail_check, running_checks, show, store_checks
    from kiosk.errors import ConfigError

    tools = Tools(args)
    try:
        settings = tools.settings
    except ConfigError as error:
        show(fail("settings", str(error), "nothing else was looked at"))
        return 1
    show(ok("settings", str(tools.path)))
    checks = [
        *(hardware or _hardware)(settings),
        *store_checks(tools),
        mail_check(tools),
        *running_checks(tools),
    ]
    failed = False
    for finding in examine(checks):
        show(finding)
        failed = failed or finding.condition is Condition.FAIL
    return int(failed)


def _hardware(settings: Settings) -> Iterable[tuple[str, Check]]:
    from kiosk.commands.hardware_checks import hardware_checks

    return hardware_checks(settings)
