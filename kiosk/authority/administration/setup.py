"""Setting up the service: keys, database and the first questions."""

from __future__ import annotations

from pathlib import Path

from kiosk.authority.administration.checks import how_to_bring_it_back
from kiosk.authority.administration.keys import MasterKeys, is_of, last_copy
from kiosk.authority.administration.policy import DEFAULT_QUESTIONS
from kiosk.authority.crypto import keys as key_file
from kiosk.authority.crypto.keys import KeyRing, claim, require_no_keys
from kiosk.authority.errors import StoreError
from kiosk.authority.store.database import Store
from kiosk.contract.errors import ConfigError
from kiosk.contract.ports import Clock


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


def seal_keys(store: Store, path: Path, sealed: Path) -> None:
    """Seal the key file to this machine, into ``sealed``; the plain one stays.

    Raises ``ConfigError`` where no copy of it was declared: a sealed one opens nowhere else.
    """
    if not is_copied(store, path):
        raise ConfigError(
            f"keys: {path} was not copied yet, and sealed it opens on this machine alone; first "
            "`kiosk keys backed-up --to FILE`"
        )
    if not sealed.exists():  # else of a run that was interrupted, perhaps before a rotation
        key_file.create(sealed, key_file.read(path))
    if key_file.read(sealed) != key_file.read(path):
        because = f"{sealed} is there and holds others than {path}"
        raise ConfigError(f"keys: {because}: move it away, and run this again")


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
