"""``PcscCards`` on real APDUs: what it reports and does, on each make of card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from hardware import pcsc
from hardware.card_access import PcscCards
from hardware.connection import Exchange
from hardware.driver import load_driver
from hardware.virtual import piv
from hardware.virtual.piv import CardProfile, VirtualCard, new_card
from kiosk.contract.errors import (
    AuthorityUnavailable,
    CardSwapped,
    CardUnknown,
    PinBlocked,
    PinRefused,
    PinWrong,
)
from kiosk.contract.messages import CardChallenge, CardId, KeyKind, PinState
from kiosk.contract.ports import CardAddress, CardHold
from kiosk.contract.sensitive import Sensitive
from tests.hardware import certificates
from tests.hardware.failing import FailingCard, connect_shared, unblock
from tests.support.pcsc import Insert, Seat

pytestmark = pytest.mark.hardware

EXPIRES = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)
PIN, NEW, PUK, WRONG = (Sensitive(text) for text in ("482915", "60514273", "73918264", "11111111"))
NEW_PUK = Sensitive("50283746")
SECRETS = [secret.reveal() for secret in (PIN, NEW, PUK, WRONG)]

PROFILES = {
    "standard": CardProfile(),
    "T=0": CardProfile(t0=True),
    "T=0, short pieces": CardProfile(t0=True, piece=100),
    "pieces of 255": CardProfile(piece=255),
    "short name only": CardProfile(full_aid=False),
    "long name only": CardProfile(short_aid=False),
    "bare template": CardProfile(template_tag=False),
    "blocked is 63C0": CardProfile(blocked_status=0x63C0),
    "tells tries when verified": CardProfile(verified_answers_9000=False),
    "ten tries": CardProfile(pin_tries=10, puk_tries=10),
    "takes any PIN": CardProfile(accepts_any_new_pin=True),
    "wrong length is 6700": CardProfile(wrong_length_status=0x6700),
    "holds the PUK": CardProfile(holds_puk_validation=True),
    "tells tries of the PUK": CardProfile(metadata=True, puk_tries=5),
    "tells tries of the PUK, T=0": CardProfile(metadata=True, t0=True),
}


@pytest.fixture
def cards() -> PcscCards:
    return PcscCards([load_driver("piv", "puk")])


def make(profile: CardProfile = PROFILES["standard"], **more: object) -> VirtualCard:
    return new_card(holder_name="Ada Example", expires=EXPIRES, profile=profile, **more)  # type: ignore[arg-type]


def address(seat: Seat, card: VirtualCard) -> CardAddress:
    return CardAddress(seat.reader, CardId("piv", card.state.guid.hex()))


@pytest.mark.parametrize("name", PROFILES)
def test_a_card_of_each_make_lives_through_it_all(
    name: str, insert: Insert, cards: PcscCards
) -> None:
    profile = PROFILES[name]
    card = make(profile)
    big = certificates.der(expires=EXPIRES, filler=2000)
    card.state.objects[piv.CERT_PIV_AUTHENTICATION] = certificates.content(big)
    seat = insert(card)
    at = address(seat, card)
    report = cards.read(seat.reader)
    assert report.card == at.card
    assert report.pin == PinState(blocked=False, tries_left=profile.pin_tries)
    assert report.expires_at == EXPIRES
    assert report.secret_tries == (profile.puk_tries if profile.metadata else None)
    cards.verify_pin(at, PIN)
    for left in range(profile.pin_tries - 1, 0, -1):
        with pytest.raises(PinWrong) as wrong:
            cards.verify_pin(at, WRONG)
        assert wrong.value.tries_left == left
        assert cards.read(seat.reader).pin == PinState(blocked=False, tries_left=left)
    for _ in range(2):
        with pytest.raises(PinBlocked):
            cards.verify_pin(at, WRONG)
    assert cards.read(seat.reader).pin == PinState(blocked=True, tries_left=0)
    with pytest.raises(PinBlocked):
        cards.change_pin(at, PIN, NEW)
    with pytest.raises(PinWrong) as wrong:
        unblock(cards, at, WRONG, NEW)
    assert wrong.value.tries_left == profile.puk_tries - 1
    left_now = cards.read(seat.reader).secret_tries
    assert left_now == (profile.puk_tries - 1 if profile.metadata else None)
    unblock(cards, at, PUK, NEW)
    cards.verify_pin(at, NEW)
    with pytest.raises(PinWrong):
        cards.change_pin(at, PIN, NEW)
    cards.change_pin(at, NEW, PIN)
    cards.verify_pin(at, PIN)
    assert cards.read(seat.reader).pin.tries_left == profile.pin_tries


def test_a_card_is_held_for_several_acts(insert: Insert, cards: PcscCards) -> None:
    card = make()
    at = address(insert(card), card)

    def use(held: CardHold) -> str:
        held.unblock(PUK, NEW)
        held.change_secret(PUK, NEW_PUK)
        with pytest.raises(PinWrong):
            held.unblock(PUK, PIN)
        held.unblock(NEW_PUK, PIN)
        return "done"

    assert cards.hold(at, use) == "done"
    assert card.state.puk.body == NEW_PUK.reveal().encode()


def test_what_goes_wrong_within_a_hold_comes_out_of_it(insert: Insert, cards: PcscCards) -> None:
    card = make()
    at = address(insert(card), card)

    def away(_: CardHold) -> None:
        raise AuthorityUnavailable("away")

    with pytest.raises(AuthorityUnavailable):
        cards.hold(at, away)
    assert cards.read(at.reader).card == at.card


@pytest.mark.parametrize("profile", [CardProfile(t0=True), CardProfile(key=KeyKind.RSA_2048)])
def test_a_card_in_a_reader_proves_itself(
    profile: CardProfile, insert: Insert, cards: PcscCards
) -> None:
    card = make(profile)
    at = address(insert(card), card)
    challenge = CardChallenge(b"sign this", profile.key)
    proof = cards.hold(at, lambda held: held.prove(challenge))
    certificate = cards.read(at.reader).certificate
    assert proof is not None
    assert certificate is not None
    key = x509.load_der_x509_certificate(certificate).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(proof.signature, b"sign this", padding.PKCS1v15(), SHA256())
    else:
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(proof.signature, b"sign this", ec.ECDSA(SHA256()))


def test_a_blocked_puk(insert: Insert, cards: PcscCards) -> None:
    card = new_card(holder_name="Ada Example", blocked=True)
    seat = insert(card)
    card.state.puk.left = 1
    for _ in range(2):
        with pytest.raises(PinBlocked):
            unblock(cards, address(seat, card), WRONG, NEW)


def test_a_card_with_history(insert: Insert, cards: PcscCards) -> None:
    card = make(CardProfile(history=3))
    with pytest.raises(PinRefused, match="history"):
        unblock(cards, address(insert(card), card), PUK, PIN)


def test_no_pin_and_no_secret_reaches_another_card(insert: Insert, cards: PcscCards) -> None:
    mine, other = make(), make()
    seat = insert(other)
    at = address(seat, mine)
    attempts: list[Callable[[], object]] = [
        lambda: cards.verify_pin(at, PIN),
        lambda: cards.change_pin(at, PIN, NEW),
        lambda: unblock(cards, at, PUK, NEW),
        lambda: cards.hold(at, lambda card: card.change_secret(PUK, NEW_PUK)),
    ]
    for attempt in attempts:
        with pytest.raises(CardSwapped):
            attempt()
    assert {command.ins for command in other.received} == {0xA4, 0xCB}


def test_a_card_of_another_family_counts_as_swapped(insert: Insert, cards: PcscCards) -> None:
    card = make(CardProfile(full_aid=False, short_aid=False))
    seat = insert(card)
    with pytest.raises(CardSwapped):
        cards.verify_pin(address(seat, card), PIN)
    with pytest.raises(CardUnknown):
        cards.read(seat.reader)
    with pytest.raises(CardUnknown):
        cards.verify_pin(CardAddress(seat.reader, CardId("gids", "00")), PIN)


def test_a_card_without_a_guid_is_served_by_its_key(insert: Insert, cards: PcscCards) -> None:
    card = make(guid=bytes(16))
    seat = insert(card)
    report = cards.read(seat.reader)
    assert report.card.identifier.startswith("ca")
    unblock(cards, CardAddress(seat.reader, report.card), PUK, NEW)
    twin = make(guid=bytes(16))
    with pytest.raises(CardSwapped):
        unblock(cards, CardAddress(insert(twin, 1).reader, report.card), PUK, NEW)


def test_a_wrong_puk_is_wrong_on_a_card_that_still_holds_a_right_one(
    insert: Insert, cards: PcscCards
) -> None:
    """Another program proved the PUK and left the card as it was."""
    card = make(PROFILES["holds the PUK"])
    seat = insert(FailingCard(card))
    command = bytes.fromhex("002c008010") + PUK.reveal().encode() + NEW.reveal().encode()
    context = pcsc.establish()
    handle, protocol = connect_shared(context, seat.reader)
    for apdu in (bytes.fromhex("00a4040005a000000308"), command):
        assert pcsc.transmit(handle, protocol, apdu)[-2:] == b"\x90\x00"
    pcsc.disconnect(handle, reset=False)
    pcsc.release(context)
    with pytest.raises(PinWrong):
        unblock(cards, address(seat, card), WRONG, NEW)


@pytest.mark.parametrize("profile", [PROFILES["standard"], PROFILES["T=0"]])
def test_no_verified_pin_is_left_behind(
    insert: Insert, cards: PcscCards, profile: CardProfile
) -> None:
    card = make(profile)
    seat = insert(card)
    cards.verify_pin(address(seat, card), PIN)
    seen: list[Exchange] = []
    PcscCards([load_driver("piv", "puk")], trace=seen.append).read(seat.reader)
    asked = [exchange.status for exchange in seen if exchange.header.ins == 0x20]
    assert asked == [0x63C3]


def test_the_expiry_comes_from_the_chuid_where_there_is_no_certificate(
    insert: Insert, cards: PcscCards
) -> None:
    card = make()
    card.state.objects.pop(piv.CERT_PIV_AUTHENTICATION)
    card.state.objects[piv.CERT_CARD_AUTHENTICATION] = b"\x70\x01\x00"
    seat = insert(card)
    assert cards.read(seat.reader).expires_at == datetime(2031, 2, 4, tzinfo=UTC)


@pytest.mark.parametrize("profile", [PROFILES["standard"], PROFILES["T=0"]])
def test_a_trace_of_everything_holds_no_secret(
    insert: Insert, profile: CardProfile, tmp_path: Path
) -> None:
    log = tmp_path / "apdu.log"
    with log.open("w") as file:
        cards = PcscCards(
            [load_driver("piv", "puk")],
            trace=lambda exchange: print(repr(exchange), exchange, file=file),
        )
        card = make(replace(profile, history=1))
        seat = insert(card)
        at = address(seat, card)
        cards.read(seat.reader)
        cards.verify_pin(at, PIN)
        with pytest.raises(PinWrong):
            unblock(cards, at, WRONG, NEW)
        with pytest.raises(PinRefused):
            unblock(cards, at, PUK, PIN)
        cards.change_pin(at, PIN, NEW)
    text = log.read_text()
    assert "a00000030800001000" in text
    for secret in SECRETS:
        assert secret not in text
        assert secret.encode().hex() not in text
        assert str(list(secret.encode()))[1:-1] not in text
