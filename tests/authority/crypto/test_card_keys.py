"""Keys of cards: read from whatever holds them, and held against what was signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import NameAttribute
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from kiosk.app.composition.opening import open_issuers
from kiosk.authority.crypto.card_keys import (
    KEY_NAME,
    LONGEST,
    Issuers,
    certifies,
    fingerprint,
    key_from,
    kind_of,
    may_be,
    offers_unsupported_key,
    proves,
    verify_pin_proof,
)
from kiosk.config.loading import load_settings
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import (
    RSA_EXPONENT,
    RSA_KINDS,
    CardChallenge,
    CardId,
    CardProof,
    KeyKind,
)
from tests.authority.card_in_reader import (
    BEGAN,
    ENDS,
    Authorities,
    private_key,
    unsupported_certificate,
)

MESSAGE = b"sign this"
NOW = datetime(2030, 5, 17, tzinfo=UTC)
GUID = "00112233445566778899aabbccddeeff"
URN = f"urn:uuid:{UUID(GUID)}"
CARD = CardId("piv", GUID)

Signer = Callable[[bytes], bytes]


def spki(
    key: rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey,
) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@cache
def made(kind: KeyKind, number: int = 1) -> tuple[bytes, Signer]:
    """Return a key, the same for the same number, and what signs with it as a card does."""
    sizes = [size for size, named in RSA_KINDS.items() if named is kind]
    if sizes:
        made_rsa = rsa.generate_private_key(RSA_EXPONENT, sizes[0])
        return spki(made_rsa), lambda text: made_rsa.sign(text, padding.PKCS1v15(), SHA256())
    if kind is KeyKind.ED25519:
        made_ed = ed25519.Ed25519PrivateKey.generate()
        return spki(made_ed), made_ed.sign
    is_256 = kind is KeyKind.P_256
    made_ec = ec.generate_private_key(ec.SECP256R1() if is_256 else ec.SECP384R1())
    hashed = SHA256() if is_256 else SHA384()
    return spki(made_ec), lambda text: made_ec.sign(text, ec.ECDSA(hashed))


@pytest.mark.parametrize("kind", KeyKind)
def test_a_signature_counts_for_its_key_and_its_message_alone(kind: KeyKind) -> None:
    der, sign = made(kind)
    key = key_from(der)
    assert key is not None
    assert kind_of(key) is kind
    challenge, proof = CardChallenge(MESSAGE, kind), CardProof(sign(MESSAGE))
    assert proves(key, challenge, proof)
    assert not proves(key, CardChallenge(b"sign that", kind), proof)
    assert not proves(made(kind, 2)[0], challenge, proof)
    for wrong in (b"", b"\x00", proof.signature[:-1], proof.signature + b"\x00"):
        assert not proves(key, challenge, CardProof(wrong))
    others = [other for other in KeyKind if other is not kind]
    assert not any(proves(key, CardChallenge(MESSAGE, other), proof) for other in others)


@pytest.mark.parametrize("kind", KeyKind)
def test_a_proof_of_the_pin_counts_for_its_key_and_its_message_alone(kind: KeyKind) -> None:
    public, sign = made(kind)
    signature = sign(MESSAGE)
    assert verify_pin_proof(public, MESSAGE, signature)
    assert not verify_pin_proof(public, b"sign that", signature)
    assert not verify_pin_proof(made(kind, 2)[0], MESSAGE, signature)
    forged = bytes(len(signature))
    for wrong in (b"", forged, signature[:-1], signature[1:], signature + b"\x00", signature * 2):
        assert not verify_pin_proof(public, MESSAGE, wrong)
    assert not verify_pin_proof(public[:-1], MESSAGE, signature)
    assert not verify_pin_proof(b"", MESSAGE, signature)
    assert not verify_pin_proof(bytes(LONGEST + 1), MESSAGE, signature)


@pytest.mark.parametrize(
    ("curve", "wrong"),
    [(ec.SECP256R1(), SHA384()), (ec.SECP256R1(), SHA512()), (ec.SECP384R1(), SHA256())],
)
def test_a_signature_over_another_hash_is_no_proof(
    curve: ec.EllipticCurve, wrong: SHA256 | SHA384 | SHA512
) -> None:
    key = ec.generate_private_key(curve)
    assert not verify_pin_proof(spki(key), MESSAGE, key.sign(MESSAGE, ec.ECDSA(wrong)))


def test_an_rsa_signature_of_another_hash_or_padding_is_no_proof() -> None:
    key = rsa.generate_private_key(RSA_EXPONENT, 2048)
    pss = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)
    assert not verify_pin_proof(spki(key), MESSAGE, key.sign(MESSAGE, padding.PKCS1v15(), SHA512()))
    assert not verify_pin_proof(spki(key), MESSAGE, key.sign(MESSAGE, pss, SHA256()))


def test_the_other_form_of_an_ecdsa_signature_is_a_signature_of_the_same_key() -> None:
    """Everybody can make (r, n - s) of (r, s): no harm, for each challenge is judged once."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    key = private_key()
    r, s = utils.decode_dss_signature(key.sign(MESSAGE, ec.ECDSA(SHA256())))
    assert verify_pin_proof(spki(key), MESSAGE, utils.encode_dss_signature(r, order - s))
    for bad in ((0, s), (r, 0), (r, order), (r + order, s)):
        assert not verify_pin_proof(spki(key), MESSAGE, utils.encode_dss_signature(*bad))


