"""MACs under keys that the database does not have: of its rows, and of one-time codes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final

from kiosk.authority.crypto.derivation import framed
from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.authority.errors import KeyMissing
from kiosk.authority.records import EmailCode
from kiosk.contract.errors import ConfigError
from kiosk.contract.scans import TAG_DIGITS
from kiosk.contract.sensitive import Sensitive
from kiosk.contract.text import BASE32, decode_base32, encode_base32

# The MAC of each row of the audit: HMAC-SHA256 under a key that the database does not have.
#
# It covers the row's hash, and so the row's content and every row before it.


class AuditMacs:
    """MACs over the hashes of the audit's rows; ``load`` reads the key ring.

    It is called when the first row is written or checked, and again when a row names an unknown
    key: another program may have added it.
    """

    def __init__(self, load: Callable[[], KeyRing]) -> None:
        self._load = load
        self._keyed: dict[str, hmac.HMAC] = {}

    def use(self, ring: KeyRing) -> None:
        purpose = KeyPurpose.AUDIT_LINK
        self._keyed = {
            key_id: _begin_mac(ring.key(purpose, key_id), "audit-link")
            for key_id in ring.ids(purpose)
        }

    def tag(self, seq: int, link: str) -> tuple[str, str]:
        """Return the MAC of row ``seq`` by its hash, and the key's id; raises ``ConfigError``."""
        keyed = self._keyed or self._read()
        key_id = next(reversed(keyed))
        return _link_mac(keyed[key_id], key_id, seq, link), key_id

    def check(self, seq: int, link: str, mac: str, key_id: str) -> bool:
        """Return, in constant time, whether the MAC is right; raises ``KeyMissing``."""
        keyed = self._keyed.get(key_id) or self._read().get(key_id)
        if keyed is None:
            raise KeyMissing(f"the key file holds no key {key_id!r} for the rows of the audit")
        expected = _link_mac(keyed, key_id, seq, link)
        return hmac.compare_digest(expected.encode(), mac.encode("utf-8", "surrogatepass"))

    def _read(self) -> dict[str, hmac.HMAC]:
        self.use(self._load())
        return self._keyed


def _link_mac(keyed: hmac.HMAC, key_id: str, seq: int, link: str) -> str:
    return _mac(keyed, framed("audit-link", key_id, seq, link))


def _begin_mac(key: Key, use: str, head: bytes = b"") -> hmac.HMAC:
    """Begin a MAC under a key's subkey, to be copied for each message; all begin with ``head``."""
    return hmac.new(key.subkey(use), head, sha256)


def _mac(keyed: hmac.HMAC, message: bytes) -> str:
    # ``hmac.digest`` hashes the key each time. It also releases the interpreter's lock, which the
    # other threads of the authority are waiting for: at each of the hundred rows of a visit.
    made = keyed.copy()
    made.update(message)
    return made.hexdigest()


_BETWEEN = "."


class KeyedRowMacs:
    """HMAC-SHA256 over the key's id and the row; safe to use from several threads.

    ``load`` returns the key ring when a MAC is first needed, so that a program that reads no such
    row can open a store. A MAC is written as ``<key id>.<hexadecimal>``.
    """

    def __init__(self, load: Callable[[], KeyRing]) -> None:
        self._load = load
        self._ring: KeyRing | None = None
        self._keyed: dict[str, hmac.HMAC] = {}
        self._keyed_numbers: dict[tuple[str, str], hmac.HMAC] = {}

    @classmethod
    def of(cls, ring: KeyRing) -> KeyedRowMacs:
        """Return the MACs of a ring that is already loaded."""
        return cls(lambda: ring)

    @property
    def current_key_id(self) -> str:
        """The id of the key for new MACs; each begins with it, before a dot."""
        return self._keys().current(KeyPurpose.ROW_MAC).id

    def use(self, ring: KeyRing) -> None:
        self._ring, self._keyed = ring, {}

    def reload(self) -> None:
        """Read the keys again after one was added."""
        self.use(self._loaded())

    def make(self, message: bytes) -> str:
        key_id = self.current_key_id
        return f"{key_id}{_BETWEEN}{self._digest(key_id, message)}"

    def fits(self, message: bytes, mac: str) -> bool:
        """Return whether ``mac`` is that of ``message``; False for an unknown key.

        Another process may have added the key since the file was read, so it is read again. Raises
        ``KeyMissing`` where no key can be read at all.
        """
        key_id, _, digest = mac.partition(_BETWEEN)
        if not self._holds(key_id):
            self.reload()
            if not self._holds(key_id):
                return False
        return hmac.compare_digest(self._digest(key_id, message).encode(), digest.encode())

    def unknown_key(self, mac: str) -> str:
        """Return the key that ``mac`` names where the file did not hold it; else empty."""
        key_id = mac.partition(_BETWEEN)[0]
        return "" if self._holds(key_id) else key_id

    def _holds(self, key_id: str) -> bool:
        return key_id in self._keyed or key_id in self._keys().ids(KeyPurpose.ROW_MAC)

    def number_digests(self, use: str, digits: str) -> tuple[str, ...]:
        """Return the digests by which a short number can be found, the current key's first.

        Each has the form of a MAC. Raises ``KeyMissing`` where no key can be read at all.
        """
        ring = self._keys()
        made = []
        for key_id in reversed(ring.ids(KeyPurpose.CODE_MAC)):
            keyed = self._keyed_numbers.get((use, key_id))
            if keyed is None:
                keyed = _begin_mac(ring.key(KeyPurpose.CODE_MAC, key_id), use)
                self._keyed_numbers[use, key_id] = keyed
            made.append(f"{key_id}{_BETWEEN}{_mac(keyed, framed(key_id, digits))}")
        return tuple(made)

    def _digest(self, key_id: str, message: bytes) -> str:
        keyed = self._keyed.get(key_id)
        if keyed is None:
            key = self._keys().key(KeyPurpose.ROW_MAC, key_id)
            keyed = self._keyed[key_id] = _begin_mac(key, "row-mac", framed(key_id))
        return _mac(keyed, message)

    def _keys(self) -> KeyRing:
        if self._ring is None:
            self._ring = self._loaded()
        return self._ring

    def _loaded(self) -> KeyRing:
        try:
            return self._load()
        except ConfigError as error:
            raise KeyMissing(str(error)) from None


