"""The MAC of each row of the audit: HMAC-SHA256 under a key that the database does not have.

It covers the row's hash, and so everything that the row says and every row before it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

from kiosk.errors import KeyMissing
from kiosk.secrets.framing import framed
from kiosk.secrets.keys import KeyPurpose, KeyRing


class AuditMacs:
    """Implements ``kiosk.store.audit_chain.LinkMacs``; ``load`` reads the key ring.

    It is read when the first row is written or checked, and again when a row names a key
    that was not there: another program may have added it.
    """

    def __init__(self, load: Callable[[], KeyRing]) -> None:
        self._load = load
        self._subkeys: dict[str, bytes] = {}

    def tag(self, seq: int, link: str) -> tuple[str, str]:
        """Return the MAC of row ``seq``, whose hash is ``link``, and the id of the key."""
        subkeys = self._subkeys or self._read()
        key_id = next(reversed(subkeys))
        return _mac(subkeys[key_id], key_id, seq, link), key_id

    def check(self, seq: int, link: str, mac: str, key_id: str) -> bool:
        """Tell, in constant time, whether the MAC fits; raises ``KeyMissing``."""
        subkey = self._subkeys.get(key_id) or self._read().get(key_id)
        if subkey is None:
            raise KeyMissing(f"the key file holds no key {key_id!r} for the rows of the audit")
        expected = _mac(subkey, key_id, seq, link)
        return hmac.compare_digest(expected.encode(), mac.encode("utf-8", "surrogatepass"))

    def _read(self) -> dict[str, bytes]:
        ring, purpose = self._load(), KeyPurpose.AUDIT_LINK
        self._subkeys = {
            key_id: ring.key(purpose, key_id).subkey("audit-link") for key_id in ring.ids(purpose)
        }
        return self._subkeys


def _mac(subkey: bytes, key_id: str, seq: int, link: str) -> str:
    return hmac.new(subkey, framed("audit-link", key_id, seq, link), sha256).hexdigest()
