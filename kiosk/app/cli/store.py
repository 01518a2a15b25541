"""``kiosk store``, ``kiosk backup`` and ``kiosk restore``: the database, and copies of it."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC
from itertools import chain, count
from pathlib import Path

from msgspec.structs import replace

from kiosk.app.cli.audit import print_gap
from kiosk.app.cli.help import Commands, add_command, add_flag
from kiosk.app.cli.printing import complain, echo, progress_line
from kiosk.app.cli.tools import Parts, Tools, file_path
from kiosk.authority.audit.rows import row_name
from kiosk.authority.errors import AuditNotIntact, KeyMissing, StoreBusy, StoreError
from kiosk.authority.wording import numbered
from kiosk.config.loading import require_own_folder
from kiosk.contract.errors import ConfigError
from kiosk.system.files import sync

_BACKUP = """\
Copies the database into a new file that only its owner may read, as it is at one moment, and
checks the copy. Stations go on working. A database server is backed up by pgBackRest or
pg_basebackup: see docs/estate.md.

The copy holds no key: without the key file nobody can use it, nor can you. Keep a copy of the
key file, or of the token that has the master keys, in another place (`kiosk keys copy`),
and the settings and the anchors of the audit beside the backup.
"""
_BACKUP_EXAMPLE = "  kiosk backup /mnt/elsewhere/kiosk-20261126.db\n"


def add_parser(subparsers: Commands) -> None:
    text = "copy the database while it is in use"
    parser = add_command(subparsers, "backup", text, _BACKUP, _BACKUP_EXAMPLE, _back_up)
    parser.add_argument("file", type=file_path, metavar="FILE", help="a new file")
    text = "put a backup in the place of the database"
    parser = add_command(subparsers, "restore", text, _RESTORE, _RESTORE_EXAMPLE, _restore)
    parser.add_argument("file", type=file_path, metavar="FILE", nargs="?", help="what backup made")
    add_flag(parser, "--replace", "put the file aside that is there")
    add_flag(parser, "--server", "the server was restored: do what remains")
    text = "anchors of the audit that were kept elsewhere"
    parser.add_argument("--anchors", type=file_path, metavar="FILE", help=text)
    add_flag(parser, "--older-keys", "go on though the newest key file is lost")
    text = "move to PostgreSQL, and its roles"
    parts = Parts(subparsers, "store", text, _STORE, _STORE_EXAMPLE)
    text = "show what makes the roles, or grant them their rights"
    roles = parts.add("roles", _roles, text)
    add_flag(roles, "--apply", "grant them, as the tables' owner")
    text = "end a rolling upgrade: no older program serves any more"
    parts.add("finish-upgrade", _finish_upgrade, text)
    copy = parts.add("copy", _copy, "copy the database file to an empty PostgreSQL database")
    copy.add_argument(
        "--to", required=True, metavar="URL", help="postgresql://owner@host/name, the tables' owner"
    )
    add_flag(copy, "--unverified", "also to a server that TLS does not verify")


def _back_up(args: argparse.Namespace) -> None:
    from kiosk.authority.administration.backup import back_up

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
        back_up(tools.store, tools.signer(), source, target, tools.actor(), progress)
    echo(f"{target}: {target.stat().st_size // 1024} KiB, checked")
    echo(f"not in it: the keys ({tools.key_file}) and the settings ({tools.path}); keep copies")


# ``kiosk restore``.

_RESTORE = """\
Puts a backup in the place of the database file, while no station, authority or session of
staff runs. The backup is checked first: the file, its keys, its audit, its records. The file
that is there is kept under another name, and only replaced with --replace. The key file has to
hold every key of the backup. Where only an older copy of it is left, --older-keys goes on
without what newer keys sealed: see docs/estate.md.

What happened after the backup is lost. So all visits end, codes, also those that people have on
paper, and changes of address that wait are withdrawn, proposals expire, and the audit says where
it has a gap. Anchors that were kept elsewhere show how much was lost. Cards that were given
another unblock secret since still open. Blocks, retired stations, revoked cards, removed staff
and erased people of after the backup have to be done again: see docs/estate.md.

On PostgreSQL restore with the server's own tools, and then run `kiosk restore --server`.
"""
_RESTORE_EXAMPLE = """\
  kiosk restore /mnt/elsewhere/kiosk-20261126.db --anchors /mnt/elsewhere/anchors
  kiosk restore --server
