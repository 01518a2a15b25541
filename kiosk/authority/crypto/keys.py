"""The key ring: named keys by purpose, kept in one file outside the database.

Each purpose has one current key, which seals and signs, and older ones, which still open and
verify. A key is never used directly: every use derives a subkey. Master keys of unblock secrets are
the exception: other systems derive from them, too, and they have one use.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import BinaryIO, Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kiosk.authority.errors import KeyMissing
from kiosk.config.loading import as_account
from kiosk.contract.errors import ConfigError
from kiosk.system.files import give_name, sync, unnamed_file
from kiosk.system.machine_seal import SUFFIX, seal, unseal

# The key file: JSON, readable by its owner only, written whole or not at all.
#
# It is either a file that an administrator names, sealed to this machine where its name ends in
# ``.cred``, or a credential that the service manager puts into ``$CREDENTIALS_DIRECTORY``.

Entries = tuple[tuple[str, str, bytes], ...]
"""Purpose, key id and key material, in the order of the file."""

REREAD_S: Final = 60.0
"""Between two reads of the file for unknown keys."""

_VERSION = 1
_SEALED_AS = "kiosk-keys"
_PUT_BACK = "put your newest copy of it there"
_NEW = "new"
_OTHERS = 0o077
# The service manager gives a service's user access to a credential by an access list, whose mask
# shows as the group's right to read.
_OTHERS_OF_CREDENTIAL = 0o037


class KeyFileMissing(ConfigError):
    """There is no key file; what to do depends on whether there is already a database."""


def read(path: Path) -> Entries:
    """Read a key file; ``ConfigError`` where others may read it or it is not well formed."""
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            raw = file.read()
    except FileNotFoundError:
        raise KeyFileMissing(f"key file {path}: there is no such file") from None
    except PermissionError:
        raise ConfigError(f"key file {path}: Permission denied; {as_account(path)}") from None
    except OSError as error:
        raise ConfigError(f"key file {path}: {error.strerror}") from None
    return _parse(path, unseal(_SEALED_AS, raw) if path.suffix == SUFFIX else raw)


def create(path: Path, entries: Entries) -> None:
    """Write a new key file; ``ConfigError`` where there is one: keys are never overwritten."""
    try:
        with unnamed_file(path) as (file, source):
            _write(file, path, entries)
            give_name(source, path)
    except FileExistsError:
        raise ConfigError(f"key file {path}: there is one already; it is left alone") from None
    except OSError as error:
        raise ConfigError(f"key file {path}: {error.strerror}") from None
    sync(path.parent)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock the file against changes by other programs, so that no key is lost.

    First deletes what a killed program has left of its new file.
    """
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        for left in leftovers(path):
            left.unlink(missing_ok=True)
        yield
    finally:
        os.close(directory)


def replace(path: Path, entries: Entries) -> None:
    """Replace the key file at ``path`` in one step, keeping its owner.

    The new file has a name only between two system calls, so a killed program leaves a copy of the
    keys only in that moment; ``locked`` deletes such a copy. Call it within ``locked``.
    """
    named = path.with_name(f".{path.name}.{_NEW}")
    try:
        with unnamed_file(path) as (file, source):
            owner = path.stat()
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            _write(file, path, entries)
            give_name(source, named)
            named.replace(path)
    except OSError as error:
        named.unlink(missing_ok=True)
        raise ConfigError(f"key file {path}: {error.strerror}") from None
    sync(path.parent)


def leftovers(path: Path) -> tuple[Path, ...]:
    """Return the files that killed programs have left beside ``path``."""
    name = re.compile(rf"\.{re.escape(path.name)}\.(?:{_NEW}|[0-9a-f]{{8}})")
    try:
        return tuple(sorted(each for each in path.parent.iterdir() if name.fullmatch(each.name)))
    except OSError:
        return ()


def _check_owner(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"key file {path}: it is not a plain file")
    if os.geteuid() != 0 and found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(f"key file {path}: it belongs to somebody else; chown it to this user")
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    is_credential = bool(directory) and path.parent == Path(str(directory))
    forbidden = _OTHERS_OF_CREDENTIAL if is_credential else _OTHERS
    if found.st_mode & forbidden:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(f"key file {path}: others may read it (mode {mode:04o}); chmod 0600 it")


def _parse(path: Path, raw: bytes) -> Entries:
    """Parse the bytes into entries; no error quotes the file."""
    try:
        document = json.loads(raw)
        if document["version"] != _VERSION:
            other = "it is of another version of this program: install that"
            raise ConfigError(f"key file {path}: {other}")
        return tuple(_entry(item) for item in document["keys"])
    except (KeyError, TypeError, ValueError):
        wrong = "it is damaged, or not a key file"
        raise ConfigError(f"key file {path}: {wrong}; {_PUT_BACK}") from None


def _entry(item: Mapping[str, object]) -> tuple[str, str, bytes]:
    purpose, key_id, key = item["purpose"], item["id"], item["key"]
    if not (isinstance(purpose, str) and isinstance(key_id, str) and isinstance(key, str)):
        raise TypeError
    return purpose, key_id, base64.b64decode(key, validate=True)


def _write(file: BinaryIO, path: Path, entries: Entries) -> None:
    """Write the whole file that will be at ``path``, synced to the disk."""
    keys = [
        {"purpose": purpose, "id": key_id, "key": base64.b64encode(material).decode()}
        for purpose, key_id, material in entries
    ]
    plain = json.dumps({"version": _VERSION, "keys": keys}, indent=2).encode() + b"\n"
    file.write(seal(_SEALED_AS, plain) if path.suffix == SUFFIX else plain)
    file.flush()
    os.fsync(file.fileno())


KEY_BYTES = 32
"""Of every key and subkey: 256 bits."""


