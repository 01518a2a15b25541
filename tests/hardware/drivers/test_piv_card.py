"""The PIV driver on real APDUs through pcscd, with a PIV card that we did not write."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.card_access import PcscCards
from hardware.driver import load_driver
from kiosk.authority.crypto.card_keys import key_from, kind_of, proves
from kiosk.contract.errors import PinBlocked, PinWrong
from kiosk.contract.messages import CardChallenge, PinState
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from tests.hardware import certificates
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.hardware.failing import unblock
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

PIN, NEW, WRONG = Sensitive("123456"), Sensitive("60514273"), Sensitive("999999")
PUK, NEW_PUK = Sensitive("12345678"), Sensitive("50283746")


def test_a_card_proves_itself_without_a_pin(insert: Insert, tmp_path: Path) -> None:
    card = ForeignCard(tmp_path)
    card.personalise_piv()
    cards = PcscCards([load_driver("piv", "puk")])
    seat = insert(card)
    report = cards.read(seat.reader)
    key = key_from(report.certificate)
    assert key is not None
    assert key == key_from(certificates.der())
    challenge = CardChallenge(bytes(range(32)), kind_of(key))
    at = CardAddress(seat.reader, report.card)
    proof = cards.hold(at, lambda held: held.prove(challenge))
    assert proof is not None
    assert proves(key, challenge, proof)
    assert not proves(key, CardChallenge(bytes(32), kind_of(key)), proof)


def test_a_card_lives_through_it_all(insert: Insert, tmp_path: Path) -> None:
    card = ForeignCard(tmp_path)
    card.personalise_piv()
    cards = PcscCards([load_driver("piv", "puk")])
    seat = insert(card)
    report = cards.read(seat.reader)
    assert report.pin == PinState(blocked=False, tries_left=3)
    assert report.secret_tries is None, "it knows nothing but the standard"
    at = CardAddress(seat.reader, report.card)
    cards.verify_pin(at, PIN)
    for left in (2, 1):
        with pytest.raises(PinWrong) as wrong:
            cards.verify_pin(at, WRONG)
        assert wrong.value.tries_left == left
    for _ in range(2):
        with pytest.raises(PinBlocked):
            cards.verify_pin(at, WRONG)
    assert cards.read(seat.reader).pin == PinState(blocked=True, tries_left=0)
    with pytest.raises(PinWrong) as wrong:
        unblock(cards, at, Sensitive("11111111"), NEW)
    assert wrong.value.tries_left == 2
    unblock(cards, at, PUK, NEW)
    cards.verify_pin(at, NEW)
    cards.change_pin(at, NEW, PIN)
    cards.hold(at, lambda held: held.change_secret(PUK, NEW_PUK))
    unblock(cards, at, NEW_PUK, PIN)
    assert cards.read(seat.reader).pin.tries_left == 3
