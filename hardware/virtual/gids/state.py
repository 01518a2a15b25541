"""What a GIDS card remembers without power, and what it forgets with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from hardware.virtual.gids.profile import GidsProfile
from hardware.virtual.state import Reference

SHORTEST, LONGEST = 4, 16
"""The length of a PIN in bytes; it is not padded."""


@dataclass(slots=True)
class GidsState:
    """Everything in the card's permanent memory."""

    profile: GidsProfile
    card_id: bytes
    pin: Reference
    key: Reference
    """The admin key, three DES keys; its tries go down only where the make counts them."""
    files: dict[tuple[int, int], bytes] = field(default_factory=dict, repr=False)
    """Data objects by the file that they are in, such as A012, and their tag."""
    containers: tuple[rsa.RSAPrivateKey, ...] = field(default=(), repr=False)
    """The keys of the holder's certificates."""


@dataclass(frozen=True, slots=True)
class Nonces:
    """The random numbers of one attempt to authenticate each other."""

    host: bytes
    card: bytes


@dataclass(slots=True)
class Session:
    """What the card forgets with its power, and when the application is selected again."""

    pin_verified: bool = False
    key_chosen: bool = False
    key_proven: bool = False
    nonces: Nonces | None = None
    container: int | None = None

    def forget(self) -> None:
        """Drop everything that was proven, and what was begun."""
        self.pin_verified = self.key_chosen = self.key_proven = False
        self.nonces = self.container = None
