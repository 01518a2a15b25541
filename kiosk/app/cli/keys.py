"""``kiosk keys``: look at the keys, and rotate them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_flag
from kiosk.app.cli.printing import complain, echo, progress_line
from kiosk.app.cli.tools import Parts, Tools, file_path
from kiosk.contract.errors import ConfigError
from kiosk.system.machine_seal import SUFFIX

if TYPE_CHECKING:
    from kiosk.authority.crypto.keys import KeyPurpose

DESCRIPTION = """\
The keys are in a file of their own, outside the database. Each purpose has one current
key, which makes new things, and older ones, which still open what they made:

  seal         seals unblock secrets
  code-mac     keys the digests of emailed codes
  pepper       is mixed into the hashes of answers
  audit-link   keys every row of the audit
  audit-sign   signs the audit's head
  row-mac      keys the MACs of rows that grant access
  station-ca   signs the certificates of stations in the network; it is not rotated: they
               know the authority by it
  derive       unblock secrets derive from it, where `source` in [secrets] says so; where
               a PKCS#11 token is named there, it is made, used and kept in that

An authority takes a new key up by itself, within a minute of the first thing that it meets
under it; so it does where `kiosk setup authority --seal-keys` sealed the key file. One
whose unit loads the key file as a credential (a bare name as `file` in [keys]) has to be
restarted: add the new key (--add-only), restart it, then rotate.
"""
EXAMPLE = """\
  kiosk keys list
  kiosk keys rotate --add-only      then restart what has to be, and
  kiosk keys rotate                 finishes: no second key is made
  kiosk keys rotate --purpose derive
  kiosk keys backed-up --file COPY  once you keep a copy of the key file elsewhere
"""
_TAKEN_UP = (
    "the authority takes it up by itself, unless its unit loads the key file as a credential "
    "(a bare name as `file` in [keys]): then restart it"
)
_SHARED = (
    "each machine on this database has a key file of its own, and refuses stations, visits and "
    "log-ins that were recorded under a key that it lacks. Therefore a rotation adds a key first, "
    "you bring {file} to every machine at once, and the next rotation uses the key for what is "
    "there. Nothing was done yet: with --yes it takes the next of these steps"
)
_NONE_ADDED = (
    "finished an earlier rotation; {current} stays the current key. No other was added while there "
    "are things of older keys, or none of this one: --add-only adds one"
)
_NO_COPY = "where no copy has such a key, give it up with --lost KEY"
ROTATE = """\
Adds a new key to the key file and seals every unblock secret anew under it, card by card,
while stations go on working. It may be interrupted at any point: run it again, and it
finishes what was left without making another key. Older keys stay in the file; a backup
of the database may still need them.

Where the database is a server, each machine on it has a key file of its own, and refuses what is
made under a key that it lacks. There a rotation has two steps, each with --yes: the first adds the
key and stops, so that you can copy the key file to every machine, and the second uses it for what
is there. A key file that lacks a key of another machine gets none.

With --purpose row-mac it makes the MACs of all rows that grant access anew in the same way.

