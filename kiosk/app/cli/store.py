"""``kiosk store``: the database itself."""

from __future__ import annotations

import argparse

from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Tools, add_command, add_config, add_part

DESCRIPTION = """\
On PostgreSQL five roles share the work. The owner made the tables and migrates them; the
authority, staff, `kiosk purge` and reports have a role each, that can do what they need and no
more. None but the owner can change a row of the audit, or switch off what keeps it.

`roles` prints the statements that make the roles and say what each may do. `roles --apply` runs
them: as the owner, so with the owner's address in KIOSK_STORE__URL. Run it after each migration.
"""
EXAMPLE = """\
  kiosk store roles > roles.sql
  KIOSK_STORE__URL=postgresql://kiosk@db.example/kiosk kiosk store roles --apply
  psql -c "CREATE ROLE authority1 LOGIN PASSWORD '...' IN ROLE kiosk_authority"
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its part."""
    parser = add_command(subparsers, "store", "roles of the database", DESCRIPTION, EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="roles")
    roles = add_part(parts, "roles", _roles, "show, or run, what makes the roles")
    for name in ("authority", "staff", "retention", "report"):
        role = f"kiosk_{name}"
        roles.add_argument(
            f"--{name}", default=role, metavar="ROLE", help=f"its name (default: {role})"
        )
    roles.add_argument("--apply", action="store_true", help="run them, as the tables' owner")
    add_config(roles)


def _roles(args: argparse.Namespace) -> int:
    from kiosk.authority.store.grants import RoleNames, grants

    roles = RoleNames(args.authority, args.staff, args.retention, args.report)
    statements = tuple(grants(roles))
    if not args.apply:
        for statement in statements:
            echo(f"{statement};")
        return 0
    Tools(args).store.run_as_owner(statements)
    echo(f"{', '.join(roles.every())} may do their work, and no more")
    return 0
