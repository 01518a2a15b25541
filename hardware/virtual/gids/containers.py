"""The keys in a GIDS card's containers: read by everybody, used once the PIN was verified."""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from hardware.virtual.chip import Answer
from hardware.virtual.commands import Command, Status
from hardware.virtual.gids.state import GidsState, Session
from hardware.virtual.tlv import read, tlv

FIRST = 0x81
"""The reference of the first container's key; the others follow."""

_MECHANISMS = {2048: 0x57, 3072: 0x58, 4096: 0x59}
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
_VALID_AND_DEFAULT = 3


def container_map(keys: tuple[rsa.RSAPrivateKey, ...]) -> bytes:
    """The minidriver's file ``cmapfile``: a name, flags, bits for signatures, bits for exchange."""
    return b"".join(
        struct.pack("<80sBBHH", f"key {n}".encode("utf-16-le"), _VALID_AND_DEFAULT, 0, 0, bits)
        for n, bits in enumerate(key.key_size for key in keys)
    )


class ContainerCommands:
    """GET DATA for a public key, MANAGE SECURITY ENVIRONMENT and COMPUTE DIGITAL SIGNATURE."""

    def __init__(self, state: GidsState, session: Session) -> None:
        self._state = state
        self._session = session

    def public_key(self, wanted: bytes) -> Answer:
        """Answer a list of key reference and template; 6A88 for no such key."""
        key = self._key(wanted)
        if key is None:
            return b"", Status.NO_REFERENCE
        numbers = key.public_key().public_numbers()
        modulus = tlv(0x81, numbers.n.to_bytes(key.key_size // 8))
        return tlv(0x7F49, modulus + tlv(0x82, b"\x01\x00\x01")), Status.OK

    def choose(self, command: Command) -> int:
        """Choose a key and its mechanism for the next signatures."""
        key = self._key(command.data)
        if key is None:
            return Status.NO_REFERENCE
        if read(command.data).get(0x80) != bytes((_MECHANISMS[key.key_size],)):
            return Status.WRONG_DATA
        self._session.container = read(command.data)[0x84][0] - FIRST
        return Status.OK

    def sign(self, command: Command) -> Answer:
        """Sign a DigestInfo with the key that was chosen."""
        if (command.p1, command.p2) != (0x9E, 0x9A):
            return b"", Status.WRONG_P1P2
        if self._session.container is None:
            return b"", Status.CONDITIONS
        if not self._session.pin_verified:
            return b"", Status.NOT_SATISFIED
        if not command.data.startswith(_SHA256_INFO):
            return b"", Status.WRONG_DATA
        digest = command.data[len(_SHA256_INFO) :]
        key = self._state.containers[self._session.container]
        return key.sign(digest, padding.PKCS1v15(), utils.Prehashed(SHA256())), Status.OK

    def _key(self, data: bytes) -> rsa.RSAPrivateKey | None:
        try:
            index = read(data)[0x84][0] - FIRST
        except (ValueError, KeyError, IndexError):
            return None
        return self._state.containers[index] if 0 <= index < len(self._state.containers) else None
