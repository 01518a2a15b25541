"""The keys of the key file and the master keys of unblock secrets: listed and rotated.

A rotation adds a new key to the key file, and then renews what older keys made: every secret is
sealed again under it, or every row gets another MAC. With a new master key, every secret that
derives from an older one is derived once more and sealed itself, so that the older key can be
destroyed. A rotation may stop anywhere: the next one continues it, and adds no key. With
``add_first`` it stops after it has added a key: where several machines have a key file each, they
all need the key before it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from kiosk.authority.administration.key_copies import key_additions, missing_keys
from kiosk.authority.administration.resealing import Rotation, reseal_all, seal_derived, secrets_by
from kiosk.authority.administration.views import Progress, unseen
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.crypto.derivation import Masters
from kiosk.authority.crypto.keys import NEEDED, KeyPurpose, KeyRing
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.crypto.token import TokenMasters
from kiosk.authority.errors import KeyMissing
from kiosk.authority.records import GapKind, NamedKey, Scalar
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.mac_rows import TABLES, RowKey

ROWS_A_PIECE: Final = 200
"""Rows that get another MAC in one transaction, so that others do not wait for long."""


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """One key of the file, or one that is not ``there`` and was added on another machine.

    ``secrets`` counts what it sealed, or the rows with its MAC; None for other purposes.
    """

    purpose: KeyPurpose
    id: str
    current: bool
    secrets: int | None
    there: bool = True


@dataclass(frozen=True, slots=True)
class RotationReport:
    """The result of a rotation; ``added`` is None where it continued an unfinished one."""

    added: str | None
    current: str
    rotation: Rotation


def list_keys(ring: KeyRing, store: Store) -> tuple[KeyStatus, ...]:
    """Return the keys of every purpose, oldest first within its purpose, and the missing ones.

    A missing master key is a line of ``MasterKeys``.
    """
    missing, lines = missing_keys(ring, store)[::-1], list[KeyStatus]()
    with store.read() as uow:
        sealed = secrets_by(uow, NamedKey.SEAL)
        for purpose in NEEDED:
            held = ring.ids(purpose)
            for key_id in (*held, *(each.id for each in missing if each.purpose == purpose)):
                made = None
                if purpose is KeyPurpose.SEAL:
                    made = sealed.get(key_id, 0)
                elif purpose is KeyPurpose.ROW_MAC:
                    made = uow.mac_rows.made_by(key_id)
                there = key_id in held
                lines.append(KeyStatus(purpose, key_id, key_id == held[-1], made, there))
    return tuple(lines)


def is_unfinished(ring: KeyRing, store: Store) -> bool:
    """Return whether an added key has work left: secrets under older ones, or none under it."""
    with store.read() as uow:
        sealed = secrets_by(uow, NamedKey.SEAL)
    return _has_work_left(ring.ids(KeyPurpose.SEAL), ring.current(KeyPurpose.SEAL).id, sealed)


def _has_work_left(keys: Iterable[str], current: str, secrets: Mapping[str, int]) -> bool:
    older = set(keys) - {current}
    return any(secrets.get(key) for key in older) or bool(older and not secrets.get(current))


def add_key(path: Path, purpose: KeyPurpose, store: Store, actor: str) -> str:
    """Add a new current key to the key file and return its id; older ones stay in it.

    Raises ``ConfigError`` for the key file; the key is audited.
    """
    with store.begin() as uow:
        # A service that reads the key file in between waits, and finds the name.
        uow.known_keys.lock()
        added = KeyRing.rotate(path, purpose).current(purpose).id
        detail = {"purpose": purpose.value, "key": added}
        uow.audit.append(kind=ServiceKind.KEY_ADDED.value, reference="", actor=actor, detail=detail)
        uow.known_keys.add({added: purpose.value})
        uow.commit()
    return added


@dataclass(frozen=True, slots=True)
class RowRotation:
    """The result of a rotation of the key of rows; ``altered`` are table and row."""

    added: str | None
    current: str
    restamped: int
    altered: tuple[tuple[str, str], ...]


def rotate_rows(
    path: Path,
    store: Store,
    actor: str,
    progress: Progress = unseen,
    *,
    add_first: bool = False,
) -> RowRotation:
    """Add a key, unless an earlier rotation is unfinished, and make all MACs again under it.

    It is unfinished while a row that is not altered has a MAC of an older key. Progress is in rows.
    Raises ``ConfigError`` for the key file and ``StoreError``.
    """
    added = None
    store.macs.reload()
    restamped, altered = 0, list[tuple[str, str]]()
    if len(KeyRing.load(path).ids(KeyPurpose.ROW_MAC)) > 1:
        restamped, altered = _restamp_all(store, actor, progress)
    if not restamped:
        added = add_key(path, KeyPurpose.ROW_MAC, store, actor)
        store.macs.reload()
        if not add_first:
            restamped, altered = _restamp_all(store, actor, progress)
    return RowRotation(added, store.macs.current_key_id, restamped, tuple(altered))


def _restamp_all(store: Store, actor: str, progress: Progress) -> tuple[int, list[tuple[str, str]]]:
    """Make every MAC of an older key again, some rows at a time.

    The audit gets one row with the count, also where the work ends early.
    """
    key_id = store.macs.current_key_id
    restamped, altered = 0, list[tuple[str, str]]()
    with store.read() as uow:
        total = uow.mac_rows.made_by(key_id, others=True)

    def counts() -> dict[str, Scalar]:
        return {"to": key_id, "rows": restamped} if restamped else {}

    with store.record_at_end(ServiceKind.ROWS_RESTAMPED.value, detail=counts, actor=actor):
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
    return restamped, altered


def rotate_seal(
    path: Path,
    store: Store,
    actor: str,
    progress: Progress = unseen,
    *,
    add_first: bool = False,
) -> RotationReport:
    """Add a key, unless an earlier rotation is unfinished, and seal every secret under it.

    Progress is in secrets. Raises ``ConfigError`` for the key file and ``StoreError``.
    """
    is_done = not is_unfinished(KeyRing.load(path), store)
    added = add_key(path, KeyPurpose.SEAL, store, actor) if is_done else None
    if added and add_first:
        return RotationReport(added, added, Rotation())
    ring = _rereading(path)
    rotation = reseal_all(store, Sealer(ring), actor, progress)
    return RotationReport(added, ring.current(KeyPurpose.SEAL).id, rotation)


def _rereading(path: Path) -> KeyRing:
    """Return a ring that learns of a key that another command adds while this one runs."""
    return KeyRing.load(path).rereading(partial(KeyRing.load, path), monotonic)


@dataclass(frozen=True, slots=True)
class MasterLine:
    """One master key: how many secrets derive from it; one that is not ``there`` is missing."""

    id: str
    there: bool
    current: bool
    in_token: bool
    secrets: int


class MasterKeys:
    """The master keys of a key file, and of a token where there is one.

    Every call raises ``ConfigError`` for the key file, ``KeysUnavailable`` for the token, and
    ``StoreError``.
    """

    def __init__(self, path: Path, token: TokenMasters | None, store: Store) -> None:
        self._path = path
        self._token = token
        self._store = store

    def lines(self) -> tuple[MasterLine, ...]:
        """Return every existing key, the oldest first, and the missing ones."""
        masters, derived, in_token = self._masters(), self._derived(), self._in_token()
        ids, current = masters.ids(), _current(masters)
        missed = sorted(set(derived) - set(ids))
        return tuple(
            MasterLine(key, key in ids, key == current, key in in_token, derived.get(key, 0))
            for key in (*ids, *missed)
        )

    def add(self, actor: str) -> str:
        """Make another master key current, where new ones are stored, and return its id."""
        if self._token is None:
            return add_key(self._path, KeyPurpose.DERIVE, self._store, actor)
        added = self._token.add()
        detail = {"purpose": KeyPurpose.DERIVE.value, "key": added, "place": "token"}
        self._store.record_event(ServiceKind.KEY_ADDED.value, actor=actor, detail=detail)
        return added

    def may_be_recorded(self, newest: str) -> bool:
        """Return whether the audit says, or may have said, who added the token's newest key.

        A command may end before it does. The row may also be purged, but not before that of an
        older key, or be lost with what a restore of the database lost.
        """
        found, older = key_additions(self._store), set(self._in_token())
        with self._store.read() as uow:
            gaps = uow.audit.gaps()
        if any(each.detail.get("key") == newest for each in found):
            return True
        since = max((each.at for each in found if each.detail.get("key") in older), default=None)
        return any(
            since is None or (gap.kind is GapKind.RESTORED and gap.signed_at >= since)
            for gap in gaps
        )

    def rotate(
        self, actor: str, progress: Progress = unseen, *, add_first: bool = False
    ) -> RotationReport:
        """Add a key, unless an earlier rotation is unfinished, and let nothing derive from older.

        Progress is in secrets.
        """
        masters = self._masters()
        newest = _current(masters)
        # Secrets derive from older keys, or none yet from one that was added.
        is_unfinished = newest and _has_work_left(masters.ids(), newest, self._derived())
        added = None if is_unfinished else self.add(actor)
        if added and add_first:
            return RotationReport(added, added, Rotation())
        ring = _rereading(self._path)
        masters = Masters(ring, self._token)
        current = masters.current()
        done = seal_derived(self._store, Sealer(ring, masters), current, actor, progress)
        return RotationReport(added, current, done)

    def _masters(self) -> Masters:
        return Masters(KeyRing.load(self._path), self._token)

    def _in_token(self) -> tuple[str, ...]:
        return self._token.ids() if self._token else ()

    def _derived(self) -> dict[str, int]:
        with self._store.read() as uow:
            return secrets_by(uow, NamedKey.MASTER)


def _current(masters: Masters) -> str | None:
    try:
        return masters.current()
    except KeyMissing:
        return None
