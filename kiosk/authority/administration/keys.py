"""The keys of the key file and the master keys of unblock secrets: listed, copied, rotated.

A rotation has two halves: a new key is added to the key file, and every secret is sealed, or every
row's MAC made, again under it. With a new master key, every secret that derives from an older one
is derived a last time and sealed itself, so that the older key can be destroyed. A rotation may
stop anywhere: the next one first finishes the rest. With ``add_first`` it stops after it has added
a key: where several machines have a key file each, they all need the key before it is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from kiosk.authority.administration.resealing import Rotation, reseal_all, seal_derived, secrets_by
from kiosk.authority.administration.views import Progress, unseen
from kiosk.authority.audit.events import ServiceKind
from kiosk.authority.crypto.derivation import Masters
from kiosk.authority.crypto.keys import NEEDED, KeyPurpose, KeyRing, create
from kiosk.authority.crypto.sealing import Sealer
from kiosk.authority.crypto.token import TokenMasters
from kiosk.authority.errors import KeyMissing
from kiosk.authority.key_names import require_newest
from kiosk.authority.records import (
    CLOCKS_DIFFER,
    AuditEvent,
    AuditQuery,
    GapKind,
    NamedKey,
    Scalar,
)
from kiosk.authority.store.database import Store
from kiosk.authority.store.repositories.mac_rows import TABLES, RowKey
from kiosk.authority.wording import local_time
from kiosk.contract.errors import ConfigError
from kiosk.system.files import sync
from kiosk.system.machine_seal import SUFFIX

# The keys of the key file: those that seal unblock secrets and those of the rows' MACs.

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
    """The result of a rotation; ``added`` is the new key, None for an unfinished earlier one."""

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


def digest_of(ring: KeyRing) -> str:
    """Return a digest of the ids of all keys: it changes with the key file, and reveals no key."""
    ids = (f"{purpose}:{key_id}" for purpose in KeyPurpose for key_id in ring.ids(purpose))
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def declare_copy(ring: KeyRing, store: Store, actor: str, lost: Iterable[str] = ()) -> None:
    """Record that a copy of the present key file is kept in a safe place.

    ``lost`` are the ids of keys that are given up: no copy has them.
    """
    keys = sum(len(ring.ids(purpose)) for purpose in KeyPurpose)
    given_up = sorted({*lost, *_given_up(store)} - _held(ring))
    detail: dict[str, Scalar] = {"keys": keys, "ids_sha256": digest_of(ring)}
    if given_up:
        detail["lost"] = ", ".join(given_up)
    store.record_event(ServiceKind.KEYS_BACKED_UP.value, actor=actor, detail=detail)


def last_copy(store: Store) -> AuditEvent | None:
    """Return the last one that was declared, and not of a clock that was ahead, if there is one."""
    made = AuditQuery(kind=ServiceKind.KEYS_BACKED_UP.value)
    with store.read() as uow:
        by_now = replace(made, until=uow.now + CLOCKS_DIFFER)
        found = uow.trail.newest(by_now, limit=1) or uow.trail.newest(made, limit=1)
    return found[0] if found else None


def is_of(copy: AuditEvent, ring: KeyRing) -> bool:
    """Return whether the copy that was declared holds the keys of today."""
    return copy.detail.get("ids_sha256") == digest_of(ring)


_ADDITIONS: Final = 500
"""How many added keys are read, the newest ones."""


def lacks_keys_of(copy: AuditEvent, ring: KeyRing, store: Store) -> bool:
    """Return whether the key file lacks a key that was there when the copy was declared."""
    return any(added.at <= copy.at for added in _lacking(ring, store))


def check_current(
    path: Path, ring: KeyRing, store: Store, lost: Collection[str]
) -> tuple[str, ...]:
    """Return what is lost with the keys ``lost``, which are given up, a sentence for each.

    Raises ``ConfigError`` for another key that an older copy of the key file lacks, and for a key
    that is not missing. A master key of unblock secrets may have been destroyed since.
    """
    missing = missing_keys(ring, store)
    if missing:  # another command may have added a key since the file was read
        missing = missing_keys(KeyRing.load(path), store)
    lacking = {each.id: each.purpose for each in missing}
    if there := ", ".join(sorted(set(lost) - lacking.keys())):
        raise ConfigError(f"{there}: the key file {path} lacks no such key; see `kiosk keys list`")
    if names := ", ".join(sorted(lacking.keys() - set(lost))):
        where = where_added([each for each in missing if each.id not in lost])
        raise ConfigError(
            f"key file {path}: it is from before {names}: put the newest copy back there first; "
            f"{where}; where no copy has such a key, give it up with --lost KEY"
        )
    with store.read() as uow:
        sealed = secrets_by(uow, NamedKey.SEAL)
    return tuple(
        f"{key}: {_LOST[KeyPurpose(lacking[key])].format(secrets=sealed.get(key, 0))}"
        for key in sorted(lost)
    )


_UNVERIFIED: Final = "`kiosk audit verify` goes on naming a row under it"
_LOST: Final[dict[KeyPurpose, str]] = {
    KeyPurpose.SEAL: (
        "{secrets} unblock secrets can never be opened; `kiosk import --replace-lost`, or setting "
        "each anew, puts others in their place"
    ),
    KeyPurpose.CODE_MAC: "codes and numbers of mails that were made under it are worthless",
    KeyPurpose.PEPPER: (
        "answers that were registered under it are never right; those people register anew"
    ),
    KeyPurpose.AUDIT_LINK: _UNVERIFIED,
    KeyPurpose.AUDIT_SIGN: _UNVERIFIED,
    KeyPurpose.ROW_MAC: (
        "records under it look altered; compare and accept what `kiosk rows check` names"
    ),
}
"""What is lost with a key of this purpose; a station CA's is never rotated."""


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


