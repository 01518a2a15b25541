"""What admin keys make of two numbers, with the OpenSSL program as the other side."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.authority.crypto import card_keys
from kiosk.contract.sensitive import Sensitive

DIGITS = "8f3b10d95d7a43e61c85b6049e2fc26bf1618c375ba84c13"
KEY = Sensitive(DIGITS)
OURS, CARDS = bytes(range(16)), bytes(range(100, 116))
KNOWN = "894bc3085426a441068edfb5f023abb4bf6bcbc99a30fc70586b8b6dbac1436be424ab75f320df9c"
"""Forty zeros under 00 01 02 ... 17."""

numbers = st.binary(min_size=16, max_size=16)


@pytest.fixture(scope="module")
def openssl() -> str:
    found = shutil.which("openssl")
    assert found is not None, "install openssl"
    return found


def peer(openssl: str, text: bytes, *, key: str = DIGITS, decrypt: bool = False) -> bytes:
    how = "-d" if decrypt else "-e"
    command = [openssl, "enc", how, "-des-ede3-cbc", "-nopad", "-K", key, "-iv", "0" * 16]
    return subprocess.run(command, input=text, capture_output=True, check=True).stdout


def test_openssl_is_the_peer_that_it_is_taken_for(openssl: str) -> None:
    assert peer(openssl, bytes(40), key=bytes(range(24)).hex()).hex() == KNOWN


def test_the_cryptogram_is_the_cards_number_ours_and_a_padded_rest(openssl: str) -> None:
    first, second = (card_keys.cryptogram(KEY, OURS, CARDS) for _ in range(2))
    plain = peer(openssl, first, decrypt=True)
    assert plain[:32] == CARDS + OURS
    assert (len(plain), plain[-1]) == (40, 0x80)
    assert first[:32] == second[:32]
    assert first[32:] != second[32:]


@pytest.mark.parametrize("rest", [bytes(8), b"anything", b"\xff" * 7 + b"\x80"])
def test_the_answer_is_ours_the_cards_and_any_rest(openssl: str, rest: bytes) -> None:
    answer = peer(openssl, OURS + CARDS + rest)
    assert card_keys.is_right(answer, card_keys.awaited(KEY, OURS, CARDS))


def test_a_key_of_another_parity_is_the_same_key(openssl: str) -> None:
    even = bytes(byte ^ 1 for byte in bytes.fromhex(DIGITS)).hex()
    answer = peer(openssl, OURS + CARDS + bytes(8), key=even)
    assert card_keys.is_right(answer, card_keys.awaited(KEY, OURS, CARDS))


def test_nothing_else_is_an_answer(openssl: str) -> None:
    right = peer(openssl, OURS + CARDS + bytes(8))
    wrong = {
        "nothing": b"",
        "cut": right[:-1],
        "without a rest": right[:32],
        "longer": right + bytes(8),
        "one bit": bytes([right[0] ^ 1]) + right[1:],
        "the last bit that counts": right[:31] + bytes([right[31] ^ 1]) + right[32:],
        "the other way round": peer(openssl, CARDS + OURS + bytes(8)),
        "our own": card_keys.cryptogram(KEY, OURS, CARDS),
        "another key": peer(openssl, OURS + CARDS + bytes(8), key=DIGITS[16:] + DIGITS[:16]),
        "in the clear": OURS + CARDS + bytes(8),
    }
    digest = card_keys.awaited(KEY, OURS, CARDS)
    assert [name for name, answer in wrong.items() if card_keys.is_right(answer, digest)] == []


@given(numbers, numbers)
def test_our_cryptogram_is_never_the_cards_answer_unless_the_numbers_are_the_same(
    ours: bytes, cards: bytes
) -> None:
    given_back = card_keys.cryptogram(KEY, ours, cards)
    right = card_keys.is_right(given_back, card_keys.awaited(KEY, ours, cards))
    assert right == (ours == cards)


def test_a_number_that_repeats_a_block_of_ours_is_a_mirror() -> None:
    low, high, other = OURS[:8], OURS[8:], bytes(8)
    assert not card_keys.mirrors(OURS, CARDS)
    for cards in (OURS, high + low, low + other, other + low, high + other, other + high):
        assert card_keys.mirrors(OURS, cards)


def test_numbers_are_drawn_anew() -> None:
    drawn = {card_keys.draw_nonce() for _ in range(50)}
    assert len(drawn) == 50
    assert {len(number) for number in drawn} == {16}
