"""A PIV card without a reader."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware.virtual.chip import AppletChip
from hardware.virtual.piv import PivApplet
from hardware.virtual.state import CardState


class VirtualCard(AppletChip[CardState]):
    """The PIV application on its chip.

    The methods look into the card, past its PIN: for a test or the demo that speaks to the
    authority without a reader.
    """

    def __init__(self, state: CardState) -> None:
        super().__init__(state, PivApplet(state))

    def public_key(self, slot: int) -> bytes:
        """Return the public key of ``slot`` as SubjectPublicKeyInfo in DER."""
        key = self.state.keys[slot].public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, slot: int, message: bytes) -> bytes:
        """Sign as the answer to a challenge of the authority is signed."""
        key = self.state.keys[slot]
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(message, padding.PKCS1v15(), SHA256())
        if isinstance(key, ec.EllipticCurvePrivateKey):
            hashed = SHA384() if key.key_size == 384 else SHA256()
            return key.sign(message, ec.ECDSA(hashed))
        return key.sign(message)
