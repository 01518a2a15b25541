"""Commands know what they do; the wire form follows the standard in all four cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.apdu import (
    CHANGE_REFERENCE_DATA,
    GET_DATA,
    RESET_RETRY_COUNTER,
    VERIFY,
    CommandApdu,
    CommandHeader,
    StatusWord,
    decode,
    encode,
    get_response,
    select,
)
from hardware.pin_pad import PadEntry, PadOperation


@pytest.mark.parametrize(
    ("body", "le", "t1", "t0"),
    [
        (b"", None, "00010203", "0001020300"),
        (b"", 256, "0001020300", "0001020300"),
        (b"", 5, "0001020305", "0001020305"),
        (b"\xaa\xbb", None, "0001020302aabb", "0001020302aabb"),
        (b"\xaa\xbb", 256, "0001020302aabb00", "0001020302aabb"),
    ],
)
def test_the_four_cases(body: bytes, le: int | None, t1: str, t0: str) -> None:
    command = CommandApdu(CommandHeader(0, 1, 2, 3), body, le)
    assert encode(command, t0=False).hex() == t1
    assert encode(command, t0=True).hex() == t0


def test_a_length_that_is_not_short_is_refused() -> None:
    with pytest.raises(ValueError, match="Le 257"):
        CommandApdu(CommandHeader(0, 1, 2, 3), le=257)
    with pytest.raises(ValueError, match="too long"):
        encode(CommandApdu(CommandHeader(0, 1, 2, 3), bytes(256)), t0=False)


@pytest.mark.parametrize("instruction", [VERIFY, CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER, 0x87])
def test_secrets_only_travel_in_commands_that_count_as_a_change(instruction: int) -> None:
    command = CommandApdu(CommandHeader(0, instruction, 0, 0x80), b"12345678")
    assert command.changes_card
    assert not command.only_reads


@given(st.integers(0, 255), st.sampled_from([b"", b"x"]))
def test_an_instruction_that_nobody_listed_counts_as_a_change(
    instruction: int, body: bytes
) -> None:
    command = CommandApdu(CommandHeader(0, instruction, 0, 0), body)
    asks_state = instruction == VERIFY and not body
    assert command.changes_card == (instruction not in {0xA4, 0xC0, 0xCA, 0xCB} and not asks_state)


def test_asking_for_the_state_of_a_pin_only_reads() -> None:
    assert CommandApdu(CommandHeader(0, VERIFY, 0, 0x80)).only_reads
    on_keys = PadEntry(PadOperation.CURRENT, 4, 12, 0)
    assert not CommandApdu(CommandHeader(0, VERIFY, 0, 0x80), pad=on_keys).only_reads


def test_the_rest_of_an_answer_belongs_to_the_change_it_answers() -> None:
    change = CommandApdu(CommandHeader(0x10, RESET_RETRY_COUNTER, 0, 0x80), b"x")
    rest = get_response(change, 7)
    assert rest.changes_card
    assert encode(rest, t0=False).hex() == "00c0000007"
    assert not get_response(select(b"abcde"), 7).changes_card


@given(st.binary(max_size=2000), st.sampled_from([None, 256]))
def test_pieces_carry_the_whole_body_and_one_le(body: bytes, le: int | None) -> None:
    pieces = CommandApdu(CommandHeader(0x00, GET_DATA, 1, 2), body, le).chain()
    assert b"".join(piece.body for piece in pieces) == body
    assert all(piece.header.cla == 0x10 and piece.le is None for piece in pieces[:-1])
    assert pieces[-1].header.cla == 0x00
    assert pieces[-1].le == le
    for piece in pieces:
        encode(piece, t0=False)


def test_a_body_is_not_in_any_repr() -> None:
    command = CommandApdu(CommandHeader(0, VERIFY, 0, 0x80), b"31415926")
    assert b"31415926".hex() not in repr(command)
    assert "31415926" not in repr(command)
    answer = decode(b"31415926\x90\x00")
    assert "31415926" not in repr(answer)


@given(st.binary(max_size=300))
def test_an_answer_needs_a_status_word(raw: bytes) -> None:
    answer = decode(raw)
    if len(raw) < 2:
        assert answer is None
    else:
        assert answer is not None
        assert answer.data + int(answer.status).to_bytes(2) == raw


@pytest.mark.parametrize(
    ("status", "ok", "more", "length", "tries", "wrong", "blocked"),
    [
        (0x9000, True, None, None, None, False, False),
        (0x6110, False, 16, None, None, False, False),
        (0x6100, False, 256, None, None, False, False),
        (0x6C20, False, None, 32, None, False, False),
        (0x6C00, False, None, 256, None, False, False),
        (0x63C3, False, None, None, 3, True, False),
        (0x63CF, False, None, None, 15, True, False),
        (0x63C0, False, None, None, 0, True, True),
        (0x6983, False, None, None, None, False, True),
        (0x6303, False, None, None, 3, True, False),
        (0x6300, False, None, None, None, True, False),
        (0x63FF, False, None, None, 255, True, False),
        (0x63FE, False, None, None, None, True, False),
        (0x6310, False, None, None, None, True, False),
        (0x6381, False, None, None, None, False, False),
    ],
)
def test_status_words(
    status: int,
    ok: bool,
    more: int | None,
    length: int | None,
    tries: int | None,
    wrong: bool,
    blocked: bool,
) -> None:
    word = StatusWord(status)
    assert (word.is_ok, word.bytes_available, word.correct_le) == (ok, more, length)
    assert (word.tries_left, word.is_wrong, word.is_blocked) == (tries, wrong, blocked)
    assert str(word) == f"{status:04X}"
