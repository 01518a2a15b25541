"""What commands open first: settings, store, keys and mailer, each when it is needed."""

from __future__ import annotations

import argparse
import math
import os
import pwd
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kiosk.app.cli.help import Commands, Run, add_command, add_config, add_flag
from kiosk.app.cli.printing import as_json, echo
from kiosk.app.composition import opening
from kiosk.config.loading import credential_file, load_settings, settings_path
from kiosk.config.settings import Settings
from kiosk.contract.families import DEFAULT
from kiosk.contract.messages import CardId
from kiosk.contract.ports import SystemClock

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.keys import MasterKeys
    from kiosk.authority.administration.views import Done, Grounds
    from kiosk.authority.audit.anchors import AnchorSigner
    from kiosk.authority.crypto.keys import KeyRing
    from kiosk.authority.crypto.sealing import Sealer
    from kiosk.authority.mail.compose import Mailer
    from kiosk.authority.store.database import Store

    Act = Callable[[argparse.Namespace], Done | None]
    Shown = TypeVar("Shown", bound=Iterable[DataclassInstance] | DataclassInstance)


_LONGEST_ACCOUNT = 64
"""Characters of an account's name in the audit."""


class Tools:
    """Opens what a command needs, once; every part may raise ``ConfigError``."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.environ: Mapping[str, str] = os.environ
        self.path = settings_path(args.config, self.environ)
        self.clock = SystemClock()

    @cached_property
    def settings(self) -> Settings:
        return load_settings(self.path, self.environ)

    @cached_property
    def store(self) -> Store:
        return opening.open_store(self.settings, self.clock, self.environ)

    @cached_property
    def staff_store(self) -> Store:
        """The same with the account of staff, for tables that only they may change."""
        if not self.settings.store.staff_url:
            return self.store
        return opening.open_store(self.settings, self.clock, self.environ, staff=True)

    @cached_property
    def store_file(self) -> Path | None:
        """The database's file; None where it is a server."""
        from kiosk.authority.store.engine import parse_url

        url = parse_url(self.settings.store.url)
        return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None

    @property
    def key_file(self) -> Path:
        return credential_file(self.settings.keys.file, self.environ)

    def ring(self) -> KeyRing:
        """Load the keys, which learn of one that another command adds while this one runs."""
        load = partial(opening.open_keys, self.settings, self.environ)
        return load().rereading(load, self.clock.monotonic)

    def sealer(self) -> Sealer:
        ring = opening.open_known_keys(self.settings, self.environ, self.store)
        return opening.open_sealer(self.settings, self.environ, ring)

    @cached_property
    def masters(self) -> MasterKeys:
        from kiosk.authority.administration.keys import MasterKeys

        token = opening.open_token(self.settings, self.environ)
        return MasterKeys(self.key_file, token, self.store)

    def signer(self) -> AnchorSigner:
        from kiosk.authority.audit.anchors import AnchorSigner

        return AnchorSigner(self.ring())

    def mailer(self) -> AbstractContextManager[Mailer]:
        return closing(opening.open_mailer(self.settings, self.environ))

    @cached_property
    def desk(self) -> AdminDesk:
        """The desk of the command's user: they control the machine, so they may do everything."""
        settings = self.settings  # before imports that take most of a second
        from kiosk.authority.administration.views import Actor
        from kiosk.authority.roles import Role

        who = Actor(self.actor(), Role.MANAGER)
        return opening.open_desk(settings, self.environ, self.staff_store, self.clock, who)

    def actor(self) -> str:
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container's user may have no name
            user = str(os.getuid())
        behind = self.environ.get("SUDO_USER", "")[:_LONGEST_ACCOUNT]
        sudo = f" (sudo: {behind})" if behind and behind.isprintable() else ""
        return f"command line: {user}{sudo}"


def on_desk(act: Callable[[AdminDesk, argparse.Namespace, Grounds], Done | None]) -> Act:
    """Return what a part does by a call of the desk."""
    return lambda args: act(Tools(args).desk, args, grounds_of(args))


