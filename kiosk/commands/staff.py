"""``kiosk staff``: who may log in to the RA application, with which keys and as what."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.commands.tools import Tools, add_command, add_config, say
from kiosk.errors import ConfigError, NothingThere
from kiosk.roles import Role

if TYPE_CHECKING:
    from kiosk.administration.desk import StaffDesk
    from kiosk.administration.views.acting import Done
    from kiosk.administration.views.service import StaffLine

DESCRIPTION = """\
Members of staff log in with `ssh ra@host` and an SSH key of their own. A manager may do
everything, an agent helps people, an auditor reads. The first manager is added here; from
then on managers do it in the RA application. WHO is a name, or an id from `list`.
"""
EXAMPLE = """\
  kiosk staff add "Asha Okafor" --role manager --key asha.pub --reason "first manager"
  kiosk staff list
  kiosk staff remove "Asha Okafor" --reason "left the trust"
"""
_ROLES = [role.value for role in Role]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its parts."""
    parser = add_command(subparsers, "staff", "members of staff", DESCRIPTION, EXAMPLE)
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    listing = parts.add_parser("list", help="show everybody, with keys and roles")
    listing.add_argument("--json", action="store_true", help="for a script")
    add_config(listing)
    add = _part(parts, "add", "let somebody in", "NAME")
    add.add_argument("--role", choices=_ROLES, required=True)
    _key_option(add)
    role = _part(parts, "role", "give somebody another role", "WHO")
    role.add_argument("role", choices=_ROLES)
    _part(parts, "remove", "let somebody in no more", "WHO")
    _key_option(_part(parts, "add-key", "let another key in", "WHO"))
    less = _part(parts, "remove-key", "let a key in no more", "WHO")
    less.add_argument("fingerprint", metavar="SHA256:...")
    door = parts.add_parser("authorized-keys", help="what sshd asks (AuthorizedKeysCommand)")
    door.add_argument("--fingerprint", required=True, metavar="SHA256:...")
    add_config(door)


def _part(
    parts: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str, who: str
) -> argparse.ArgumentParser:
    part = parts.add_parser(name, help=text)
    part.add_argument("who", metavar=who)
    part.add_argument("--reason", required=True, help="why, for the audit")
    add_config(part)
    return part


def _key_option(part: argparse.ArgumentParser) -> None:
    part.add_argument(
        "--key", type=Path, required=True, metavar="FILE.pub", help="their public key"
    )


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for; 1 where it was not done."""
    tools = Tools(args)
    if args.part == "authorized-keys":
        return _authorized_keys(tools, args.fingerprint)
    if args.part == "list":
        return _list(tools.desk.staff, as_json=args.json)
    done = _change(tools.desk.staff, args)
    say(f"{done.told} (reference {done.reference})")
    return 0


def _change(desk: StaffDesk, args: argparse.Namespace) -> Done:
    from kiosk.administration.views.acting import Grounds

    grounds = Grounds(args.reason)
    if args.part == "add":
        return desk.add(args.who, Role(args.role), _key_text(args.key), grounds)
    member = _find(desk, args.who)
    match args.part:
        case "role":
            return desk.change_role(member.staff_id, Role(args.role), member.revision, grounds)
        case "remove":
            return desk.remove(member.staff_id, member.revision, grounds)
        case "add-key":
            key = _key_text(args.key)
            return desk.add_key(member.staff_id, key, member.revision, grounds)
        case _:
            named = args.fingerprint
            return desk.remove_key(member.staff_id, named, member.revision, grounds)


def _find(desk: StaffDesk, who: str) -> StaffLine:
    """Return the one present member with this name or id; raises ``NothingThere``."""
    found = [
        one for one in desk.every() if one.removed_at is None and who in (one.staff_id, one.name)
    ]
    if len(found) != 1:
        many = f"{len(found)} members of staff are" if found else "no member of staff is"
        raise NothingThere(f"{many} called {who!r}; `kiosk staff list` shows all with their ids")
    return found[0]


def _key_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"the key file {path} cannot be read") from None


def _list(desk: StaffDesk, *, as_json: bool) -> int:
    lines = desk.every()
    if as_json:
        say(json.dumps([_as_json(line) for line in lines], indent=2))
        return 0
    for line in lines:
        state = "removed" if line.removed_at else line.role.value
        last = f"{line.last_login_at:%Y-%m-%d %H:%M} UTC" if line.last_login_at else "never"
        say(f"{line.name}  {state}  last login: {last}  id {line.staff_id}")
        for key in line.keys:
            say(f"    {key.fingerprint}  {key.kind}  {key.label}".rstrip())
    if not lines:
        say("nobody yet; `kiosk staff add --help` shows how to add the first manager")
    return 0


def _as_json(line: StaffLine) -> dict[str, object]:
    return {
        "id": line.staff_id,
        "name": line.name,
        "role": line.role.value,
        "added_at": line.added_at.isoformat(),
        "removed_at": line.removed_at.isoformat() if line.removed_at else None,
        "last_login_at": line.last_login_at.isoformat() if line.last_login_at else None,
        "keys": [{"fingerprint": key.fingerprint, "label": key.label} for key in line.keys],
    }


def _authorized_keys(tools: Tools, fingerprint: str) -> int:
    """Print the key where it is staff's; `restrict` closes once more what sshd's file closes."""
    with tools.store.read() as uow:
        member, key = uow.staff.by_key(fingerprint), uow.staff.key(fingerprint)
    if member and key:
        say(f"restrict,pty {key.public_key}")
    return 0