def how_to_copy(path: Path) -> str:
    """Return how to keep a copy of the key file that opens on another machine, too."""
    if path.suffix == SUFFIX:
        return "make a copy in clear, for a safe place, with `kiosk keys backed-up --to FILE`"
    return f"copy {path} to a safe place; then `kiosk keys backed-up`"


def make_copy(copy: Path, path: Path, ring: KeyRing) -> None:
    """Write all keys of the key file at ``path`` into a new file, in clear; raises ``ConfigError``.

    One that was made by a command that was cut short is taken as it is.
    """
    _need_clear(copy)
    keys = ring.to_entries()
    with suppress(OSError, ConfigError):
        is_there = copy.exists() and not copy.samefile(path)
        if is_there and KeyRing.load(copy).to_entries() == keys:
            sync(copy.parent)
            return
    create(copy, keys)


def check_copy(copy: Path, path: Path, ring: KeyRing) -> None:
    """Raise ``ConfigError`` for a ``copy`` that differs from the present key file at ``path``.

    One that is sealed to this machine is none: it would not open where it is needed.
    """
    _need_clear(copy)
    kept, now = set(KeyRing.load(copy).to_entries()), set(ring.to_entries())
    if lacking := ", ".join(key_id for _, key_id, _ in sorted(now - kept)):
        because = f"it is no copy of {path} as it is now, which has {lacking}: copy it again"
        raise ConfigError(f"key file {copy}: {because}")
    if more := ", ".join(key_id for _, key_id, _ in sorted(kept - now)):
        because = f"it has {more}, which {path} lacks: put it there first"
        raise ConfigError(f"key file {copy}: {because}")


def need_plain(path: Path) -> None:
    """Raise ``ConfigError`` for a sealed key file, of which a copy as it is is of no use."""
    if path.suffix == SUFFIX:
        raise ConfigError(
            f"key file {path}: it is sealed, so a copy of it opens on this machine alone: make one "
            "in clear with --to FILE, or compare yours with --file FILE"
        )


def _need_clear(copy: Path) -> None:
    if copy.suffix == SUFFIX:
        sealed = f"by a name in {SUFFIX} it is sealed, and opens on this machine alone"
        raise ConfigError(f"key file {copy}: {sealed}; a copy is in clear: name it keys.json")


def _held(ring: KeyRing) -> set[str]:
    return {key_id for purpose in KeyPurpose for key_id in ring.ids(purpose)}


def _given_up(store: Store) -> set[str]:
    """Return the ids of the keys that the last declaration of a copy gave up."""
    copy = last_copy(store)
    return set(str(copy.detail.get("lost") or "").split(", ")) - {""} if copy else set()


def _lacking(ring: KeyRing, store: Store) -> list[AuditEvent]:
    """Return the additions of keys that the key file lacks, but to a token, and given up."""
    known = _held(ring) | _given_up(store)
    with store.read() as uow:
        found = uow.trail.newest(AuditQuery(kind=ServiceKind.KEY_ADDED.value), limit=_ADDITIONS)
    return [
        added
        for added in found
        if "place" not in added.detail and added.detail.get("key") not in known
    ]


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


_NOT_IN_THE_AUDIT: Final = "a command that is not in the audit"
"""It was cut short, or a backup of before it was restored."""


def where_added(missing: Sequence[MissingKey]) -> str:
    """Say whose key file has the keys: no machine is in the audit, but the time and the account."""
    said = ", ".join(
        f"{each.id} {local_time(each.at)} by {each.actor or _NOT_IN_THE_AUDIT}" for each in missing
    )
    return f"the machine where they were added has it ({said})"


def is_unfinished(ring: KeyRing, store: Store) -> bool:
    """Return whether an added key has work left: secrets under older ones, or none under it."""
    with store.read() as uow:
        sealed = secrets_by(uow, NamedKey.SEAL)
    return _has_rest(ring.ids(KeyPurpose.SEAL), ring.current(KeyPurpose.SEAL).id, sealed)


def _has_rest(keys: Iterable[str], current: str, secrets: Mapping[str, int]) -> bool:
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
        query, older = AuditQuery(kind=ServiceKind.KEY_ADDED.value), set(self._in_token())
        with self._store.read() as uow:
            found, gaps = uow.trail.newest(query, limit=_ADDITIONS), uow.audit.gaps()
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
        is_unfinished = newest and _has_rest(masters.ids(), newest, self._derived())
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