"""
_DAMAGED = "is damaged: take an older backup"
_FOREIGN = (
    "not as this program makes it; take an older backup, or restore this one with the version that "
    "made it, and update then"
)
_NO_BACKUP = "is no backup of a Kiosk database"
_UNFIT = {
    "SQLITE_NOTADB": _NO_BACKUP,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_IOERR_SHORT_READ": _DAMAGED,
    "integrity": _DAMAGED,
}
_NAMED = 3
"""Names of tables and triggers in the message about a backup."""

_WHOSE = "end every station, authority and session of staff first"


def _restore(args: argparse.Namespace) -> int:
    """Restore; 1 where the backup is not intact."""
    tools = Tools(args)
    if args.server == (args.file is not None):
        raise ConfigError("name a FILE for a database file, or --server for PostgreSQL")
    target = tools.store_file
    if args.server != (target is None):
        by_tools = (
            "a server's: restore it with the server's own tools, and run `kiosk restore --server`"
        )
        where = "a file: name a backup of it" if args.server else by_tools
        raise ConfigError(f"the database of these settings is {where}")
    if target is not None:
        return _restore_file(args, tools, target)
    if sessions := tools.store.sessions_elsewhere():
        raise StoreBusy(f"the database is in use ({numbered(sessions, 'session')}): {_WHOSE}")
    return _conclude(args, tools, {})


def _restore_file(args: argparse.Namespace, tools: Tools, target: Path) -> int:
    from kiosk.authority.store.sqlite_file import last_rows, lock_exclusively, lock_name_exclusively
    from kiosk.authority.visit.upgrading import end_open_visits

    require_own_folder(target.parent)
    if target.exists() and not args.replace:
        raise ConfigError(f"{target} is there; --replace puts it aside under another name")
    aside = _aside(target, tools)
    folder = target.with_name(f".{target.name}.restoring")
    work = folder / target.name
    lock = lock_exclusively if target.exists() else lock_name_exclusively
    with lock(target, _WHOSE) as locked:
        try:
            there = last_rows(locked) if locked else {}
        except StoreError as error:  # a backup is there for that, too
            complain(f"{target}: {error}; give --anchors with all that were kept elsewhere")
            there = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            _copy_backup(args.file, work)
            restored = _tools_at(args, tools, f"sqlite:///{work}")
            with closing(restored.store):
                if not restored.store.is_made():
                    raise StoreError(f"{args.file}: {_NO_BACKUP}", "backup")
                restored.store.migrate(end_open_visits)
                _check_schema(args.file, work, _tools_at(args, tools, f"sqlite:///{work}.fresh"))
                code = _conclude(args, restored, there)
                # Where the disk is full, closing it would leave the log behind, and say nothing.
                restored.store.empty_log()
            if code == 0:
                if target.exists():
                    os.link(target, aside)  # there is a database at each moment
                    echo(f"the file that was there is {aside}")
                else:
                    _put_logs_aside(target, aside)
                work.replace(target)
                sync(target.parent)
                echo(f"{target} is restored from {args.file}")
        finally:
            shutil.rmtree(folder)
    return code


def _copy_backup(backup: Path, work: Path) -> None:
    from kiosk.authority.store.sqlite_file import copy_file

    if not backup.exists():
        raise StoreError(f"{backup}: there is no such file", "backup")
    try:
        with progress_line("copying") as progress:
            copy_file(backup, work, progress)
    except StoreError as error:
        if problem := _UNFIT.get(error.code):
            raise StoreError(f"{backup}: {problem}", error.code) from None
        raise


def _tools_at(args: argparse.Namespace, tools: Tools, url: str) -> Tools:
    """Return the same tools for the database at ``url``."""
    others = Tools(args)
    others.settings = replace(tools.settings, store=replace(tools.settings.store, url=url))
    return others


def _check_schema(backup: Path, work: Path, fresh: Tools) -> None:
    """Raise ``StoreError`` where a backup would bring triggers or tables of somebody else's along.

    What they do by themselves, at each statement of the service, no MAC covers. Indexes of somebody
    else's are dropped: nothing is left of them.
    """
    from kiosk.authority.store.sqlite_file import drop_indexes, schema_of

    with closing(fresh.store):
        fresh.store.migrate()
    ours = schema_of(Path(f"{work}.fresh"))
    dropped = drop_indexes(work, {str(name) for _, name, *_ in ours})
    if others := sorted({str(name) for _, name, *_ in schema_of(work) ^ ours}):
        raise StoreError(f"{backup}: {', '.join(others[:_NAMED])}: {_FOREIGN}", "backup")
    for name in dropped:
        echo(f"an index that this program does not make is left out: {name}")


def _put_logs_aside(target: Path, aside: Path) -> None:
    """Move the log files of a deleted database away: they would damage the restored one."""
    for ending in ("-wal", "-shm", "-journal"):
        left = target.with_name(target.name + ending)
        if left.exists():
            left.rename(aside.with_name(aside.name + ending))
            echo(f"{left} of a deleted database is {aside.name}{ending}")


def _conclude(args: argparse.Namespace, tools: Tools, there: Mapping[int, int]) -> int:
    """Verify the restored database, and end what was open in it; 1 where it does not fit.

    ``there`` is the last row by chain of the replaced database.
    """
    from kiosk.authority.administration.backup import conclude_restore, verify_copy
    from kiosk.authority.administration.key_copies import check_holds_all
    from kiosk.authority.administration.verification import read_anchors, sweep
    from kiosk.authority.audit.anchors import AnchorSigner
    from kiosk.authority.key_names import knows_ring, learn_names

    ring = tools.ring()
    is_known = knows_ring(tools.store, ring)
    if not args.older_keys:
        try:
            check_holds_all(ring, tools.store)
        except KeyMissing as missing:
            raise KeyMissing(f"{missing}; where that is lost, see --older-keys") from None
    signer = AnchorSigner(ring)
    elsewhere = read_anchors(args.anchors) if args.anchors else ()
    try:
        with progress_line("verifying") as progress:
            lost = verify_copy(tools.store, signer, elsewhere, there, progress)
    except AuditNotIntact as broken:
        complain(f"{broken}; this backup is not restored")
        return 1
    altered = sweep(tools.store).altered
    if altered:
        complain(f"{len(altered)} records were altered outside of the service: `kiosk rows --help`")
    done = conclude_restore(tools.store, signer, tools.actor(), lost, altered)
    # Not before: the audit gets a row of each new key, and until the gap is marked it would have
    # the number of a lost one.
    if not is_known:
        learn_names(tools.store, ring)
    echo(
        f"ended: {done.visits} visits, {done.codes} codes, {done.proposals} proposals, "
        f"{done.address_changes} changes of address, the saved codes of {done.saved_codes} people"
    )
    echo(f"the audit goes on after row {done.until or 0}")
    with tools.store.read() as uow:
        for gap in uow.audit.gaps():
            if any(gap.first <= row <= gap.last for row in lost.values()):
                print_gap(gap, lost.values())
    if lost:
        echo("fewer than these numbers may be lost: each restore skips some, to give none twice")
    echo("do again what was done since: blocks, retired stations, revoked cards, removed staff,")
    echo("erased people, `kiosk keys copy`")
    return 0


def _aside(target: Path, tools: Tools) -> Path:
    at = f"{tools.clock.now().astimezone(UTC):%Y%m%d-%H%M%S}"
    names = chain([at], (f"{at}-{number}" for number in count(2)))
    asides = (target.with_name(f"{target.name}.before-restore-{name}") for name in names)
    return next(aside for aside in asides if not os.path.lexists(aside))


# ``kiosk store``.

_STORE = """\
On PostgreSQL five roles share the work. The owner made the tables and migrates them; the
authority, staff, `kiosk purge` and reports have a role each, that can do what they need and no
more. None but the owner can change a row of the audit, or switch off what keeps it.

