"""``kiosk staff``: who may log in to the RA application, with which keys and as what."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.commands import authorized_keys
from kiosk.commands.parts import acting, grounds_of, reading, say_json, tell, tell_changes
from kiosk.commands.tools import Tools, add_command, add_config, say
from kiosk.errors import ChangedMeanwhile, ConfigError, NothingThere
from kiosk.roles import Role

if TYPE_CHECKING:
    from kiosk.administration.desk_of_service import StaffDesk
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
    reading(parts, "list", "show everybody, with keys and roles")
    add = acting(parts, "add", "let somebody in")
    add.add_argument("who", metavar="NAME")
    add.add_argument("--role", choices=_ROLES, required=True)
    _key_option(add)
    _about(parts, "role", "give somebody another role").add_argument("role", choices=_ROLES)
    _about(parts, "remove", "let somebody in no more")
    _key_option(_about(parts, "add-key", "let another key in"))
    less = _about(parts, "remove-key", "let a key in no more")
    less.add_argument("fingerprint", metavar="SHA256:...")
    door = parts.add_parser("authorized-keys", help="what sshd asks (AuthorizedKeysCommand)")
    door.add_argument("--fingerprint", required=True, metavar="SHA256:...")
    add_config(door)


def _about(
    parts: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    part = acting(parts, name, text)
    part.add_argument("who", metavar="WHO")
    return part


def _key_option(part: argparse.ArgumentParser) -> None:
    part.add_argument(
        "--key", type=Path, required=True, metavar="FILE.pub", help="their public key; - reads it"
    )


def run(args: argparse.Namespace) -> int:
    """Run the part that was asked for; 1 where it was not done."""
    if args.part == "authorized-keys":
        return authorized_keys.run(args)
    tools = Tools(args)
    if args.part == "list":
        return _list(tools.desk.staff, as_json=args.json)
    try:
        return tell(_change(tools.desk.staff, args))
    except ChangedMeanwhile as error:
        return tell_changes(error)


def _change(desk: StaffDesk, args: argparse.Namespace) -> Done:
    grounds = grounds_of(args)
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
    """Return the key; a shell that has more rights than the service can hand it over as ``-``."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"the key file {path} is not text; give the public half (.pub)") from None
    except PermissionError:
        user = pwd.getpwuid(os.geteuid()).pw_name
        way = f"let your shell open it: --key - < {path}"
        raise ConfigError(f"the key file {path}: {user} may not read it; {way}") from None
    except OSError as error:
        raise ConfigError(f"the key file {path}: {error.strerror}") from None


def _list(desk: StaffDesk, *, as_json: bool) -> int:
    lines = desk.every()
    if as_json:
        say_json(lines)
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