def test_a_key_of_a_kind_that_is_not_checked_is_no_proof() -> None:
    weak = rsa.generate_private_key(RSA_EXPONENT, 1024)
    signature = weak.sign(MESSAGE, padding.PKCS1v15(), SHA256())
    assert not verify_pin_proof(spki(weak), MESSAGE, signature)
    strange = ec.generate_private_key(ec.SECP256K1())
    assert not verify_pin_proof(spki(strange), MESSAGE, strange.sign(MESSAGE, ec.ECDSA(SHA256())))


def test_a_certificate_is_of_one_key() -> None:
    key, other = private_key(), private_key()
    certificate = Authorities().issue(key)
    assert certifies(certificate, spki(key))
    assert not certifies(certificate, spki(other))
    assert not certifies(certificate, b"")
    assert not certifies(spki(key), spki(key)), "a bare key certifies nothing"
    assert not certifies(b"", spki(key))


@given(st.binary(max_size=200))
def test_whatever_is_offered_is_judged(anything: bytes) -> None:
    assert not verify_pin_proof(anything, MESSAGE, anything)
    assert not certifies(anything, P_256)
    assert offers_unsupported_key(anything)


def test_a_key_that_cannot_be_checked_is_not_the_same_as_none() -> None:
    assert not offers_unsupported_key(None)
    assert not offers_unsupported_key(Authorities().issue(private_key()))
    assert offers_unsupported_key(unsupported_certificate())


@given(st.binary(max_size=600))
def test_whatever_a_card_answers_it_is_judged(signature: bytes) -> None:
    assert not proves(P_256, CardChallenge(MESSAGE, KeyKind.P_256), CardProof(signature))
    assert key_from(signature) is None


def test_a_certificate_and_its_key_are_the_same_key() -> None:
    key = private_key()
    assert key_from(Authorities().issue(key)) == key_from(spki(key)) == spki(key)


NO_KEYS: dict[str, Callable[[], bytes | None]] = {
    "none": lambda: None,
    "empty": lambda: b"",
    "too long": lambda: bytes(LONGEST + 1),
    "ed448": lambda: spki(ed448.Ed448PrivateKey.generate()),
    "P-521": lambda: spki(ec.generate_private_key(ec.SECP521R1())),
    "exponent 3": lambda: spki(rsa.generate_private_key(3, 2048)),
    "1024 bits": lambda: spki(rsa.generate_private_key(65537, 1024)),
}
"""Made by the test: to make RSA keys takes long, and each process collects all tests."""


@pytest.mark.parametrize("what", NO_KEYS)
def test_what_no_card_proves_itself_with_is_no_key(what: str) -> None:
    assert key_from(NO_KEYS[what]()) is None


def test_what_is_no_key_has_no_kind() -> None:
    with pytest.raises(ValueError, match="no key"):
        kind_of(b"\x30\x00")


def test_an_identifier_that_names_a_key_allows_no_other() -> None:
    named = CardId("piv", "ca" + "0" * 64)
    assert not may_be(named, P_256)
    assert may_be(CardId("piv", KEY_NAME + fingerprint(P_256)), P_256)
    assert may_be(CardId("piv", "ca" + GUID[2:]), P_256), "a GUID may begin so"


