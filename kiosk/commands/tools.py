"""What every command opens first: settings, store, keys and mailer, each when it is wanted."""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.clock import SystemClock
from kiosk.commands.printing import complain, say
from kiosk.composition.opening import (
    open_keys,
    open_known_keys,
    open_mailer,
    open_sealer,
    open_store,
    open_token,
)
from kiosk.config.files import credential_file, settings_path

__all__ = ["Run", "Tools", "add_command", "add_config", "complain", "say"]

if TYPE_CHECKING:
    from kiosk.administration.desk import AdminDesk
    from kiosk.administration.master_keys import MasterKeys
    from kiosk.config import Settings
    from kiosk.ports import Mailer
    from kiosk.secrets.keys import KeyRing
    from kiosk.secrets.sealing import Sealer
    from kiosk.store.database import Store


Run = Callable[[argparse.Namespace], int]
"""Runs a command or a part of one; returns the exit code."""

_LONGEST_ACCOUNT = 64
"""Characters of an account's name that the audit keeps."""


def add_command(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_line: str,
    description: str,
    example: str,
) -> argparse.ArgumentParser:
    """Add a command with a help worth reading: what it does, and an example."""
    parser = subparsers.add_parser(
        name,
        help=help_line,
        description=description,
        epilog=f"example:\n{example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the settings file; it may stand before or behind a part."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="settings (default: $KIOSK_SETTINGS, or /etc/kiosk/kiosk.toml)",
    )


class Tools:
    """Opens what a command needs, once; every part may raise ``ConfigError``."""

    def __init__(self, args: argparse.Namespace, environ: Mapping[str, str] | None = None) -> None:
        self.environ = os.environ if environ is None else environ
        self.path = settings_path(getattr(args, "config", None), self.environ)
        self.clock = SystemClock()

    @cached_property
    def settings(self) -> Settings:
        """The settings; where there is no file, the error says how to make one."""
        from kiosk.config import load_settings

        return load_settings(self.path, self.environ)

    @cached_property
    def store(self) -> Store:
        """The store; nothing is opened before it is used."""
        return open_store(self.settings, self.clock, self.environ)

    @cached_property
    def store_file(self) -> Path | None:
        """The database's file; None where it is a server."""
        from kiosk.store.engine import parse_url

        url = parse_url(self.settings.store.url)
        return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None

    @property
    def key_file(self) -> Path:
        """Where the keys are."""
        return credential_file(self.settings.keys.file, self.environ)

    def ring(self) -> KeyRing:
        """Read the keys."""
        return open_keys(self.settings, self.environ)

    def sealer(self) -> Sealer:
        """Make the sealer of these keys, and of the token where the settings name one."""
        ring = open_known_keys(self.settings, self.environ, self.store)
        return open_sealer(self.settings, self.environ, ring)

    @cached_property
    def masters(self) -> MasterKeys:
        """The master keys; nothing is opened before it is used."""
        from kiosk.administration.master_keys import MasterKeys

        return MasterKeys(self.key_file, open_token(self.settings, self.environ), self.store)

    def mailer(self) -> Mailer:
        """Make the mailer; reads certificates and credential."""
        return open_mailer(self.settings, self.environ)

    @cached_property
    def desk(self) -> AdminDesk:
        """The desk of whoever runs the command: they hold the machine, so they may do all."""
        from kiosk.administration.views.acting import Actor
        from kiosk.composition.desk import build_desk
        from kiosk.roles import Role

        who = Actor(self.actor(), Role.MANAGER)
        return build_desk(self.settings, self.environ, self.store, self.clock, who)

    def actor(self) -> str:
        """Say who runs the command, for the audit."""
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container's user may have no name
            user = str(os.getuid())
        behind = self.environ.get("SUDO_USER", "")[:_LONGEST_ACCOUNT]
        return f"command line: {user}" + (
            f" (sudo: {behind})" if behind and behind.isprintable() else ""
        )
