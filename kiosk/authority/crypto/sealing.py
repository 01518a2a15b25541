"""Stored unblock secrets: AEAD that opens for one card, one purpose and one revision.

The label is authenticated and not stored with the ciphertext: the caller states what it expects to
open. A secret that was copied to another card's row or another column, or restored from an older
revision, does not open. Only a roll-back of the whole row would open; the audit reveals that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from kiosk.authority.crypto.derivation import Derivation, Masters, framed
from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.authority.errors import SealBroken
from kiosk.authority.records import SealedSecret
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive

_NONCE = 12
_SECRET, _HOW = 1, 3
_VERSIONS = tuple(bytes([version]) for version in (_SECRET, _HOW))
_TEXT = "text"
"""The subkey of texts that belong to no card; no ``SealKind`` has this value."""


class SealKind(StrEnum):
    """The kind of a sealed secret; each kind has a separate subkey."""

    UNBLOCK = "unblock"
    PENDING = "pending-unblock"
    FORMER = "former-unblock"


@dataclass(frozen=True, slots=True)
class SealLabel:
    """What a sealed secret belongs to.

    It names the physical card, not its row: a row that is pointed at another card must not release
    the secret to that card.
    """

    card: CardId
    kind: SealKind
    revision: int


class Sealer:
    """Seals under the current key and opens under the named key.

    AES-256-GCM-SIV (RFC 8452), where a repeated nonce does hardly any harm. The first byte says
    whether the content is a secret or its derivation: each has a separate subkey. Opening raises
    ``SealBroken`` or ``KeyMissing``, and deriving ``KeysUnavailable``, too.
    """

    def __init__(self, ring: KeyRing, masters: Masters | None = None) -> None:
        self.masters = masters or Masters(ring)
        self._ring = ring

    @property
    def current_key_id(self) -> str:
        """The id of the key under which new secrets are sealed."""
        return self._ring.current(KeyPurpose.SEAL).id

    def seal(self, secret: Sensitive | Derivation, label: SealLabel) -> SealedSecret:
        """Seal ``secret`` for ``label``; of a derived secret only its derivation."""
        if isinstance(secret, Derivation):
            how = Sensitive(f"{secret.generation}:{secret.master}")
            return self._sealed(_HOW, how, label, secret.master)
        return self._sealed(_SECRET, secret, label)

    def open(self, sealed: SealedSecret, label: SealLabel) -> Sensitive:
        """Open what was sealed for ``label``, and derive a derived secret."""
        found = self.look(sealed, label)
        return self.masters.derive(found, label.card) if isinstance(found, Derivation) else found

    def look(self, sealed: SealedSecret, label: SealLabel) -> Sensitive | Derivation:
        """Open what was sealed for ``label`` and derive nothing."""
        key = self._ring.key(KeyPurpose.SEAL, sealed.key_id)
        version, nonce = sealed.ciphertext[0:1], sealed.ciphertext[1 : 1 + _NONCE]
        if version not in _VERSIONS or len(nonce) != _NONCE:
            raise SealBroken("the sealed secret is not in a form that is known")
        cipher, bound = _cipher(version[0], key, label.kind), _associated(version[0], key, label)
        try:
            text = Sensitive(cipher.decrypt(nonce, sealed.ciphertext[1 + _NONCE :], bound).decode())
            found: Sensitive | Derivation = text
            if version[0] == _HOW:
                generation, _, master = text.reveal().partition(":")
                found = Derivation(master, int(generation))
        except (InvalidTag, ValueError):
            raise SealBroken("the sealed secret does not open for this card") from None
        if sealed.derived_from != (found.master if isinstance(found, Derivation) else ""):
            raise SealBroken("the sealed secret is recorded under another master key")
        return found

    def carry(self, sealed: SealedSecret, old: SealLabel, new: SealLabel) -> SealedSecret:
        """Seal for ``new`` what was sealed for ``old``; a derived secret stays derived."""
        return self.seal(self.look(sealed, old), new)

    def seal_text(self, text: Sensitive, *bound: str | int) -> tuple[bytes, str]:
        """Seal a text that belongs to no card; return it and the key's id.

        It opens only with the same ``bound``.
        """
        key, nonce = self._ring.current(KeyPurpose.SEAL), secrets.token_bytes(_NONCE)
        cipher, beside = _cipher(_SECRET, key, _TEXT), framed(_SECRET, _TEXT, key.id, *bound)
        sealed = cipher.encrypt(nonce, text.reveal().encode(), beside)
        return bytes([_SECRET]) + nonce + sealed, key.id

    def open_text(self, sealed: bytes, key_id: str, *bound: str | int) -> Sensitive:
        """Open what was sealed with ``bound``."""
        key = self._ring.key(KeyPurpose.SEAL, key_id)
        version, nonce = sealed[:1], sealed[1 : 1 + _NONCE]
        if version != bytes([_SECRET]) or len(nonce) != _NONCE:
            raise SealBroken("the sealed text is not in a form that is known")
        cipher, beside = _cipher(_SECRET, key, _TEXT), framed(_SECRET, _TEXT, key.id, *bound)
        try:
            return Sensitive(cipher.decrypt(nonce, sealed[1 + _NONCE :], beside).decode())
        except (InvalidTag, ValueError):
            raise SealBroken("the sealed text was altered, or belongs elsewhere") from None

    def _sealed(
        self, version: int, text: Sensitive, label: SealLabel, derived_from: str = ""
    ) -> SealedSecret:
        key, nonce = self._ring.current(KeyPurpose.SEAL), secrets.token_bytes(_NONCE)
        bound = _associated(version, key, label)
        # The plain text is never bound to a name: a traceback could show it.
        sealed = _cipher(version, key, label.kind).encrypt(nonce, text.reveal().encode(), bound)
        return SealedSecret(bytes([version]) + nonce + sealed, key.id, label.revision, derived_from)


def _cipher(version: int, key: Key, kind: str) -> AESGCMSIV:
    return AESGCMSIV(key.subkey(f"seal/{version}/{kind}"))


def _associated(version: int, key: Key, label: SealLabel) -> bytes:
    card = label.card
    return framed(version, card.driver, card.identifier, label.kind.value, key.id, label.revision)