# --- issuers ---------------------------------------------------------------------------


def vouched(certificate: bytes, *issuers: Authorities, now: datetime = NOW) -> bool:
    return Issuers(tuple(one.own for one in issuers)).vouch(certificate, CARD, now)


def test_an_issuer_vouches_for_the_card_that_the_certificate_names() -> None:
    issuer, key = Authorities(), private_key()
    good = issuer.issue(key, URN)
    assert vouched(good, Authorities(), issuer)
    assert vouched(issuer.issue(key, URN.upper()), issuer)
    assert not vouched(good)
    assert not vouched(good, Authorities())
    assert not vouched(issuer.issue(key), issuer)
    assert not vouched(issuer.issue(key, f"urn:uuid:{UUID(int=1)}"), issuer)
    assert not vouched(issuer.issue(key, "https://example.org"), issuer)
    assert not vouched(b"\x30\x00", issuer)
    assert not vouched(bytes(LONGEST + 1), issuer)


def test_an_issuer_vouches_for_a_card_that_is_named_by_its_key() -> None:
    issuer, key = Authorities(), private_key()
    issuers, certificate = Issuers((issuer.own,)), issuer.issue(key)
    for of, expected in ((key, True), (private_key(), False)):
        named = CardId("piv", KEY_NAME + fingerprint(spki(of)))
        assert issuers.vouch(certificate, named, NOW) is expected


@pytest.mark.parametrize(
    ("now", "is_good"),
    [
        (BEGAN - timedelta(seconds=1), False),
        (BEGAN, True),
        (ENDS - timedelta(seconds=1), True),
        (ENDS, False),
    ],
)
def test_a_certificate_counts_while_it_is_valid(now: datetime, is_good: bool) -> None:
    issuer = Authorities()
    assert vouched(issuer.issue(private_key(), URN), issuer, now=now) is is_good


NUMBER, EMAIL = "900000000001", "asha@nhs.net"
PIN_KEYS: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"urn": URN}, True),
    ({"urn": f"urn:uuid:{UUID(int=1)}"}, False),
    ({"holder": NameAttribute(NameOID.SERIAL_NUMBER, NUMBER)}, True),
    ({"holder": NameAttribute(NameOID.USER_ID, NUMBER)}, True),
    ({"holder": NameAttribute(NameOID.SERIAL_NUMBER, "900000000002")}, False),
    ({"mailbox": "Asha@NHS.net"}, True),
    ({"mailbox": "ben@nhs.net"}, False),
    ({}, False),
    ({"mailbox": EMAIL, "log_in": False}, False),
    ({"mailbox": EMAIL, "without_pin": True}, False),
    ({"mailbox": EMAIL, "ends": NOW}, False),
)


@pytest.mark.parametrize(("certified", "counts"), PIN_KEYS)
def test_a_key_that_wants_the_pin_is_certified_for_the_card_or_its_holder(
    certified: dict[str, Any], counts: bool
) -> None:
    issuer = Authorities()
    certificate = issuer.issue(private_key(), **{"log_in": True, **certified})
    for issuers, expected in ((Issuers((issuer.own,)), counts), (Issuers(()), False)):
        assert issuers.vouch_for_pin_key(certificate, CARD, NUMBER, EMAIL, NOW) is expected


def test_issuers_are_read_from_the_file_that_the_settings_name(tmp_path: Path) -> None:
    file, issuer = tmp_path / "issuers.pem", Authorities()
    file.write_bytes(
        b"".join(one.own.public_bytes(Encoding.PEM) for one in (Authorities(), issuer))
    )
    issuers = open_issuers(load_settings(None, {"KIOSK_CARDS__ISSUERS": str(file)}))
    assert issuers is not None
    assert issuers.vouch(issuer.issue(private_key(), URN), CARD, NOW)
    assert open_issuers(load_settings(None, {})) is None


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("", "no certificate"), ("hm", "no certificate")]
)
def test_file_without_issuers_is_refused_by_name(
    tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "issuers.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=rf"cards\.issuers: .*{said}"):
        open_issuers(load_settings(None, {"KIOSK_CARDS__ISSUERS": str(file)}))


P_256 = spki(private_key())
