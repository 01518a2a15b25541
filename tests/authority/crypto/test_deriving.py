"""Derived secrets: NIST's function, held against OpenSSL and against another program's."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.crypto.derivation import LABEL, expand, framed, unblock_secret
from kiosk.contract.families import tidy_admin_key
from kiosk.contract.messages import CardId

KEY = bytes(range(32))
GUID = "0123456789abcdef0123456789abcdef"

EXAMPLES = [
    (CardId("piv", GUID), 0, "21611245"),
    (CardId("piv", GUID), 1, "32259006"),
    (CardId("openpgp", "000612345678"), 0, "55108156"),
    (CardId("gids", GUID), 0, "08ba256729c2c7c492341313b6e99110cb1362a1855897f8"),
]
"""Those of the documentation: what has been personalised with them must never change."""


DOCUMENTATION = Path(__file__).parents[3] / "docs" / "unblock-secrets.md"


def cmac(message: bytes, key: bytes = KEY) -> bytes:
    computed = CMAC(AES(key))
    computed.update(message)
    return computed.finalize()


@pytest.mark.parametrize(("card", "generation", "secret"), EXAMPLES)
def test_the_examples(card: CardId, generation: int, secret: str) -> None:
    assert unblock_secret(cmac, card, generation).reveal() == secret


def test_the_documentation_has_them() -> None:
    told = DOCUMENTATION.read_text()
    for card, _, secret in EXAMPLES:
        assert f"`{secret}`" in told
        assert f"`{card.identifier}`" in told


@pytest.mark.parametrize("length", [16, 24, 40])
def test_openssl_comes_to_the_same(length: int) -> None:
    context = framed("piv", GUID, 0)
    options = {
        "mode": "COUNTER",
        "mac": "CMAC",
        "cipher": "AES-256-CBC",
        "hexkey": KEY.hex(),
        "salt": LABEL.decode(),
        "hexinfo": context.hex(),
    }
    words = [word for name, value in options.items() for word in ("-kdfopt", f"{name}:{value}")]
    command = ["openssl", "kdf", "-keylen", str(length), "-binary", *words, "KBKDF"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert expand(cmac, LABEL, context, length) == done.stdout


@given(
    key=st.binary(min_size=32, max_size=32),
    label=st.binary(max_size=40),
    context=st.binary(max_size=80),
    length=st.integers(1, 80),
)
def test_derivation_equals_that_of_another_implementation(
    key: bytes, label: bytes, context: bytes, length: int
) -> None:
    theirs = KBKDFCMAC(
        AES, Mode.CounterMode, length, 4, 4, CounterLocation.BeforeFixed, label, context, None
    )
    made = expand(lambda message: cmac(message, key), label, context, length)
    assert made == theirs.derive(key)


def test_what_differs_in_anything_has_another_secret() -> None:
    cards = [
        CardId("piv", GUID),
        CardId("openpgp", GUID),
        CardId("piv", GUID[:-1]),
        CardId("piv", ""),
    ]
    made = {unblock_secret(cmac, card, n).reveal() for card in cards for n in range(50)}
    assert len(made) == len(cards) * 50


def test_every_family_gets_a_secret_of_its_form() -> None:
    digits: Counter[str] = Counter()
    for number in range(500):
        secret = unblock_secret(cmac, CardId("piv", f"{number:032x}"), 0).reveal()
        assert len(secret) == 8
        digits.update(secret)
    assert set(digits) == set("0123456789")
    assert min(digits.values()) > 300, "no digit is rare: 400 of each are to be expected"
    key = unblock_secret(cmac, CardId("gids", GUID), 0).reveal()
    assert tidy_admin_key(key) == key, "with the parity that DES asks for"
