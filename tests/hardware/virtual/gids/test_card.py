"""What a virtual GIDS card is called, tells, and does with its PIN."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.tlv import make as tlv
from tests.hardware.virtual.apdus import apdu
from tests.hardware.virtual.gids.apdus import (
    AID,
    OTHER,
    PIN,
    WRONG,
    ask,
    card,
    change,
    choose,
    prove,
    select,
    verify,
)
from tests.support.gids_card import GidsCard, GidsProfile, new_gids_card


@pytest.mark.parametrize("limit", [3, 5, 15])
def test_wrong_pins_count_down_to_blocked(limit: int) -> None:
    made = card(pin_tries=limit)
    for left in range(limit - 1, 0, -1):
        assert verify(made, WRONG) == verify(made) == 0x63C0 | left
    assert verify(made, WRONG) == 0x63C0
    assert verify(made, PIN) == verify(made) == 0x6983


def test_a_padded_pin_is_a_wrong_one() -> None:
    made = card()
    assert verify(made, PIN.ljust(8, b"\xff")) == 0x63C2
    assert verify(made, PIN) == 0x9000
    assert verify(made) == 0x63C3


@pytest.mark.parametrize(("status_word", "status"), [(None, 0x63C3), (0x6700, 0x6700)])
@pytest.mark.parametrize("pin", [b"123", b"1" * 17])
def test_a_pin_of_another_length_costs_nothing(
    status_word: int | None, status: int, pin: bytes
) -> None:
    made = card(wrong_length_status=status_word)
    assert verify(made, pin) == status
    assert made.state.pin.left == 3


def test_joined_pins_are_cut_by_the_length_of_the_old_one() -> None:
    made = card()
    assert change(made, WRONG, OTHER) == 0x63C2
    assert change(made, PIN, OTHER) == 0x9000
    assert made.state.pin.body == OTHER
    assert change(made, OTHER, b"123") == 0x6700
    assert verify(made, OTHER) == 0x9000


@pytest.mark.parametrize("spaces", [(0x20, 1, 0x80), (0x24, 1, 0x80), (0x2C, 0, 0x80)])
def test_other_parameters(spaces: tuple[int, int, int]) -> None:
    ins, p1, p2 = spaces
    assert ask(card(), apdu(0, ins, p1, p2, PIN + OTHER)) == 0x6A86


@pytest.mark.parametrize(("ins", "p1"), [(0x20, 0), (0x24, 0), (0x2C, 2)])
def test_there_is_no_second_pin(ins: int, p1: int) -> None:
    assert ask(card(), apdu(0, ins, p1, 0x81, PIN + OTHER)) == 0x6A88


def test_former_pins_are_remembered() -> None:
    made = card(history=1)
    assert change(made, PIN, OTHER) == 0x9000
    assert change(made, OTHER, PIN) == 0x6984
    assert change(made, OTHER, b"99887766") == 0x9000
    assert change(made, b"99887766", PIN) == 0x9000


@pytest.mark.parametrize(
    ("full", "short", "status_word"),
    [(True, True, [0x9000] * 2), (False, True, [0x6A82, 0x9000]), (True, False, [0x9000, 0x6A82])],
)
def test_names(full: bool, short: bool, status_word: list[int]) -> None:
    made = new_gids_card(profile=GidsProfile(full_aid=full, short_aid=short))
    assert verify(made) == 0x6D00
    assert [select(made, AID), select(made, AID[:9])] == status_word
    assert select(made, AID[:5]) == 0x6A82


def test_what_is_not_there() -> None:
    made = card(reports_tries=False)
    for file, tag in ((0x3FFF, "7F71"), (0x3FFF, "7F73"), (0xA012, "DF21"), (0xA099, "DF20")):
        asked = tlv(0x5C, bytes.fromhex(tag))
        assert ask(made, apdu(0, 0xCB, file >> 8, file & 0xFF, asked, 256)) == 0x6A88
    assert ask(made, apdu(0, 0xCB, 0x3F, 0xFF, b"\x5c\x05\x00", 256)) == 0x6A80
    assert ask(made, apdu(0, 0x88, 0, 0, le=256)) == 0x6D00


def test_a_copy_is_another_card() -> None:
    made = card()
    copy = GidsCard(deepcopy(made.state))
    verify(made, WRONG)
    prove(made, bytes(24))
    select(copy)
    assert (copy.state.pin.left, copy.state.key.left) == (3, 5)
    assert verify(copy, PIN) == 0x9000


def test_a_change_is_reported_before_it_is_answered() -> None:
    made, told = card(), list[tuple[int, int]]()
    made.on_change = lambda state: told.append((state.pin.left, state.key.left))
    verify(made, WRONG)
    prove(made, bytes(range(24)))
    assert told[0] == (2, 5)
    assert told[-1] == (2, 4)


@given(st.binary(max_size=60), st.sampled_from([0x20, 0x22, 0x24, 0x2C, 0x87, 0xA4, 0xCB, 0xC0]))
def test_virtual_gids_card_answers_anything(tail: bytes, ins: int) -> None:
    made = card()
    choose(made)
    assert len(made.transmit(bytes([0, ins]) + tail)) >= 2