With --purpose derive it makes another master key, in the token where there is one, and
derives every secret of older ones a last time: these are kept sealed then, as they are, and
each card takes one of the new master key's when it is next unlocked here. Once `kiosk keys
list` shows none that derives from an older master key, that one can be destroyed.
"""


COPIED = """\
Writes into the audit that you keep a copy of the key file, as it is now, in a safe place. With
--file your copy is compared first, with --to it is made, and else it is not looked at. Nothing
is written down for an outdated copy or key file. Where the key file is sealed to this machine
(`kiosk setup authority --seal-keys`) only a copy that --to made is of use elsewhere. `kiosk
doctor` warns until a copy was declared, and again when a key was added since: what the new key
made cannot be opened with an older copy.

Where a key was added and no copy has it, --lost KEY gives it up: it says what is lost with that,
and so does the audit.
"""


def add_parser(subparsers: Commands) -> None:
    parts = Parts(subparsers, "keys", "list or rotate the keys", DESCRIPTION, EXAMPLE)
    parts.add("list", _list, "show every key, and what it sealed")
    rotate = parts.add("rotate", _rotate, "make a new key current")
    rotate.description = ROTATE
    purposes = ["seal", "code-mac", "pepper", "audit-link", "audit-sign", "row-mac", "derive"]
    text = "which key (default: seal); of those that make nothing anew, one is only added"
    rotate.add_argument("--purpose", default="seal", choices=purposes, help=text)
    add_flag(rotate, "--add-only", "add the key and change nothing")
    add_flag(rotate, "--yes", "on a server: the other machines get the key file")
    _add_lost(rotate, "go on without a key that no copy has; may be repeated")
    text = "declare that a copy of the key file is safe"
    backed_up = parts.add("backed-up", _backed_up, text)
    backed_up.description = COPIED
    _add_lost(backed_up, "give up a key that no copy has; may be repeated")
    copy = backed_up.add_mutually_exclusive_group()
    text = "compare your copy, in FILE, first"
    copy.add_argument("--file", type=file_path, metavar="FILE", help=text)
    text = "make the copy, in clear, into a new FILE"
    copy.add_argument("--to", type=file_path, metavar="FILE", help=text)


def _add_lost(part: argparse.ArgumentParser, text: str) -> None:
    part.add_argument("--lost", action="append", default=[], metavar="KEY", help=text)


def _list(args: argparse.Namespace) -> int:
    """Print the keys, never their material; 1 where one is missing or not to be seen."""
    tools, code = Tools(args), 0
    ring = tools.ring()
    from kiosk.authority.administration.keys import list_keys, missing_keys, where_added
    from kiosk.authority.errors import KeysUnavailable

    keys = list_keys(ring, tools.staff_store)
    echo(f"{'purpose':<11} {'key':<22} {'':<8} secrets or rows")
    for key in keys:
        sealed = "" if key.secrets is None else key.secrets
        state = "current" if key.current else "older" if key.there else "MISSING"
        echo(f"{key.purpose:<11} {key.id:<22} {state:<8} {sealed:>7}".rstrip())
    try:
        masters = tools.masters.lines()
    except KeysUnavailable as error:
        complain(f"the master keys cannot be shown: {error}")
        masters, code = (), 1
    for master in masters:
        state = "current" if master.current else "older" if master.there else "MISSING"
        place = f"token {tools.settings.secrets.token}" if master.in_token else "key file"
        where = f"  {place}" if master.there else ""
        echo(f"{'derive':<11} {master.id:<22} {state:<8} {master.secrets:>7}{where}")
    if missing := missing_keys(ring, tools.staff_store):
        older = f"key file {tools.key_file}: it is an older copy; put the newest copy there"
        complain(f"{older}; {where_added(missing)}")
        code = 1
    return code


def _rotate(args: argparse.Namespace) -> int:
    """Rotate; 1 where a secret could not be opened."""
    tools = Tools(args)
    ring = tools.ring()  # which says what to do where there is none
    from kiosk.authority.administration.keys import check_current, how_to_copy, is_of, last_copy
    from kiosk.authority.crypto.keys import KeyPurpose
    from kiosk.authority.key_names import learn_names

    purpose = KeyPurpose(args.purpose)
    in_token = purpose is KeyPurpose.DERIVE and bool(tools.settings.secrets.module)
    shared = tools.store_file is None and not in_token
    derives = shared and purpose is KeyPurpose.DERIVE
    gone = {line.id for line in tools.masters.lines() if not line.there} if derives else set()
    if lacking := ", ".join(sorted(gone - set(args.lost))):
        because = f"it lacks {lacking}, from which secrets derive: put the newest copy there first"
        raise ConfigError(f"key file {tools.key_file}: {because}; {_NO_COPY}")
    others = [key for key in args.lost if key not in gone]
    lost = check_current(tools.key_file, ring, tools.staff_store, others)
    if shared and not args.yes:
        raise ConfigError(_SHARED.format(file=_to_bring(tools)))
    for line in lost:
        echo(f"given up: {line}")
    learn_names(tools.staff_store, ring)
    code = _add_and_use(tools, purpose, add_only=args.add_only, shared=shared)
    copy = last_copy(tools.staff_store)
    if copy is None or not is_of(copy, tools.ring()):
        echo("older copies of the key file lack the new key: they open older backups, and nothing")
        echo(f"that is made from now on: {how_to_copy(tools.key_file)}")
    return code


def _add_and_use(tools: Tools, purpose: KeyPurpose, *, add_only: bool, shared: bool) -> int:
    """Add a key, and use it for what is there; 1 where a secret is broken, or a row was altered."""
    from kiosk.authority.administration.keys import add_key, rotate_rows, rotate_seal
    from kiosk.authority.crypto.keys import KeyPurpose

    file, store, actor = tools.key_file, tools.staff_store, tools.actor()
    derives = purpose is KeyPurpose.DERIVE
    makes_anew = purpose in (KeyPurpose.SEAL, KeyPurpose.ROW_MAC, KeyPurpose.DERIVE)
    # Stations ask a token each time.
    is_asked = derives and tools.settings.secrets.module
    taken_up = "new secrets derive from it" if is_asked else _TAKEN_UP
    if add_only or not makes_anew:
        added = tools.masters.add(actor) if derives else add_key(file, purpose, store, actor)
        if shared:
            _print_added(tools, added, purpose if makes_anew else "")
        elif derives:
            echo(f"added {added}; {taken_up}")
        else:
            echo(f"added {added}; it is current")
            echo(taken_up)
        return 0
    if purpose is KeyPurpose.ROW_MAC:
        with progress_line("making MACs anew") as progress:
            rows = rotate_rows(file, store, actor, progress, add_first=shared)
        for table, row in rows.altered:
            complain(f"{table} {row}: altered outside of the service, and left as it is")
        if rows.added and shared:
            _print_added(tools, rows.added, purpose)
        else:
            _print_current(rows.added, rows.current, taken_up)
            echo(f"rows with a MAC of it now: {rows.restamped:,}")
        return int(bool(rows.altered))
    if derives:
        with progress_line("deriving a last time") as progress:
            report = tools.masters.rotate(actor, progress, add_first=shared)
        did, broken = "secrets are sealed as they are", "cannot be derived and was left as it is"
    else:
        with progress_line("sealing anew") as progress:
            report = rotate_seal(file, store, actor, progress, add_first=shared)
        did, broken = "secrets sealed anew", "does not open and was left as it is; import it again"
    if report.added and shared:
        _print_added(tools, report.added, purpose)
        return 0
    done = report.rotation
    _print_current(report.added, report.current, taken_up)
    echo(f"{done.resealed} {did}, {done.overtaken} were changed meanwhile")
    for card in done.broken:
        complain(f"card {card}: its secret {broken}")
    if derives and (left := sum(key.secrets for key in tools.masters.lines() if not key.current)):
        # Stations go on working: what they change during that may derive from an older key again.
        echo(f"still derived from an older key, as `kiosk keys list` shows: {left}; run it again")
    return int(bool(done.broken))


def _print_added(tools: Tools, added: str, then: str) -> None:
    """Print what the other machines need, and the purpose to rotate ``then``, if it has a rest."""
    echo(f"added {added}; it is current on this machine")
    echo(f"bring {_to_bring(tools)} to every machine on this database now: without it they refuse")
    echo("what is made under the new key. There")
    echo(_TAKEN_UP)
    if then:
        echo(f"Then `kiosk keys rotate --purpose {then} --yes`: it uses the key for what is there")


def _to_bring(tools: Tools) -> str:
    """Name what the other machines need: a sealed file opens on none of them."""
    path = tools.key_file
    in_clear = ", in clear (`kiosk keys backed-up --to FILE`)," if path.suffix == SUFFIX else ""
    return f"{path}{in_clear}"


def _backed_up(args: argparse.Namespace) -> None:
    from kiosk.authority.administration import keys

    tools = Tools(args)
    lost = keys.check_current(tools.key_file, tools.ring(), tools.staff_store, args.lost)
    ring = tools.ring()  # with a key that was added since
    if args.file:
        keys.check_copy(args.file, tools.key_file, ring)
    elif args.to:
        keys.make_copy(args.to, tools.key_file, ring)
    else:
        keys.need_plain(tools.key_file)
    keys.declare_copy(ring, tools.staff_store, tools.actor(), args.lost)
    for line in lost:
        echo(f"given up: {line}")
    echo(f"written down: a copy of {tools.key_file}, as it is now, is in a safe place")


def _print_current(added: str | None, current: str, taken_up: str) -> None:
    echo(f"added {added}; {taken_up}" if added else _NONE_ADDED.format(current=current))
