"""Cards that hang: the caller goes on, and so does the station."""

from __future__ import annotations

import threading

import pytest

from hardware.grip import Patience
from hardware.virtual.faults import Hang
from kiosk.errors import CardError, CardHung, OutcomeUnknown
from tests.hardware.trouble import (
    CHANGES,
    GET_DATA,
    NEW,
    PUK,
    RESET,
    SOON,
    VERIFY,
    address,
    cards_with,
    chip,
    let_the_service_look,
)
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


@pytest.mark.parametrize("instruction", [VERIFY, RESET])
def test_a_card_that_hangs_in_a_change(instruction: int, insert: Insert) -> None:
    """Unknown, the reader is refused while it is stuck, and serves the next card."""
    trouble, hang = chip(), Hang()
    trouble.fail({instruction: hang})
    seat = insert(trouble)
    cards, at = cards_with(SOON), address(seat, trouble)
    with pytest.raises(OutcomeUnknown):
        CHANGES[instruction](cards, at)
    with pytest.raises(CardHung):
        cards.read(seat.reader)
    hang.let_go()
    seat.remove()
    let_the_service_look(seat.reader)
    assert trouble.count(instruction) == 1
    after = chip()
    assert cards.read(insert(after).reader).card.identifier == after.card.state.guid.hex()


def test_a_card_that_hangs_in_reading_never_gets_the_secret(insert: Insert) -> None:
    """When it wakes up, the abandoned work must not go on to the change."""
    trouble, hang = chip(), Hang()
    trouble.fail({GET_DATA: hang})
    seat = insert(trouble)
    cards, at = cards_with(SOON), address(seat, trouble)
    with pytest.raises(CardHung):
        cards.unblock(at, PUK, NEW)
    trouble.fail({})
    hang.let_go()
    assert cards.read(seat.reader).card == at.card
    assert trouble.count(RESET) == 0


def test_a_card_that_hangs_is_pulled_out_still_hanging(insert: Insert) -> None:
    trouble, hang = chip(), Hang()
    trouble.fail({GET_DATA: hang})
    seat = insert(trouble)
    cards = cards_with(SOON)
    with pytest.raises(CardHung):
        cards.read(seat.reader)
    threading.Timer(0.1, hang.let_go).start()
    seat.remove()
    let_the_service_look(seat.reader)
    after = chip()
    assert cards.read(insert(after).reader).card.identifier == after.card.state.guid.hex()


def test_the_other_reader_works_while_one_hangs(insert: Insert) -> None:
    trouble, hang, well = chip(), Hang(), chip()
    trouble.fail({GET_DATA: hang})
    stuck, seat = insert(trouble), insert(well, 1)
    cards = cards_with(Patience(answer_s=5.0))
    errors: list[CardError] = []

    def read_stuck() -> None:
        try:
            cards.read(stuck.reader)
        except CardError as error:
            errors.append(error)

    reading = threading.Thread(target=read_stuck)
    reading.start()
    assert hang.reached.wait(10)
    cards.unblock(address(seat, well), PUK, NEW)
    hang.let_go()
    reading.join(10)
    assert not errors