class Parts:
    """The parts of a command, as ``search`` of ``kiosk people``."""

    def __init__(
        self, commands: Commands, name: str, help_line: str, description: str, example: str
    ) -> None:
        parser = add_command(commands, name, help_line, description, example, run=None)
        self._parts = parser.add_subparsers(dest="part", required=True)

    def add(self, name: str, run: Run, text: str) -> argparse.ArgumentParser:
        part = self._parts.add_parser(name, help=text)
        part.set_defaults(run=run)
        add_config(part)
        return part

    def reading(self, name: str, run: Run, text: str) -> argparse.ArgumentParser:
        """Add a part that shows something, for people or with ``--json`` for a script."""
        part = self.add(name, run, text)
        add_flag(part, "--json", "for a script")
        return part

    def showing(
        self,
        name: str,
        find: Callable[[AdminDesk, argparse.Namespace], Shown],
        show: Callable[[Shown], None],
        text: str,
        says: Callable[[Shown], object] | None = None,
    ) -> argparse.ArgumentParser:
        """Add a part that prints what ``find`` returns: by ``show`` for people, or as JSON.

        ``says`` returns what is found with its facts in words, for the JSON.
        """

        @wraps(show)
        def run(args: argparse.Namespace) -> None:
            found = find(Tools(args).desk, args)
            if not args.json:
                show(found)
            elif says is not None:
                echo(as_json(says(found)))
            else:
                print_json(found)

        return self.reading(name, run, text)

    def acting(
        self, name: str, act: Act, text: str, *about: str, identifies: bool = False
    ) -> argparse.ArgumentParser:
        """Add a part that changes what ``about`` names: it needs a reason, for the audit.

        What ``act`` returns is printed, in a part with ``--json`` as that; None: it printed that.
        """

        @wraps(act)
        def run(args: argparse.Namespace) -> None:
            done = act(args)
            if done is not None and "json" in args and args.json:
                print_done_as_json(done)
            elif done is not None:
                print_result(done)

        part = self.add(name, run, text)
        part.add_argument("--reason", required=True, help="why; it is kept with the audit")
        if identifies:
            text = "how the person was identified"
            part.add_argument("--identified-by", required=True, metavar="HOW", help=text)
        for argument in about:
            part.add_argument(argument.lower(), metavar=argument)
        return part


def add_card(part: argparse.ArgumentParser) -> None:
    """Add the arguments that name a card, for ``card_of``."""
    part.add_argument("identifier", metavar="IDENTIFIER", nargs="+")
    part.add_argument("--driver", default=DEFAULT, help=f"card family (default: {DEFAULT})")


def card_of(args: argparse.Namespace) -> CardId:
    from kiosk.authority.administration.fields import split_card

    family, identifier = split_card(" ".join(args.identifier))
    return CardId(family or args.driver, identifier)


def grounds_of(args: argparse.Namespace) -> Grounds:
    from kiosk.authority.administration.views import Grounds

    return Grounds(args.reason, getattr(args, "identified_by", "") or "")


def print_result(done: Done) -> None:
    made = done.let_in
    if made is None:
        echo(f"{_deed_words(done)} (reference {done.reference})")
        return
    until = f"{made.expires_at.astimezone():%H:%M}"
    echo(f"At {made.station}, as root, until {until}, once (reference {made.reference}):")
    echo()
    echo(f'kiosk setup station --enrol "{made.line.reveal()}"')


def _deed_words(done: Done) -> str:
    from screens.words.staff.deeds import deed_words

    return deed_words(done.deed)


def print_done_as_json(done: Done) -> None:
    found = {"sentence": _deed_words(done), "reference": done.reference, "waits": done.waits}
    if (made := done.let_in) is not None:
        found |= {"station": made.station, "line": made.line.reveal()}
        found |= {"expires_at": made.expires_at}
    echo(as_json(found))


def print_json(lines: Iterable[DataclassInstance] | DataclassInstance) -> None:
    """Print the result as JSON; times are ISO 8601, UTC."""
    found = asdict(lines) if is_dataclass(lines) else [asdict(line) for line in lines]
    echo(as_json(found))


# Types of arguments.


def file_path(text: str) -> Path:
    if not text:  # a variable of a shell that is not set, perhaps: Path("") is the folder "."
        raise argparse.ArgumentTypeError("the name of the file is empty")
    return Path(text)


_MANY = 99_999


def how_many(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(_MANY)) and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MANY}")


def seconds(text: str) -> float:
    with suppress(ValueError):
        if not math.isnan(read := float(text)):
            return read
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")


def row_number(text: str) -> int:
    from kiosk.authority.audit.rows import read_row_name

    row = read_row_name(text)
    if row is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a row")
    return row


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-11-01") from None


def moment(text: str) -> datetime:
    """Parse a day or a time, in this machine's zone unless it names one."""
    try:
        read = datetime.fromisoformat(text)
        return read if read.tzinfo else read.astimezone()
    except (ValueError, OverflowError):  # the latter at the calendar's ends
        like = "2026-11-01 or 2026-11-01T09:30"
        raise argparse.ArgumentTypeError(f"{text!r} is no day or moment like {like}") from None


def ending(text: str) -> datetime:
    """Parse the same, where a day alone counts to its end."""
    with suppress(ValueError, OverflowError):  # the latter at the calendar's last day
        return moment((date.fromisoformat(text) + timedelta(days=1)).isoformat())
    return moment(text)
