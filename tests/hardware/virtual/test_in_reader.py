"""A card in the virtual reader, seen through a real pcscd."""

from __future__ import annotations

import pytest

from hardware.virtual.piv import CardProfile, new_card
from tests.hardware.virtual.apdus import SELECT, card
from tests.hardware.virtual.wire import Wire, ask
from tests.support.hotplug import HotplugPcscd
from tests.support.pcsc import Insert, wait_for_presence, wait_for_readers

pytestmark = pytest.mark.hardware


def test_a_card_answers_through_pcscd(insert: Insert) -> None:
    answer = ask(insert(card()).reader, SELECT)
    assert answer[:1] == b"\x61"
    assert answer[-2:] == b"\x90\x00"


def test_two_cards_in_two_slots(insert: Insert) -> None:
    first, second = card(template_tag=False), card()
    readers = insert(first).reader, insert(second, slot=1).reader
    assert ask(readers[0], SELECT)[0] == 0x4F
    assert ask(readers[1], SELECT)[0] == 0x61


@pytest.mark.parametrize("t0", [True, False])
def test_pcscd_speaks_the_protocol_of_the_card(insert: Insert, t0: bool) -> None:
    seat = insert(new_card(holder_name="Ada Example", profile=CardProfile(t0=t0)))
    with Wire(seat.reader) as wire:
        assert wire.t0 is t0


def test_a_card_comes_and_goes(insert: Insert) -> None:
    seat = insert(card())
    seat.remove()
    assert not seat.link.inserted
    seat.insert()
    assert ask(seat.reader, SELECT)[-2:] == b"\x90\x00"


def test_a_card_forgets_its_session_but_not_its_counter(insert: Insert) -> None:
    made = card()
    seat = insert(made)
    wrong = bytes.fromhex("0020008008") + b"11111111"
    assert ask(seat.reader, SELECT, wrong)[-2:] == b"\x63\xc2"
    seat.remove()
    seat.insert()
    question = bytes.fromhex("00200080")
    assert ask(seat.reader, question) == b"\x6d\x00"
    assert ask(seat.reader, SELECT, question) == b"\x63\xc2"


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_card_stays_in_over_the_end_of_pcscd(
    insert: Insert, pcscd: HotplugPcscd, how: str
) -> None:
    seat = insert(card())
    getattr(pcscd, how)()
    pcscd.start()
    wait_for_presence(seat.reader, present=True)
    assert ask(seat.reader, SELECT)[-2:] == b"\x90\x00"


def test_a_reader_is_unplugged_and_comes_back(insert: Insert, pcscd: HotplugPcscd) -> None:
    seat = insert(card())
    pcscd.unplug()
    wait_for_readers(())
    pcscd.replug()
    wait_for_readers(pcscd.reader_names)
    wait_for_presence(seat.reader, present=True)
    assert ask(seat.reader, SELECT)[-2:] == b"\x90\x00"


def test_a_card_is_pushed_in_while_pcscd_still_shows_the_one_before(insert: Insert) -> None:
    for _ in range(20):
        before, after = card(template_tag=False), card()
        insert(before).link.remove()  # as tests leave it that do not wait for the empty slot
        seat = insert(after)
        assert ask(seat.reader, SELECT)[0] == 0x61
        seat.link.remove()
