"""Readers, cards and a PC/SC service that are not there, or not there any more."""

from __future__ import annotations

import pytest

from kiosk.contract.errors import CardGone, CardMute, OutcomeUnknown, ReaderGone, ReaderServiceDown
from tests.hardware.failing import CHANGES, RESET, VERIFY, address, cards_with, chip, then
from tests.support.faults import MuteCard
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert, wait_for_presence

pytestmark = pytest.mark.hardware


def test_nothing_there(insert: Insert, pcscd: HotplugPcscd) -> None:
    pcscd.start()
    with pytest.raises(CardGone):
        cards_with().read(pcscd.reader_names[0])
    with pytest.raises(ReaderGone):
        cards_with().read("No Such Reader 00 00")
    with pytest.raises(CardMute):
        cards_with().read(insert(MuteCard(), 1).reader)
    pcscd.kill()
    with pytest.raises(ReaderServiceDown):
        cards_with().read(pcscd.reader_names[0])


def test_the_service_restarts_between_two_calls(insert: Insert, pcscd: HotplugPcscd) -> None:
    seat = insert(chip())
    cards = cards_with()
    before = cards.read(seat.reader)
    pcscd.kill()
    pcscd.start()
    wait_for_presence(seat.reader, present=True)
    assert cards.read(seat.reader) == before


@pytest.mark.parametrize("instruction", [VERIFY, RESET])
def test_the_service_dies_in_mid_change(
    instruction: int, insert: Insert, pcscd: HotplugPcscd
) -> None:
    failing = chip()
    failing.fail({instruction: then(pcscd.kill)})
    seat = insert(failing)
    cards, at = cards_with(), address(seat, failing)
    with pytest.raises(OutcomeUnknown):
        CHANGES[instruction](cards, at)
    with pytest.raises(ReaderServiceDown):
        cards.read(seat.reader)
    failing.fail({})
    pcscd.start()
    seat.insert()
    assert cards.read(seat.reader).card == at.card
    assert failing.count(instruction) == 1
