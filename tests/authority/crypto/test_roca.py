"""RSA keys that can be factored by ROCA are recognised by their modulus, and no other key is."""

from __future__ import annotations

import random

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority.crypto.card_keys import is_roca
from tests.authority.card_in_reader import ReaderCard
from tests.authority.weak_keys import EXPONENT, weak_key


def der(public: rsa.RSAPublicKey) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_roca_key_is_recognised() -> None:
    assert is_roca(weak_key())


def test_key_of_another_maker_is_no_roca_key() -> None:
    assert not is_roca(der(rsa.generate_private_key(EXPONENT, 2048).public_key()))
    assert not is_roca(ReaderCard().public)


def test_random_moduli_are_no_roca_keys() -> None:
    draws = random.Random(7)
    for _ in range(300):
        modulus = draws.getrandbits(2048) | 1 << 2047 | 1
        assert not is_roca(der(rsa.RSAPublicNumbers(EXPONENT, modulus).public_key()))


@pytest.mark.parametrize("what", [b"", b"\x30\x00", bytes(40)])
def test_what_is_no_key_is_no_roca_key(what: bytes) -> None:
    assert not is_roca(what)
