"""``kiosk backup``: a copy of the database file while it is in use."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiosk.app.cli.help import Commands, add_command
from kiosk.app.cli.printing import echo, progress_line
from kiosk.app.cli.tools import Tools
from kiosk.config.loading import require_own_folder
from kiosk.contract.errors import ConfigError

DESCRIPTION = """\
Copies the database into a new file that only its owner may read, as it is at one moment, and
checks the copy. Stations go on working. On PostgreSQL use pg_basebackup: see docs/estate.md.

The copy holds no key: without the key file nobody can use it, nor can you. Keep a copy of the
key file, or of the token that has the master keys, in another place (`kiosk keys backed-up`),
and the settings and the anchors of the audit beside the backup.
"""
EXAMPLE = "  kiosk backup /mnt/elsewhere/kiosk-20261126.db\n"


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "backup", "copy the database while it is in use", DESCRIPTION, EXAMPLE, run
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a new file")


def run(args: argparse.Namespace) -> None:
    from kiosk.authority.administration.backup import back_up
    from kiosk.authority.audit.anchors import AnchorSigner

    tools, target = Tools(args), args.file
    source = tools.store_file
    if source is None:
        raise ConfigError(
            "this database is a server's: back it up with pgBackRest or pg_basebackup"
        )
    require_own_folder(target.parent)
    if target.exists():
        raise ConfigError(
            f"{target}: there is such a file, and a backup overwrites none: give another name; a "
            "backup has its name only once it is whole and checked"
        )
    with progress_line("copying") as progress:
        back_up(tools.store, AnchorSigner(tools.ring()), source, target, tools.actor(), progress)
    echo(f"{target}: {target.stat().st_size // 1024} KiB, checked")
    echo(f"not in it: the keys ({tools.key_file}) and the settings ({tools.path}); keep copies")
