"""Cards with faults, pulled and swapped cards: as before, or the report says how they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hardware.virtual.link import Chip, PulledOutError
from hardware.virtual.piv import CardProfile, VirtualCard, new_card, padded
from kiosk.app.trial.journal import NAME, Journal
from kiosk.app.trial.trial import FIRST_PIN, PUBLIC, Outcome
from kiosk.contract.errors import KioskError
from tests.app.trial.cards import live, prepare, put_back
from tests.hardware.failing import SOON, await_service_poll
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

PIN, PUK = "482915", "73918265"
CHANGING = (0x20, 0x24, 0x2C)


def piv(profile: CardProfile | None = None) -> VirtualCard:
    return new_card(holder_name="Ada", pin=PIN, puk=PUK, profile=profile or CardProfile())


def is_as_before(card: VirtualCard) -> bool:
    return card.state.pin.body == padded(PIN) and card.state.puk.body == padded(PUK)


class Watched:
    """A card that notes the fewest tries its PUK ever had, and fails at one command."""

    def __init__(self, card: VirtualCard, fail: Callable[[Chip, bytes, int], bytes]) -> None:
        self.card = card
        self.changes = 0
        self.fewest = card.state.puk.left
        self._fail = fail

    @property
    def atr(self) -> bytes:
        return self.card.atr

    def reset(self) -> None:
        self.card.reset()

    def transmit(self, command: bytes) -> bytes:
        is_change = command[1] in CHANGING and len(command) > 5
        self.changes += is_change
        try:
            return self._fail(self.card, command, self.changes if is_change else 0)
        finally:
            self.fewest = min(self.fewest, self.card.state.puk.left)


def well(card: Chip, command: bytes, _: int) -> bytes:
    return card.transmit(command)


def pulled_at(number: int, *, done: bool) -> Callable[[Chip, bytes, int], bytes]:
    def fail(card: Chip, command: bytes, change: int) -> bytes:
        if change != number:
            return card.transmit(command)
        if done:
            card.transmit(command)
        raise PulledOutError

    return fail


LAST = 15
"""No trial sends more commands that change the card: the next test counts them."""


def test_trial_sends_as_many_commands_as_are_cut(insert: Insert, tmp_path: Path) -> None:
    chip = Watched(piv(), well)
    assert not live(prepare(insert(chip), "piv", "puk", PIN, PUK)[0], tmp_path).stopped
    assert chip.changes == LAST
    assert chip.fewest == 3


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("number", range(1, LAST + 1))
def test_card_pulled_at_each_command_is_put_back(
    insert: Insert, tmp_path: Path, number: int, done: bool
) -> None:
    chip = Watched(piv(), pulled_at(number, done=done))
    seat = insert(chip)
    tried, _ = prepare(seat, "piv", "puk", PIN, PUK)
    live(tried, tmp_path)
    if (tmp_path / NAME).exists():
        assert tried.stopped
        assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
        await_service_poll(seat.reader)
        seat.insert()
        again = put_back(prepare(seat, "piv", "puk", PIN, PUK)[0], tmp_path)
        assert not again.stopped, again.stopped
    assert is_as_before(chip.card)
    assert not chip.card.state.pin.blocked
    assert chip.card.state.puk.left == 3
    assert chip.fewest >= 2
    assert not (tmp_path / NAME).exists()


def answers(instruction: int, status: str, nth: int = 0) -> Callable[[Chip, bytes, int], bytes]:
    seen = 0

    def fail(card: Chip, command: bytes, change: int) -> bytes:
        nonlocal seen
        if command[1] != instruction:
            return card.transmit(command)
        seen += 1
        return card.transmit(command) if nth and seen < nth else bytes.fromhex(status)

    return fail


def counts_twice(card: Chip, command: bytes, change: int) -> bytes:
    """Take two tries for one wrong PIN."""
    if change and command[1] == 0x20:
        answer = card.transmit(command)
        return card.transmit(command) if answer[0] == 0x63 else answer
    return card.transmit(command)


def test_wrong_counter_stops_the_trial_and_the_card_is_put_back(
    insert: Insert, tmp_path: Path
) -> None:
    chip = Watched(piv(CardProfile(pin_tries=8)), counts_twice)
    seat = insert(chip)
    tried = live(prepare(seat, "piv", "puk", PIN, PUK)[0], tmp_path)
    assert "tries left from 8 to 6" in tried.stopped
    assert PUBLIC[FIRST_PIN].reveal() in tried.trial.how_it_is()
    assert tried.transcript().verdict == "not served, because"
    assert not put_back(prepare(seat, "piv", "puk", PIN, PUK)[0], tmp_path).stopped
    assert is_as_before(chip.card)


def test_second_select_that_is_refused_stops_before_any_pin(insert: Insert, tmp_path: Path) -> None:
    chip = Watched(piv(), answers(0xA4, "6a82", nth=2))
    tried = live(prepare(insert(chip), "piv", "puk", PIN, PUK)[0], tmp_path)
    assert tried.stopped
    assert chip.changes == 0


@pytest.mark.parametrize("left", [0, 1])
def test_unblock_secret_without_a_try_to_spare_is_not_sent(
    insert: Insert, tmp_path: Path, left: int
) -> None:
    card = piv(CardProfile(metadata=True))
    card.state.puk.left = left
    chip = Watched(card, well)
    tried = live(prepare(insert(chip), "piv", "puk", PIN, PUK)[0], tmp_path)
    assert "unblock secret" in tried.stopped
    assert chip.changes == 0
    assert not tried.trial.how_it_is()


def test_last_try_of_a_pin_is_not_spent(insert: Insert, tmp_path: Path) -> None:
    card = piv()
    card.state.pin.left = 1
    chip = Watched(card, well)
    tried = live(prepare(insert(chip), "piv", "puk", PIN, PUK)[0], tmp_path)
    assert "one try left" in tried.stopped
    assert chip.changes == 0


def test_pin_of_255_tries_is_not_blocked(insert: Insert, tmp_path: Path) -> None:
    card = piv()
    card.state.pin.limit = card.state.pin.left = 255

    def counts(chip: Chip, command: bytes, _: int) -> bytes:
        answer = chip.transmit(command)
        is_question = command[1] == 0x20 and len(command) <= 5
        return b"\x63\xff" if is_question and answer != b"\x90\x00" else answer

    chip = Watched(card, counts)
    tried = live(prepare(insert(chip), "piv", "puk", PIN, PUK)[0], tmp_path)
    assert not tried.stopped, tried.stopped
    assert tried.steps["block the PIN"].outcome is Outcome.NOT_TRIED
    assert "255" in tried.steps["block the PIN"].words
    assert is_as_before(card)


@pytest.mark.parametrize(
    ("pin", "puk", "words"),
    [
        ("111222", PUK, "calls the PIN wrong; tries left: 2"),
        (PIN, "11112222", "calls the unblock secret wrong; tries left: 2"),
        ("12ab56", PUK, "cannot be set again"),
        (PUBLIC[FIRST_PIN].reveal(), PUK, "give it another"),
    ],
)
def test_wrong_entry_costs_one_try_and_changes_nothing(
    insert: Insert, tmp_path: Path, pin: str, puk: str, words: str
) -> None:
    card = piv()
    tried = live(prepare(insert(card), "piv", "puk", pin, puk)[0], tmp_path)
    assert words in tried.stopped
    assert is_as_before(card)
    assert card.state.puk.left + card.state.pin.left >= 5
    assert not tried.trial.how_it_is()
    assert (tmp_path / NAME).exists() is (puk != PUK)


def test_secret_with_letters_is_left_as_it_is(insert: Insert, tmp_path: Path) -> None:
    card = new_card(holder_name="Ada", pin=PIN, puk="Canary12")
    tried = live(prepare(insert(card), "piv", "puk", PIN, "Canary12")[0], tmp_path)
    assert not tried.stopped, tried.stopped
    assert tried.steps["change the unblock secret"].outcome is Outcome.NOT_TRIED
    assert card.state.puk.body == padded("Canary12")
    assert card.state.pin.body == padded(PIN)


def test_second_wrong_secret_is_not_sent_where_its_tries_cannot_be_read(
    insert: Insert, tmp_path: Path
) -> None:
    card = piv()
    seat = insert(card)
    live(prepare(seat, "piv", "puk", PIN, "11112222")[0], tmp_path)
    again = put_back(prepare(seat, "piv", "puk", PIN, "11112222")[0], tmp_path)
    assert card.state.puk.left == 2
    assert again.stopped


def test_card_swapped_in_the_middle_gets_no_pin(insert: Insert, tmp_path: Path) -> None:
    card, other = piv(), Watched(piv(), well)
    seat = insert(card)
    tried, bench = prepare(seat, "piv", "puk", PIN, PUK)

    def swap() -> None:
        seat.link.chip = other

    bench.swap = swap
    live(tried, tmp_path)
    assert "CardSwapped" in tried.stopped
    assert other.changes == 0
    assert is_as_before(card)


def test_journal_of_another_card_puts_nothing_back(insert: Insert, tmp_path: Path) -> None:
    chip = Watched(piv(), pulled_at(6, done=True))
    seat = insert(chip)
    live(prepare(seat, "piv", "puk", PIN, PUK)[0], tmp_path)
    other = Watched(piv(), well)
    seat.link.chip = other
    await_service_poll(seat.reader)
    seat.insert()
    again = put_back(prepare(seat, "piv", "puk", PIN, PUK)[0], tmp_path)
    assert "another card" in again.stopped
    assert other.changes == 0


def test_journal_holds_no_secret_and_no_identifier(insert: Insert, tmp_path: Path) -> None:
    chip = Watched(piv(), pulled_at(6, done=True))
    live(prepare(insert(chip), "piv", "puk", PIN, PUK)[0], tmp_path)
    text = (tmp_path / NAME).read_text()
    for canary in (PIN, PUK, chip.card.state.guid.hex(), "Ada"):
        assert canary not in text


def test_slow_card_is_tried_and_one_that_is_too_slow_is_said(
    insert: Insert, tmp_path: Path
) -> None:
    pause = [0.05]

    def slowly(card: Chip, command: bytes, _: int) -> bytes:
        time.sleep(pause[0])
        return card.transmit(command)

    chip = Watched(piv(), slowly)
    seat = insert(chip)
    assert not live(prepare(seat, "piv", "puk", PIN, PUK)[0], tmp_path).stopped
    pause[0] = 3 * SOON.answer_s
    assert "CardHung" in live(prepare(seat, "piv", "puk", PIN, PUK)[0], tmp_path).stopped
    assert is_as_before(chip.card)


def test_broken_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("{")
    with pytest.raises(KioskError, match="cannot be read"):
        Journal.found(tmp_path)
