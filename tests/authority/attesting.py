"""A maker whose cards attest their keys, as YubiKeys do: a root, and a key of slot F9."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from hardware.virtual.piv import FIRMWARE_EXTENSION, VERSION, attestation
from kiosk.authority.crypto.card_keys import AttestationRoots
from kiosk.contract.messages import Attestation
from tests.authority.card_in_reader import BEGAN, ENDS, Authorities, Private, named, private_key

ONCE, ALWAYS = b"\x02\x01", b"\x03\x01"
NEVER, FINGERPRINT = b"\x01\x01", b"\x04\x01"


@dataclass
class Maker:
    """A root, and a card of the maker with its key of slot F9."""

    root: Authorities = field(default_factory=lambda: Authorities("Maker's root"))
    slot_f9: Private = field(default_factory=private_key)

    @property
    def roots(self) -> AttestationRoots:
        """What an administrator names in the settings."""
        return AttestationRoots((self.root.own,))

    def certify(
        self,
        key: Private | None = None,
        *,
        firmware: bool = True,
        is_ca: bool | None = None,
        ends: datetime = ENDS,
    ) -> x509.Certificate:
        """Return a certificate by the root: without more, that of the key of slot F9."""
        builder = x509.CertificateBuilder(
            issuer_name=named(self.root.name),
            subject_name=named("Maker's attestation"),
            public_key=(key or self.slot_f9).public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=BEGAN,
            not_valid_after=ends,
        )
        if firmware:
            told = x509.UnrecognizedExtension(FIRMWARE_EXTENSION, VERSION)
            builder = builder.add_extension(told, critical=False)
        if is_ca is not None:
            limits = x509.BasicConstraints(is_ca, 0 if is_ca else None)
            builder = builder.add_extension(limits, critical=True)
        return builder.sign(self.root.key, SHA256())

    def attest(
        self,
        key: Private,
        policies: bytes | None = ONCE,
        *,
        by: Private | None = None,
        its: x509.Certificate | None = None,
    ) -> Attestation:
        """Attest a key, with the key of slot F9 or ``by`` another one; ``its`` certificate."""
        its = its or self.certify()
        made = attestation(key.public_key(), by or self.slot_f9, its, policies)
        return Attestation(made.public_bytes(Encoding.DER), its.public_bytes(Encoding.DER))
