"""``kiosk staff``: members of staff; ``kiosk proposals``: what waits for a second one of them."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_flag
from kiosk.app.cli.printing import echo
from kiosk.app.cli.tools import Parts, Tools, add_card, card_of, file_path, grounds_of, on_desk
from kiosk.authority.errors import NotFound
from kiosk.authority.roles import Role
from kiosk.authority.wording import local_time
from kiosk.config.loading import load_settings, settings_path
from kiosk.contract.errors import ConfigError

if TYPE_CHECKING:
    from kiosk.authority.administration.desk import AdminDesk
    from kiosk.authority.administration.staff import StaffDesk
    from kiosk.authority.administration.views import Done, ProposalLine, StaffLine


DESCRIPTION = """\
Members of staff log in with `ssh ra@host` and an SSH key of their own. A manager may do
everything, an agent helps people, a helper only lifts blocks and gives codes, an auditor
reads. A technician has no key and does not log in: their card opens the maintenance page
of a station (`add-card`), as a manager's can.
The first manager is added here; from then on managers do it in the RA application.
WHO is a name, or an id from `list`; IDENTIFIER what `kiosk cards read` prints.
Root's shell reads the key (`--key -`), since the service's account may not open files
in a closed home.
"""
EXAMPLE = """\
  runuser -u kiosk -- kiosk staff add "Asha Okafor" --role manager \\
      --key - --reason "first manager" < asha.pub
  kiosk staff add "Sam Reed" --role technician --reason "maintains the stations"
  kiosk staff add-card "Sam Reed" $(kiosk cards read) --key 9a.pem --reason "their own card"
  kiosk staff list
  kiosk staff remove "Asha Okafor" --reason "left the trust"
"""
_ADD_EXAMPLE = """\
example:
  kiosk staff add "Asha Okafor" --role agent --key asha.pub --reason "new in the office"
  kiosk staff add "Sam Reed" --role technician --reason "maintains the stations"
