"""Unblock secrets at rest: AEAD that opens for one card, one purpose and one revision.

The label is authenticated and not stored with the ciphertext: the caller says what it
believes to be opening. A secret that was copied to another card's row, to another
column, or brought back from an older revision does not open. Only a roll-back of the
whole row would, and that the audit tells.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESGCMSIV

from kiosk.dialogue import CardId
from kiosk.errors import SealBroken
from kiosk.secrets.framing import framed
from kiosk.secrets.keys import Key, KeyPurpose, KeyRing
from kiosk.sensitive import Sensitive
from kiosk.store.records import SealedSecret

_NONCE = 12
_SIV, _GCM = 1, 2


class SealKind(StrEnum):
    """What is sealed; each kind has a subkey of its own."""

    UNBLOCK = "unblock"
    PENDING = "pending-unblock"
    FORMER = "former-unblock"


@dataclass(frozen=True, slots=True)
class SealLabel:
    """What a sealed secret belongs to.

    It names the physical card, not its row: pointing a row at another card must not
    release the secret to that card.
    """

    card: CardId
    kind: SealKind
    revision: int


class Sealer:
    """Seals under the current key and opens under the key that is named.

    AES-256-GCM-SIV (RFC 8452), where a repeated nonce costs nearly nothing; AES-256-GCM
    with a random nonce on an OpenSSL that lacks it. The first byte tells which.
    """

    def __init__(self, ring: KeyRing, *, siv: bool | None = None) -> None:
        self._ring = ring
        self._version = _SIV if (_has_siv() if siv is None else siv) else _GCM

    @property
    def current_key_id(self) -> str:
        """The id of the key under which new secrets are sealed."""
        return self._ring.current(KeyPurpose.SEAL).id

    def seal(self, secret: Sensitive, label: SealLabel) -> SealedSecret:
        """Seal ``secret`` for what ``label`` names."""
        key = self._ring.current(KeyPurpose.SEAL)
        nonce, bound = secrets.token_bytes(_NONCE), _associated(self._version, key, label)
        cipher = _cipher(self._version, key, label)
        # The plain text is never bound to a name: a traceback could show it.
        sealed = cipher.encrypt(nonce, secret.reveal().encode(), bound)
        return SealedSecret(bytes([self._version]) + nonce + sealed, key.id, label.revision)

    def open(self, sealed: SealedSecret, label: SealLabel) -> Sensitive:
        """Open what was sealed for ``label``; raises ``SealBroken`` or ``KeyMissing``."""
        key = self._ring.key(KeyPurpose.SEAL, sealed.key_id)
        version, nonce = sealed.ciphertext[0:1], sealed.ciphertext[1 : 1 + _NONCE]
        if version not in (bytes([_SIV]), bytes([_GCM])) or len(nonce) != _NONCE:
            raise SealBroken("the sealed secret is not in a form that is known")
        cipher, bound = _cipher(version[0], key, label), _associated(version[0], key, label)
        try:
            return Sensitive(cipher.decrypt(nonce, sealed.ciphertext[1 + _NONCE :], bound).decode())
        except (InvalidTag, ValueError):
            raise SealBroken("the sealed secret does not open for this card") from None


def _has_siv() -> bool:
    try:
        AESGCMSIV(bytes(32))
    except UnsupportedAlgorithm:
        return False
    return True


def _cipher(version: int, key: Key, label: SealLabel) -> AESGCMSIV | AESGCM:
    subkey = key.subkey(f"seal/{version}/{label.kind.value}")
    return AESGCMSIV(subkey) if version == _SIV else AESGCM(subkey)


def _associated(version: int, key: Key, label: SealLabel) -> bytes:
    card = label.card
    return framed(version, card.driver, card.identifier, label.kind.value, key.id, label.revision)
