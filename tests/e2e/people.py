"""The people of an estate, each with a card that is always the same to it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from hardware.virtual.piv import (
    SLOT_CARD_AUTHENTICATION,
    SLOT_PIV_AUTHENTICATION,
    VirtualCard,
    new_card,
)

DOMAIN = "wexbridge.example"


@dataclass(slots=True)
class Person:
    """One cardholder and their card; ``answers`` by the text of the question once given."""

    number: str
    name: str
    pin: str
    puk: str
    card: VirtualCard = field(repr=False)
    answers: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def email(self) -> str:
        """Their address in the records."""
        return f"{self.name.lower().replace(' ', '.')}@{DOMAIN}"


def person(number: str, name: str, pin: str, puk: str) -> Person:
    """Make a person with a working card."""
    guid = uuid.uuid5(uuid.NAMESPACE_DNS, f"{number}.{DOMAIN}").bytes
    slots = (SLOT_CARD_AUTHENTICATION, SLOT_PIV_AUTHENTICATION)
    keys = {slot: _key(f"{number}.{slot}") for slot in slots}
    card = new_card(holder_name=name, pin=pin, puk=puk, guid=guid, keys=keys)
    return Person(number, name, pin, puk, card)


def _key(name: str) -> ec.EllipticCurvePrivateKey:
    """Return a key that is always the same: an estate is made once and copied."""
    return ec.derive_private_key(int.from_bytes(sha256(name.encode()).digest()), ec.SECP256R1())
