"""What goes wrong while a PIN is entered on a reader's own keys, through pcscd."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from hardware.virtual.pcscd import wait_until
from hardware.virtual.piv import CardProfile
from kiosk.contract.errors import (
    CardBusy,
    CardError,
    OutcomeUnknown,
    PadLeft,
    PadRefused,
    PadTrouble,
    PinRefused,
)
from tests.hardware.failing import SOON, VERIFY, address, cards_with, chip
from tests.hardware.keying import ACTS, NEW, PIN, Act, assert_nothing_sent, change, unblock, verify
from tests.support.pad import EntryEnd, Pad
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("entries", "because"),
    [
        ((EntryEnd.CANCELS,), "cancelled"),
        ((EntryEnd.FORGETS,), "timeout"),
        (("482",), "length"),
        (("482915048",), "length"),
    ],
    ids=["cancelled", "timeout", "too short", "too long"],
)
def test_a_person_who_leaves_the_keys_changes_nothing(
    act: str, entries: tuple[str, ...], because: PadTrouble, insert: Insert, pad: Pad
) -> None:
    card = chip()
    cards, at = cards_with(), address(insert(card), card)
    pad.types(*entries)
    with pytest.raises(PadLeft) as left:
        ACTS[act](cards, at)
    assert left.value.because == because
    assert_nothing_sent(card)
    pad.types(PIN)
    verify(cards, at)


@pytest.mark.parametrize(("act", "entries"), [(change, (PIN, NEW, PIN)), (unblock, (NEW, PIN))])
def test_a_new_pin_that_is_not_the_same_twice(
    act: Act, entries: tuple[str, ...], insert: Insert, pad: Pad
) -> None:
    card = chip()
    cards, at = cards_with(), address(insert(card), card)
    pad.types(*entries)
    with pytest.raises(PadLeft, match="different"):
        act(cards, at)
    assert_nothing_sent(card)


def test_a_new_pin_that_the_card_refuses(insert: Insert, pad: Pad) -> None:
    card = chip(CardProfile(history=3))
    cards, at = cards_with(), address(insert(card), card)
    pad.types(PIN, PIN)
    with pytest.raises(PinRefused, match="history"):
        unblock(cards, at)


@pytest.mark.parametrize("act", ACTS)
def test_a_reader_that_fails_while_its_keys_are_asked(act: str, insert: Insert, pad: Pad) -> None:
    """Whether the person was done nobody can tell."""
    card = chip()
    cards, at = cards_with(), address(insert(card), card)
    pad.types(EntryEnd.PULLS_THE_CARD)
    with pytest.raises(OutcomeUnknown):
        ACTS[act](cards, at)


def test_a_card_that_is_pulled_out_while_its_holder_types(insert: Insert, pad: Pad) -> None:
    card, typing = chip(), threading.Event()
    seat = insert(card)
    cards, at = cards_with(), address(seat, card)
    pad.types(typing, PIN)
    outcome = acting(lambda: verify(cards, at))
    assert wait_until(lambda: bool(pad.asked), 60)
    seat.link.remove()
    typing.set()
    assert isinstance(outcome(), OutcomeUnknown)


@pytest.mark.parametrize("refusal", [EntryEnd.MEETS_AN_OLD_READER, EntryEnd.MEETS_AN_OLD_DRIVER])
def test_a_reader_that_refuses_is_not_asked_again(
    refusal: EntryEnd, insert: Insert, pad: Pad, caplog: pytest.LogCaptureFixture
) -> None:
    card = chip()
    cards, at = cards_with(), address(insert(card), card)
    assert cards.read(at.reader).pin_pad
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            pad.types(refusal)
            with pytest.raises(PadRefused):
                unblock(cards, at)
    assert_nothing_sent(card)
    assert not cards.read(at.reader).pin_pad
    assert [record.name for record in caplog.records] == ["hardware.card_access"]
    assert at.reader in caplog.text


def test_a_person_may_take_longer_than_a_card_and_the_card_stays_held(
    insert: Insert, pad: Pad
) -> None:
    card, typing = chip(), threading.Event()
    cards, at = cards_with(SOON), address(insert(card), card)
    pad.types(typing, PIN)
    outcome = acting(lambda: verify(cards, at))
    assert not typing.wait(2 * SOON.answer_s)
    with pytest.raises(CardBusy):
        cards_with(SOON).read(at.reader)
    typing.set()
    assert outcome() is None
    assert card.count(VERIFY) == 1


def acting(act: Callable[[], None]) -> Callable[[], CardError | None]:
    """Begin it in another thread; the result waits for its end and returns its error."""
    errors: list[CardError] = []

    def run() -> None:
        try:
            act()
        except CardError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def outcome() -> CardError | None:
        thread.join(60)
        assert not thread.is_alive()
        return errors[0] if errors else None

    return outcome
