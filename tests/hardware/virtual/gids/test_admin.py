"""How a virtual GIDS card and a host prove the admin key to each other, and what it opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from tests.hardware.virtual.apdus import apdu
from tests.hardware.virtual.gids.apdus import (
    HOST,
    OTHER,
    PIN,
    ask,
    authenticate,
    begin,
    card,
    choose,
    power_up,
    prove,
    reset,
    sealed,
    select,
    verify,
)
from tests.support.gids_card import ADMIN_KEY


def test_the_key_is_proven_by_both() -> None:
    made = card(blocked=True)
    nonce = begin(made)
    status, answer = authenticate(made, 0x82, sealed(nonce + HOST + b"seven77\x80"))
    step = Cipher(TripleDES(ADMIN_KEY), modes.CBC(bytes(8))).decryptor()
    block = step.update(answer) + step.finalize()
    assert status == 0x9000
    assert (block[:16], block[16:32], block[39:]) == (HOST, nonce, b"\x80")
    assert reset(made, OTHER) == 0x9000
    assert verify(made, OTHER) == 0x9000


@pytest.mark.parametrize(
    "block",
    [
        lambda nonce: HOST + nonce + b"seven77\x80",
        lambda nonce: nonce + HOST + b"seven777",
        lambda nonce: nonce + HOST,
        lambda nonce: nonce + bytes(16) + b"seven77\x80",
    ],
    ids=["turned round", "without its end", "too short", "another host"],
)
def test_a_cryptogram_over_anything_else_is_wrong(block: Callable[[bytes], bytes]) -> None:
    made = card()
    assert authenticate(made, 0x82, sealed(block(begin(made))))[0] == 0x63C4
    assert reset(made, OTHER) == 0x6982


@pytest.mark.parametrize(
    ("habits", "status_word"),
    [
        ({"key_tries": 3}, [0x63C2, 0x63C1, 0x63C0, 0x6983]),
        ({"key_tries": 2, "last_try_status": 0x6983}, [0x63C1, 0x6983, 0x6983]),
        ({"key_tries": 2, "reports_key_tries": False}, [0x6982, 0x6982, 0x6983]),
        ({"key_tries": 2, "blocked_status": 0x63C0}, [0x63C1, 0x63C0, 0x63C0]),
        ({"key_tries": None}, [0x6982] * 9),
    ],
)
def test_wrong_keys_are_counted_or_not(habits: dict[str, object], status_word: list[int]) -> None:
    made = card(**habits)  # type: ignore[arg-type]
    assert [prove(made, bytes(range(24))) for _ in status_word] == status_word
    counted = habits["key_tries"] is not None
    assert prove(made) == (status_word[-1] if counted else 0x9000)


def test_a_right_key_fills_its_counter() -> None:
    made = card()
    prove(made, bytes(range(24)))
    assert made.state.key.left == 4
    assert prove(made) == 0x9000
    assert made.state.key.left == 5


def test_what_was_proven_is_dropped() -> None:
    """After it was used, by a reset, by another SELECT, when asked to, and by a new beginning."""
    made = card(blocked=True)
    for drop in (
        lambda: reset(made, OTHER),
        lambda: power_up(made),
        lambda: select(made),
        lambda: ask(made, apdu(0, 0x20, 0, 0x82)),
        lambda: begin(made),
        lambda: prove(made, bytes(range(24))),
    ):
        assert prove(made) == 0x9000
        drop()
        assert reset(made, OTHER) == 0x6982


def test_nothing_begins_without_the_key_chosen_and_a_number() -> None:
    made = card()
    assert authenticate(made, 0x81, HOST)[0] == 0x6985
    assert choose(made, "830181") == 0x6A88
    assert ask(made, apdu(0, 0x22, 0x41, 0xB8, bytes(3))) == 0x6A86
    assert choose(made) == 0x9000
    assert authenticate(made, 0x82, bytes(40))[0] == 0x6985
    assert authenticate(made, 0x81, bytes(8))[0] == 0x6A80
    assert ask(made, apdu(0, 0x87, 0, 0, b"\x7c\x05\x81", 256)) == 0x6A80
    assert ask(made, apdu(0, 0x87, 1, 0, b"\x7c\x00", 256)) == 0x6A86
    assert made.state.key.left == 5


def test_a_pin_that_was_refused_leaves_the_key_proven() -> None:
    made = card(blocked=True, history=2)
    assert prove(made) == 0x9000
    assert reset(made, b"123") == 0x6700
    assert reset(made, PIN) == 0x6984
    assert reset(made, OTHER) == 0x9000
