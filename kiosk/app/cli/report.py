"""``kiosk report``: counts of what was done; for a terminal, a file, or a timer that mails it."""

from __future__ import annotations

import argparse
from datetime import timedelta

from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Tools, day, how_many, print_json
from kiosk.app.composition.opening import mail_report
from kiosk.authority.administration.views import Report, Span

DESCRIPTION = """\
Counts what was unlocked, registered and refused, by day, week, site or reason of refusal,
in the machine's own days. It is written as CSV, or mailed at once as a letter; from a
systemd timer, `kiosk report --by week --days 7 --mail ra@trust.example` is Monday's post
(systemd/README.md has the timer).
"""
EXAMPLE = """\
  kiosk report --by day --days 30 > november.csv
  kiosk report --by site --first 2026-01-01 --last 2026-06-30
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(subparsers, "report", "count what was done", DESCRIPTION, EXAMPLE, run)
    parser.add_argument(
        "--by", choices=[span.value for span in Span], default="day", help="(default: day)"
    )
    parser.add_argument(
        "--days", type=how_many, default=30, help="the last so many days (default: 30)"
    )
    parser.add_argument("--first", type=day, metavar="DATE", help="from this day on")
    parser.add_argument("--last", type=day, metavar="DATE", help="(default: today)")
    ways = parser.add_mutually_exclusive_group()
    add_flag(ways, "--json", "for a script")
    ways.add_argument("--mail", metavar="ADDRESS", help="mail it instead of printing it")


def run(args: argparse.Namespace) -> None:
    """Make the report, and print or mail it; 1 where it could not be mailed."""
    tools = Tools(args)
    desk = tools.desk.reports
    from kiosk.authority.administration.files import csv_text

    last = args.last or tools.clock.now().astimezone().date()
    first = args.first or last - timedelta(days=args.days - 1)
    report = desk.make(Span(args.by), first, last)
    if args.mail:
        _mail(tools, args.mail, report)
    elif args.json:
        print_json(report)
    else:
        echo(csv_text(report.columns, report.rows), end="")


def _mail(tools: Tools, to: str, report: Report) -> None:
    """Send it; raises ``MailError``."""
    mail_report(tools.settings, tools.environ, to, report)
    echo(f"mailed to {to}")
