"""``kiosk store``: the database itself."""

from __future__ import annotations

import argparse
from dataclasses import replace

from kiosk.app.cli.help import Commands, add_command, add_config, add_flag
from kiosk.app.cli.printing import complain, echo, progress_line
from kiosk.app.cli.tools import Tools, add_part
from kiosk.app.composition.opening import open_store
from kiosk.authority.audit.rows import row_name
from kiosk.authority.errors import StoreError
from kiosk.authority.wording import numbered
from kiosk.contract.errors import ConfigError

DESCRIPTION = """\
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
"""
EXAMPLE = """\
  kiosk store copy --to "postgresql://kiosk@db.example/kiosk?passfile=/etc/kiosk/database-password&\
sslmode=verify-full&sslrootcert=/etc/kiosk/database-ca.pem"
  kiosk store roles > roles.sql
  psql -c "CREATE ROLE kiosk_authority" -c "CREATE ROLE kiosk_staff" \\
    -c "CREATE ROLE kiosk_retention" -c "CREATE ROLE kiosk_report"
  KIOSK_STORE__URL=postgresql://kiosk@db.example/kiosk kiosk store roles --apply
  psql -c "CREATE ROLE authority1 LOGIN PASSWORD '...' IN ROLE kiosk_authority"
"""


def add_parser(subparsers: Commands) -> None:
    parser = add_command(
        subparsers, "store", "move to PostgreSQL, and its roles", DESCRIPTION, EXAMPLE
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="roles|copy")
    roles = add_part(
        parts, "roles", _roles, "show what makes the roles, or grant them their rights"
    )
    for name in ("authority", "staff", "retention", "report"):
        role = f"kiosk_{name}"
        roles.add_argument(
            f"--{name}", default=role, metavar="ROLE", help=f"its name (default: {role})"
        )
    add_flag(roles, "--apply", "grant them, as the tables' owner")
    add_config(roles)
    copy = add_part(parts, "copy", _copy, "copy the database file to an empty PostgreSQL database")
    copy.add_argument(
        "--to", required=True, metavar="URL", help="postgresql://owner@host/name, the tables' owner"
    )
    add_flag(copy, "--unverified", "also to a server that TLS does not verify")
    add_config(copy)


def _copy(args: argparse.Namespace) -> int:
    """Copy and compare every row, verify the audit there, and print the next step."""
    from kiosk.authority.administration.verification import sweep, verify_audit
    from kiosk.authority.audit.anchors import AnchorSigner
    from kiosk.authority.audit.events import ServiceKind
    from kiosk.authority.store.copying import copy_store
    from kiosk.authority.store.engine import parse_url, unverified_host
    from kiosk.authority.store.sqlite_file import lock_exclusively

    tools = Tools(args)
    file, signer = tools.store_file, AnchorSigner(tools.ring())
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
    with (
        lock_exclusively(file, whose) as source,
        progress_line("copying and comparing") as progress,
    ):
        rows = copy_store(source, args.to, moved, progress)
    settings = replace(tools.settings, store=replace(tools.settings.store, url=args.to))
    store = open_store(settings, tools.clock, tools.environ)
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


def _roles(args: argparse.Namespace) -> None:
    from kiosk.authority.store.engine import NO_SUCH_OBJECT
    from kiosk.authority.store.grants import RoleNames, creations, grants

    roles = RoleNames(args.authority, args.staff, args.retention, args.report)
    if not args.apply:
        echo("-- once, as the administrator of the database server")
        for statement in creations(roles):
            echo(f"{statement};")
        echo("-- as the owner of the tables, and after each migration: what --apply does")
        for statement in grants(roles):
            echo(f"{statement};")
        return
    try:
        Tools(args).store.run_as_owner(grants(roles))
    except StoreError as refused:
        if refused.code != NO_SUCH_OBJECT:
            raise
        wanted = "; ".join(creations(roles))
        raise ConfigError(
            f"a role is not there: the administrator of the database server makes it: {wanted}"
        ) from None
    echo(f"{', '.join(roles.every())} may do their work, and no more")
