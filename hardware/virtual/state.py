"""What a card remembers without power: its PIN and PUK, its objects, its keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from hardware.virtual.profile import CardProfile

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

BODY = 8
"""PIN and PUK are eight bytes on the wire, padded with FF (SP 800-73-5 part 2, 2.4.3)."""


def padded(text: str) -> bytes:
    """Return a PIN or PUK as it goes over the wire; raises ``ValueError`` when too long."""
    body = text.encode("ascii")
    if len(body) > BODY:
        raise ValueError("a PIV PIN or PUK has at most eight characters")
    return body.ljust(BODY, b"\xff")


@dataclass(slots=True)
class Reference:
    """A PIN or a PUK with its counter; ``left`` is 0 when it is blocked."""

    body: bytes = field(repr=False)
    limit: int
    left: int
    former: list[bytes] = field(default_factory=list, repr=False)

    @property
    def blocked(self) -> bool:
        """Whether no try is left."""
        return self.left == 0

    def replace(self, body: bytes, history: int) -> None:
        """Take a new value; the counter is full again."""
        self.former = [self.body, *self.former][:history]
        self.body = body
        self.left = self.limit


@dataclass(slots=True)
class CardState:
    """Everything in the card's permanent memory."""

    profile: CardProfile
    holder_name: str
    guid: bytes
    serial: int
    pin: Reference
    puk: Reference
    objects: dict[int, bytes] = field(default_factory=dict, repr=False)
    """Data objects by their tag, such as 5FC102, without the tag itself."""
    keys: dict[int, PrivateKey] = field(default_factory=dict, repr=False)
    """Private keys by slot: 9A PIV authentication, 9E card authentication."""
