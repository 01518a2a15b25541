"""PINs on a reader's own keys, through pcscd: the product never sees one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hardware import pcsc
from hardware.card_access import PcscCards
from hardware.doctor import examine_readers
from hardware.driver import load_driver
from hardware.virtual.piv import CardProfile
from kiosk.contract.errors import PadLeft, PadRefused, PinBlocked, PinWrong
from kiosk.contract.messages import PinState
from tests.hardware.failing import PUK, address, cards_with, chip
from tests.hardware.keying import (
    ACTS,
    NEW,
    PIN,
    WRONG,
    assert_nothing_sent,
    change,
    unblock,
    verify,
)
from tests.support.clients import Clients
from tests.support.pad import EntryEnd, EntryRequest, Pad
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


@pytest.mark.parametrize("profile", [CardProfile(), CardProfile(t0=True)], ids=["T=1", "T=0"])
def test_a_card_lives_through_it_all(insert: Insert, pad: Pad, profile: CardProfile) -> None:
    card = chip(profile)
    cards, at = cards_with(), address(insert(card), card)
    report = cards.read(at.reader)
    assert (report.pin_pad, report.pad_changes) == (True, True)
    pad.types(PIN, WRONG, WRONG)
    verify(cards, at)
    for left in (2, 1):
        with pytest.raises(PinWrong) as wrong:
            verify(cards, at)
        assert wrong.value.tries_left == left
    pad.types(WRONG, WRONG)
    for _ in range(2):
        with pytest.raises(PinBlocked):
            verify(cards, at)
    assert cards.read(at.reader).pin == PinState(blocked=True, tries_left=0)
    pad.types(NEW, NEW, NEW)
    unblock(cards, at)
    verify(cards, at)
    pad.types(WRONG, PIN, PIN)
    with pytest.raises(PinWrong):
        change(cards, at)
    pad.types(NEW, PIN, PIN, PIN)
    change(cards, at)
    verify(cards, at)
    assert cards.read(at.reader).pin.tries_left == 3
    assert {asking.header: asking.entries for asking in pad.asked} == {
        "00200080": 1, "00240080": 3, "002c0080": 2,
    }  # fmt: skip


def test_what_is_typed_on_the_reader_never_crosses_pcsc(
    insert: Insert, pad: Pad, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossed: list[bytes] = []

    def tap(call: Callable[..., bytes]) -> Callable[..., bytes]:
        def tapped(*given: object) -> bytes:
            answer = call(*given)
            crossed.extend(each for each in (*given, answer) if isinstance(each, bytes))
            return answer

        return tapped

    for name in ("transmit", "control"):
        monkeypatch.setattr(pcsc, name, tap(getattr(pcsc, name)))
    card = chip()
    cards, at = cards_with(), address(insert(card), card)
    pad.types(PIN, WRONG, NEW, NEW, NEW, PIN, PIN)
    verify(cards, at)
    with pytest.raises(PinWrong):
        verify(cards, at)
    unblock(cards, at)
    change(cards, at)
    through = b"\n".join(crossed)
    assert PUK.reveal().encode() in through
    for typed in (PIN, WRONG, NEW):
        assert typed.encode() not in through


def test_a_reader_without_keys(insert: Insert) -> None:
    card = chip()
    cards, at = cards_with(), address(insert(card), card)
    assert not cards.read(at.reader).pin_pad
    for act in ACTS.values():
        with pytest.raises(PadRefused):
            act(cards, at)
    assert_nothing_sent(card)


@pytest.mark.parametrize("features", ["fails", "", "060442330006", "0604"])
def test_a_reader_that_has_too_little(features: str, insert: Insert, pad: Pad) -> None:
    pad.features = features
    card = chip()
    assert not cards_with().read(insert(card).reader).pin_pad


def test_keys_that_are_not_wanted_are_not_asked_for(insert: Insert, pad: Pad) -> None:
    pad.features = "fails"
    seat = insert(chip())
    unwanted = PcscCards([load_driver("piv", "puk")], pads=False)
    assert not unwanted.read(seat.reader).pin_pad
    assert pad.questions == 0
    assert not cards_with().read(seat.reader).pin_pad
    assert pad.questions == 1


def test_a_trace_holds_no_secret(insert: Insert, pad: Pad, tmp_path: Path) -> None:
    log = tmp_path / "apdu.log"
    card = chip()
    at = address(insert(card), card)
    with log.open("w") as file:
        cards = cards_with(trace=lambda exchange: print(repr(exchange), exchange, file=file))
        pad.types(NEW, NEW, EntryEnd.CANCELS)
        unblock(cards, at)
        with pytest.raises(PadLeft):
            verify(cards, at)
    text = log.read_text()
    assert "00 2c 00 80 <16 bytes> by the reader's keys -> <0 bytes> 9000" in text
    assert "00 20 00 80 <8 bytes> by the reader's keys -> PadLeft" in text
    for secret in (NEW, PUK.reveal()):
        assert secret not in text
        assert secret.encode().hex() not in text


def test_the_doctor_sees_the_keys_without_a_card(insert: Insert, pad: Pad) -> None:
    insert(chip())
    cards = cards_with()
    found = examine_readers(cards, cards.applications)
    assert [reader.pin_pad for reader in found.readers] == [True, True]
    pad.features = ""
    found = examine_readers(cards, cards.applications)
    assert [reader.pin_pad for reader in found.readers] == [False, False]


def test_the_keys_do_for_opensc_what_they_do_for_us(
    insert: Insert, pad: Pad, clients: Clients
) -> None:
    """OpenSC was not written for these keys: that they are as the standard has them it shows."""
    card = chip()
    at = address(insert(card), card)
    pad.types(PIN)
    assert clients.opensc("pkcs15-tool", at.reader, "--verify-pin").returncode == 0
    pad.types(PUK.reveal(), NEW, NEW)
    assert clients.opensc("pkcs15-tool", at.reader, "--unblock-pin").returncode == 0
    assert pad.asked == [EntryRequest("00200080", 1, 4, 8), EntryRequest("002c0080", 3, 4, 8)]
    pad.types(NEW)
    verify(cards_with(), at)
