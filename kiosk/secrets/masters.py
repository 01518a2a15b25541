"""The master keys that unblock secrets derive from: in a token, or in the key file."""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from kiosk.dialogue import CardId
from kiosk.errors import KeyMissing, KeysAway
from kiosk.secrets.deriving import Cmac, Derivation, unblock_secret
from kiosk.secrets.keys import KeyPurpose, KeyRing
from kiosk.sensitive import Sensitive

NONE_YET: Final = "there is no master key yet; `kiosk keys rotate --purpose derive` makes one"


class MasterPlace(Protocol):
    """Where master keys are kept; they are used there, and never leave it."""

    def ids(self) -> tuple[str, ...]:
        """Return the ids of the keys, oldest first; raises ``KeysAway``."""

    def cmac(self, key_id: str, message: bytes) -> bytes:
        """Return the AES-CMAC of ``message``; raises ``KeyMissing`` or ``KeysAway``."""

    def close(self) -> None:
        """Let go of the place; asked again, it is opened again."""


class Masters:
    """All master keys: those of the key file, and those of a token where the settings name one.

    New secrets derive from the token's then; what derives from the file's stays good.
    """

    def __init__(self, ring: KeyRing, token: MasterPlace | None = None) -> None:
        self._ring = ring
        self._token = token

    def ids(self) -> tuple[str, ...]:
        """Return the ids of every key, the current one last; raises ``KeysAway``."""
        return self._in_file() + (self._token.ids() if self._token else ())

    def current(self) -> str:
        """Return the id of the key that new secrets derive from.

        Raises ``KeyMissing`` where there is none yet, and ``KeysAway``.
        """
        ids = self._token.ids() if self._token else self._in_file()
        if not ids:
            raise KeyMissing(NONE_YET)
        return ids[-1]

    def reach(self) -> None:
        """Raise ``KeysAway`` where there is a token that does not answer."""
        if self._token:
            self._token.ids()

    def warm(self) -> None:
        """Have the token ready, if there is one, before a transaction begins that may ask it.

        One that hangs does so here, where nobody waits for it, and is left alone for a while.
        """
        with suppress(KeysAway):
            self.reach()

    def derive(self, derivation: Derivation, card: CardId) -> Sensitive:
        """Return the secret of ``card``; raises ``KeyMissing`` or ``KeysAway``."""
        return unblock_secret(self._cmac(derivation.master), card, derivation.generation)

    def close(self) -> None:
        """Let go of the token."""
        if self._token:
            self._token.close()

    def _in_file(self) -> tuple[str, ...]:
        return self._ring.ids(KeyPurpose.DERIVE)

    def _cmac(self, master: str) -> Cmac:
        token = self._token
        if token is None or master in self._in_file():
            return lambda message: _cmac_of_file(self._ring, master, message)
        return lambda message: token.cmac(master, message)


def _cmac_of_file(ring: KeyRing, master: str, message: bytes) -> bytes:
    computed = CMAC(AES(ring.key(KeyPurpose.DERIVE, master).material))
    computed.update(message)
    return computed.finalize()
