"""What somebody is told who asks what is wrong with readers and cards."""

from __future__ import annotations

import pytest

from hardware import pcsc
from hardware.doctor import PcscFinding, examine_readers
from hardware.virtual.piv import CardProfile, new_card
from kiosk.contract.errors import CardBusy, CardGone, CardMute, CardProtocolError, CardUnknown
from kiosk.contract.messages import PinState
from tests.hardware.failing import answers, cards_with, chip
from tests.support.faults import MuteCard
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


def examined() -> PcscFinding:
    cards = cards_with()
    return examine_readers(cards, cards.applications)


def errors() -> list[type]:
    return [type(finding.error) for finding in examined().readers]


def test_a_card_that_is_well_and_an_empty_slot(insert: Insert, pcscd: HotplugPcscd) -> None:
    card = new_card(holder_name="Ada Example")
    insert(card)
    found = examined()
    assert not found.trouble
    assert [finding.reader for finding in found.readers] == list(pcscd.reader_names)
    assert errors() == [type(None), CardGone]
    report = found.readers[0].report
    assert report is not None
    assert report.card.identifier == card.state.guid.hex()
    assert report.pin == PinState(blocked=False, tries_left=3)
    assert card.state.pin.left == 3


def test_cards_that_are_not_well(insert: Insert) -> None:
    foreign = CardProfile(full_aid=False, short_aid=False)
    insert(MuteCard())
    insert(new_card(holder_name="Ada Example", profile=foreign), 1)
    assert errors() == [CardMute, CardUnknown]


def test_a_card_that_is_held_and_one_that_talks_nonsense(insert: Insert) -> None:
    seat, failing = insert(chip()), chip()
    failing.fail(dict.fromkeys((0xCB, 0xC0), answers("6100")))
    insert(failing, 1)
    context = pcsc.establish()
    handle, _ = pcsc.connect(context, seat.reader)
    assert errors() == [CardBusy, CardProtocolError]
    pcsc.disconnect(handle, reset=True)
    pcsc.release(context)


def test_a_service_that_is_away(pcscd: HotplugPcscd) -> None:
    pcscd.kill()
    found = examined()
    pcscd.start()
    assert found.readers == ()
    assert "does not run" in found.trouble
