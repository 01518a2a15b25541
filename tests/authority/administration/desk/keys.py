"""Public keys as staff paste them."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def new_key(label: str = "laptop") -> str:
    """Return a new ed25519 key as a line of a ``.pub`` file."""
    key = Ed25519PrivateKey.generate().public_key()
    return f"{key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} {label}\n"


def new_security_key() -> str:
    """Return a new key in a security key, as a line of a ``.pub`` file."""
    point = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    kind = "sk-ssh-ed25519@openssh.com"
    parts = (kind.encode(), point, b"ssh:")
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return f"{kind} {base64.b64encode(blob).decode()} token\n"


def new_pin_key() -> str:
    """Return a new key of a card as a PEM file holds it."""
    key = generate_private_key(SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
