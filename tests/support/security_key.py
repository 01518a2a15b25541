"""A FIDO2 security key as ssh meets one: behind an agent, which signs with a key in software."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIND = b"sk-ssh-ed25519@openssh.com"
APPLICATION = b"ssh:"
TOUCHED, VERIFIED = 0x01, 0x04
"""Flags of a signature (WebAuthn, 6.1): the user was there; the PIN or the finger was right."""

# draft-ietf-sshm-ssh-agent, 5: types of messages.
_FAILURE, _ASKED, _IDENTITIES, _SIGN, _SIGNED = 5, 11, 12, 13, 14


def _string(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _split(data: bytes) -> tuple[bytes, bytes]:
    size = 4 + int.from_bytes(data[:4], "big")
    return data[4:size], data[size:]


class SecurityKey:
    """Answers at ``socket`` until ``close``; ``public`` is the path of its ``.pub`` file."""

    def __init__(self, folder: Path, name: str, flags: int) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._flags = flags
        self.blob = b"".join(
            map(_string, (KIND, self._key.public_key().public_bytes_raw(), APPLICATION))
        )
        self.public = folder / f"{name}.pub"
        self.public.write_text(f"{KIND.decode()} {base64.b64encode(self.blob).decode()} {name}\n")
        self.socket = folder / f"{name}.agent"
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.socket))
        self.socket.chmod(0o600)
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as stream:
                while size := stream.read(4):
                    answer = self._answer(stream.read(int.from_bytes(size, "big")))
                    stream.write(_string(answer))
                    stream.flush()

    def _answer(self, message: bytes) -> bytes:
        kind, rest = message[0], message[1:]
        if kind == _ASKED:
            return bytes([_IDENTITIES]) + b"\0\0\0\1" + _string(self.blob) + _string(b"token")
        if kind == _SIGN:
            blob, rest = _split(rest)
            assert blob == self.blob
            return bytes([_SIGNED]) + _string(self._signature(_split(rest)[0]))
        return bytes([_FAILURE])

    def _signature(self, data: bytes) -> bytes:
        """Sign as PROTOCOL.u2f of OpenSSH says."""
        state = bytes([self._flags]) + b"\0\0\0\1"
        signed = hashlib.sha256(APPLICATION).digest() + state + hashlib.sha256(data).digest()
        return _string(KIND) + _string(self._key.sign(signed)) + state
