"""Looking at the keys, and rotating those that seal unblock secrets and key rows.

A rotation has two halves: a new key is added to the key file, and every secret is sealed,
or every row's MAC made, anew under it. It may stop anywhere: the next one first finishes
what was left.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiosk.administration.progress import Progress, unseen
from kiosk.secrets.keys import NEEDED, KeyPurpose, KeyRing
from kiosk.secrets.rotate import Rotation, reseal_all, sealed_by_key
from kiosk.secrets.sealing import Sealer
from kiosk.store.audit_records import AuditEvent, AuditQuery
from kiosk.store.database import Store
from kiosk.store.records import Scalar
from kiosk.store.repositories.mac_rows import TABLES, RowKey

ROWS_A_PIECE: Final = 200
"""Rows that get another MAC in one transaction: what others wait for is short."""

BACKED_UP: Final = "keys-backed-up"
"""The audit's kind for the declaration of a copy of the key file."""


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of the file.

    ``secrets`` counts what it sealed, or the rows with a MAC of it; None for other purposes.
    """

    purpose: KeyPurpose
    id: str
    current: bool
    secrets: int | None


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation did; ``added`` is the new key, None where an earlier one was finished."""

    added: str | None
    current: str
    rotation: Rotation


def list_keys(ring: KeyRing, store: Store) -> tuple[KeyLine, ...]:
    """Return every key that all have one of, oldest first within its purpose."""
    with store.read() as uow:
        sealed = sealed_by_key(uow)
        made = {key_id: sealed.get(key_id, 0) for key_id in ring.ids(KeyPurpose.SEAL)}
        made |= {key_id: uow.mac_rows.made_by(key_id) for key_id in ring.ids(KeyPurpose.ROW_MAC)}
    return tuple(
        KeyLine(
            purpose,
            key_id,
            key_id == ring.current(purpose).id,
            made.get(key_id),
        )
        for purpose in NEEDED
        for key_id in ring.ids(purpose)
    )


def digest_of(ring: KeyRing) -> str:
    """Return a digest of the ids of all keys: it changes with the key file, and says no key."""
    ids = (f"{purpose}:{key_id}" for purpose in KeyPurpose for key_id in ring.ids(purpose))
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def declare_copy(ring: KeyRing, store: Store, actor: str) -> None:
    """Write down that a copy of the key file, as it is now, is kept in a safe place."""
    keys = sum(len(ring.ids(purpose)) for purpose in KeyPurpose)
    with store.begin() as uow:
        detail: dict[str, Scalar] = {"keys": keys, "ids_sha256": digest_of(ring)}
        uow.audit.append(kind=BACKED_UP, reference="", actor=actor, detail=detail)
        uow.commit()


def last_copy(store: Store) -> AuditEvent | None:
    """Return the last declaration of a copy, with its time."""
    with store.read() as uow:
        found = uow.trail.newest(AuditQuery(kind=BACKED_UP), limit=1)
    return found[0] if found else None


def is_of(copy: AuditEvent, ring: KeyRing) -> bool:
    """Tell whether the copy that was declared holds the keys of today."""
    return copy.detail.get("ids_sha256") == digest_of(ring)


def is_unfinished(ring: KeyRing, store: Store) -> bool:
    """Tell whether an added key has work left: secrets under older ones, or none under it."""
    with store.read() as uow:
        sealed = sealed_by_key(uow)
    current, *older = reversed(ring.ids(KeyPurpose.SEAL))
    return any(sealed.get(key, 0) for key in older) or bool(older and not sealed.get(current, 0))


def add_key(path: Path, purpose: KeyPurpose, store: Store, actor: str) -> str:
    """Add a new current key to the key file and return its id; older ones stay in it.

    Raises ``ConfigError`` for the key file; the audit is told which key it was.
    """
    added = KeyRing.rotate(path, purpose).current(purpose).id
    with store.begin() as uow:
        detail = {"purpose": purpose.value, "key": added}
        uow.audit.append(kind="key-added", reference="", actor=actor, detail=detail)
        uow.commit()
    return added


@dataclass(frozen=True, slots=True)
class RowRotation:
    """What a rotation of the key of rows did; ``altered`` name table and row."""

    added: str | None
    current: str
    restamped: int
    altered: tuple[tuple[str, str], ...]


def rotate_rows(path: Path, store: Store, actor: str, progress: Progress = unseen) -> RowRotation:
    """Add a key, unless an earlier rotation is unfinished, and make all MACs anew under it.

    It is unfinished while a row that is not altered has a MAC of an older key. Progress is
    told in rows. Raises ``ConfigError`` for the key file and ``StoreError``.
    """
    added = None
    store.macs.reload()
    restamped, altered = 0, list[tuple[str, str]]()
    if len(KeyRing.load(path).ids(KeyPurpose.ROW_MAC)) > 1:
        restamped, altered = _restamp_all(store, actor, progress)
    if not restamped:
        added = add_key(path, KeyPurpose.ROW_MAC, store, actor)
        store.macs.reload()
        restamped, altered = _restamp_all(store, actor, progress)
    return RowRotation(added, store.macs.current_key_id, restamped, tuple(altered))


def _restamp_all(store: Store, actor: str, progress: Progress) -> tuple[int, list[tuple[str, str]]]:
    """Make every MAC anew that an older key made, some rows at a time."""
    key_id = store.macs.current_key_id
    restamped, altered = 0, list[tuple[str, str]]()
    with store.read() as uow:
        total = uow.mac_rows.made_otherwise(key_id)
    for table in TABLES:
        after: RowKey | None = None
        while True:
            with store.begin() as uow:
                piece = uow.mac_rows.restamp(table, after, ROWS_A_PIECE, key_id)
                uow.commit()
            restamped += piece.restamped
            altered += [(table, row) for row in piece.altered]
            progress(restamped, max(total, restamped))
            if piece.last is None:
                break
            after = piece.last
    if restamped:
        with store.begin() as uow:
            detail: dict[str, Scalar] = {"to": key_id, "rows": restamped}
            uow.audit.append(kind="rows-restamped", reference="", actor=actor, detail=detail)
            uow.commit()
    return restamped, altered


def rotate_seal(
    path: Path, store: Store, actor: str, progress: Progress = unseen
) -> RotationReport:
    """Add a key, unless an earlier rotation is unfinished, and seal every secret under it.

    Progress is told in secrets. Raises ``ConfigError`` for the key file and ``StoreError``.
    """
    ring = KeyRing.load(path)
    added = None
    if not is_unfinished(ring, store):
        added = add_key(path, KeyPurpose.SEAL, store, actor)
        ring = KeyRing.load(path)
    rotation = reseal_all(store, Sealer(ring), actor, progress)
    return RotationReport(added, ring.current(KeyPurpose.SEAL).id, rotation)
