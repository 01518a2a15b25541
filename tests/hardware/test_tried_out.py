"""After its unblock a card signs once with its new PIN: PIV cards through pcscd."""

from __future__ import annotations

import pytest

from hardware.virtual import piv
from kiosk.contract.messages import KeyKind, PinEntry
from kiosk.contract.ports import CardCheck
from kiosk.contract.sensitive import Sensitive
from tests.hardware.failing import PIN, VERIFY, FailingCard, address, cards_with
from tests.hardware.keying import ON_PAD
from tests.hardware.test_pin_proof import SIGN, WRONG, card_of
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


def tried_out(insert: Insert, card: FailingCard, pin: PinEntry = PIN) -> CardCheck:
    return cards_with().hold(address(insert(card), card), lambda held: held.try_out(pin))


@pytest.mark.parametrize("kind", [KeyKind.RSA_2048, KeyKind.P_256])
def test_card_that_signs_with_its_new_pin(insert: Insert, kind: KeyKind) -> None:
    card = FailingCard(card_of(kind))
    check = tried_out(insert, card)
    assert check.signs is True
    assert check.expires_at is not None
    sent = [apdu[1] for apdu in card.apdus]
    assert sent[sent.index(VERIFY) + 1] == SIGN


def test_card_whose_key_does_not_sign(insert: Insert) -> None:
    card = FailingCard(card_of())
    del card.card.state.keys[piv.SLOT_PIV_AUTHENTICATION]
    assert tried_out(insert, card).signs is False


def test_card_without_a_key_for_its_pin(insert: Insert) -> None:
    card = FailingCard(card_of())
    del card.card.state.objects[piv.CERT_PIV_AUTHENTICATION]
    check = tried_out(insert, card)
    assert check.signs is None
    assert check.expires_at is not None, "of its card-authentication key"


def test_card_that_does_not_know_its_new_pin(insert: Insert) -> None:
    assert tried_out(insert, FailingCard(card_of()), WRONG).signs is False


def test_pin_on_the_readers_keys_is_not_asked_for_again(insert: Insert) -> None:
    card = FailingCard(card_of())
    check = tried_out(insert, card, ON_PAD)
    assert check.signs is None
    assert check.expires_at is not None
    assert VERIFY not in [apdu[1] for apdu in card.apdus]


def test_other_pin_is_not_verified_by_an_earlier_verify(insert: Insert) -> None:
    """A card says yes to any PIN after VERIFY in some families: it is reset when it is held."""
    card = FailingCard(card_of())
    where = address(insert(card), card)
    cards_with().verify_pin(where, PIN)
    other = Sensitive("99999999")
    assert cards_with().hold(where, lambda held: held.try_out(other)).signs is False