`copy` takes a service from its database file to an empty PostgreSQL database. Nobody may use the
file while it runs, and no program uses it afterwards. Every row is compared. Where it is cut off,
run it again: it goes on. A server has to be verified (sslmode=verify-full), on this machine too,
unless it is reached at its socket or --unverified is given.

`roles` prints the statements that make the roles, for the administrator of the database server,
and those that say what each may do. `roles --apply` runs the latter: as the owner, so with the
owner's address in KIOSK_STORE__URL. Run it after each migration.

`finish-upgrade` ends a rolling upgrade, as the owner, once every machine has the new version: until
then it writes nothing that the version before does not know. An older program serves no station
from then on.
"""
_STORE_EXAMPLE = """\
  kiosk store copy --to "postgresql://kiosk@db.example/kiosk?passfile=/etc/kiosk/database-password&\
sslmode=verify-full&sslrootcert=/etc/kiosk/database-ca.pem"
  kiosk store roles > roles.sql
  psql -c "CREATE ROLE kiosk_authority" -c "CREATE ROLE kiosk_staff" \\
    -c "CREATE ROLE kiosk_retention" -c "CREATE ROLE kiosk_report"
  KIOSK_STORE__URL=postgresql://kiosk@db.example/kiosk kiosk store roles --apply
  psql -c "CREATE ROLE authority1 LOGIN PASSWORD '...' IN ROLE kiosk_authority"
  KIOSK_STORE__URL=postgresql://kiosk@db.example/kiosk kiosk store finish-upgrade
