"""Copies of the key file: which one is current, and how the keys come back from one.

The audit says when each key was added, and which keys the copy had that was declared last. So it
shows whether that copy has the keys of today, and which keys the key file lacks where an older copy
was put in its place. A lacking key comes back from a newer copy (``put_back``). One that no copy
has is given up (``give_up``), and no longer reported as missing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from kiosk.authority.administration.resealing import secrets_by
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.crypto import keys
from kiosk.authority.crypto.keys import NEEDED, KeyFileMissing, KeyPurpose, KeyRing, create, locked
from kiosk.authority.errors import KeyMissing
from kiosk.authority.key_names import knows_ring, require_newest
from kiosk.authority.records import CLOCKS_DIFFER, AuditEvent, AuditQuery, NamedKey, Scalar
from kiosk.authority.store.database import Store
from kiosk.authority.wording import local_time
from kiosk.contract.errors import ConfigError
from kiosk.system.files import sync
from kiosk.system.machine_seal import SUFFIX


def digest_of(ring: KeyRing) -> str:
    """Return a digest of the ids of all keys: it changes with the key file, and reveals no key."""
    ids = (f"{purpose}:{key_id}" for purpose in KeyPurpose for key_id in ring.ids(purpose))
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


# Which copy is current.


def declare_copy(ring: KeyRing, store: Store, actor: str) -> None:
    """Record that a copy of the present key file is kept in a safe place."""
    count = sum(len(ring.ids(purpose)) for purpose in KeyPurpose)
    detail: dict[str, Scalar] = {"keys": count, "ids_sha256": digest_of(ring)}
    if given_up := sorted(keys_given_up(store) - _held(ring)):
        detail["lost"] = ", ".join(given_up)
    store.record_event(ServiceKind.KEYS_BACKED_UP.value, actor=actor, detail=detail)


def last_copy(store: Store) -> AuditEvent | None:
    """Return the copy that was declared last, unless the clock was ahead then."""
    made = AuditQuery(kind=ServiceKind.KEYS_BACKED_UP.value)
    with store.read() as uow:
        by_now = replace(made, until=uow.now + CLOCKS_DIFFER)
        found = uow.trail.newest(by_now, limit=1) or uow.trail.newest(made, limit=1)
    return found[0] if found else None


def is_of(copy: AuditEvent, ring: KeyRing) -> bool:
    """Return whether the copy that was declared holds the keys of today."""
    return copy.detail.get("ids_sha256") == digest_of(ring)


def lacks_keys_of(copy: AuditEvent, ring: KeyRing, store: Store) -> bool:
    """Return whether the key file lacks a key that was there when the copy was declared."""
    return any(added.at <= copy.at for added in _lacking(ring, store))


def describe_copy(ring: KeyRing, store: Store) -> tuple[str, bool]:
    """Say which copy of the key file was declared last, and whether it has the keys of today."""
    copy = last_copy(store)
    if copy is None:
        return "no copy of the key file was ever declared", False
    by = f" ({copy.actor})" if copy.actor else ""
    declared = f"the copy of the key file that was declared {local_time(copy.at)}{by}"
    if is_of(copy, ring):
        return f"{declared} is current: it has every key", True
    if lacks_keys_of(copy, ring, store):
        return f"{declared} has keys that the key file lacks: see `kiosk keys recover`", False
    return f"{declared} is out of date: keys were added since", False


def how_to_copy(path: Path) -> str:
    """Say how to keep a copy of the key file that opens on another machine, too."""
    in_clear = " (in clear: a sealed one opens on this machine alone)"
    sealed = in_clear if path.suffix == SUFFIX else ""
    return f"make a copy in a safe place{sealed}: `kiosk keys copy --to FILE`"


def make_copy(copy: Path, path: Path, ring: KeyRing) -> None:
    """Write all keys of the key file at ``path`` into a new file, in clear; raises ``ConfigError``.

    A copy that a command made before it was cut short is taken as it is.
    """
    _need_clear(copy)
    entries = ring.to_entries()
    with suppress(OSError, ConfigError):
        is_there = copy.exists() and not copy.samefile(path)
        if is_there and KeyRing.load(copy).to_entries() == entries:
            sync(copy.parent)
            return
    create(copy, entries)


def check_copy(copy: Path, path: Path, ring: KeyRing) -> None:
    """Raise ``ConfigError`` for a ``copy`` that differs from the present key file at ``path``.

    A file that is sealed to this machine is no copy: it would not open where it is needed. Nor is
    the key file itself, by whatever name.
    """
    _need_clear(copy)
    _need_another_file(copy, path)
    kept, now = set(KeyRing.load(copy).to_entries()), set(ring.to_entries())
    if lacking := _names(now - kept):
        because = f"it is no copy of {path} as it is now, which has {lacking}: copy it again"
        raise ConfigError(f"key file {copy}: {because}")
    if more := _names(kept - now):
        because = f"it has {more}, which {path} lacks: run `kiosk keys recover --from {copy}`"
        raise ConfigError(f"key file {copy}: {because}")


def need_plain(path: Path) -> None:
    """Raise ``ConfigError`` for a sealed key file, of which a copy as it is is of no use."""
    if path.suffix == SUFFIX:
        raise ConfigError(
            f"key file {path}: it is sealed, so a copy of it opens on this machine alone: make one "
            "in clear with --to FILE, or compare yours with --check FILE"
        )


def _need_clear(copy: Path) -> None:
    if copy.suffix == SUFFIX:
        sealed = f"by a name in {SUFFIX} it is sealed, and opens on this machine alone"
        raise ConfigError(f"key file {copy}: {sealed}; a copy is in clear: name it keys.json")


def _need_another_file(copy: Path, path: Path) -> None:
    with suppress(FileNotFoundError):
        if copy.samefile(path):
            because = "it is the key file itself, no copy of it: name a file that is kept elsewhere"
            raise ConfigError(f"key file {copy}: {because}")


def _names(entries: Iterable[tuple[str, str, bytes]]) -> str:
    return ", ".join(sorted(key_id for _, key_id, _ in entries))


def _held(ring: KeyRing) -> set[str]:
    return {key_id for purpose in KeyPurpose for key_id in ring.ids(purpose)}


# Which keys the key file lacks.

_ADDITIONS: Final = 500
"""How many added keys, and how many that were given up, are read: the newest ones."""


@dataclass(frozen=True, slots=True)
class MissingKey:
    """A key that the key file lacks; it was added at a time, by somebody, as the audit says."""

    purpose: str
    id: str
    at: datetime
    actor: str


def missing_keys(ring: KeyRing, store: Store) -> tuple[MissingKey, ...]:
    """Return the keys that an older copy lacks, the newest first, but master keys."""
    return tuple(
        MissingKey(str(each.detail["purpose"]), str(each.detail["key"]), each.at, each.actor or "")
        for each in _lacking(ring, store)
        if each.detail.get("purpose") not in (None, KeyPurpose.DERIVE.value)
    )


def _lacking(ring: KeyRing, store: Store) -> list[AuditEvent]:
    """Return the additions of keys that the key file lacks, but to a token, and given up."""
    known = _held(ring) | keys_given_up(store)
    return [
        added
        for added in key_additions(store)
        if "place" not in added.detail and added.detail.get("key") not in known
    ]


def key_additions(store: Store) -> tuple[AuditEvent, ...]:
    """Return what the audit says of added keys, the newest first."""
    with store.read() as uow:
        return uow.trail.newest(AuditQuery(kind=ServiceKind.KEY_ADDED.value), limit=_ADDITIONS)


_NOT_IN_THE_AUDIT: Final = "a command that is not in the audit"
"""It was cut short, or a backup of before it was restored."""


def where_added(missing: Sequence[MissingKey]) -> str:
    """Say whose key file has the keys: no machine is in the audit, but the time and the account."""
    said = ", ".join(
        f"{each.id} {local_time(each.at)} by {each.actor or _NOT_IN_THE_AUDIT}" for each in missing
    )
    return f"the machine where they were added has it ({said})"


def check_current(path: Path, ring: KeyRing, store: Store) -> None:
    """Raise ``ConfigError`` for an older copy in the place of the key file: it lacks a key.

    A master key of unblock secrets may be missing: it may have been destroyed since.
    """
    missing = missing_keys(ring, store)
    if missing:  # another command may have added a key since the file was read
        missing = missing_keys(KeyRing.load(path), store)
    if missing:
        names = ", ".join(sorted(each.id for each in missing))
        raise ConfigError(
            f"key file {path}: it is an older copy, without {names}; {where_added(missing)}. "
            "`kiosk keys recover` says how to go on"
        )


def check_holds_all(ring: KeyRing, store: Store) -> None:
    """Raise ``KeyMissing`` for an older copy of the key file.

    It may lack a master key from which nothing derives: that may have been destroyed.
    """
    with store.read() as uow:
        known, since = uow.known_keys.every(), uow.known_keys.since()
        derived = secrets_by(uow, NamedKey.MASTER)
    derive = KeyPurpose.DERIVE.value
    needed = {key: named for key, named in known.items() if named != derive or key in derived}
    require_newest(ring, needed, since)


# How they come back, or are given up.


def put_back(copy: Path, path: Path, store: Store) -> str:
    """Put the keys of ``copy`` in the place of the key file; return the names of those it lacked.

    Raises ``ConfigError`` for a copy that lacks a key of the key file, or is of another database.
    """
    _need_another_file(copy, path)
    kept = KeyRing.load(copy)
    with suppress(KeyMissing):  # the copy may lack a key as well, but is newer than what is there
        knows_ring(store, kept)
    new, added = kept.to_entries(), set(kept.to_entries())
    with locked(path):
        try:
            now = KeyRing.load(path).to_entries()
        except KeyFileMissing:
            create(path, new)
            if os.geteuid() == 0:  # the service's account reads it, and owns the folder
                owner = path.parent.stat()
                os.chown(path, owner.st_uid, owner.st_gid)
        else:
            if lacking := _names(set(now) - added):
                because = f"it lacks {lacking}, which {path} has: it is no newer copy"
                raise ConfigError(f"key file {copy}: {because}")
            added -= set(now)
            if added:
                keys.replace(path, new)
    return _names(added)


_UNVERIFIED: Final = "`kiosk audit verify` goes on naming a row under it"
_LOST: Final[dict[KeyPurpose, str]] = {
    KeyPurpose.SEAL: (
        "{secrets} unblock secrets can never be opened; `kiosk import --replace-lost`, or setting "
        "each anew, puts others in their place"
    ),
    KeyPurpose.CODE_MAC: "codes and numbers of mails that were made under it are worthless",
    KeyPurpose.PEPPER: (
        "answers and saved codes that were made under it are never right; those people register "
        "anew, or have other codes made"
    ),
    KeyPurpose.AUDIT_LINK: _UNVERIFIED,
    KeyPurpose.AUDIT_SIGN: _UNVERIFIED,
    KeyPurpose.ROW_MAC: (
        "records under it look altered; compare and accept what `kiosk rows check` names"
    ),
    KeyPurpose.DERIVE: (
        "{secrets} unblock secrets that derive from it can never be derived; `kiosk import "
        "--replace-lost`, or setting each anew, puts others in their place"
    ),
}
"""What is lost with a key of this purpose; a station CA's is never rotated."""


