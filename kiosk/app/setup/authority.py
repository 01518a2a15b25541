"""The steps of an authority: settings, keys and database, and those on its machine."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from kiosk.app.cli.tools import Tools
from kiosk.app.setup.steps import (
    BOOTED,
    UNITS,
    Step,
    account,
    link,
    read_if_there,
    run_program,
    service,
    settings_file,
    systemctl,
)
from kiosk.authority.administration.checks import how_to_bring_it_back
from kiosk.authority.administration.key_copies import how_to_copy, is_of, last_copy
from kiosk.authority.administration.keys import MasterKeys
from kiosk.authority.administration.policy import DEFAULT_QUESTIONS
from kiosk.authority.crypto import keys as key_file
from kiosk.authority.crypto.keys import KeyRing, locked
from kiosk.authority.errors import StoreError
from kiosk.authority.key_names import claim, require_no_keys
from kiosk.authority.store.database import Store
from kiosk.authority.store.engine import place_of
from kiosk.config.example import example_toml, with_values
from kiosk.config.loading import SYSTEM_SETTINGS
from kiosk.contract.errors import ConfigError
from kiosk.contract.ports import Clock
from kiosk.system.machine_seal import SUFFIX

ACCOUNT = "kiosk"
_SESSIONS = "kiosk-sessions.service"
READERS = ("kiosk-authority.service", _SESSIONS)
"""The units that read the settings, when they start."""
_STAFF = "ra"
_HOME = "/var/lib/kiosk"
_SHIPPED = Path("/usr/share/unlock-kiosk-authority")
_SSHD = Path("/usr/sbin/sshd")
_ENABLED_BY_HAND = {
    _SESSIONS: "the process that sessions of staff share",
    "kiosk-caretaker.timer": "a run of the caretaker, also where no authority runs",
    "kiosk-purge.timer": "the deletion of what was kept long enough",
}
_KSM = Path("/sys/kernel/mm/ksm/run")
"""What the kernel does about equal pages: 0 nothing, 1 merges, 2 parts what was merged."""
_MERGING = Path("/etc/tmpfiles.d/kiosk-ksm.conf")
_KSMTUNED = Path("/etc/ksmtuned.conf")
"""Of a program for hosts of virtual machines, which switches KSM on and off."""
_MAY_SET_KSM = (
    *("etc/tmpfiles.d/*.conf", "run/tmpfiles.d/*.conf", "usr/local/lib/tmpfiles.d/*.conf"),
    *("usr/lib/tmpfiles.d/*.conf", "etc/sysfs.conf", "etc/sysfs.d/*.conf"),
)
"""Files below / with what is set at the start of the machine."""


def is_the_machines(path: Path) -> bool:
    """Return whether root sets up this machine's service, and not a user a private installation."""
    return os.geteuid() == 0 and path == SYSTEM_SETTINGS


def write_settings(path: Path, values: Mapping[tuple[str, str], str]) -> Step:
    """Make the settings file, for the service's account or for a private installation."""
    owner = (ACCOUNT, ACCOUNT)
    if not is_the_machines(path):
        owner = (pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name)
        make_private_folder(path.parent)
    text = with_values(read_if_there(path) or example_toml(), values)
    return settings_file(path, text, owner, 0o600)


def store_steps(tools: Tools, *, seals: bool, new_database: bool) -> Iterator[Step]:
    """Yield what the settings require: made as the account that the authority runs as.

    ``seals``: the key file is sealed to this machine. ``new_database``: also where there are keys
    of a lost one.
    """
    settings, store, file = tools.settings, tools.store, tools.store_file
    folders = [file.parent] if file else []
    folders += [Path(settings.admin.imports), Path(settings.admin.exports)]
    exists = file.exists if file else lambda: True
    for folder in folders:
        yield Step("folder", str(folder), folder.is_dir, partial(make_private_folder, folder))
    yield Step(
        "database",
        place_of(settings.store.url),
        lambda: not is_to_be_migrated(store, tools.key_file, new=new_database),
        store.migrate,
        is_there=store.is_made,
    )
    copied = is_copied(store, tools.key_file)
    yield Step(
        "keys",
        str(tools.key_file)
        if copied
        else f"{tools.key_file}: secrets are lost without it; {how_to_copy(tools.key_file)}",
        partial(keys_are_those_of, store, tools.key_file),
        partial(make_keys_of, store, tools.key_file),
    )
    if seals or tools.key_file.suffix == SUFFIX:
        sealed = tools.key_file.with_suffix(SUFFIX)
        yield Step(
            "sealed keys",
            f"{sealed}: this account of this machine opens it, and nobody else",
            lambda: tools.key_file == sealed,
            partial(_seal_keys, tools, sealed),
        )
    if settings.secrets.source == "derived":
        yield Step(
            "master key",
            "derived secrets are lost without it",
            partial(has_master_key, tools.masters),
            lambda: tools.masters.add(tools.actor()),
        )
    yield Step(
        "questions",
        f"{len(DEFAULT_QUESTIONS)} to begin with",
        lambda: exists() and has_questions(store),
        partial(load_questions, store, tools.clock),
    )


def _seal_keys(tools: Tools, sealed: Path) -> None:
    """Seal the keys to this machine, let the settings name them, and delete the plain file.

    In this order, and nobody adds a key to the plain file in between, which would be lost with it.
    Raises ``ConfigError`` where no copy of it was declared: a sealed one opens nowhere else.
    """
    plain = tools.key_file
    with locked(plain):
        if not is_copied(tools.store, plain):
            raise ConfigError(
                f"keys: {plain} was not copied yet, and sealed it opens on this machine alone; "
                "first `kiosk keys copy --to FILE`"
            )
        if not sealed.exists():  # else of a run that was interrupted, perhaps before a rotation
            key_file.create(sealed, key_file.read(plain))
        if key_file.read(sealed) != key_file.read(plain):
            because = f"{sealed} is there and holds others than {plain}"
            raise ConfigError(f"keys: {because}: move it away, and run this again")
        write_settings(tools.path, {("keys", "file"): str(sealed)}).do()
        plain.unlink()