"""


def _copy(args: argparse.Namespace) -> int:
    from kiosk.authority.administration.verification import sweep, verify_audit
    from kiosk.authority.audit.events import ServiceKind
    from kiosk.authority.store.copying import copy_store
    from kiosk.authority.store.engine import parse_url, unverified_host
    from kiosk.authority.store.sqlite_file import lock_exclusively

    tools = Tools(args)
    file, signer = tools.store_file, tools.signer()
    if file is None:
        raise ConfigError("the database of these settings is a server's already")
    if (host := unverified_host(args.to)) and not args.unverified:
        raise ConfigError(
            f"nothing shows that it is {host} which would get every record: add "
            "sslmode=verify-full and sslrootcert to the address, or give --unverified"
        )
    shown = parse_url(args.to).set(drivername="postgresql", password=None, query={})
    address = shown.render_as_string(hide_password=True)
    moved = f"this database was copied to {address}, which is used in its place"
    whose = "end every station, authority and session of staff, and copy then"
    comparing = progress_line("copying and comparing")
    with lock_exclusively(file, whose) as source, comparing as progress:
        rows = copy_store(source, args.to, moved, progress)
    store = _tools_at(args, tools, args.to).store
    with progress_line("verifying") as progress:
        fault = verify_audit(store, signer, (), progress).fault
    if fault is not None:
        complain(f"row {row_name(fault.seq)} of the audit: {fault.because}")
        return 1
    altered = len(sweep(store).altered)
    detail = {"rows": rows}
    store.record_event(ServiceKind.STORE_COPIED.value, actor=tools.actor(), detail=detail)
    echo(f"{numbered(rows, 'row')} copied to {address}, each compared; the audit fits there")
    if altered:
        echo(f"{altered} records were altered outside of the service, as they were in the file")
    echo(f"now set `url` in [store] of {tools.path} to what --to was, and see `kiosk doctor`;")
    echo("`kiosk store roles` shows what makes the roles of an estate")
    return 0


def _finish_upgrade(args: argparse.Namespace) -> None:
    from kiosk.authority.audit.events import ServiceKind

    tools = Tools(args)
    if tools.store.end_older_programs(ServiceKind.OLDER_ENDED.value, tools.actor()):
        echo("the upgrade is finished: no program of the version before serves any more")
    else:
        echo("nothing is left to do: no older program could serve")


def _roles(args: argparse.Namespace) -> None:
    from kiosk.authority.store.engine import NO_SUCH_OBJECT
    from kiosk.authority.store.grants import ROLES, creations, grants

    if not args.apply:
        echo("-- once, as the administrator of the database server")
        for statement in creations():
            echo(f"{statement};")
        echo("-- as the owner of the tables, and after each migration: what --apply does")
        for statement in grants():
            echo(f"{statement};")
        return
    try:
        Tools(args).store.run_as_owner(grants())
    except StoreError as refused:
        if refused.code != NO_SUCH_OBJECT:
            raise
        wanted = "; ".join(creations())
        raise ConfigError(
            f"a role is not there: the administrator of the database server makes it: {wanted}"
        ) from None
    echo(f"{', '.join(ROLES)} may do their work, and no more")
