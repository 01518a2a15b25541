"""Stored unblock secrets: AEAD that opens for one card, one purpose and one revision.

The label is authenticated and not stored with the ciphertext: the caller states what it expects to
open. A secret that was copied to another card's row or another column, or restored from an older
revision, does not open. Only a roll-back of the whole row would open; the audit reveals that.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from kiosk.authority.crypto.derivation import Derivation, Masters, framed
from kiosk.authority.crypto.keys import Key, KeyPurpose, KeyRing
from kiosk.authority.errors import SealBroken
from kiosk.authority.store.records import SealedSecret
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive

_NONCE = 12
_SIV, _GCM, _HOW_SIV, _HOW_GCM = 1, 2, 3, 4
_HOW = (_HOW_SIV, _HOW_GCM)
_VERSIONS = tuple(bytes([version]) for version in (_SIV, _GCM, *_HOW))
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


@dataclass(frozen=True, slots=True)
class SealedText:
    """A text under AEAD, and the id of the key that sealed it."""

    ciphertext: bytes = field(repr=False)
    key_id: str


class Sealer:
    """Seals under the current key and opens under the named key.

    AES-256-GCM-SIV (RFC 8452), where a repeated nonce does hardly any harm; AES-256-GCM with a
    random nonce on an OpenSSL without it. The first byte says which, and whether the content is a
    secret or its derivation: each has a separate subkey.
    """

    def __init__(
        self, ring: KeyRing, masters: Masters | None = None, *, siv: bool | None = None
    ) -> None:
        self.masters = masters or Masters(ring)
        self._ring = ring
        self._siv = _has_siv() if siv is None else siv

    @property
    def current_key_id(self) -> str:
        """The id of the key under which new secrets are sealed."""
        return self._ring.current(KeyPurpose.SEAL).id

    def seal(self, secret: Sensitive | Derivation, label: SealLabel) -> SealedSecret:
        """Seal ``secret`` for ``label``; of a derived secret only its derivation."""
        if isinstance(secret, Derivation):
            how = Sensitive(f"{secret.generation}:{secret.master}")
            return self._sealed(_HOW_SIV if self._siv else _HOW_GCM, how, label, secret.master)
        return self._sealed(_SIV if self._siv else _GCM, secret, label)

    def open(self, sealed: SealedSecret, label: SealLabel) -> Sensitive:
        """Open what was sealed for ``label``, and derive a derived secret.

        Raises ``SealBroken``, ``KeyMissing`` or ``KeysUnavailable``.
        """
        found = self.look(sealed, label)
        return self.masters.derive(found, label.card) if isinstance(found, Derivation) else found

    def look(self, sealed: SealedSecret, label: SealLabel) -> Sensitive | Derivation:
        """Open what was sealed for ``label`` and derive nothing.

        Raises ``SealBroken`` or ``KeyMissing``.
        """
        key = self._ring.key(KeyPurpose.SEAL, sealed.key_id)
        version, nonce = sealed.ciphertext[0:1], sealed.ciphertext[1 : 1 + _NONCE]
        if version not in _VERSIONS or len(nonce) != _NONCE:
            raise SealBroken("the sealed secret is not in a form that is known")
        cipher, bound = _cipher(version[0], key, label.kind), _associated(version[0], key, label)
        try:
            text = Sensitive(cipher.decrypt(nonce, sealed.ciphertext[1 + _NONCE :], bound).decode())
            found: Sensitive | Derivation = text
            if version[0] in _HOW:
                generation, _, master = text.reveal().partition(":")
                found = Derivation(master, int(generation))
        except (InvalidTag, ValueError):
            raise SealBroken("the sealed secret does not open for this card") from None
        if sealed.derived_from != (found.master if isinstance(found, Derivation) else ""):
            raise SealBroken("the sealed secret is recorded under another master key")
        return found

    def carry(self, sealed: SealedSecret, old: SealLabel, new: SealLabel) -> SealedSecret:
        """Seal for ``new`` what was sealed for ``old``; a derived secret stays derived.

        Raises ``SealBroken`` or ``KeyMissing``.
        """
        return self.seal(self.look(sealed, old), new)

    def seal_text(self, text: Sensitive, *bound: str | int) -> SealedText:
        """Seal a text that belongs to no card; it opens only with the same ``bound``."""
        version = _SIV if self._siv else _GCM
        key, nonce = self._ring.current(KeyPurpose.SEAL), secrets.token_bytes(_NONCE)
        cipher, beside = _cipher(version, key, _TEXT), framed(version, _TEXT, key.id, *bound)
        sealed = cipher.encrypt(nonce, text.reveal().encode(), beside)
        return SealedText(bytes([version]) + nonce + sealed, key.id)

    def open_text(self, sealed: SealedText, *bound: str | int) -> Sensitive:
        """Open what was sealed with ``bound``; raises ``SealBroken`` or ``KeyMissing``."""
        key = self._ring.key(KeyPurpose.SEAL, sealed.key_id)
        version, nonce = sealed.ciphertext[:1], sealed.ciphertext[1 : 1 + _NONCE]
        if version not in (bytes([_SIV]), bytes([_GCM])) or len(nonce) != _NONCE:
            raise SealBroken("the sealed text is not in a form that is known")
        cipher = _cipher(version[0], key, _TEXT)
        beside = framed(version[0], _TEXT, key.id, *bound)
        try:
            return Sensitive(
                cipher.decrypt(nonce, sealed.ciphertext[1 + _NONCE :], beside).decode()
            )
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


def _has_siv() -> bool:
    try:
        AESGCMSIV(bytes(32))
    except UnsupportedAlgorithm:
        return False
    return True


def _cipher(version: int, key: Key, kind: str) -> AESGCMSIV | AESGCM:
    subkey = key.subkey(f"seal/{version}/{kind}")
    return AESGCMSIV(subkey) if version in (_SIV, _HOW_SIV) else AESGCM(subkey)


def _associated(version: int, key: Key, label: SealLabel) -> bytes:
    card = label.card
    return framed(version, card.driver, card.identifier, label.kind.value, key.id, label.revision)
