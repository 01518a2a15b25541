"""What a station reads of a certificate, held against a library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from hardware import public_keys
from hardware.public_keys import read_certificate
from kiosk.contract.messages import KeyKind

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey

KEYS: dict[str, tuple[Callable[[], Key], KeyKind | None]] = {
    "rsa 2048": (lambda: rsa.generate_private_key(65537, 2048), KeyKind.RSA_2048),
    "rsa 3072": (lambda: rsa.generate_private_key(65537, 3072), KeyKind.RSA_3072),
    "rsa 1024": (lambda: rsa.generate_private_key(65537, 1024), None),
    "rsa, exponent 3": (lambda: rsa.generate_private_key(3, 2048), None),
    "p-256": (lambda: ec.generate_private_key(ec.SECP256R1()), KeyKind.P_256),
    "p-384": (lambda: ec.generate_private_key(ec.SECP384R1()), KeyKind.P_384),
    "p-521": (lambda: ec.generate_private_key(ec.SECP521R1()), None),
    "ed25519": (ed25519.Ed25519PrivateKey.generate, KeyKind.ED25519),
    "dsa": (lambda: dsa.generate_private_key(2048), None),
}


def certified(key: Key, not_after: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Łukasz Żółć")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    hash_ = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, hash_).public_bytes(Encoding.DER)


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_every_kind(name: str) -> None:
    make, kind = KEYS[name]
    key = make()
    der = certified(key, datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC))
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = read_certificate(der)
    assert found is not None
    assert found.public_key == spki
    named = public_keys.in_certificate(found)
    assert (named.kind if named else None) == kind
    if named is not None:
        assert (named.public_key, named.certificate) == (spki, der)


@pytest.mark.parametrize("year", [2021, 2049, 2050, 2099, 9999])
def test_both_forms_of_a_date(year: int) -> None:
    last = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    found = read_certificate(certified(ed25519.Ed25519PrivateKey.generate(), last))
    assert found is not None
    assert found.not_after == last


def test_keys_are_written_as_the_library_writes_them() -> None:
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    numbers = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
    made = public_keys.from_rsa_numbers(numbers.n.to_bytes(257), numbers.e.to_bytes(3))
    assert made is not None
    assert made.public_key == numbers.public_key().public_bytes(*form)
    for curve, kind in ((ec.SECP256R1(), KeyKind.P_256), (ec.SECP384R1(), KeyKind.P_384)):
        public = ec.generate_private_key(curve).public_key()
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        made = public_keys.from_point(kind, point)
        assert made is not None
        assert made.public_key == public.public_bytes(*form)
        assert public_keys.from_point(kind, point[:-1]) is None
    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    made = public_keys.from_point(KeyKind.ED25519, edwards.public_bytes_raw())
    assert made is not None
    assert made.public_key == edwards.public_bytes(*form)


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_signatures_are_written_as_the_library_writes_them(r: int, s: int) -> None:
    joined = r.to_bytes(32) + s.to_bytes(32)
    assert public_keys.signature(KeyKind.P_256, joined) == encode_dss_signature(r, s)


_SAMPLE = certified(ec.derive_private_key(7, ec.SECP256R1()), datetime(2031, 1, 1, tzinfo=UTC))


@given(st.integers(0, len(_SAMPLE) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_nothing(at: int, byte: int) -> None:
    changed = bytearray(_SAMPLE)
    changed[at] = byte
    found = read_certificate(bytes(changed))
    if found is not None:
        public_keys.in_certificate(found)


@given(st.binary(max_size=300))
def test_whatever_bytes_raise_nothing(data: bytes) -> None:
    assert read_certificate(data) is None
    assert read_certificate(_SAMPLE + data[:1] if data else b"") is None
