"""``kiosk restore``: put a backup in the place of the database."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC
from pathlib import Path

from kiosk.app.cli.printing import ProgressLine, complain, echo
from kiosk.app.cli.tools import Tools, add_command
from kiosk.contract.errors import AuditNotIntact, ConfigError, StoreError

DESCRIPTION = """\
Puts a backup in the place of the database file, while no station, authority or session of
staff runs. The backup is checked first: the file, its keys, its audit, its records. The file
that is there is kept under another name, and only replaced with --replace.

What happened after the backup is lost. So all visits end, codes and changes of address that
wait are withdrawn, proposals expire, and the audit says where it has a gap. Anchors that were
kept elsewhere show how much was lost. Cards that were given another unblock secret meanwhile
still open. Blocks, retired stations, revoked cards and removed staff of after the backup have to
be done again: see docs/estate.md.

On PostgreSQL restore with the server's own tools, and then run `kiosk restore --server`.
"""
EXAMPLE = """\
  kiosk restore /mnt/elsewhere/kiosk-20261126.db --anchors /mnt/elsewhere/anchors
  kiosk restore --server
"""
_WHOSE = "end every station, authority and session of staff first"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = add_command(
        subparsers, "restore", "put a backup in the place of the database", DESCRIPTION, EXAMPLE
    )
    parser.add_argument("file", type=Path, metavar="FILE", nargs="?", help="what backup made")
    parser.add_argument("--replace", action="store_true", help="put the file aside that is there")
    parser.add_argument(
        "--server", action="store_true", help="the server was restored: do what remains"
    )
    parser.add_argument(
        "--anchors", type=Path, metavar="FILE", help="anchors of the audit that were kept elsewhere"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Restore; 1 where the backup is not what it should be."""
    tools = Tools(args)
    if args.server == (args.file is not None):
        raise ConfigError("name a FILE for a database file, or --server for PostgreSQL")
    target = tools.store_file
    if args.server != (target is None):
        where = "a file" if args.server else "a server; restore with its own tools"
        raise ConfigError(f"the database of these settings is {where}")
    return _conclude(args, tools, {}) if target is None else _restore_file(args, tools, target)


def _restore_file(args: argparse.Namespace, tools: Tools, target: Path) -> int:
    from kiosk.app.composition.opening import open_store
    from kiosk.authority.administration.backup import give_to_owner_of
    from kiosk.authority.store.sqlite_file import copy_file, held_alone, last_rows

    if target.exists() and not args.replace:
        raise ConfigError(f"{target} is there; --replace puts it aside under another name")
    aside = _aside(target, tools)
    work = target.with_name(f".{target.name}.restoring")
    for left in (work, *_beside(work)):
        left.unlink(missing_ok=True)
    with held_alone(target, _WHOSE) if target.exists() else nullcontext() as held:
        try:
            there = last_rows(held) if held else {}
        except StoreError as error:  # a backup is there for that, too
            complain(f"{target}: {error}; give --anchors with all that were kept elsewhere")
            there = {}
        with ProgressLine("copying") as progress:
            copy_file(args.file, work, progress)
        settings = replace(
            tools.settings, store=replace(tools.settings.store, url=f"sqlite:///{work}")
        )
        restored = Tools(args)
        restored.settings = settings
        restored.store = open_store(settings, tools.clock, tools.environ)
        try:
            restored.store.migrate()
            code = _conclude(args, restored, there)
            restored.store.close()
        except BaseException:
            restored.store.close()
            for left in (work, *_beside(work)):
                left.unlink(missing_ok=True)
            raise
        if code == 0:
            give_to_owner_of(target.parent, work)
            if target.exists():
                os.link(target, aside)  # there is a database at each moment
                echo(f"the file that was there is {aside}")
            work.replace(target)
            echo(f"{target} is restored from {args.file}")
        else:
            work.unlink()
    return code


def _conclude(args: argparse.Namespace, tools: Tools, there: Mapping[int, int]) -> int:
    """Verify what was restored, and end what was under way in it; 1 where it does not fit.

    ``there`` is the last row by chain of the database that gives way to it.
    """
    from kiosk.authority.administration.backup import conclude_restore, verify_copy
    from kiosk.authority.administration.verification import read_anchors, sweep
    from kiosk.authority.audit_rows import row_name
    from kiosk.authority.crypto.anchors import AnchorSigner
    from kiosk.authority.crypto.keys import claim

    ring = tools.ring()
    claim(tools.store, ring)
    signer = AnchorSigner(ring)
    elsewhere = read_anchors(args.anchors) if args.anchors else ()
    try:
        with ProgressLine("verifying") as progress:
            lost = verify_copy(tools.store, signer, elsewhere, there, progress)
    except AuditNotIntact as broken:
        complain(f"{broken}; this backup is not restored")
        return 1
    altered = sweep(tools.store).altered
    if altered:
        complain(f"{len(altered)} records were altered outside of the service: `kiosk rows --help`")
    done = conclude_restore(tools.store, signer, tools.actor(), lost)
    echo(
        f"ended: {done.visits} visits, {done.codes} codes, {done.proposals} proposals, "
        f"{done.address_changes} changes of address"
    )
    echo(f"the audit goes on after row {done.until or 0}")
    for last in lost.values():
        echo(f"lost: there were rows up to {row_name(last)} at least")
    echo("do again what was done since: blocks, retired stations, revoked cards, removed staff")
    return 0


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal")]


def _aside(target: Path, tools: Tools) -> Path:
    at = f"{tools.clock.now().astimezone(UTC):%Y%m%d-%H%M%S}"
    aside = target.with_name(f"{target.name}.before-restore-{at}")
    if os.path.lexists(aside):
        raise ConfigError(f"{aside}: there is such a file")
    return aside
