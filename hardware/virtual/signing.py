"""GENERAL AUTHENTICATE (SP 800-73-5 part 2, 3.2.4): a key proves itself.

Only the internal authentication is here: the host sends a challenge (81) and asks for
the response (82). The host does the hashing and the padding.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware.virtual.commands import Status
from hardware.virtual.state import PrivateKey
from hardware.virtual.tlv import read, tlv

RSA_ALGORITHMS = {2048: 0x07, 3072: 0x05, 4096: 0x16}
CURVE_ALGORITHMS = {256: 0x11, 384: 0x14}
"""Algorithm identifiers by the size of the key (SP 800-78-5, table 6-2; 16 is a vendor's)."""
ED25519_ALGORITHM = 0xE0
"""A vendor's, too."""
TEMPLATE = 0x7C
CHALLENGE = 0x81
RESPONSE = 0x82
PIN_NEVER, PIN_ONCE = 0x01, 0x02
TOUCH_NEVER = 0x01


def authenticate(key: PrivateKey, algorithm: int, data: bytes) -> tuple[bytes, int]:
    """Sign the challenge in ``data``; answers 6A80 for anything else, 6A86 for another key."""
    if algorithm != algorithm_of(key):
        return b"", Status.WRONG_P1P2
    try:
        template = read(read(data)[TEMPLATE])
        challenge = template[CHALLENGE]
    except (ValueError, KeyError):
        return b"", Status.WRONG_DATA
    signature = _sign(key, challenge)
    if signature is None:
        return b"", Status.WRONG_DATA
    return tlv(TEMPLATE, tlv(RESPONSE, signature)), Status.OK


def metadata(key: PrivateKey, *, pin: bool) -> bytes:
    """What GET METADATA tells of a key: algorithm, policies of PIN and touch, public key."""
    policies = bytes((PIN_ONCE if pin else PIN_NEVER, TOUCH_NEVER))
    algorithm = bytes((algorithm_of(key),))
    return tlv(0x01, algorithm) + tlv(0x02, policies) + tlv(0x04, _public(key))


def _public(key: PrivateKey) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return tlv(0x81, numbers.n.to_bytes(key.key_size // 8)) + tlv(0x82, b"\x01\x00\x01")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return tlv(0x86, key.public_key().public_bytes_raw())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return tlv(0x86, point)


def algorithm_of(key: PrivateKey) -> int:
    """The algorithm identifier of SP 800-78, or of a vendor's, for a key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ED25519_ALGORITHM
    sizes = RSA_ALGORITHMS if isinstance(key, rsa.RSAPrivateKey) else CURVE_ALGORITHMS
    return sizes[key.key_size]


def _sign(key: PrivateKey, challenge: bytes) -> bytes | None:
    if isinstance(key, rsa.RSAPrivateKey):
        return _raw_rsa(key, challenge)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(challenge)
    size = key.key_size // 8
    if len(challenge) > size:
        return None
    algorithm: HashAlgorithm = SHA384() if size == SHA384.digest_size else SHA256()
    return key.sign(challenge.rjust(size, b"\0"), ec.ECDSA(utils.Prehashed(algorithm)))


def _raw_rsa(key: rsa.RSAPrivateKey, block: bytes) -> bytes | None:
    # The card does the bare exponentiation; the library offers none, so: by hand.
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    value = int.from_bytes(block, "big")
    if len(block) != key.key_size // 8 or value >= modulus:
        return None
    return pow(value, numbers.d, modulus).to_bytes(len(block), "big")
