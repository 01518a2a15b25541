"""What a new card says of itself, and that its keys are its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.x509.oid import NameOID

from hardware.tlv import make as tlv
from hardware.virtual.chip import read
from hardware.virtual.piv import VirtualCard, new_card
from kiosk.contract.messages import KeyKind
from tests.hardware.virtual.apdus import (
    PIN,
    apdu,
    ask_pin,
    card,
    complete_answer,
    get_data,
    select,
    status,
    verify,
)

EXPIRES = datetime(2031, 5, 17, 12, 0, tzinfo=UTC)
GUID = bytes(range(16))


def certificate(made: VirtualCard, tag: str) -> x509.Certificate:
    container = read(read(complete_answer(made, get_data(tag)))[0x53])
    return x509.load_der_x509_certificate(container[0x70])


def digest(message: bytes) -> bytes:
    hashing = Hash(SHA256())
    hashing.update(message)
    return hashing.finalize()


def test_chuid_names_the_guid() -> None:
    made = new_card(holder_name="Ada Example", guid=GUID, expires=EXPIRES)
    select(made)
    chuid = read(read(complete_answer(made, get_data("5FC102")))[0x53])
    assert chuid[0x34] == GUID
    assert chuid[0x35] == b"20310517"
    assert len(chuid[0x30]) == 25


def test_two_cards_are_two() -> None:
    assert card().state.guid != card().state.guid


@pytest.mark.parametrize("tag", ["5FC101", "5FC105"])
def test_certificates_name_holder_and_expiry(tag: str) -> None:
    made = new_card(holder_name="Ada Example", expires=EXPIRES)
    select(made)
    found = certificate(made, tag)
    name = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert name == "Ada Example"
    assert found.not_valid_after_utc == EXPIRES


def test_a_card_can_be_made_expired() -> None:
    made = new_card(holder_name="Ada Example", expires=datetime(2020, 1, 1, tzinfo=UTC))
    select(made)
    assert certificate(made, "5FC101").not_valid_after_utc.year == 2020


def test_discovery_has_its_own_tag() -> None:
    assert complete_answer(card(), get_data("7E"))[0] == 0x7E


def test_what_is_not_there() -> None:
    assert status(card(), get_data("5FC10A")) == 0x6A82
    assert status(card(), apdu(0, 0xCB, 0x3F, 0xFF, b"\x5c\x05\x00", 256)) == 0x6A80
    assert status(card(), apdu(0, 0x88, 0, 0, le=256)) == 0x6D00


def test_a_blocked_card() -> None:
    made = new_card(holder_name="Ada Example", blocked=True)
    select(made)
    assert ask_pin(made) == 0x6983


def authenticate(made: VirtualCard, slot: int, algorithm: int, challenge: bytes) -> bytes:
    template = tlv(0x7C, tlv(0x82, b"") + tlv(0x81, challenge))
    *first, last = [template[at : at + 200] for at in range(0, len(template), 200)]
    for piece in first:
        assert status(made, apdu(0x10, 0x87, algorithm, slot, piece)) == 0x9000
    answer = complete_answer(made, apdu(0, 0x87, algorithm, slot, last, 256))
    return read(read(answer)[0x7C])[0x82]


def test_card_authentication_needs_no_pin() -> None:
    made = new_card(holder_name="Ada Example", blocked=True)
    select(made)
    signature = authenticate(made, 0x9E, 0x11, digest(b"fresh"))
    key = certificate(made, "5FC101").public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, digest(b"fresh"), ec.ECDSA(utils.Prehashed(SHA256())))


def test_piv_authentication_needs_the_pin() -> None:
    made = card()
    template = tlv(0x7C, tlv(0x82, b"") + tlv(0x81, bytes(32)))
    assert status(made, apdu(0, 0x87, 0x11, 0x9A, template, 256)) == 0x6982
    verify(made, PIN)
    assert authenticate(made, 0x9A, 0x11, bytes(32))


def test_rsa() -> None:
    made = card(key=KeyKind.RSA_2048)
    block = b"\x00\x01" + b"\xff" * 202 + b"\x00" + RSA_SHA256_PREFIX + digest(b"fresh")
    signature = authenticate(made, 0x9E, 0x07, block)
    key = certificate(made, "5FC101").public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, b"fresh", padding.PKCS1v15(), SHA256())


RSA_SHA256_PREFIX = bytes.fromhex("3031300D060960864801650304020105000420")


@pytest.mark.parametrize("data", ["", "7C00", "7C028200", "7C0481020000FF"])
def test_no_challenge_no_answer(data: str) -> None:
    assert status(card(), apdu(0, 0x87, 0x11, 0x9E, bytes.fromhex(data), 256)) == 0x6A80


def test_unknown_algorithm_or_slot_is_refused() -> None:
    assert status(card(), apdu(0, 0x87, 0x07, 0x9E, bytes(4), 256)) == 0x6A86
    assert status(card(), apdu(0, 0x87, 0x11, 0x9C, bytes(4), 256)) == 0x6A88
