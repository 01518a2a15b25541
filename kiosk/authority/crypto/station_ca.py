"""The CA of the stations' certificates, and of the authority's for connections with them.

Its key derives from the key file, so each replica has it, and its certificate is computed: it is
the same wherever that file is. A certificate opens nothing by itself: the row of its key identifies
a station.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kiosk.authority.crypto.card_keys import fingerprint, spki_of
from kiosk.authority.crypto.keys import KeyPurpose, KeyRing
from kiosk.contract.enrolment import ca_fingerprint
from kiosk.contract.errors import StepRefused

# Of the curve P-256 (SP 800-186, 3.2.1.3).
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)
_WITHOUT_END: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280, 4.1.2.5: no well-defined expiration date."""

_BEFORE: Final = timedelta(minutes=5)
"""How far the clock of a station may be behind."""


def fingerprint_of(key: PublicKeyTypes) -> str:
    """Return the id of a station's key: SHA-256 of its SubjectPublicKeyInfo, hexadecimal."""
    return fingerprint(spki_of(key))


def read_request(pem: str) -> ec.EllipticCurvePublicKey:
    """Return the key of a request (PKCS#10), which has to be of P-256 and to have signed it.

    Everything else in the request is ignored. Raises ``StepRefused``.
    """
    try:
        asked = x509.load_pem_x509_csr(pem.encode())
        key = asked.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            if asked.is_signature_valid:
                return key
            raise StepRefused("it is not signed by its key")
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise StepRefused("it is no request for a certificate") from None
    raise StepRefused("its key is not of P-256")


class StationCa:
    """Issues certificates; immutable, so threads can share it."""

    def __init__(self, ring: KeyRing) -> None:
        self._key = _private(ring)
        key = self._key.public_key()
        self._name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"Unlock Kiosk CA {fingerprint_of(key)[:8]}")]
        )
        made = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(int.from_bytes(sha256(spki_of(key)).digest()[:16]) | 1)
            .not_valid_before(_FROM)
            .not_valid_after(_WITHOUT_END)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self._key, SHA256(), ecdsa_deterministic=True)
        )
        self.pem = made.public_bytes(Encoding.PEM).decode()
        self.fingerprint = ca_fingerprint(made.public_bytes(Encoding.DER))

    def issue(
        self, key: ec.EllipticCurvePublicKey, station: str, now: datetime, life: timedelta
    ) -> x509.Certificate:
        name = x509.UniformResourceIdentifier(f"urn:kiosk:station:{quote(station)}")
        return self._issue(key, [name], ExtendedKeyUsageOID.CLIENT_AUTH, now, life)

    def issue_own(
        self, hosts: Sequence[str], now: datetime, life: timedelta
    ) -> tuple[str, datetime]:
        """Return a new key with a certificate for the authority (PEM), and when that ends."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_general_name(host) for host in hosts]
        made = self._issue(key.public_key(), names, ExtendedKeyUsageOID.SERVER_AUTH, now, life)
        own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (own + made.public_bytes(Encoding.PEM)).decode(), made.not_valid_after_utc

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        names: Sequence[x509.GeneralName],
        use: x509.ObjectIdentifier,
        now: datetime,
        life: timedelta,
    ) -> x509.Certificate:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BEFORE)
            .not_valid_after(now + life)
            # RFC 5280, 4.2.1.6: critical where the subject is empty.
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=True)
            .add_extension(authority, critical=False)
            .sign(self._key, SHA256())
        )


def _private(ring: KeyRing) -> ec.EllipticCurvePrivateKey:
    """Derive the key from 384 bits, which makes all scalars equally likely (FIPS 186-5, A.2.1)."""
    material = ring.current(KeyPurpose.STATION_CA).material
    info = b"unlock-kiosk/1/station-ca"
    drawn = HKDF(algorithm=SHA256(), length=48, salt=None, info=info).derive(material)
    return ec.derive_private_key(int.from_bytes(drawn) % (_ORDER - 1) + 1, ec.SECP256R1())


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
