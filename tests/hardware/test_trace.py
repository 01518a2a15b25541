"""A trace shows what was asked, and nothing that somebody entered or that a card holds."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.apdu import GET_DATA, SELECT, CommandApdu, CommandHeader, select
from hardware.connection import Exchange, Traced, log_trace
from kiosk.contract.errors import CardMute
from tests.hardware.fakes import Script

CANARY = b"90210817"


def traced(*answers: str | Exception) -> tuple[Traced, list[Exchange]]:
    seen: list[Exchange] = []
    return Traced(Script(*answers), seen.append), seen


@given(st.integers(0, 255), st.integers(0, 255))
def test_no_body_but_a_name_and_no_answer_is_ever_seen(cla: int, instruction: int) -> None:
    channel, seen = traced(CANARY.hex() + "9000")
    body = b"" if instruction in {SELECT, GET_DATA, 0xCA} else CANARY
    channel.send(CommandApdu(CommandHeader(cla, instruction, 0, 0x80), body, 256))
    for text in (str(seen[0]), repr(seen[0])):
        assert CANARY.hex() not in text
        assert CANARY.decode() not in text
        assert repr(CANARY) not in text


def test_what_is_asked_for_and_what_came_of_it_is_seen() -> None:
    channel, seen = traced("01029000", CardMute("torn"))
    channel.send(select(b"\xa0\x00\x00\x03\x08"))
    with pytest.raises(CardMute):
        channel.send(CommandApdu(CommandHeader(0, 0x20, 0, 0x80), CANARY))
    first, second = (str(exchange) for exchange in seen)
    assert first.startswith("00 a4 04 00 a000000308 -> <2 bytes> 9000 in ")
    assert second.startswith("00 20 00 80 <8 bytes> -> CardMute in ")


def test_a_trace_can_go_to_a_log(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.apdu")
    with caplog.at_level(logging.DEBUG, logger.name):
        channel = Traced(Script("9000"), log_trace(logger))
        channel.send(CommandApdu(CommandHeader(0, 0x2C, 0, 0x80), CANARY))
    assert "00 2c 00 80 <8 bytes> -> <0 bytes> 9000" in caplog.text
    assert CANARY.hex() not in caplog.text
