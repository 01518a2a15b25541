"""``kiosk setup``: what remains to be done on a machine after its package is installed."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk import HAS_AUTHORITY
from kiosk.app.cli.help import Commands, Run, add_config, add_flag
from kiosk.app.cli.printing import ask, complain, echo
from kiosk.app.setup import station
from kiosk.app.setup.steps import (
    carry_out,
    require_account,
    require_root,
    systemctl,
    take_back,
    unencrypted_disk,
)
from kiosk.config.example import with_values
from kiosk.config.kinds import InvalidValue, Words
from kiosk.config.loading import (
    EXAMPLES,
    STATION_ACCOUNT,
    STATION_SETTINGS,
    STATION_STATE,
    SYSTEM_SETTINGS,
    left_at_example,
    state_directory,
)
from kiosk.config.settings import SECTIONS
from kiosk.contract.errors import ConfigError
from kiosk.contract.findings import Condition, examine
from kiosk.system import child

if TYPE_CHECKING:
    from kiosk.app.cli.tools import Tools
    from kiosk.config.settings import About

DESCRIPTION = """\
Does what is left to do on a machine after its package is installed, and says each thing that it
does. What is done already is left alone, so it is safe to repeat.
"""
_STATION = """\
As root, makes this machine show the station: its settings, the ways out that the machine itself
has (log-in, Ctrl-Alt-Del, Sleep key, SysRq), and its units, which it starts. The display is a
Wayland compositor (cage) with a terminal (foot), or the bare console of Linux, without touch and
with sixteen colours, where --display says so; that is kept until it says otherwise. In an estate,
--enrol gives it a certificate of the authority's (see `kiosk enrol`), and the unit is let out to
the authority's addresses alone.
"""
_AUTHORITY = """\
Makes what an authority needs and has not got yet: a settings file with every setting explained,
the database with its schema, fresh keys, and a list of twenty security questions. Then it looks all
of it over. After an update of the program it brings the schema up to date.

As root, and with the settings of the machine, it makes them for the account of the service, lets
staff log in where there is an SSH server, and starts the unit.

Other settings (--config) alone make no second authority: database, keys and the folders of imports
and exports are the service's in /var/lib/kiosk, unless $STATE_DIRECTORY, or the settings, name
another place. Give $STATE_DIRECTORY to each later command as well.
"""
_EXAMPLES = {
    "station": """\
example:
  kiosk setup station --set service.trust="Wexbridge Hospitals Trust" --dry-run
  kiosk setup station --enrol "authority.example:8444 7QKX-3M2P-..."
""",
    "authority": """\
example:
  kiosk setup authority --set mail.host=relay.wexbridge.example
  STATE_DIRECTORY=./state kiosk setup authority --config ./kiosk.toml
