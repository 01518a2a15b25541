"""``kiosk keys``: rotate keys, keep a current copy of the key file, and recover lost keys."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kiosk.app.cli.help import Commands, add_flag
from kiosk.app.cli.printing import complain, echo, progress_line
from kiosk.app.cli.tools import Parts, Tools, file_path
from kiosk.contract.errors import ConfigError
from kiosk.system.machine_seal import SUFFIX

if TYPE_CHECKING:
    from kiosk.authority.administration.keys import MasterLine
    from kiosk.authority.crypto.keys import KeyPurpose

DESCRIPTION = """\
The keys are in a file outside the database. Each purpose has one current key, which makes
new things, and older keys, which still open what they made:

  seal         seals unblock secrets
  code-mac     keys the digests of emailed codes
  pepper       is mixed into the hashes of answers
  audit-link   keys every row of the audit
  audit-sign   signs the audit's head
  row-mac      keys the MACs of rows that grant access
  station-ca   signs the certificates of stations in the network; it is not rotated: they
               know the authority by it
  derive       unblock secrets derive from it, where `source` in [secrets] says so; where
               [secrets] names a PKCS#11 token, it is made, used and kept in that

A running authority uses a new key within a minute, also from a key file that
`kiosk setup authority --seal-keys` sealed. One whose unit loads the key file as a
credential (a bare name as `file` in [keys]) must be restarted: add the new key
(--add-only), restart the authority, then rotate.
"""
EXAMPLE = """\
  kiosk keys list
  kiosk keys rotate                 add a key, and renew what older ones made
  kiosk keys rotate --purpose derive
  kiosk keys copy                   is the copy of the key file current?
  kiosk keys copy --to FILE         make one that is
  kiosk keys recover                what the key file lacks, and how it comes back
"""
ROTATE = """\
Adds a new key to the key file and seals every unblock secret again under it, card by card,
while stations go on working. If it is interrupted, run it again: it continues, and adds no
further key. Older keys stay in the file; a backup of the database may still need them.

Where the database is a server, each machine on it has its own key file, and refuses what is
made under a key that it lacks. There a rotation has two steps, each with --yes. The first
adds the key and stops: copy the key file to every machine at once. The second renews what
older keys made. A key file that lacks a key of another machine gets no new key.

With --purpose row-mac it makes the MACs of all rows that grant access again.

With --purpose derive it makes another master key, in the token where there is one. Every
secret of an older master key is derived once more and kept sealed, and each card gets a
secret of the new one when it is next unlocked here. An older master key can be destroyed
once `kiosk keys list` shows no secret that derives from it.

With another purpose nothing has to be renewed: the new key is only added.
"""
COPY = """\
Without an option: says which copy of the key file was declared last, and whether it has
every key of today; exit code 1 where it has not. `kiosk doctor` warns of that, too.

--to makes a copy, --check compares yours, and --declare takes your word for it. Each then
records that this copy is in a safe place. An outdated copy is not recorded. Where the key
file is sealed to this machine (`kiosk setup authority --seal-keys`), only a copy that --to
made can be used elsewhere.
"""
RECOVER = """\
Without an option: says which keys the key file lacks, when and by whom they were added, and
what is lost without them; exit code 1 where it lacks any.

--from puts the keys of a newer copy in the place of the key file. The copy must have every
key that is there now.

