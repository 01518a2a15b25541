"""MACs of database rows, under a key that the database does not have."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from kiosk.errors import ConfigError, KeyMissing
from kiosk.secrets.framing import framed
from kiosk.secrets.keys import KeyPurpose, KeyRing

_DIGEST = "sha256"
_BETWEEN = "."


class KeyedRowMacs:
    """HMAC-SHA256 over the key's id and the row; safe to use from several threads.

    ``load`` gives the key ring when a MAC is first wanted, so that a store can be opened by
    a program that reads no such row. A MAC is written as ``<key id>.<hexadecimal>``.
    """

    def __init__(self, load: Callable[[], KeyRing]) -> None:
        self._load = load
        self._ring: KeyRing | None = None
        self._subkeys: dict[str, bytes] = {}
        self._number_subkeys: dict[tuple[str, str], bytes] = {}

    @classmethod
    def of(cls, ring: KeyRing) -> KeyedRowMacs:
        """Return those of a ring that is loaded."""
        return cls(lambda: ring)

    @property
    def current_key_id(self) -> str:
        """The id of the key that makes new MACs."""
        return self._keys().current(KeyPurpose.ROW_MAC).id

    def reload(self) -> None:
        """Read the keys again: one was added."""
        self._ring = self._loaded()

    def make(self, message: bytes) -> str:
        """Return the MAC of ``message`` under the current key."""
        key_id = self.current_key_id
        return f"{key_id}{_BETWEEN}{self._digest(key_id, message)}"

    def fits(self, message: bytes, mac: str) -> bool:
        """Tell whether ``mac`` is that of ``message``; one of an unknown key is not.

        Another process may have added the key since the file was read, so it is read again.
        Raises ``KeyMissing`` where no key can be read at all.
        """
        key_id, _, digest = mac.partition(_BETWEEN)
        if key_id not in self._keys().ids(KeyPurpose.ROW_MAC):
            self._ring = self._loaded()
            if key_id not in self._ring.ids(KeyPurpose.ROW_MAC):
                return False
        return hmac.compare_digest(self._digest(key_id, message).encode(), digest.encode())

    def number_digests(self, use: str, digits: str) -> tuple[str, ...]:
        """Return the digests of a short number that is looked for by them, the current key's first.

        Each is written as a MAC is. Raises ``KeyMissing`` where no key can be read at all.
        """
        ring = self._keys()
        made = []
        for key_id in reversed(ring.ids(KeyPurpose.CODE_MAC)):
            subkey = self._number_subkeys.get((use, key_id))
            if subkey is None:
                subkey = ring.key(KeyPurpose.CODE_MAC, key_id).subkey(use)
                self._number_subkeys[use, key_id] = subkey
            digest = hmac.digest(subkey, framed(key_id, digits), _DIGEST).hex()
            made.append(f"{key_id}{_BETWEEN}{digest}")
        return tuple(made)

    def _digest(self, key_id: str, message: bytes) -> str:
        subkey = self._subkeys.get(key_id)
        if subkey is None:
            subkey = self._keys().key(KeyPurpose.ROW_MAC, key_id).subkey("row-mac")
            self._subkeys[key_id] = subkey
        return hmac.digest(subkey, framed(key_id) + message, _DIGEST).hex()

    def _keys(self) -> KeyRing:
        if self._ring is None:
            self._ring = self._loaded()
        return self._ring

    def _loaded(self) -> KeyRing:
        try:
            return self._load()
        except ConfigError as error:
            raise KeyMissing(str(error)) from None
