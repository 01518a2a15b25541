"""Answers in parts, wrong lengths, long bodies; and what is never sent twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.apdu import (
    GET_DATA,
    RESET_RETRY_COUNTER,
    VERIFY,
    CommandApdu,
    CommandHeader,
    ResponseApdu,
)
from hardware.connection import MOST_PARTS, Chaining
from kiosk.contract.errors import CardError, CardProtocolError, OutcomeUnknown
from tests.hardware.fakes import Endless, Script

READ = CommandApdu(CommandHeader(0, GET_DATA, 0x3F, 0xFF), b"\x5c\x01\x7e", 256)
CHANGE = CommandApdu(CommandHeader(0, RESET_RETRY_COUNTER, 0, 0x80), b"1234567812345678")


def test_parts_are_put_together() -> None:
    card = Script("aa6102", "bbbb6100", "cc9000")
    answer = Chaining(card).send(READ)
    assert answer.data.hex() == "aabbbbcc"
    assert answer.status.is_ok
    assert card.sent[1:] == ["00c0000002", "00c0000000"]


def test_the_length_that_the_card_asks_for_is_used() -> None:
    card = Script("6c05", "11223344559000")
    assert Chaining(card).send(READ).data.hex() == "1122334455"
    assert card.sent[1].endswith("05")


def test_a_wrong_length_in_get_response_is_corrected_too() -> None:
    card = Script("6100", "6c03", "1122339000")
    assert Chaining(card).send(READ).data.hex() == "112233"
    assert card.sent[2] == "00c0000003"


def test_the_length_is_corrected_once() -> None:
    card = Script("6c05", "6c06")
    assert Chaining(card).send(READ).status == 0x6C06
    assert len(card.sent) == 2


@pytest.mark.parametrize("instruction", [0x20, 0x24, 0x2C, 0x87])
def test_a_command_that_changes_the_card_is_not_sent_again(instruction: int) -> None:
    card = Script("6c10")
    answer = Chaining(card).send(CommandApdu(CommandHeader(0, instruction, 0, 0x80), b"12345678"))
    assert answer.status == 0x6C10
    assert len(card.sent) == 1


@pytest.mark.parametrize("rest", ["006100", "6100"])
def test_an_answer_that_never_ends_is_given_up(rest: str) -> None:
    card = Endless(lambda: rest)
    with pytest.raises(CardProtocolError):
        Chaining(card).send(READ)
    assert card.asked <= MOST_PARTS + 1


def test_an_endless_answer_to_a_change_leaves_the_outcome_unknown() -> None:
    with pytest.raises(OutcomeUnknown):
        Chaining(Endless(lambda: "6100")).send(CHANGE)


def test_an_answer_lost_half_way_through_a_change_is_marked_so() -> None:
    card = Script("6105", "9000")
    Chaining(card).send(CHANGE)
    assert card.commands[1].within_change


def test_a_long_body_goes_in_pieces() -> None:
    card = Script("9000", "9000", "aa9000")
    answer = Chaining(card).send(CommandApdu(CommandHeader(0, 0x87, 0x07, 0x9E), bytes(600), 256))
    assert answer.data.hex() == "aa"
    assert [sent[:10] for sent in card.sent] == ["1087079eff", "1087079eff", "0087079e5a"]
    assert [len(sent) // 2 for sent in card.sent] == [260, 260, 5 + 90 + 1]


def test_a_refused_piece_ends_the_chain() -> None:
    card = Script("6a80")
    assert (
        Chaining(card).send(CommandApdu(CommandHeader(0, 0x87, 0, 0), bytes(600))).status == 0x6A80
    )
    assert len(card.sent) == 1


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=4),
            st.one_of(
                st.integers(0x6100, 0x61FF),
                st.integers(0x6C00, 0x6CFF),
                st.sampled_from([0x9000, 0x6A82, 0x63C1, 0x6F00]),
            ),
        ),
        max_size=40,
    ),
    st.sampled_from([READ, CHANGE, CommandApdu(CommandHeader(0, VERIFY, 0, 0x80), b"12345678")]),
)
def test_whatever_a_card_answers(answers: list[tuple[bytes, int]], command: CommandApdu) -> None:
    """It ends, without an error that is not ours, and a change was sent once."""
    script = [data.hex() + f"{status:04x}" for data, status in answers]
    card = Script(*script, *["9000"] * 2)
    try:
        answer = Chaining(card).send(command)
    except CardError:
        pass
    else:
        assert isinstance(answer, ResponseApdu)
        assert answer.status.bytes_available is None
    if command.changes_card:
        assert sum(sent.header.ins == command.header.ins for sent in card.commands) == 1