""",
}
_NEVER_ASKED_OF_A_STATION = ("station", "mail", "policy")
_ASKED_WITH_A_RELAY = tuple(
    ("mail", name) for name in ("port", "security", "ca_file", "credential")
)

_BEFORE = """\
Nothing is written before the last answer: Ctrl+C leaves everything as it is, and a wrong
answer can be put right afterwards in {path}.
"""
_MERGE = """\
A session of staff takes about 17 MiB in place of 25 where the kernel merges equal pages (KSM). Then
another program that also requests this could find out what others have in memory: answer no where
such programs run, as on a host of virtual machines.
Merge equal pages, yes or no (Enter alone: no): """


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("setup", help="set up this machine", description=DESCRIPTION)
    parts = parser.add_subparsers(dest="part", required=True)
    part = _add_part(parts, "station", _run_station, "a station", _STATION)
    text = "enrol by the line that `kiosk stations enrol` printed"
    part.add_argument("--enrol", metavar="LINE", help=text)
    text = "what shows the station (default: as it was set up, compositor at first)"
    part.add_argument("--display", choices=["compositor", "console"], help=text)
    if HAS_AUTHORITY:
        part = _add_part(parts, "authority", _run_authority, "an authority", _AUTHORITY)
        add_config(part)
        text = "seal the key file to this machine (TPM where there is one), once it is copied"
        add_flag(part, "--seal-keys", text)
        text = "make an empty database for keys that are there, where none is to be restored"
        add_flag(part, "--new-database", text)
        text = (
            "whether the kernel merges equal pages of staff's sessions; leave it off where other "
            "programs request that, such as virtual machines (default: as it was set up, off at "
            "first)"
        )
        part.add_argument("--ksm", choices=["on", "off"], help=text)


def _add_part(
    parts: Commands, name: str, run: Run, what: str, description: str
) -> argparse.ArgumentParser:
    text = f"make this machine {what}"
    part = parts.add_parser(name, help=text, description=description, epilog=_EXAMPLES[name])
    part.set_defaults(run=run)
    part.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="SECTION.NAME=VALUE",
        help="a setting to write into the settings file, a list with commas; may be repeated",
    )
    add_flag(part, "--dry-run", "only say what would be done")
    add_flag(part, "--undo", "undo it; settings, keys and database stay")
    return part


def _setting(text: str) -> tuple[tuple[str, str], str]:
    names, equals, value = text.partition("=")
    section, _, name = names.partition(".")
    if not (equals and section and name):
        raise argparse.ArgumentTypeError(f"{text!r} is not SECTION.NAME=VALUE")
    return (section, name), value


def _answers(
    args: argparse.Namespace, path: Path, known: Iterable[tuple[str, str]] = ()
) -> dict[tuple[str, str], str]:
    """Return the values of ``--set``, and ask for others that are still the example's."""
    given, answers = dict(args.set), dict[tuple[str, str], str]()
    with_values("", given)  # errors are reported before any question
    if args.undo or args.dry_run or not sys.stdin.isatty():
        return given
    never = _NEVER_ASKED_OF_A_STATION if args.part == "station" else ()
    wanted = {name: names for name, names in EXAMPLES.items() if name not in never}
    if "mail" in wanted:
        wanted["mail"] = ("host", *wanted["mail"])
    left = left_at_example(path, {}, wanted) if path.exists() else None
    asked = False
    for section, names in wanted.items():
        for about in SECTIONS[section].settings:
            key, named = (section, about.name), f"{about.name} in [{section}]"
            is_left = about.name in names and (left is None or named in left)
            of_the_relay = key in _ASKED_WITH_A_RELAY and ("mail", "host") in answers
            if key in {*given, *known} or not (is_left or of_the_relay):
                continue
            if not asked:
                complain(_BEFORE.format(path=path))
                asked = True
            if answer := _answer(about, named):
                answers[key] = answer
    return given | answers


def _answer(about: About, named: str) -> str:
    """Ask until the setting accepts the answer; an empty answer keeps its value."""
    default = ", ".join(about.default) if isinstance(about.default, tuple) else about.default
    every = about.kind.every if isinstance(about.kind, Words) else ""
    also = f"; *: {every}" if every else ""
    while answer := ask(f"{about.help}\n{named} (Enter alone: {default or 'none'}{also}): "):
        try:
            about.kind.read(answer)
        except InvalidValue as unfit:
            quoted = f"{answer!r} " if unfit.quotes else ""
            complain(f"{quoted}{unfit}; allowed: {about.kind.allowed}")
        else:
            return answer
    return ""


def _merges(ksm: str | None, *, asks: bool) -> bool:
    """Return whether the kernel is to merge equal pages: as --ksm says, as it is, or as answered.

    Raises ``ConfigError`` for ``on`` where that is not possible, or somebody else has set KSM.
    """
    from kiosk.app.setup import authority

    if ksm != "off" and authority.merging().is_done():
        return True
    if ksm == "off" or not (ksm or asks):
        return False
    hindrance = authority.why_not_merge()
    if ksm and hindrance:
        raise ConfigError(f"--ksm on: {hindrance}")
    answer = "yes" if ksm else "no" if hindrance else ask(_MERGE)
    while answer not in ("", "no", "yes"):
        answer = ask(_MERGE)
    return answer == "yes"