--lost gives up a key that no copy has, once for each. It says what is lost with that, and
so does the audit. Then it adds a new key of the same purpose, and the service can go on.
"""
_USED_SOON = (
    "running authorities use it within a minute; restart one whose unit loads the key file as a "
    "credential (a bare name as `file` in [keys])"
)
_TWO_STEPS = (
    "each machine on this database has its own key file, and refuses stations, visits and log-ins "
    "that were recorded under a key that it lacks. So a rotation has two steps, each with --yes: "
    "the first adds the key here, and you copy {file} to every machine at once; the second renews "
    "what older keys made. Nothing was done yet"
)
_CONTINUED = "continued the rotation to {current}; no other key was added (--add-only adds one)"
_HOW_TO_RECOVER = (
    "put them back from the newest copy, or from the key file of a machine that has them: `kiosk "
    "keys recover --from FILE`. Give up a key that no copy has: `kiosk keys recover --lost KEY`"
)


def add_parser(subparsers: Commands) -> None:
    text = "rotate keys, copy the key file, recover keys"
    parts = Parts(subparsers, "keys", text, DESCRIPTION, EXAMPLE)
    parts.add("list", _list, "show every key, and what it sealed")
    rotate = parts.add("rotate", _rotate, "make a new key current")
    rotate.description = ROTATE
    purposes = ["seal", "code-mac", "pepper", "audit-link", "audit-sign", "row-mac", "derive"]
    rotate.add_argument(
        "--purpose", default="seal", choices=purposes, help="which key (default: seal)"
    )
    add_flag(rotate, "--add-only", "add the key, and renew nothing yet")
    add_flag(rotate, "--yes", "on a server: take the next step")
    copy = parts.add("copy", _copy, "say which copy is current, or make one")
    copy.description = COPY
    how = copy.add_mutually_exclusive_group()
    text = "make a copy, in clear, into a new FILE"
    how.add_argument("--to", type=file_path, metavar="FILE", help=text)
    how.add_argument("--check", type=file_path, metavar="FILE", help="compare your copy, in FILE")
    text = "record that you keep a copy, without a look at it"
    how.add_argument("--declare", action="store_true", help=text)
    recover = parts.add("recover", _recover, "say which keys are missing, or put them back")
    recover.description = RECOVER
    way = recover.add_mutually_exclusive_group()
    text = "put the keys of this copy in the place of the key file"
    way.add_argument("--from", dest="copy", type=file_path, metavar="FILE", help=text)
    text = "give up a key that no copy has; may be repeated"
    way.add_argument("--lost", action="append", default=[], metavar="KEY", help=text)


def _list(args: argparse.Namespace) -> int:
    """Print the keys, never their material; 1 where one is missing or not to be seen."""
    tools, code = Tools(args), 0
    ring = tools.ring()
    from kiosk.authority.administration.key_copies import missing_keys, where_added
    from kiosk.authority.administration.keys import list_keys
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
        older = f"key file {tools.key_file}: it is an older copy; see `kiosk keys recover`"
        complain(f"{older}; {where_added(missing)}")
        code = 1
    return code


def _rotate(args: argparse.Namespace) -> int:
    """Add a key, and renew what older ones made; 1 where a secret or row could not be renewed."""
    tools = Tools(args)
    ring = tools.ring()  # which says what to do where there is none
    from kiosk.authority.administration import key_copies
    from kiosk.authority.administration.keys import add_key
    from kiosk.authority.crypto.keys import KeyPurpose
    from kiosk.authority.key_names import learn_names

    purpose, store = KeyPurpose(args.purpose), tools.staff_store
    derives = purpose is KeyPurpose.DERIVE
    in_token = derives and bool(tools.settings.secrets.module)
    has_two_steps = tools.store_file is None and not in_token
    missing_masters = _missing_masters(tools) if derives and has_two_steps else ()
    if lacking := ", ".join(line.id for line in missing_masters):
        because = f"it lacks {lacking}, from which secrets derive"
        advice = "`kiosk keys recover` says how to go on"
        raise ConfigError(f"key file {tools.key_file}: {because}; {advice}")
    key_copies.check_current(tools.key_file, ring, store)
    if has_two_steps and not args.yes:
        raise ConfigError(_TWO_STEPS.format(file=_to_bring(tools)))
    learn_names(store, ring)
    code, renews = 0, purpose in (KeyPurpose.SEAL, KeyPurpose.ROW_MAC, KeyPurpose.DERIVE)
    if renews and not args.add_only:
        added, code = _renew(tools, purpose, add_first=has_two_steps, in_token=in_token)
    else:
        actor = tools.actor()
        in_file = not derives
        added = (
            add_key(tools.key_file, purpose, store, actor) if in_file else tools.masters.add(actor)
        )
        _print_added(added, in_token=in_token)
    if added and has_two_steps:
        _print_bring(tools)
        if renews:
            again = f"`kiosk keys rotate --purpose {purpose} --yes`"
            echo(f"once every machine has it, run {again}: it renews what older keys made")
    copy = key_copies.last_copy(store)
    if copy is None or not key_copies.is_of(copy, tools.ring()):
        echo("no declared copy of the key file has every key of it:")
        echo(key_copies.how_to_copy(tools.key_file))
    return code


def _renew(
    tools: Tools, purpose: KeyPurpose, *, add_first: bool, in_token: bool
) -> tuple[str | None, int]:
    """Add a key, unless a rotation is unfinished, and renew what older ones made.

    With ``add_first`` it stops once it has added one. Returns the added key, and the exit code.
    """
    from kiosk.authority.administration.keys import rotate_rows, rotate_seal
    from kiosk.authority.crypto.keys import KeyPurpose

    file, store, actor = tools.key_file, tools.staff_store, tools.actor()
    if purpose is KeyPurpose.ROW_MAC:
        with progress_line("renewing MACs") as progress:
            rows = rotate_rows(file, store, actor, progress, add_first=add_first)
        added, current = rows.added, rows.current
        done = f"rows that have a MAC under it now: {rows.restamped:,}"
        altered = "altered outside of the service, and left as it is"
        problems = [f"{table} {row}: {altered}" for table, row in rows.altered]
    else:
        if purpose is KeyPurpose.DERIVE:
            with progress_line("deriving once more") as progress:
                report = tools.masters.rotate(actor, progress, add_first=add_first)
            done = "secrets that were derived once more, and sealed"
            broken = "cannot be derived and was left as it is"
        else:
            with progress_line("sealing again") as progress:
                report = rotate_seal(file, store, actor, progress, add_first=add_first)
            done = "secrets that were sealed again under it"
            broken = "does not open and was left as it is; import it again"
        added, current = report.added, report.current
        done = f"{done}: {report.rotation.resealed:,}"
        if overtaken := report.rotation.overtaken:
            done = f"{done}; others that were replaced during that: {overtaken:,}"
        problems = [f"card {card}: its secret {broken}" for card in report.rotation.broken]
    if added:
        _print_added(added, in_token=in_token)
    else:
        echo(_CONTINUED.format(current=current))
    if added and add_first:
        return added, 0
    echo(done)
    for problem in problems:
        complain(problem)
    if purpose is KeyPurpose.DERIVE:
        left = sum(key.secrets for key in tools.masters.lines() if not key.current)
        if left:  # stations go on working: what they change may derive from an older key again
            echo(f"secrets that still derive from an older key: {left}; run this again")
    return added, int(bool(problems))


def _print_added(added: str, *, in_token: bool) -> None:
    echo(f"added {added}; it is current now")
    # Stations ask a token each time.
    echo("new secrets derive from it" if in_token else _USED_SOON)


def _print_bring(tools: Tools) -> None:
    """Print what the other machines on a server need."""
    echo(f"copy {_to_bring(tools)} to every machine on this database now: without it they refuse")
    echo("what is made under the new key")


def _to_bring(tools: Tools) -> str:
    """Name what the other machines need: a sealed file opens on none of them."""
    path = tools.key_file
    in_clear = ", in clear (`kiosk keys copy --to FILE`)," if path.suffix == SUFFIX else ""
    return f"{path}{in_clear}"


def _copy(args: argparse.Namespace) -> int:
    """Say which copy is current, 1 where none is; or record one."""
    from kiosk.authority.administration import key_copies

    tools = Tools(args)
    ring, store = tools.ring(), tools.staff_store
    if not (args.to or args.check or args.declare):
        sentence, is_current = key_copies.describe_copy(ring, store)
        echo(sentence)
        if not is_current:
            echo(key_copies.how_to_copy(tools.key_file))
        return int(not is_current)
    key_copies.check_current(tools.key_file, ring, store)
    ring = tools.ring()  # with a key that was added since
    if args.to:
        key_copies.make_copy(args.to, tools.key_file, ring)
    elif args.check:
        key_copies.check_copy(args.check, tools.key_file, ring)
    else:
        key_copies.need_plain(tools.key_file)
    key_copies.declare_copy(ring, store, tools.actor())
    echo(f"recorded: a copy of {tools.key_file}, as it is now, is in a safe place")
    return 0


def _recover(args: argparse.Namespace) -> int:
    """Say which keys are missing, 1 where any is; or put keys back, or give them up."""
    from kiosk.authority.administration import key_copies
    from kiosk.authority.crypto.keys import KeyPurpose

    tools = Tools(args)
    store = tools.staff_store
    if args.copy:
        added = key_copies.put_back(args.copy, tools.key_file, store)
        echo(f"put back into {tools.key_file}: {added or 'nothing, it has every key of the copy'}")
    ring = tools.ring()
    missing = key_copies.missing_keys(ring, store)
    purposes = {each.id: KeyPurpose(each.purpose) for each in missing}
    purposes |= {line.id: KeyPurpose.DERIVE for line in _missing_masters(tools)}
    begun = key_copies.half_given_up(ring, store)
    lost = set(args.lost) - (key_copies.keys_given_up(store) - begun.keys())
    if lost:
        _give_up(tools, {each.id for each in missing}, purposes | begun, lost)
    elif begun and not purposes:
        names = ", ".join(sorted(begun))
        again = " ".join(f"--lost {key}" for key in sorted(begun))
        complain(f"given up, and no key in its place: {names}; run `kiosk keys recover {again}`")
        return 1
    elif purposes:
        for key, loss in key_copies.losses(purposes, store).items():
            complain(f"missing: {key}; without it {loss}")
        if missing:
            complain(key_copies.where_added(missing))
        complain(_HOW_TO_RECOVER)
        return 1
    else:
        echo(f"key file {tools.key_file}: it lacks no key")
    return 0


def _give_up(
    tools: Tools, missing: set[str], purposes: dict[str, KeyPurpose], lost: set[str]
) -> None:
    """Give up ``lost``, and add new keys of their purposes; raises ``ConfigError``."""
    from kiosk.authority.administration import key_copies
    from kiosk.authority.administration.keys import add_key
    from kiosk.authority.crypto.keys import KeyPurpose
    from kiosk.authority.key_names import learn_names

    store, actor = tools.staff_store, tools.actor()
    if there := ", ".join(sorted(lost - purposes.keys())):
        because = f"the key file {tools.key_file} lacks no such key"
        raise ConfigError(f"{there}: {because}; see `kiosk keys recover`")
    if others := ", ".join(sorted(missing - lost)):
        advice = "put them back first (--from FILE), or give them up in the same command"
        raise ConfigError(f"key file {tools.key_file}: it lacks {others}, too; {advice}")
    given_up = {key: purposes[key] for key in lost}
    for key, loss in key_copies.losses(given_up, store).items():
        echo(f"given up: {key}; {loss}")
    key_copies.give_up(lost, store, actor)
    learn_names(store, tools.ring())
    # Without a key that is newer than the lost one, the database takes the key file for an older
    # copy. No master key is needed for that.
    renewed = [each for each in KeyPurpose if each in given_up.values()]
    for purpose in renewed:
        if purpose is not KeyPurpose.DERIVE:
            _print_added(add_key(tools.key_file, purpose, store, actor), in_token=False)
    if tools.store_file is None:
        _print_bring(tools)
    echo(key_copies.how_to_copy(tools.key_file))


def _missing_masters(tools: Tools) -> tuple[MasterLine, ...]:
    """Return the master keys from which secrets derive, that are nowhere and not given up."""
    from kiosk.authority.administration.key_copies import keys_given_up
    from kiosk.authority.errors import KeysUnavailable

    try:
        lines = tools.masters.lines()
    except KeysUnavailable as error:
        complain(f"the master keys cannot be shown: {error}")
        return ()
    given_up = keys_given_up(tools.staff_store)
    return tuple(line for line in lines if not line.there and line.id not in given_up)