"""
_ROLES = [role.value for role in Role]


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "staff", "members of staff", DESCRIPTION, EXAMPLE)
    text = "show everybody, with keys and roles"
    parts.showing("list", lambda desk, _: desk.staff.every(), _print_staff, text)
    add = parts.acting("add", _add, "let somebody in", "NAME")
    add.add_argument("--role", choices=_ROLES, required=True)
    _key_option(add, required=False)
    add.epilog = _ADD_EXAMPLE
    role = parts.acting("role", _change_role, "give somebody another role", "WHO")
    role.add_argument("role", choices=_ROLES)
    parts.acting("remove", _remove, "end somebody's access", "WHO")
    _key_option(parts.acting("add-key", _add_key, "let another key in", "WHO"))
    less = parts.acting("remove-key", _remove_key, "no longer let a key in", "WHO")
    less.add_argument("fingerprint", metavar="SHA256:...")
    opens = parts.acting("add-card", _add_card, "let a card open the maintenance page", "WHO")
    add_card(opens)
    add_card(parts.acting("remove-card", _remove_card, "no longer let a card open it", "WHO"))
    opens.add_argument(
        "--key",
        type=file_path,
        metavar="FILE.pem",
        help="the key that the card uses only after its PIN, or a certificate of it; - reads it "
        "(default: the recorded one)",
    )
    text = "what sshd asks (AuthorizedKeysCommand)"
    door = parts.add("authorized-keys", _authorized_keys, text)
    door.add_argument("--fingerprint", required=True, metavar="SHA256:...")
    text = "what a second has to agree to"
    parts = Parts(subparsers, "proposals", text, _PROPOSALS, _PROPOSALS_EXAMPLE)
    text = "show what waits; what runs out first comes first"
    parts.showing("list", lambda desk, _: desk.proposals.waiting(), _print_proposals, text)
    agree = on_desk(lambda desk, args, why: desk.proposals.agree(_waiting(desk, args), why))
    decline = on_desk(lambda desk, args, why: desk.proposals.decline(_waiting(desk, args), why))
    for part in (
        parts.acting("agree", agree, "have it done now"),
        parts.acting("decline", decline, "let it never be done"),
    ):
        part.add_argument(
            "proposal", metavar="ID", help="its id or the beginning of it, see `list`"
        )
        add_flag(part, "--json", "for a script")


def _key_option(part: argparse.ArgumentParser, *, required: bool = True) -> None:
    part.add_argument(
        "--key",
        type=file_path,
        required=required,
        metavar="FILE.pub",
        help="their public key; - reads it from standard input (--key - < asha.pub)"
        + ("" if required else "; a technician has none"),
    )


def _add(args: argparse.Namespace) -> Done:
    role, key = Role(args.role), _key_text(args.key)
    if args.key is None and role is not Role.TECHNICIAN:
        raise ConfigError("give --key FILE.pub, their public key: only a technician has none")
    return Tools(args).desk.staff.add(args.name, role, key, grounds_of(args))


def _add_card(args: argparse.Namespace) -> Done:
    desk, who, revision = _chosen(args)
    return desk.add_card(who, card_of(args), _key_text(args.key), revision, grounds_of(args))


def _remove_card(args: argparse.Namespace) -> Done:
    desk, who, revision = _chosen(args)
    return desk.remove_card(who, card_of(args), revision, grounds_of(args))


def _change_role(args: argparse.Namespace) -> Done:
    desk, who, revision = _chosen(args)
    return desk.change_role(who, Role(args.role), revision, grounds_of(args))


def _remove(args: argparse.Namespace) -> Done:
    desk, who, revision = _chosen(args)
    return desk.remove(who, revision, grounds_of(args))


def _add_key(args: argparse.Namespace) -> Done:
    desk, who, revision = _chosen(args)
    return desk.add_key(who, _key_text(args.key), revision, grounds_of(args))


def _remove_key(args: argparse.Namespace) -> Done:
    desk, who, revision = _chosen(args)
    return desk.remove_key(who, args.fingerprint, revision, grounds_of(args))


def _chosen(args: argparse.Namespace) -> tuple[StaffDesk, str, int]:
    """Return id and revision of the one present member called so; raises ``NotFound``."""
    desk = Tools(args).desk.staff
    present = [one for one in desk.every() if one.removed_at is None]
    found = [one for one in present if args.who in (one.staff_id, one.name)]
    if len(found) != 1:
        many = f"{len(found)} members of staff are" if found else "no member of staff is"
        raise NotFound(f"{many} called {args.who!r}; `kiosk staff list` shows all with their ids")
    return desk, found[0].staff_id, found[0].revision


def _key_text(path: Path | None) -> str:
    """Return the key; a shell with more rights than the service can pass it on as ``-``."""
    if path is None:
        return ""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(
            f"the key file {path} is not text in UTF-8; give the public half"
        ) from None
    except PermissionError:
        user = pwd.getpwuid(os.geteuid()).pw_name
        way = f"let your shell open it: --key - < {path}"
        raise ConfigError(f"the key file {path}: {user} may not read it; {way}") from None
    except OSError as error:
        raise ConfigError(f"the key file {path}: {error.strerror}") from None


def _print_staff(lines: Sequence[StaffLine]) -> None:
    for line in lines:
        state = "removed" if line.removed_at else line.role.value
        last = local_time(line.last_login_at) if line.last_login_at else "never"
        echo(f"{line.name}  {state}  last login: {last}  id {line.staff_id}")
        for key in line.keys:
            echo(f"    {key.fingerprint}  {key.kind}  {key.label}".rstrip())
            if not key.lets_in:
                echo(
                    "        lets nobody in: it is not in a security key (`login_keys` in [admin])"
                )
        for card in line.cards:
            echo(f"    card {card.driver} {card.identifier}  {card.fingerprint}")
    if not lines:
        echo("nobody yet; `kiosk staff add --help` shows how to add the first manager")


def _authorized_keys(args: argparse.Namespace) -> None:
    """Answer sshd (AuthorizedKeysCommand, sshd_config(5)) for each key that it is offered.

    It imports little. `restrict` repeats the restrictions of sshd's own file. With
    `verify-required` sshd takes no signature for which the security key did not verify its user.
    """
    from kiosk.authority.store.key_lookup import key_of_staff, lets_in

    settings = load_settings(settings_path(args.config, os.environ), os.environ)
    store, verified = settings.store, settings.admin.verified_logins
    key = key_of_staff(store.staff_url or store.url, args.fingerprint, store.busy_timeout_s)
    if key and lets_in(key, verified=verified):
        echo(f"restrict,pty{',verify-required' if verified else ''} {key}")


# ``kiosk proposals``.

_PROPOSALS = """\
With `four_eyes` in [policy], whatever could help one member of staff to open somebody else's
card waits until a second one agrees: somebody else, with another key, where neither of the
two let the other in. A proposal runs out after seven days, a code after fifteen minutes.

The command line counts as one person, with any account. What it does waits as well, unless there
are no two members who could agree with each other: so the first two managers are added here.
"""
_PROPOSALS_EXAMPLE = """\
  kiosk proposals list
  kiosk proposals agree ID --reason "spoke to Asha, she saw the badge"
  kiosk proposals decline ID --reason "nobody asked for this"
"""


def _waiting(desk: AdminDesk, args: argparse.Namespace) -> str:
    return waiting_id(args.proposal, (line.proposal_id for line in desk.proposals.waiting()))


def waiting_id(named: str, waiting: Iterable[str]) -> str:
    """Return the one id of ``waiting`` that begins so, else ``named``."""
    found = [one for one in waiting if named and one.startswith(named.lower())]
    if len(found) > 1:
        raise NotFound(f"{len(found)} of those that wait begin with {named!r}: give more of the id")
    return found[0] if found else named


def _print_proposals(lines: Sequence[ProposalLine]) -> None:
    for line in lines:
        about = f"  about {line.whom}" if line.about else ""
        echo(f"{line.proposal_id}  until {local_time(line.expires_at)}{about}")
        echo(f"    {line.sentence}")
        echo(f"    proposed by {line.proposed_by}: {line.reason} (reference {line.reference})")
        if line.identified_by:
            echo(f"    identified by: {line.identified_by}")
        if line.why_not:
            echo(f"    {line.why_not}")
    if not lines:
        echo("nothing waits")