class KeyPurpose(StrEnum):
    """What a key is for; no key serves two purposes."""

    SEAL = "seal"
    CODE_MAC = "code-mac"
    PEPPER = "pepper"
    AUDIT_LINK = "audit-link"
    AUDIT_SIGN = "audit-sign"
    ROW_MAC = "row-mac"
    STATION_CA = "station-ca"
    DERIVE = "derive"


NEEDED = tuple(purpose for purpose in KeyPurpose if purpose is not KeyPurpose.DERIVE)
"""Purposes that every installation has a key for; unblock secrets need not be derived."""


@dataclass(frozen=True, slots=True)
class Key:
    """One named key; its material is never shown and, but for master keys, never used directly."""

    id: str
    material: bytes = field(repr=False)

    def subkey(self, use: str) -> bytes:
        """Derive the key for one ``use`` (HKDF-SHA256, RFC 5869)."""
        info = f"unlock-kiosk/1/{use}".encode()
        hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info)
        return hkdf.derive(self.material)

    def mac(self, use: str, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message under the key for one ``use``."""
        return hmac.new(self.subkey(use), message, sha256).digest()


class KeyRing:
    """All keys of an installation; immutable, so threads can share it.

    With ``reread`` an unknown key is looked up in the key file again, as another program may have
    added it. The file is read at most once a minute, by ``now``'s seconds (monotonic): rows of the
    database name the keys, so somebody who writes there could cause the reads.
    """

    def __init__(
        self,
        keys: Mapping[KeyPurpose, tuple[Key, ...]],
        reread: Callable[[], KeyRing] | None = None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._keys = {purpose: keys.get(purpose, ()) for purpose in KeyPurpose}
        self._reread = reread
        self._now = now
        self._reread_at = float("-inf")
        self._reading = Lock()
        for purpose in NEEDED:
            if not self._keys[purpose]:
                raise ConfigError(f"key file: there is no key for the purpose {purpose.value!r}")

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key.id for keys in self._keys.values() for key in keys)})"

    @classmethod
    def fresh(cls) -> Self:
        """Make a ring of new random keys, in memory only."""
        return cls({purpose: (_new_key(purpose),) for purpose in NEEDED})

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a fresh ring and write it to ``path``; ``ConfigError`` where a file is there."""
        ring = cls.fresh()
        create(path, ring.to_entries())
        return ring

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the ring from ``path``; ``ConfigError`` says what is wrong with the file."""
        return cls.from_entries(read(path))

    @classmethod
    def rotate(cls, path: Path, purpose: KeyPurpose) -> Self:
        """Add a new current key for ``purpose`` to the file at ``path``; older ones stay."""
        with locked(path):
            ring = cls.load(path).with_new(purpose)
            replace(path, ring.to_entries())
        return ring

    @classmethod
    def from_entries(cls, entries: Entries) -> Self:
        """Build the ring from what a key file holds; the last entry of a purpose is current."""
        keys: dict[KeyPurpose, tuple[Key, ...]] = {}
        for purpose, key_id, material in entries:
            try:
                known = KeyPurpose(purpose)
            except ValueError:
                raise ConfigError(f"key file: {purpose!r} is not a purpose of a key") from None
            if len(material) != KEY_BYTES or material == bytes(KEY_BYTES):
                raise ConfigError(f"key file: the key {key_id!r} is not {KEY_BYTES} random bytes")
            if any(key.id == key_id for others in keys.values() for key in others):
                raise ConfigError(f"key file: the key id {key_id!r} is there twice")
            keys[known] = (*keys.get(known, ()), Key(key_id, material))
        return cls(keys)

    def rereading(self, load: Callable[[], KeyRing], now: Callable[[], float]) -> KeyRing:
        """Return these keys, with a ``load`` of the file where an unknown one is requested.

        ``load`` may raise ``ConfigError``; ``now`` gives seconds (monotonic).
        """
        return type(self)(self._keys, load, now)

    def to_entries(self) -> Entries:
        return tuple(
            (purpose.value, key.id, key.material)
            for purpose in KeyPurpose
            for key in self._keys[purpose]
        )

    def with_new(self, purpose: KeyPurpose) -> Self:
        added = (*self._keys[purpose], _new_key(purpose))
        return type(self)({**self._keys, purpose: added})

    def current(self, purpose: KeyPurpose) -> Key:
        """Return the key for new seals and signatures; ``KeyMissing`` where there is none yet."""
        if not self._keys[purpose]:
            raise KeyMissing(f"the key file holds no key for the purpose {purpose.value!r}")
        return self._keys[purpose][-1]

    def key(self, purpose: KeyPurpose, key_id: str) -> Key:
        """Return a key by its id; ``KeyMissing`` where the ring does not hold it."""
        if key_id not in self.ids(purpose):
            with self._reading:
                is_due = self._now() >= self._reread_at + REREAD_S
                if self._reread is not None and is_due and key_id not in self.ids(purpose):
                    self._reread_at = self._now()
                    try:
                        found = self._reread()
                    except ConfigError as error:
                        raise KeyMissing(str(error)) from None
                    self._keys = {
                        each: tuple(found.key(each, name) for name in found.ids(each))
                        for each in KeyPurpose
                    }
        for key in self._keys[purpose]:
            if key.id == key_id:
                return key
        raise KeyMissing(f"the key file holds no key {key_id!r} for the purpose {purpose.value!r}")

    def ids(self, purpose: KeyPurpose) -> tuple[str, ...]:
        """Return the ids of a purpose, oldest first; the last one is current."""
        return tuple(key.id for key in self._keys[purpose])


def _new_key(purpose: KeyPurpose) -> Key:
    return Key(f"{purpose.value}-{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES))
