"""SSH public keys: read strictly from what staff paste, and known by their fingerprints."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from kiosk.errors import NotTaken

FIELD: Final = "public_key"
LONGEST: Final = 8192
FEWEST_RSA_BITS: Final = 3072

KINDS: Final = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
"""The kinds that staff may log in with; ``sk-`` ones live in a hardware token."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key: ``body`` is its base64, ``label`` its comment, ``fingerprint`` ``SHA256:...``."""

    kind: str
    body: str
    label: str
    fingerprint: str

    @property
    def line(self) -> str:
        """The key as ``authorized_keys`` has it, without its label."""
        return f"{self.kind} {self.body}"


def read_public_key(text: str) -> PublicKey:
    """Read one line of a ``.pub`` file; raises ``NotTaken`` that says what is wrong."""
    line = text.strip()
    if "PRIVATE KEY" in line:
        raise NotTaken(
            FIELD, "This is a private key. Never send it to anybody; paste the .pub file."
        )
    if "\n" in line or len(line) > LONGEST:
        raise NotTaken(FIELD, "Paste one public key: one line, as in a .pub file.")
    words = line.split(None, 2)
    if len(words) < 2 or words[0] not in KINDS:
        raise NotTaken(FIELD, "A public key begins with its kind, such as ssh-ed25519.")
    kind, body = words[0], words[1]
    _check(kind, body)
    label = words[2] if len(words) > 2 and words[2].isprintable() else ""
    return PublicKey(kind, body, label[:80], fingerprint_of(body))


def fingerprint_of(body: str) -> str:
    """Return the fingerprint as OpenSSH writes it; raises ``NotTaken`` for no base64."""
    try:
        blob = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise NotTaken(FIELD, "The key is damaged: a part of it is missing or changed.") from None
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')}"


def _check(kind: str, body: str) -> None:
    if kind.startswith("sk-"):  # the library reads none of them; their frame names the kind
        _check_frame(kind, body)
        return
    try:
        key = load_ssh_public_key(f"{kind} {body}".encode())
    except (ValueError, UnsupportedAlgorithm):
        raise NotTaken(FIELD, "The key is damaged: a part of it is missing or changed.") from None
    if isinstance(key, RSAPublicKey) and key.key_size < FEWEST_RSA_BITS:
        because = f"An RSA key needs {FEWEST_RSA_BITS} bits or more; better make an ed25519 key."
        raise NotTaken(FIELD, because)


def _check_frame(kind: str, body: str) -> None:
    """Hold the blob's first string against ``kind`` (RFC 4253, section 6.6)."""
    fingerprint_of(body)
    blob = base64.b64decode(body)
    length = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + length] != kind.encode("ascii") or len(blob) <= 4 + length:
        raise NotTaken(FIELD, "The key is damaged: a part of it is missing or changed.")
