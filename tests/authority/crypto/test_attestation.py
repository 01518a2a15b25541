"""Whether a card attests that a key needs the PIN: two certificates, up to a root."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from kiosk.app.composition.opening import open_attestation
from kiosk.authority.crypto.card_keys import LONGEST, AttestationRoots, spki_of
from kiosk.config.loading import load_settings
from kiosk.contract.errors import ConfigError
from kiosk.contract.messages import Attestation
from tests.authority.attesting import ALWAYS, FINGERPRINT, NEVER, ONCE, Maker
from tests.authority.card_in_reader import BEGAN, ENDS, Private, private_key

NOW = datetime(2030, 5, 17, tzinfo=UTC)


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def key() -> Private:
    return private_key()


def attests(
    maker: Maker, shown: Attestation, key: Private, roots: AttestationRoots | None = None
) -> bool:
    asked = spki_of(key.public_key())
    return (roots or maker.roots).attest_pin(shown.attested, shown.attesting, asked, NOW)


@pytest.mark.parametrize("policies", [ONCE, ALWAYS])
def test_a_key_is_attested_to_need_the_pin(maker: Maker, key: Private, policies: bytes) -> None:
    assert attests(maker, maker.attest(key, policies), key)


@pytest.mark.parametrize("policies", [NEVER, FINGERPRINT, b"\x05\x01", b"\x02", b"", None])
def test_no_other_policy_is_that_of_a_pin(
    maker: Maker, key: Private, policies: bytes | None
) -> None:
    assert not attests(maker, maker.attest(key, policies), key)


def test_the_attestation_of_another_key_says_nothing_of_this_one(
    maker: Maker, key: Private
) -> None:
    assert not attests(maker, maker.attest(private_key()), key)


def test_the_attestation_has_to_lead_to_a_root_in_the_settings(maker: Maker, key: Private) -> None:
    assert not attests(maker, maker.attest(key), key, Maker().roots)
    assert not attests(maker, maker.attest(key), key, AttestationRoots(()))


def test_a_signature_by_another_key_than_the_certified_one_is_none(
    maker: Maker, key: Private
) -> None:
    assert not attests(maker, maker.attest(key, by=private_key()), key)


def test_a_key_that_is_itself_attested_attests_no_other(maker: Maker, key: Private) -> None:
    """A thief's own card of the same maker: its key in a slot signs whatever they like."""
    own = private_key()
    slot = maker.attest(own, NEVER)
    roots = AttestationRoots((maker.root.own, maker.certify(is_ca=True)))
    by_slot = maker.attest(key, by=own, its=load_der_x509_certificate(slot.attested))
    assert not attests(maker, by_slot, key, roots)


@pytest.mark.parametrize(
    ("firmware", "is_ca", "expected"),
    [(True, None, True), (True, True, True), (False, True, True), (False, None, False)],
)
def test_what_marks_the_certificate_of_an_attestation_key(
    maker: Maker, key: Private, firmware: bool, is_ca: bool | None, expected: bool
) -> None:
    """Other certificates of the same root, such as those for log-in, attest nothing."""
    its = maker.certify(firmware=firmware, is_ca=is_ca)
    assert attests(maker, maker.attest(key, its=its), key) is expected


@pytest.mark.parametrize("ends", [NOW, BEGAN.replace(month=2)])
def test_an_expired_certificate_attests_nothing(maker: Maker, key: Private, ends: datetime) -> None:
    its = maker.certify(ends=ends)
    shown = maker.attest(key, its=its)
    assert not attests(maker, shown, key)
    fresh = maker.certify(ends=ENDS).public_bytes(Encoding.DER)
    assert not attests(maker, Attestation(shown.attested, fresh), key)


@pytest.mark.parametrize("nonsense", [b"", b"0", b"\x30\x03\x02\x01\x01", bytes(LONGEST + 1)])
def test_what_is_no_certificate_attests_nothing(
    maker: Maker, key: Private, nonsense: bytes
) -> None:
    shown = maker.attest(key)
    assert not attests(maker, Attestation(nonsense, shown.attesting), key)
    assert not attests(maker, Attestation(shown.attested, nonsense), key)
    assert not attests(maker, Attestation(shown.attesting, shown.attested), key)


def test_the_roots_are_read_from_the_file_in_the_settings(
    maker: Maker, key: Private, tmp_path: Path
) -> None:
    file = tmp_path / "roots.pem"
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in (Maker().root.own, maker.root.own))
    file.write_bytes(pem)
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    assert open_attestation(load_settings(None, environ)) is None
    environ["KIOSK_CARDS__ATTESTATION_ROOTS"] = str(file)
    roots = open_attestation(load_settings(None, environ))
    assert roots is not None
    assert attests(maker, maker.attest(key), key, roots)
    file.write_text("nothing")
    with pytest.raises(ConfigError, match=r"cards\.attestation_roots: .* no certificate in PEM"):
        open_attestation(load_settings(None, environ))