def merging() -> Step:
    """Let the kernel merge equal pages, now and at each start."""

    def merge() -> None:
        if BOOTED.is_dir():
            run_program("systemd-tmpfiles", "--create", str(_MERGING))

    def part() -> None:  # and merge nothing more, unless somebody has set it otherwise
        if BOOTED.is_dir() and os.access(_KSM, os.W_OK) and _KSM.read_text().strip() == "1":
            for state in ("2", "0"):
                _KSM.write_text(state)
        _MERGING.unlink()

    text = "equal pages of staff's sessions are merged (KSM); let no other program here request it"
    step = link("memory", text, _MERGING, _SHIPPED / "ksm.conf")
    return replace(step.followed_by(merge), undo=part)


def why_not_merge() -> str | None:
    """Say what keeps the machine from being set up to merge pages; None where nothing does."""
    if not os.access(_KSM, os.W_OK):
        return f"{_KSM} is not there, or cannot be written"
    if not (_SSHD.exists() and (UNITS / "multi-user.target.wants" / _SESSIONS).is_symlink()):
        return f"no sessions of staff share pages here: enable {_SESSIONS} first"
    if (state := _KSM.read_text().strip()) != "0":
        return f"{_KSM} is {state} already, by a setting of somebody else"
    others = [place for place in (_MERGING, _KSMTUNED) if place.exists()]
    for place in (each for pattern in _MAY_SET_KSM for each in Path("/").glob(pattern)):
        lines = place.read_text(errors="replace").splitlines() if place.is_file() else []
        others += [place for line in lines if "kernel/mm/ksm" in line.partition("#")[0]]
    return f"{others[0]} is a setting of somebody else" if others else None


def machine_steps(*, merges: bool, undo: bool) -> Iterator[Step]:
    """Yield the login of staff, where there is an SSH server, and the unit.

    ``merges``: whether equal pages are to be merged. ``undo``: also the units that an administrator
    enabled.
    """
    # The first, to be undone once no session is left.
    if merges or undo:
        yield merging()
    elif merging().is_done():
        yield merging().undone()
    if _SSHD.exists():
        staff = account(_STAFF, same_as=ACCOUNT, home=_HOME)
        yield staff.followed_by(partial(systemctl, "try-reload-or-restart", "ssh.service"))
        user = pwd.getpwnam(ACCOUNT).pw_uid
        yield link(
            "limits",
            "the sessions of staff together leave the authority its part of the machine",
            UNITS / f"user-{user}.slice.d" / "50-kiosk-staff.conf",
            _SHIPPED / "staff.slice.conf",
            "daemon-reload",
        )
    if undo:
        for unit, text in _ENABLED_BY_HAND.items():
            yield service(unit, text)
    yield service("kiosk-authority.service", "the authority")


def schema_is_current(store: Store) -> bool:
    """Whether the database is there and needs no migration."""
    try:
        return store.schema_serves()
    except StoreError:  # most likely it does not exist yet; migrating it will show
        return False


def is_to_be_migrated(store: Store, keys: Path, *, new: bool) -> bool:
    """Return whether the database is missing, or its schema is not current.

    Raises ``ConfigError`` where there are keys and no database, unless a ``new`` one is wanted: the
    database is made before its keys, so an earlier one is lost.
    """
    if not new and keys.exists() and not store.is_made():
        gone = "is not there" if store.file is not None else "has no tables"
        raise ConfigError(
            f"{keys} has keys, and the database {gone}; {how_to_bring_it_back(store)}"
        )
    return not schema_is_current(store)


def keys_are_those_of(store: Store, path: Path) -> bool:
    """Return whether there is a key file; raises ``ConfigError`` where it is not the database's.

    Also where there is none, and a database that was filled under keys.
    """
    if not path.exists():
        if schema_is_current(store):
            require_no_keys(store, str(path))
        return False
    claim(store, KeyRing.load(path))
    return True


def make_keys_of(store: Store, path: Path) -> None:
    """Make a key file (0600) of fresh random keys for a prepared database.

    Raises ``ConfigError`` where it was filled under others: two sets make it unreadable.
    """
    require_no_keys(store, str(path))
    make_keys(path)
    claim(store, KeyRing.load(path))


def make_keys(path: Path) -> None:
    """Make a key file (0600) of fresh random keys; raises ``ConfigError`` where there is one."""
    make_private_folder(path.parent)
    KeyRing.create(path)


def is_copied(store: Store, path: Path) -> bool:
    """Whether a copy of the key file, as it is now, was declared."""
    if not path.exists() or not schema_is_current(store):
        return False
    copy = last_copy(store)
    return copy is not None and is_of(copy, KeyRing.load(path))


def has_master_key(masters: MasterKeys) -> bool:
    """Return whether there is a key to derive with; raises ``KeysUnavailable`` for a token."""
    return any(line.current for line in masters.lines())


def has_questions(store: Store) -> bool:
    """Return whether there is a list, also one that staff retired as a whole: they maintain it."""
    with store.read() as uow:
        return bool(uow.questions.every())


def load_questions(store: Store, clock: Clock) -> None:
    """Load the list that a new service begins with; an existing one is the service's and stays."""
    with store.begin() as uow:
        if not uow.questions.every():
            uow.questions.sync(DEFAULT_QUESTIONS, clock.now())
            uow.commit()


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter (0700); leave an existing one alone."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"folder {folder}: {error.strerror}") from None
