"""The transport around the application: pieces, chains, T=0, and what is kept quiet."""

from __future__ import annotations

import pytest

from hardware.tlv import make as tlv
from hardware.virtual.chip import MalformedCommandError, ReceivedCommand, parse
from tests.hardware.virtual.apdus import (
    PIN,
    PUK,
    SELECT,
    SELECT_SHORT,
    apdu,
    card,
    complete_answer,
    get_data,
    status,
    verify,
)

CERTIFICATE = get_data("5FC101")


@pytest.mark.parametrize("piece", [255, 256])
def test_long_answers_come_in_pieces(piece: int) -> None:
    made = card(piece=piece)
    first = made.transmit(CERTIFICATE)
    assert len(first) == piece + 2
    assert first[-2] == 0x61
    assert complete_answer(made, CERTIFICATE) == tlv(0x53, made.state.objects[0x5FC101])


def test_next_command_drops_what_was_not_collected() -> None:
    made = card()
    made.transmit(CERTIFICATE)
    verify(made, PIN)
    assert status(made, apdu(0, 0xC0, 0, 0, le=256)) == 0x6985


def test_a_chain_is_one_command() -> None:
    made = card()
    challenge = tlv(0x7C, tlv(0x82, b"") + tlv(0x81, bytes(32)))
    assert status(made, apdu(0x10, 0x87, 0x11, 0x9E, challenge[:20])) == 0x9000
    assert complete_answer(made, apdu(0, 0x87, 0x11, 0x9E, challenge[20:], 256))
    assert made.received[-1].data == challenge


def test_no_length_is_expected_in_a_chain() -> None:
    assert status(card(), apdu(0x10, 0x87, 0x11, 0x9E, bytes(20), 256)) == 0x6700


def test_next_command_ends_a_chain() -> None:
    made = card()
    made.transmit(apdu(0x10, 0x87, 0x11, 0x9E, bytes(20)))
    assert verify(made, PIN) == 0x9000
    assert made.received[-1].data == PIN.encode().ljust(8, b"\xff")


def test_t0_wants_its_answers_collected() -> None:
    made = card(t0=True)
    assert status(made, get_data("5FC102")) == 0x6700
    asked = get_data("5FC102")[:-1]
    status_word = status(made, asked)
    assert status_word & 0xFF00 == 0x6100
    assert status(made, apdu(0, 0xC0, 0, 0, le=1)) == 0x6C00 | status_word & 0xFF
    assert complete_answer(made, asked) == tlv(0x53, made.state.objects[0x5FC102])


def test_the_two_protocols_have_two_answers_to_reset() -> None:
    assert card().atr != card(t0=True).atr


@pytest.mark.parametrize(("full", "short"), [(True, True), (True, False), (False, True)])
def test_which_name_the_application_answers_to(full: bool, short: bool) -> None:
    made = card(full_aid=full, short_aid=short)
    made.reset()
    assert (status(made, SELECT) == 0x9000) is full
    assert (status(made, SELECT_SHORT) == 0x9000) is short


def test_an_absent_application() -> None:
    other = bytes.fromhex("00A4040005A00000039700")
    assert status(card(), other) == 0x6A82
    assert status(card(absent_status=0x6999), other) == 0x6999


def test_the_property_template_may_lack_its_tag() -> None:
    assert card().transmit(SELECT)[0] == 0x61
    assert card(template_tag=False).transmit(SELECT)[0] == 0x4F


def test_nothing_answers_before_the_application_is_selected() -> None:
    made = card()
    made.reset()
    assert verify(made, PIN) == 0x6D00
    assert made.state.pin.left == 3


@pytest.mark.parametrize("raw", ["00", "00A404", "00A4040005A0", "00A40400010000FF"])
def test_bytes_that_are_no_command(raw: str) -> None:
    with pytest.raises(MalformedCommandError):
        parse(bytes.fromhex(raw))
    assert card().transmit(bytes.fromhex(raw)) == b"\x67\x00"


@pytest.mark.parametrize(
    ("raw", "data", "le"),
    [
        ("00200080", "", None),
        ("0020008010", "", 16),
        ("0020008000", "", 256),
        ("00A4040002A000", "A000", None),
        ("00A4040002A00000", "A000", 256),
        ("00CB3FFF000002ABCD", "ABCD", None),
        ("00CB3FFF000002ABCD0000", "ABCD", 65536),
        ("00CB3FFF001000", "", 4096),
    ],
)
def test_short_and_extended_commands(raw: str, data: str, le: int | None) -> None:
    command = parse(bytes.fromhex(raw))
    assert (command.data.hex().upper(), command.le) == (data, le)


def test_no_secret_shows_itself() -> None:
    made = card()
    verify(made, PIN)
    shown = repr(made.received) + repr(made.state)
    for secret in (PIN, PUK, PIN.encode().hex(), PUK.encode().hex()):
        assert secret not in shown


def test_what_was_sent_is_kept_for_tests() -> None:
    made = card()
    verify(made, PIN)
    sent = ReceivedCommand(0, 0x20, 0, 0x80, PIN.encode().ljust(8, b"\xff"))
    assert made.received == [sent]
