"""What hostile cards can make the drivers report, and what they cannot: a proof of the PIN."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hardware.card_access import PcscCards
from hardware.driver import Driver, load_driver
from hardware.virtual.link import Chip
from hardware.virtual.piv import VirtualCard, new_card
from kiosk.authority.crypto.card_keys import key_from, proves, verify_pin_proof
from kiosk.contract.errors import PinBlocked, PinWrong
from kiosk.contract.messages import CardChallenge, KeyKind, PinChallenge, PinProof, PinState
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from tests.hardware import certificates
from tests.hardware.drivers.openpgp_cards import ForeignCard
from tests.hardware.pkcs11.keys import TokenKey, put_keys
from tests.hardware.pkcs11.tokens import PIN as TOKEN_PIN
from tests.hardware.pkcs11.tokens import Token, new_token
from tests.support.gids_card import new_gids_card
from tests.support.hostile.copies import (
    THIEFS_ADMIN_KEY,
    THIEFS_PIN,
    THIEFS_PUK,
    Key,
    gids_copy,
    openpgp_copy,
    piv_copy,
    token_copy,
)
from tests.support.hostile.shims import GIDS_COUNTERS, OPENPGP_COUNTERS, KeyShim, VerifyShim
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

HOLDERS_PIN, ANY_PIN, THIEFS = Sensitive("482915"), Sensitive("135790"), Sensitive(THIEFS_PIN)
ASKED = PinChallenge(b"who knows the PIN?" + bytes(range(64)))
CARD_ASKED = CardChallenge(b"who are you?", KeyKind.P_256)


def cards_of(driver: Driver) -> PcscCards:
    return PcscCards([driver])


def at_reader(cards: PcscCards, insert: Insert, chip: Chip, slot: int = 0) -> CardAddress:
    reader = insert(chip, slot).reader
    return CardAddress(reader, cards.read(reader).card)


def stolen_card() -> VirtualCard:
    return new_card(holder_name="Asha Okafor", pin=HOLDERS_PIN.reveal(), blocked=True)


def counts(proof: PinProof | None) -> bool:
    return proof is not None and verify_pin_proof(proof.public_key, ASKED.message, proof.signature)


# --- shims -----------------------------------------------------------------------------


def test_a_shim_makes_a_blocked_card_take_any_pin_and_prove_itself(insert: Insert) -> None:
    stolen = stolen_card()
    shim = VerifyShim(stolen)
    cards = cards_of(load_driver("piv", "puk"))
    at = at_reader(cards, insert, shim)
    report = cards.read(at.reader)
    assert report.pin == PinState(blocked=False, tries_left=3)
    assert at.card.identifier == stolen.state.guid.hex()
    assert cards.verify_pin(at, ANY_PIN) is None
    proof = cards.hold(at, lambda card: card.prove(CARD_ASKED))
    key = key_from(report.certificate)
    assert key is not None
    assert proof is not None
    assert proves(key, CARD_ASKED, proof), "the card is the stolen one"


def test_a_shim_cannot_have_the_stolen_card_sign_for_a_pin(insert: Insert) -> None:
    shim = VerifyShim(stolen_card())
    cards = cards_of(load_driver("piv", "puk"))
    at = at_reader(cards, insert, shim)
    assert cards.verify_pin(at, ANY_PIN, ASKED) is None
    assert shim.verified == 1


def test_a_shim_with_a_key_signs_with_another_key_than_the_stolen_card(insert: Insert) -> None:
    stolen, own = stolen_card(), new_card(holder_name="Thief", pin=THIEFS_PIN)
    cards = cards_of(load_driver("piv", "puk"))
    at = at_reader(cards, insert, KeyShim(stolen, own))
    assert at.card.identifier == stolen.state.guid.hex()
    proof = cards.hold(at, lambda card: card.prove(CARD_ASKED))
    key = key_from(cards.read(at.reader).certificate)
    assert key is not None
    assert proof is not None
    assert proves(key, CARD_ASKED, proof)
    signed = cards.verify_pin(at, THIEFS, ASKED)
    assert counts(signed)
    genuine = new_card(holder_name="Asha Okafor", pin=HOLDERS_PIN.reveal(), guid=stolen.state.guid)
    genuine.state.keys.update(stolen.state.keys)
    genuine.state.objects.update(stolen.state.objects)
    holders = cards.verify_pin(at_reader(cards, insert, genuine, 1), HOLDERS_PIN, ASKED)
    assert counts(holders)
    assert signed is not None
    assert holders is not None
    assert signed.public_key != holders.public_key


@pytest.mark.parametrize("family", ["gids", "openpgp"])
def test_a_shim_does_the_same_to_the_other_families(
    insert: Insert, tmp_path: Path, family: str
) -> None:
    driver: Driver
    if family == "gids":
        driver, shim = (
            load_driver("gids", "admin-key"),
            VerifyShim(new_gids_card(blocked=True), GIDS_COUNTERS),
        )
    else:
        card = ForeignCard(tmp_path)
        card.generate_authentication_key()
        card.passwords.pin_data.pw1_retry_counter = 0
        driver, shim = load_driver("openpgp", "resetting-code"), VerifyShim(card, OPENPGP_COUNTERS)
    cards = cards_of(driver)
    at = at_reader(cards, insert, shim)
    assert cards.read(at.reader).pin == PinState(blocked=False, tries_left=3)
    assert cards.verify_pin(at, ANY_PIN, ASKED) is None
    assert shim.verified == 1


# --- copies ----------------------------------------------------------------------------


@pytest.mark.parametrize("card_key", Key)
@pytest.mark.parametrize("pin_key", Key)
def test_a_piv_copy_is_named_as_the_genuine_card_and_has_none_of_its_keys(
    insert: Insert, card_key: Key, pin_key: Key
) -> None:
    genuine = stolen_card()
    cards = cards_of(load_driver("piv", "puk"))
    copy = piv_copy(genuine, card_key=card_key, pin_key=pin_key)
    at = at_reader(cards, insert, copy)
    assert at.card.identifier == genuine.state.guid.hex()
    shown, theirs = (
        key_from(cards.read(reader).certificate)
        for reader in (at.reader, insert(genuine, 1).reader)
    )
    assert theirs is not None
    proof = cards.hold(at, lambda card: card.prove(CARD_ASKED))
    assert (shown == theirs) is (card_key is Key.SHOWN)
    assert proof is None or not proves(theirs, CARD_ASKED, proof)
    signed = cards.verify_pin(at, THIEFS, ASKED)
    assert counts(signed) is (pin_key is Key.OWN)
    with pytest.raises(PinWrong):
        cards.verify_pin(at, HOLDERS_PIN, ASKED)


@pytest.mark.parametrize("pin_key", [True, False])
def test_a_gids_copy_is_named_as_the_genuine_card(insert: Insert, pin_key: bool) -> None:
    own = rsa.generate_private_key(65537, 2048)
    genuine = new_gids_card(pin=HOLDERS_PIN.reveal(), containers=(own,))
    cards = cards_of(load_driver("gids", "admin-key"))
    theirs = at_reader(cards, insert, genuine)
    at = at_reader(cards, insert, gids_copy(genuine, pin_key=pin_key), 1)
    assert at.card == theirs.card
    holders = cards.verify_pin(theirs, HOLDERS_PIN, ASKED)
    signed = cards.verify_pin(at, THIEFS, ASKED)
    assert counts(holders)
    assert counts(signed) is pin_key
    assert holders is not None
    assert signed is None or signed.public_key != holders.public_key
    with pytest.raises(PinWrong):
        cards.verify_pin(at, HOLDERS_PIN)
    assert genuine.state.key.body != THIEFS_ADMIN_KEY


@pytest.mark.parametrize("pin_key", [True, False])
def test_an_openpgp_copy_is_named_as_the_genuine_card_and_signs_with_its_own_key(
    insert: Insert, tmp_path: Path, pin_key: bool
) -> None:
    genuine = ForeignCard(tmp_path / "genuine", serial=0x0A0B0C0D)
    genuine.generate_authentication_key()
    cards = cards_of(load_driver("openpgp", "resetting-code"))
    theirs = at_reader(cards, insert, genuine)
    at = at_reader(cards, insert, openpgp_copy(tmp_path / "copy", genuine, pin_key=pin_key), 1)
    assert at.card == theirs.card
    holders = cards.verify_pin(theirs, Sensitive("123456"), ASKED)
    signed = cards.verify_pin(at, THIEFS, ASKED)
    assert counts(holders)
    assert counts(signed) is pin_key
    assert holders is not None
    assert signed is None or signed.public_key != holders.public_key
    cards.hold(at, lambda card: card.unblock(Sensitive(THIEFS_PUK), HOLDERS_PIN))


def test_a_token_copy_is_named_as_the_genuine_token_and_signs_with_its_own_key(
    tmp_path: Path,
) -> None:
    genuine = new_token(tmp_path / "genuine")
    copy = token_copy(tmp_path / "copy", genuine)
    put_keys(genuine, TokenKey(certificates.key(7)))
    put_keys(copy, TokenKey(certificates.key(8)), pin=THIEFS)
    assert named(copy) == named(genuine) == genuine.at.card
    holders = genuine.cards().verify_pin(genuine.at, TOKEN_PIN, ASKED)
    signed = copy.cards().verify_pin(genuine.at, THIEFS, ASKED)
    assert counts(holders)
    assert counts(signed)
    assert holders is not None
    assert signed is not None
    assert holders.public_key != signed.public_key
    with pytest.raises(PinWrong):
        copy.cards().verify_pin(copy.at, TOKEN_PIN, ASKED)
    new = Sensitive("60514273")
    copy.cards().hold(copy.at, lambda held: held.unblock(Sensitive(THIEFS_PUK), new))


def named(token: Token) -> object:
    return token.cards().read(token.reader).card


def test_a_stolen_card_itself_stays_blocked(insert: Insert) -> None:
    cards = cards_of(load_driver("piv", "puk"))
    at = at_reader(cards, insert, stolen_card())
    with pytest.raises(PinBlocked):
        cards.verify_pin(at, HOLDERS_PIN, ASKED)