def losses(missing: Mapping[str, KeyPurpose], store: Store) -> dict[str, str]:
    """Say what is lost without each of these keys, by its id."""
    with store.read() as uow:
        sealed, derived = secrets_by(uow, NamedKey.SEAL), secrets_by(uow, NamedKey.MASTER)
    secrets = sealed | derived
    return {key: _LOST[missing[key]].format(secrets=secrets.get(key, 0)) for key in sorted(missing)}


def give_up(lost: Iterable[str], store: Store, actor: str) -> None:
    """Record that no copy has these keys."""
    detail: dict[str, Scalar] = {"lost": ", ".join(sorted(set(lost)))}
    store.record_event(ServiceKind.KEYS_GIVEN_UP.value, actor=actor, detail=detail)


def half_given_up(ring: KeyRing, store: Store) -> dict[str, KeyPurpose]:
    """Return the keys that were given up, and in whose place no key of their purpose was added yet.

    Until then the database takes the key file for an older copy (``require_newest``).
    """
    given_up = keys_given_up(store)
    with store.read() as uow:
        known, since = uow.known_keys.every(), uow.known_keys.since()
    found: dict[str, KeyPurpose] = {}
    for purpose in NEEDED:
        ours = ring.ids(purpose)
        current = since.get(ours[-1])
        for key, named in known.items():
            is_gone = named == purpose.value and key in given_up and key not in ours
            if is_gone and current is not None and since[key] >= current:
                found[key] = purpose
    return found


def keys_given_up(store: Store) -> set[str]:
    """Return the ids of the keys that were given up, and did not come back before the last copy."""
    copy = last_copy(store)
    query = AuditQuery(kind=ServiceKind.KEYS_GIVEN_UP.value, since=copy.at if copy else None)
    with store.read() as uow:
        found = uow.trail.newest(query, limit=_ADDITIONS)
    said = [*found, *([copy] if copy else [])]
    return {key for each in said for key in str(each.detail.get("lost") or "").split(", ")} - {""}
