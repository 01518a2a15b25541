"""Cards that hang: the caller goes on, and so does the station."""

from __future__ import annotations

import threading

import pytest

from hardware.card_access import CardTimeouts
from kiosk.contract.errors import CardError, CardHung, OutcomeUnknown
from kiosk.contract.ports import CardHold
from tests.hardware.failing import (
    CHANGES,
    GET_DATA,
    NEW,
    PUK,
    RESET,
    SOON,
    VERIFY,
    address,
    await_service_poll,
    cards_with,
    chip,
    read_once_free,
    unblock,
)
from tests.support.faults import Hang
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


@pytest.mark.parametrize("instruction", [VERIFY, RESET])
def test_a_card_that_hangs_in_a_change(instruction: int, insert: Insert) -> None:
    """Unknown, the reader is refused while it is stuck, and serves the next card."""
    failing, hang = chip(), Hang()
    failing.fail({instruction: hang})
    seat = insert(failing)
    cards, at = cards_with(SOON), address(seat, failing)
    with pytest.raises(OutcomeUnknown):
        CHANGES[instruction](cards, at)
    with pytest.raises(CardHung):
        cards.read(seat.reader)
    hang.release()
    seat.remove()
    await_service_poll(seat.reader)
    assert failing.count(instruction) == 1
    after = chip()
    report = read_once_free(cards, insert(after).reader)
    assert report.card.identifier == after.card.state.guid.hex()


def test_a_card_that_hangs_in_reading_never_gets_the_secret(insert: Insert) -> None:
    """When it wakes up, the abandoned work must not go on to the change."""
    failing, hang = chip(), Hang()
    failing.fail({GET_DATA: hang})
    seat = insert(failing)
    cards, at = cards_with(SOON), address(seat, failing)
    with pytest.raises(CardHung):
        unblock(cards, at, PUK, NEW)
    failing.fail({})
    hang.release()
    assert read_once_free(cards, seat.reader).card == at.card
    assert failing.count(RESET) == 0


def test_a_hold_whose_card_hangs_does_not_go_on_when_it_wakes_up(insert: Insert) -> None:
    """What would follow from the late answer is a secret released that nobody waits for."""
    failing, hang = chip(), Hang()
    failing.fail({RESET: hang})
    seat = insert(failing)
    cards, at = cards_with(SOON), address(seat, failing)
    went_on: list[str] = []

    def use(card: CardHold) -> None:
        try:
            card.unblock(PUK, NEW)
        finally:
            went_on.append("left")
        went_on.append("went on")

    with pytest.raises(OutcomeUnknown):
        cards.hold(at, use)
    hang.release()
    assert read_once_free(cards, seat.reader).card == at.card
    assert went_on == ["left"]


def test_asking_somebody_else_within_a_hold_is_not_the_cards_time(insert: Insert) -> None:
    failing = chip()
    at = address(insert(failing), failing)

    def use(card: CardHold) -> str:
        threading.Event().wait(3 * SOON.answer_s)
        card.unblock(PUK, NEW)
        return "done"

    assert cards_with(SOON).hold(at, use) == "done"


def test_a_card_that_hangs_is_pulled_out_still_hanging(insert: Insert) -> None:
    failing, hang = chip(), Hang()
    failing.fail({GET_DATA: hang})
    seat = insert(failing)
    cards = cards_with(SOON)
    with pytest.raises(CardHung):
        cards.read(seat.reader)
    threading.Timer(0.1, hang.release).start()
    seat.remove()
    await_service_poll(seat.reader)
    after = chip()
    report = read_once_free(cards, insert(after).reader)
    assert report.card.identifier == after.card.state.guid.hex()


def test_the_other_reader_works_while_one_hangs(insert: Insert) -> None:
    failing, hang, well = chip(), Hang(), chip()
    failing.fail({GET_DATA: hang})
    stuck, seat = insert(failing), insert(well, 1)
    cards = cards_with(CardTimeouts(answer_s=30.0))
    errors: list[CardError] = []

    def read_stuck() -> None:
        try:
            cards.read(stuck.reader)
        except CardError as error:
            errors.append(error)

    reading = threading.Thread(target=read_stuck)
    reading.start()
    assert hang.reached.wait(60)
    unblock(cards, address(seat, well), PUK, NEW)
    hang.release()
    reading.join(60)
    assert not errors