def _run_station(args: argparse.Namespace) -> None:
    from kiosk.app.cli.station_checks import CANNOT_LOOK_UP, LOOKED_UP, NO_AUTHORITY

    require_root()
    if not args.undo:
        require_account(STATION_ACCOUNT, "unlock-kiosk-station")
    chosen = args.display or station.present_display() or station.DisplayKind.COMPOSITOR
    kind = station.DisplayKind(chosen)
    if not args.undo:
        station.require_graphics(kind)
    is_new = not (args.undo or STATION_SETTINGS.exists())
    values = _answers(args, STATION_SETTINGS, station.shared_values() if is_new else ())
    steps = station.station_steps(values, args.enrol, kind, undo=args.undo, dry_run=args.dry_run)
    if args.undo:
        take_back(list(steps), dry_run=args.dry_run)
        return
    carry_out(steps, dry_run=args.dry_run)
    if not args.dry_run:
        addresses = station.named_addresses()
        if not (HAS_AUTHORITY or addresses):
            echo(f"warning       enrolment   {NO_AUTHORITY}")
        for name in station.not_looked_up(addresses):
            echo(f"warning       network     {CANNOT_LOOK_UP.format(name=name)}: {LOOKED_UP}")
    if device := unencrypted_disk(STATION_STATE):
        echo(f"warning       disk        {device} is not encrypted: a thief can read what is on it")
    if not station.limits_usb():
        echo(
            "warning       usb         whatever is plugged in is used: install usbguard, and repeat"
        )


def _run_authority(args: argparse.Namespace) -> int:
    """Return 1 where the database, the questions or the keys are not in order."""
    from kiosk.app.cli.tools import Tools
    from kiosk.app.setup import authority

    tools = Tools(args)
    if on_machine := authority.is_the_machines(tools.path):
        require_account(authority.ACCOUNT, "unlock-kiosk-authority")
    if args.undo:
        steps = authority.machine_steps(merges=False, undo=True) if on_machine else ()
        take_back(list(steps), dry_run=args.dry_run)
        return 0
    merges = False
    if on_machine:
        merges = _merges(args.ksm, asks=sys.stdin.isatty() and not args.dry_run)
    elif args.ksm:
        raise ConfigError(
            "--ksm is for the machine's own service: run it as root, without --config"
        )
    values = _answers(args, tools.path)
    step = authority.write_settings(tools.path, values)
    changes_settings = not step.is_done()
    # Root has already reported what it calls as the account.
    if on_machine or tools.path != SYSTEM_SETTINGS or changes_settings:
        carry_out([step], dry_run=args.dry_run)
    if not tools.path.exists():
        echo("would make    database, keys and questions as the settings say")
        code = 0
    elif on_machine:
        code = _as_account(authority.ACCOUNT, tools.path, args)
        # After the findings, which name a setting that ends what is restarted.
        if changes_settings and not args.dry_run:
            systemctl("try-restart", *authority.READERS)
        elif args.seal_keys and code == 0 and not args.dry_run:
            systemctl("try-restart", "kiosk-authority.service")
    else:
        steps = authority.store_steps(tools, seals=args.seal_keys, new_database=args.new_database)
        carry_out(steps, dry_run=args.dry_run)
        code = 0 if args.dry_run else _look(Tools(args))
    if on_machine and code == 0:
        carry_out(authority.machine_steps(merges=merges, undo=False), dry_run=args.dry_run)
        if device := unencrypted_disk(state_directory(os.environ, tools.path)):
            echo(f"warning       disk        {device} is not encrypted: a thief can read the keys")
    return code


def _as_account(account: str, path: Path, args: argparse.Namespace) -> int:
    """Run this program as the account for the files that it owns: root would make them its own."""
    sys.stdout.flush()
    entry = pwd.getpwnam(account)
    # libpq, for one, reads the home folder, and root's is closed to the account.
    its_own = {"HOME": entry.pw_dir, "USER": account, "LOGNAME": account}
    command = child.this_program("setup", "authority", "--config", str(path))
    flags = "dry_run", "seal_keys", "new_database"
    given = [f"--{flag.replace('_', '-')}" for flag in flags if getattr(args, flag)]
    return child.show(*command, *given, environ=os.environ | its_own, account=account)


def _look(tools: Tools) -> int:
    from kiosk.app.cli import doctor

    failed = False
    for finding in examine(doctor.store_checks(tools)):
        doctor.show(finding)
        failed = failed or finding.condition is Condition.FAIL
    staff = [doctor.staff_check(tools)] if tools.settings.store.staff_url else []
    later = doctor.text_checks(tools), doctor.collector_checks(tools), doctor.network_checks(tools)
    for finding in examine(chain(staff, [doctor.mail_check(tools)], *later)):
        doctor.show(finding)  # and no more: these may be put right later
    return int(failed)
