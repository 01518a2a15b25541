"""Each way to fail, as a host sees it, and what the card has done by then."""

from __future__ import annotations

import threading

import pytest
from smartcard import scard

from tests.hardware.virtual.apdus import OTHER, PIN, PUK, SELECT, apdu, card
from tests.hardware.virtual.wire import OK, Wire, ask, state_of
from tests.support.faults import (
    FaultyCard,
    Hang,
    MuteCard,
    answering,
    never_ending,
    pulled_out,
    torn,
)
from tests.support.pcsc import Insert, wait_for_presence

pytestmark = pytest.mark.hardware

RESET = 0x2C
UNBLOCK = apdu(0, RESET, 0, 0x80, (PUK + OTHER).encode())
VERIFY = apdu(0, 0x20, 0, 0x80, PIN.encode() + b"\xff\xff")


def test_a_mute_card(insert: Insert) -> None:
    assert state_of(insert(MuteCard()).reader) & scard.SCARD_STATE_MUTE


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("count", [0, 1])
def test_a_torn_answer_looks_like_success(insert: Insert, count: int, done: bool) -> None:
    made = card()
    seat = insert(FaultyCard(made, {RESET: torn(count, done=done)}))
    with Wire(seat.reader) as wire:
        wire.send(SELECT)
        code, answer = wire.send(UNBLOCK)
    assert (code, answer) == (OK, b"\x90"[:count])
    assert (made.state.pin.body == OTHER.encode()) is done
    wait_for_presence(seat.reader, present=False)


@pytest.mark.parametrize("done", [True, False])
def test_a_card_pulled_out_in_mid_command(insert: Insert, done: bool) -> None:
    made = card()
    seat = insert(FaultyCard(made, {RESET: pulled_out(done=done)}))
    with Wire(seat.reader) as wire:
        wire.send(SELECT)
        _, answer = wire.send(UNBLOCK)
    assert answer == b""
    assert (made.state.pin.body == OTHER.encode()) is done
    assert not seat.link.inserted
    wait_for_presence(seat.reader, present=False)


def test_a_fault_happens_so_often(insert: Insert) -> None:
    made = card()
    seat = insert(FaultyCard(made, {0x20: answering(b"\x6f\x00")}, times=2))
    assert ask(seat.reader, SELECT, VERIFY, VERIFY) == b"\x6f\x00"
    assert ask(seat.reader, SELECT, VERIFY) == b"\x90\x00"
    assert [command.ins for command in made.received] == [0xA4, 0xA4, 0x20]


def test_an_answer_without_end(insert: Insert) -> None:
    seat = insert(FaultyCard(card(), never_ending(0xCB), times=None))
    get_data, more = apdu(0, 0xCB, 0x3F, 0xFF, b"\x5c\x01\x7e", 256), apdu(0, 0xC0, 0, 0, le=256)
    assert ask(seat.reader, SELECT, get_data, *[more] * 50)[-2:] == b"\x61\xff"


@pytest.mark.parametrize("done", [True, False])
def test_a_card_that_hangs_and_is_let_go(insert: Insert, done: bool) -> None:
    made, hang = card(), Hang(done=done)
    seat = insert(FaultyCard(made, {RESET: hang}))
    answers: list[tuple[int, bytes]] = []
    with Wire(seat.reader) as wire:
        wire.send(SELECT)
        host = threading.Thread(target=lambda: answers.append(wire.send(UNBLOCK)))
        host.start()
        assert hang.reached.wait(60)
        assert (made.state.pin.body == OTHER.encode()) is done
        hang.release()
        host.join()
    assert answers == [(OK, b"\x90\x00")]


def test_a_card_that_hangs_and_is_pulled_out(insert: Insert) -> None:
    hang = Hang()
    seat = insert(FaultyCard(card(), {RESET: hang}))
    answers: list[tuple[int, bytes]] = []
    with Wire(seat.reader) as wire:
        wire.send(SELECT)
        host = threading.Thread(target=lambda: answers.append(wire.send(UNBLOCK)))
        host.start()
        assert hang.reached.wait(60)
        seat.link.remove()
        host.join()
    hang.release()
    assert answers[0][1] == b""