# One-time codes: unpredictable digits, stored as a keyed digest alone.
#
# Somebody who reads the database can try all eight-digit codes, so the digest is an HMAC under a
# key that is not in it. It covers the purpose of the code: a digest that is copied to another card,
# visit or purpose matches nothing.


def draw_code(digits: int) -> Sensitive:
    """Draw a code of so many digits, all equally likely, with leading zeros."""
    return Sensitive(f"{secrets.randbelow(10**digits):0{digits}d}")


def scan_tag(kept: EmailCode) -> str:
    """Return the tag of a code in its QR code; by the digest, which is keyed, it tells nothing."""
    drawn = int.from_bytes(sha256(b"scan-tag" + kept.digest).digest())
    return f"{drawn % 10**TAG_DIGITS:0{TAG_DIGITS}d}"


class CodeMac:
    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def code_of(self, draft: EmailCode) -> Sensitive:
        """Return the code of a draft that is to be mailed: unpredictable without the key.

        It is deterministic, so that a repeated mail, also from another process, carries the first
        one's code.
        """
        key = self._ring.current(KeyPurpose.CODE_MAC)
        drawn = int.from_bytes(key.mac("mailed-code", _bytes_of(draft)))
        return Sensitive(f"{drawn % 10**draft.digits:0{draft.digits}d}")

    def with_digest(self, draft: EmailCode, code: Sensitive) -> EmailCode:
        """Return a draft with the digest of its ``code``, under the current key."""
        key = self._ring.current(KeyPurpose.CODE_MAC)
        return replace(draft, digest=_code_mac(key, code, draft), key_id=key.id)

    def bind(self, attempt: str, entered: Sensitive, kept: EmailCode) -> bytes:
        """Return the digest of one entry, for its charge; raises ``KeyMissing``."""
        key = self._ring.key(KeyPurpose.CODE_MAC, kept.key_id)
        return key.mac("entered-code", framed(kept.id, attempt, entered.reveal()))

    def can_match(self, key_id: str) -> bool:
        """Return whether the key is in the ring: check before an entry is charged."""
        return key_id in self._ring.ids(KeyPurpose.CODE_MAC)

    def matches(self, code: Sensitive, kept: EmailCode) -> bool:
        """Return, in constant time, whether ``code`` is the stored one; raises ``KeyMissing``."""
        key = self._ring.key(KeyPurpose.CODE_MAC, kept.key_id)
        return hmac.compare_digest(_code_mac(key, code, kept), kept.digest)

    def mail_tag(self, mail_id: str) -> str:
        """Return the tag of the return path of a mail, in base 32: its id, and a MAC over it."""
        return _mail_tag(self._ring.current(KeyPurpose.CODE_MAC), mail_id)

    def mail_of(self, tag: str) -> str | None:
        """Return the id of the mail that a tag was made for, under any key; None for none."""
        tag = tag.upper()
        if len(tag) != MAIL_TAG_SIGNS or not set(tag) <= set(BASE32):
            return None
        mail_id = f"{decode_base32(tag[:_ID_SIGNS]):032x}"
        ring = self._ring
        keys = [ring.key(KeyPurpose.CODE_MAC, each) for each in ring.ids(KeyPurpose.CODE_MAC)]
        right = [hmac.compare_digest(_mail_tag(key, mail_id), tag.lower()) for key in keys]
        return mail_id if any(right) else None


_ID_SIGNS: Final = 26
_MAC_SIGNS: Final = 16
"""80 bits, for the 64 signs that the local part of an address may have (RFC 5321, 4.5.3.1.1)."""
MAIL_TAG_SIGNS: Final = _ID_SIGNS + _MAC_SIGNS


def _mail_tag(key: Key, mail_id: str) -> str:
    """Return it in small letters: some relays write a local part in those."""
    made = int.from_bytes(key.mac("return-path", framed(mail_id))[:10])
    return (encode_base32(int(mail_id, 16), _ID_SIGNS) + encode_base32(made, _MAC_SIGNS)).lower()


def _code_mac(key: Key, code: Sensitive, kept: EmailCode) -> bytes:
    return key.mac("email-code", framed(_bytes_of(kept).hex(), code.reveal()))


def _bytes_of(kept: EmailCode) -> bytes:
    """Return what a code is for; its id is drawn for each code and never used again."""
    return framed(kept.id, kept.purpose.value, kept.card_id, kept.visit_id)
