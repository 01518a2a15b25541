"""The source of a card's next unblock secret."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.authority.errors import KeyMissing, KeysUnavailable, SealBroken
from kiosk.contract.families import (
    ADMIN_KEY_DIGITS,
    FAMILIES,
    AdminKey,
    TextSecret,
    with_parity,
)
from kiosk.contract.messages import CardId
from kiosk.contract.sensitive import Sensitive

if TYPE_CHECKING:
    from kiosk.authority.crypto.token import TokenMasters

# Joining several texts into bytes without ambiguity.


def framed(*parts: str | bytes | int) -> bytes:
    """Join ``parts``, each after its kind and its length: no two lists give the same bytes."""
    joined = bytearray()
    for part in parts:
        match part:
            case str():
                kind, raw = b"s", part.encode("utf-8", "surrogatepass")
            case bytes():
                kind, raw = b"b", part
            case int():
                kind, raw = b"i", str(part).encode()
            case _:
                assert_never(part)
        joined += kind + len(raw).to_bytes(4, "big") + raw
    return bytes(joined)


# Unblock secrets that derive from a master key and the card's identity: pure, except for the MAC.
#
# The key derivation function of NIST SP 800-108r1 in counter mode (4.1), with AES-CMAC (SP 800-38B)
# for its function. ``docs/unblock-secrets.md`` specifies it, with an example, so that a card
# management system with the same master key derives the same secrets.

LABEL: Final = b"unlock-kiosk/1/unblock-secret"
"""Separates these secrets from anything else that derives from the same master key."""

ISSUED: Final = 0
"""The generation that a card is issued with; each later one is made here, once."""

DIGITS: Final = 8
"""Every ``TextSecret`` may be eight digits, and PIV accepts nothing else."""

_BLOCK: Final = 16
_WORD: Final = 4


Cmac = Callable[[bytes], bytes]
"""AES-CMAC under one master key, wherever that is stored; returns 16 bytes."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a card's secret derives: the master key's id, and the number of the card's secret."""

    master: str
    generation: int = ISSUED


def expand(cmac: Cmac, label: bytes, context: bytes, length: int) -> bytes:
    """Return ``length`` bytes: K(i) = CMAC([i] || label || 00 || context || [8 * length])."""
    fixed = label + b"\0" + context + (8 * length).to_bytes(_WORD, "big")
    numbers = range(1, -(-length // _BLOCK) + 1)
    return b"".join(cmac(i.to_bytes(_WORD, "big") + fixed) for i in numbers)[:length]


def unblock_secret(cmac: Cmac, card: CardId, generation: int) -> Sensitive:
    """Return the secret of ``card`` in its family's form.

    Eight digits are 128 bits modulo 10^8: none is likelier than another by more than one
    in 2^101. Raises ``SealBroken`` for a family that only another release knows.
    """
    family = FAMILIES.get(card.driver)
    if family is None:
        raise SealBroken(f"the secret has the form of a family that is not known: {card.driver}")
    context = framed(card.driver, card.identifier, generation)
    match family.secret:
        case AdminKey():
            made = expand(cmac, LABEL, context, ADMIN_KEY_DIGITS // 2)
            return Sensitive(with_parity(made.hex()))
        case TextSecret():
            number = int.from_bytes(expand(cmac, LABEL, context, _BLOCK), "big")
            return Sensitive(f"{number % 10**DIGITS:0{DIGITS}d}")
        case other:
            assert_never(other)


# The master keys of unblock secrets: in a token, or in the key file.

NONE_YET: Final = "there is no master key yet; `kiosk keys rotate --purpose derive` makes one"


class Masters:
    """All master keys: those of the key file, and those of a token where the settings name one.

    With a token, new secrets derive from its keys; older secrets of the file's keys stay valid.
    """

    def __init__(self, ring: KeyRing, token: TokenMasters | None = None) -> None:
        self._ring = ring
        self._token = token

    def ids(self) -> tuple[str, ...]:
        """Return the ids of every key, the current one last; raises ``KeysUnavailable``."""
        return self._in_file() + (self._token.ids() if self._token else ())

    def current(self) -> str:
        """Return the key id for new secrets; raises ``KeyMissing`` or ``KeysUnavailable``."""
        ids = self._token.ids() if self._token else self._in_file()
        if not ids:
            raise KeyMissing(NONE_YET)
        return ids[-1]

    def reach(self) -> None:
        """Raise ``KeysUnavailable`` where a token does not answer."""
        if self._token:
            self._token.ids()

    def warm(self) -> None:
        """Start the token, if there is one, before a transaction that may need it.

        A token that hangs does so here, where nobody waits for it, and is not called for a while.
        """
        with suppress(KeysUnavailable):
            self.reach()

    def derive(self, derivation: Derivation, card: CardId) -> Sensitive:
        """Return a card's secret; raises ``SealBroken``, ``KeyMissing`` or ``KeysUnavailable``."""
        cmac = partial(self._cmac, derivation.master)
        return unblock_secret(cmac, card, derivation.generation)

    def close(self) -> None:
        if self._token:
            self._token.close()

    def _in_file(self) -> tuple[str, ...]:
        return self._ring.ids(KeyPurpose.DERIVE)

    def _cmac(self, master: str, message: bytes) -> bytes:
        if self._token is not None and master not in self._in_file():
            return self._token.cmac(master, message)
        computed = CMAC(AES(self._ring.key(KeyPurpose.DERIVE, master).material))
        computed.update(message)
        return computed.finalize()


# New unblock secrets for the families whose secret is changed after each use.
#
# The result is the same each time for a card, its present secret and a generation: a secret that
# a card got after the last backup of a database can be made again after a restore.


class FollowingSecrets:
    """Each secret follows from the one before, by a key of the key file; the default.

    The key alone derives none: the sealed secret from the database is needed, too.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def ready(self) -> None:
        """Digits can be made at any time."""

    def make(self, card: CardId, before: Callable[[], Sensitive], generation: int) -> Sensitive:
        """Make digits (HMAC-SHA256) that differ from the present ones."""
        key, last = self._ring.current(KeyPurpose.SEAL), before().reveal()
        for attempt in itertools.count():
            message = framed(key.id, card.driver, card.identifier, last, generation, attempt)
            number = int.from_bytes(key.mac("following-secret", message), "big")
            digits = f"{number % 10**DIGITS:0{DIGITS}d}"
            if digits != last:
                break
        return Sensitive(digits)


class DerivedSecrets:
    """Secrets of the current master key: only the derivation is stored.

    Each call raises ``KeyMissing`` or ``KeysUnavailable``.
    """

    def __init__(self, masters: Masters) -> None:
        self._masters = masters

    def ready(self) -> None:
        self._masters.current()

    def make(self, card: CardId, before: Callable[[], Sensitive], generation: int) -> Derivation:
        return Derivation(self._masters.current(), generation)


SecretSource = FollowingSecrets | DerivedSecrets
