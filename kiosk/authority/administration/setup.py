"""Making a place for the service: settings, keys, database and the first questions.

Each step looks first and makes only what is missing, so all of it may be repeated.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kiosk.authority.administration.keys import MasterKeys
from kiosk.authority.administration.questions import DEFAULT_QUESTIONS
from kiosk.authority.crypto.keys import KeyRing, claim, require_no_keys
from kiosk.authority.store.database import Store
from kiosk.contract.errors import ConfigError, StoreError
from kiosk.contract.ports import Clock


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was taken: what it is about, and whether something was ``made``."""

    what: str
    made: bool
    told: str


COPY_IT = "keep a copy in a safe place, secrets are lost without it; then `kiosk keys backed-up`"


def write_settings(path: Path, text: str) -> Step:
    """Write a first settings file (0600) where there is none; raises ``ConfigError``."""
    try:
        make_private_folder(path.parent)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except FileExistsError:
        return Step("settings", False, str(path))
    except OSError as error:
        raise ConfigError(f"settings file {path}: {error.strerror}") from None
    return Step("settings", True, f"{path}: every setting with its default; change what differs")


def make_keys_of(store: Store, path: Path) -> Step:
    """Make the keys of a prepared database, or see that those at ``path`` are.

    Raises ``ConfigError`` where it was filled under others: two sets make it unreadable.
    """
    if not path.exists():
        require_no_keys(store, str(path))
    step = make_keys(path)
    claim(store, KeyRing.load(path))
    return step


def make_keys(path: Path) -> Step:
    """Make a key file (0600) of fresh random keys where there is none; raises ``ConfigError``."""
    if path.exists():
        KeyRing.load(path)
        return Step("keys", False, str(path))
    make_private_folder(path.parent)
    KeyRing.create(path)
    return Step("keys", True, f"{path}: {COPY_IT}")


def make_master_key(masters: MasterKeys, actor: str) -> Step:
    """Make a first master key where there is none; raises ``KeysUnavailable`` for a token."""
    there = [line.id for line in masters.lines() if line.current]
    told = there or [masters.add(actor)]
    return Step("master key", not there, f"{told[0]}: derived secrets are lost without it")


def prepare_database(store: Store, shown: str) -> Step:
    """Bring the schema up to date; ``shown`` names the database without its password."""
    was_current = _is_current(store)
    revision = store.migrate()
    return Step("database", not was_current, f"{shown}: schema {revision}")


def _is_current(store: Store) -> bool:
    try:
        return store.schema_serves()
    except StoreError:  # most likely it is not there yet; migrating it will tell
        return False


def load_questions(
    store: Store, clock: Clock, texts: Mapping[int, str] = DEFAULT_QUESTIONS
) -> Step:
    """Load the first list of questions; one that is there is the service's own and stays.

    So does one that staff retired as a whole: it is they who keep the list.
    """
    with store.begin() as uow:
        there = len(uow.questions.every())
        if there:
            return Step("questions", False, f"{there} in the list")
        uow.questions.sync(texts, clock.now())
        uow.commit()
    return Step("questions", True, f"{len(texts)} loaded")


def make_private_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter (0700); one that exists is left as it is."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"folder {folder}: {error.strerror}") from None
