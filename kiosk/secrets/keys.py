"""The key ring: named keys by purpose, kept in one file outside the database.

Each purpose has one current key, which makes new things, and older ones, which still
open what they made. A key is never used as it is: every use derives its own subkey. But
for master keys of unblock secrets: others derive from them, too, and they have one use.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kiosk.errors import ConfigError, KeyMissing
from kiosk.secrets import keyfile

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
    DERIVE = "derive"


NEEDED = tuple(purpose for purpose in KeyPurpose if purpose is not KeyPurpose.DERIVE)
"""Purposes that every installation has a key for; unblock secrets need not be derived."""


@dataclass(frozen=True, slots=True)
class Key:
    """One named key; its material is never shown and, but for a master key, never used directly."""

    id: str
    material: bytes = field(repr=False)

    def subkey(self, use: str) -> bytes:
        """Derive the key for one ``use`` (HKDF-SHA256, RFC 5869)."""
        info = f"unlock-kiosk/1/{use}".encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(
            self.material
        )


class KeyRing:
    """All keys of an installation; unchangeable, so it is shared between threads freely."""

    def __init__(self, keys: Mapping[KeyPurpose, tuple[Key, ...]]) -> None:
        self._keys = {purpose: keys.get(purpose, ()) for purpose in KeyPurpose}
        for purpose in NEEDED:
            if not self._keys[purpose]:
                raise ConfigError(f"key file: there is no key for the purpose {purpose.value!r}")

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(key.id for keys in self._keys.values() for key in keys)})"

    @classmethod
    def fresh(cls) -> Self:
        """Make a ring of new random keys, held in memory alone."""
        return cls({purpose: (_new_key(purpose),) for purpose in NEEDED})

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make a fresh ring and write it to ``path``; ``ConfigError`` where a file is there."""
        ring = cls.fresh()
        keyfile.create(path, ring.to_entries())
        return ring

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the ring from ``path``; ``ConfigError`` says what is wrong with the file."""
        return cls.from_entries(keyfile.read(path))

    @classmethod
    def rotate(cls, path: Path, purpose: KeyPurpose) -> Self:
        """Add a new current key for ``purpose`` to the file at ``path``; older ones stay."""
        with keyfile.held(path):
            ring = cls.load(path).with_new(purpose)
            keyfile.replace(path, ring.to_entries())
        return ring

    @classmethod
    def from_entries(cls, entries: keyfile.Entries) -> Self:
        """Build the ring from what a key file holds; the last entry of a purpose is current."""
        keys: dict[KeyPurpose, tuple[Key, ...]] = {}
        for purpose, key_id, material in entries:
            known = _purpose(purpose)
            _check(key_id, material, keys)
            keys[known] = (*keys.get(known, ()), Key(key_id, material))
        return cls(keys)

    def to_entries(self) -> keyfile.Entries:
        """Return what a key file holds: purpose, id and material of every key, in order."""
        return tuple(
            (purpose.value, key.id, key.material)
            for purpose in KeyPurpose
            for key in self._keys[purpose]
        )

    def with_new(self, purpose: KeyPurpose) -> Self:
        """Return a ring in which a new key is current for ``purpose``."""
        added = (*self._keys[purpose], _new_key(purpose))
        return type(self)({**self._keys, purpose: added})

    def current(self, purpose: KeyPurpose) -> Key:
        """Return the key that makes new things; ``KeyMissing`` where there is none yet."""
        if not self._keys[purpose]:
            raise KeyMissing(f"the key file holds no key for the purpose {purpose.value!r}")
        return self._keys[purpose][-1]

    def key(self, purpose: KeyPurpose, key_id: str) -> Key:
        """Return a key by its id; ``KeyMissing`` where the ring does not hold it."""
        for key in self._keys[purpose]:
            if key.id == key_id:
                return key
        raise KeyMissing(f"the key file holds no key {key_id!r} for the purpose {purpose.value!r}")

    def ids(self, purpose: KeyPurpose) -> tuple[str, ...]:
        """Return the ids of a purpose, oldest first; the last one is current."""
        return tuple(key.id for key in self._keys[purpose])


def _new_key(purpose: KeyPurpose) -> Key:
    return Key(f"{purpose.value}-{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES))


def _purpose(text: str) -> KeyPurpose:
    try:
        return KeyPurpose(text)
    except ValueError:
        raise ConfigError(f"key file: {text!r} is not a purpose of a key") from None


def _check(key_id: str, material: bytes, known: Mapping[KeyPurpose, tuple[Key, ...]]) -> None:
    if len(material) != KEY_BYTES or material == bytes(KEY_BYTES):
        raise ConfigError(f"key file: the key {key_id!r} is not {KEY_BYTES} random bytes")
    if any(key.id == key_id for keys in known.values() for key in keys):
        raise ConfigError(f"key file: the key id {key_id!r} is there twice")
