"""Cards that are torn out, or answer a part of what they should, or nonsense.

Each time the caller gets the truth, and a command that changes the card is sent once.
"""

from __future__ import annotations

import pytest

from hardware.virtual.piv import CardProfile
from kiosk.contract.errors import (
    CardError,
    CardGone,
    CardMute,
    CardProtocolError,
    CardSwapped,
    CardUnknown,
    OutcomeUnknown,
)
from tests.hardware.failing import (
    CHANGE,
    CHANGES,
    GET_DATA,
    GET_RESPONSE,
    NEW,
    PUK,
    RESET,
    VERIFY,
    address,
    answers,
    await_service_poll,
    cards_with,
    chip,
    secrets_in,
    unblock,
)
from tests.support.faults import pulled_out, torn
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

PULLED = {
    "unanswered": pulled_out(done=True),
    "with an empty answer": torn(0, done=True),
    "after one byte": torn(1, done=True),
}


@pytest.mark.parametrize(
    ("instruction", "how"),
    [(VERIFY, "unanswered"), (CHANGE, "unanswered"), *((RESET, how) for how in PULLED)],
)
def test_a_card_is_pulled_out_in_mid_change(instruction: int, how: str, insert: Insert) -> None:
    failing = chip()
    failing.fail({instruction: PULLED[how]})
    seat = insert(failing)
    with pytest.raises(OutcomeUnknown):
        CHANGES[instruction](cards_with(), address(seat, failing))
    await_service_poll(seat.reader)
    assert failing.count(instruction) == 1


@pytest.mark.parametrize("how", PULLED)
def test_a_card_is_pulled_out_while_it_is_read(how: str, insert: Insert) -> None:
    failing = chip()
    failing.fail({GET_DATA: PULLED[how]})
    seat = insert(failing)
    with pytest.raises((CardMute, CardGone)):
        cards_with().read(seat.reader)
    await_service_poll(seat.reader)


@pytest.mark.parametrize("t0", [False, True])
def test_a_torn_or_odd_answer_to_a_change_is_not_asked_for_again(t0: bool, insert: Insert) -> None:
    """One byte only; a wrong Le; failures; a status that no standard knows."""
    failing = chip(CardProfile(t0=t0))
    at = address(insert(failing), failing)
    answered = {
        "90": OutcomeUnknown,
        "6c10": CardProtocolError,
        "6f00": OutcomeUnknown,
        "6500": OutcomeUnknown,
        "6d00": CardProtocolError,
        "9100": CardProtocolError,
    }
    for instruction, operation in CHANGES.items():
        for text, error in answered.items():
            failing.fail({instruction: answers(text)})
            with pytest.raises(error):
                operation(cards_with(), at)
        assert failing.count(instruction) == len(answered)


def test_a_torn_or_odd_answer_to_a_question_is_no_outcome(insert: Insert) -> None:
    failing = chip()
    seat = insert(failing)
    failing.fail({GET_DATA: answers("90")})
    with pytest.raises(CardMute):
        cards_with().read(seat.reader)
    failing.fail({GET_DATA: answers("6100"), GET_RESPONSE: answers("6100")})
    with pytest.raises(CardProtocolError):
        cards_with().read(seat.reader)


def test_an_answer_that_never_ends_leaves_a_change_unknown(insert: Insert) -> None:
    failing = chip()
    at = address(insert(failing), failing)
    for instruction, operation in CHANGES.items():
        failing.fail({instruction: answers("6100"), GET_RESPONSE: answers("6100")})
        with pytest.raises(OutcomeUnknown):
            operation(cards_with(), at)
        assert failing.count(instruction) == 1


def test_a_card_that_answers_9000_to_everything_is_unknown(insert: Insert) -> None:
    failing = chip()
    failing.fail(dict.fromkeys(range(256), answers("9000")))
    seat = insert(failing)
    with pytest.raises(CardUnknown):
        cards_with().read(seat.reader)
    with pytest.raises((CardSwapped, CardUnknown)):
        unblock(cards_with(), address(seat, failing), PUK, NEW)
    assert failing.count(RESET) == 0


def test_no_error_carries_a_secret(insert: Insert) -> None:
    failing = chip()
    at = address(insert(failing), failing)
    for instruction, operation in CHANGES.items():
        for how in ("6f00", "63c2", "6983", "6a80", "6984", "90"):
            failing.fail({instruction: answers(how)})
            with pytest.raises(CardError) as raised:
                operation(cards_with(), at)
            assert not secrets_in(raised.value)
