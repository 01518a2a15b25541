"""The card signs directly after VERIFY, in one hold: PIV cards through pcscd."""

from __future__ import annotations

import gzip
import secrets
from copy import copy
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hardware.tlv import make as tlv
from hardware.virtual import piv
from hardware.virtual.chip import read
from hardware.virtual.piv import (
    SLOT_CARD_AUTHENTICATION,
    SLOT_PIV_AUTHENTICATION,
    CardProfile,
    CardState,
    VirtualCard,
    new_card,
)
from kiosk.authority.crypto.card_keys import certifies, verify_pin_proof
from kiosk.contract.errors import PinBlocked, PinWrong
from kiosk.contract.messages import KeyKind, PinChallenge, PinProof
from kiosk.contract.sensitive import Sensitive
from tests.authority.attesting import Maker
from tests.authority.card_in_reader import unsupported_certificate
from tests.hardware.failing import (
    PATIENT,
    PIN,
    SOON,
    VERIFY,
    FailingCard,
    address,
    answers,
    cards_with,
)
from tests.hardware.keying import ON_PAD
from tests.support.faults import Hang, pulled_out
from tests.support.pad import Pad
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

WRONG = Sensitive("11111111")
SIGN = 0x87
ATTEST = 0xF9


def challenge() -> PinChallenge:
    return PinChallenge(b"this is my PIN" + secrets.token_bytes(64))


@cache
def made(kind: KeyKind) -> CardState:
    """A card of which others are copies: large RSA keys take seconds to generate."""
    return new_card(
        holder_name="Ada Example", pin=PIN.reveal(), profile=CardProfile(key=kind)
    ).state


def card_of(
    kind: KeyKind = KeyKind.P_256, *, t0: bool = False, metadata: bool = False
) -> VirtualCard:
    state, profile = made(kind), CardProfile(key=kind, t0=t0, metadata=metadata)
    mine = {"objects": dict(state.objects), "keys": dict(state.keys), "pin": copy(state.pin)}
    return VirtualCard(replace(state, profile=profile, **mine))  # type: ignore[arg-type]


def counts(proof: PinProof | None, asked: PinChallenge) -> bool:
    return proof is not None and verify_pin_proof(proof.public_key, asked.message, proof.signature)


@pytest.mark.parametrize("t0", [False, True], ids=["T=1", "T=0"])
@pytest.mark.parametrize("kind", KeyKind)
def test_kind_of_key_signs_after_verify(insert: Insert, kind: KeyKind, t0: bool) -> None:
    card = FailingCard(card_of(kind, t0=t0))
    seat = insert(card)
    asked = challenge()
    proof = cards_with().verify_pin(address(seat, card), PIN, asked)
    assert counts(proof, asked)
    assert not counts(proof, challenge())
    assert proof is not None
    assert proof.certificate is not None
    assert certifies(proof.certificate, proof.public_key)
    told = read(card.card.state.objects[piv.CERT_PIV_AUTHENTICATION])
    assert proof.certificate == told[0x70]
    asked_for = [apdu[1] for apdu in card.apdus]
    verified = asked_for.index(VERIFY)
    assert asked_for[verified + 1] == SIGN, "nothing comes between VERIFY and the signature"


@pytest.mark.parametrize("kind", KeyKind)
def test_a_key_without_a_certificate_is_read_from_the_metadata(
    insert: Insert, kind: KeyKind
) -> None:
    card = FailingCard(card_of(kind, metadata=True))
    del card.card.state.objects[piv.CERT_PIV_AUTHENTICATION]
    asked = challenge()
    proof = cards_with().verify_pin(address(insert(card), card), PIN, asked)
    assert counts(proof, asked)
    assert proof is not None
    assert proof.certificate is None


def with_attestation(card: VirtualCard) -> Maker:
    maker = Maker()
    its = maker.certify(is_ca=True)
    card.state.attesting = (maker.slot_f9, its)
    card.state.objects[piv.CERT_ATTESTATION] = piv.certificate(its)
    return maker


def test_a_card_attests_its_key_before_verify_where_that_is_asked_for(insert: Insert) -> None:
    card = FailingCard(card_of())
    maker = with_attestation(card.card)
    asked = PinChallenge(challenge().message, attest=True)
    proof = cards_with().verify_pin(address(insert(card), card), PIN, asked)
    assert counts(proof, asked)
    assert proof is not None
    shown = proof.attestation
    assert shown is not None
    now = maker.root.own.not_valid_before_utc + timedelta(days=1)
    assert maker.roots.attest_pin(shown.attested, shown.attesting, proof.public_key, now)
    asked_for = [apdu[1] for apdu in card.apdus]
    verified = asked_for.index(VERIFY)
    assert ATTEST in asked_for[:verified]
    assert asked_for[verified + 1] == SIGN, "nothing comes between VERIFY and the signature"


@pytest.mark.parametrize("asked_for", [True, False])
def test_a_card_that_attests_nothing_proves_its_pin_as_before(
    insert: Insert, asked_for: bool
) -> None:
    card = FailingCard(card_of())
    if not asked_for:
        with_attestation(card.card)
    asked = PinChallenge(challenge().message, attest=asked_for)
    proof = cards_with().verify_pin(address(insert(card), card), PIN, asked)
    assert counts(proof, asked)
    assert proof is not None
    assert proof.attestation is None
    assert ATTEST not in [apdu[1] for apdu in card.apdus]


def test_a_certificate_may_be_compressed(insert: Insert) -> None:
    card = FailingCard(card_of())
    told = read(card.card.state.objects[piv.CERT_PIV_AUTHENTICATION])
    packed = tlv(0x70, gzip.compress(told[0x70])) + tlv(0x71, b"\x01") + tlv(0xFE, b"")
    card.card.state.objects[piv.CERT_PIV_AUTHENTICATION] = packed
    asked = challenge()
    proof = cards_with().verify_pin(address(insert(card), card), PIN, asked)
    assert counts(proof, asked)
    assert proof is not None
    assert proof.certificate == told[0x70]


def without_key(card: VirtualCard) -> None:
    del card.state.keys[SLOT_PIV_AUTHENTICATION]


def without_certificate(card: VirtualCard) -> None:
    del card.state.objects[piv.CERT_PIV_AUTHENTICATION]


def with_a_broken_certificate(card: VirtualCard) -> None:
    card.state.objects[piv.CERT_PIV_AUTHENTICATION] = tlv(0x70, b"\x30\x03\x01")


def with_an_unknown_kind(card: VirtualCard) -> None:
    certificate = tlv(0x70, unsupported_certificate())
    card.state.objects[piv.CERT_PIV_AUTHENTICATION] = certificate


@pytest.mark.parametrize(
    "make", [without_key, without_certificate, with_a_broken_certificate, with_an_unknown_kind]
)
def test_a_card_without_such_a_key_verifies_the_pin(insert: Insert, make: object) -> None:
    assert callable(make)
    card = FailingCard(card_of())
    make(card.card)
    assert cards_with().verify_pin(address(insert(card), card), PIN, challenge()) is None
    assert card.count(VERIFY) == 1


def test_nothing_is_signed_where_nothing_is_asked(insert: Insert) -> None:
    card = FailingCard(card_of())
    assert cards_with().verify_pin(address(insert(card), card), PIN) is None
    assert card.count(SIGN) == 0


def test_a_key_that_signs_before_verify_is_no_proof(insert: Insert) -> None:
    """Some cards let their owner make a key that needs no PIN."""
    card = FailingCard(card_of())
    state = card.card.state
    # The key of slot 9E, which the virtual card uses without a PIN, answers for slot 9A.
    state.keys[SLOT_PIV_AUTHENTICATION] = state.keys[SLOT_CARD_AUTHENTICATION]
    state.objects[piv.CERT_PIV_AUTHENTICATION] = state.objects[piv.CERT_CARD_AUTHENTICATION]

    def free(chip: object, command: bytes) -> bytes:
        return card.card.transmit(command[:3] + bytes((SLOT_CARD_AUTHENTICATION,)) + command[4:])

    card.fail({SIGN: free})
    assert cards_with().verify_pin(address(insert(card), card), PIN, challenge()) is None
    assert card.count(VERIFY) == 1


def test_key_that_signs_32_bytes_alone_before_verify_is_no_proof(insert: Insert) -> None:
    """Before: such a key refused what was asked for before VERIFY, for its length alone."""
    card = FailingCard(card_of(KeyKind.ED25519))
    key = card.card.state.keys[SLOT_PIV_AUTHENTICATION]
    assert isinstance(key, Ed25519PrivateKey)

    def free(_chip: object, command: bytes) -> bytes:
        message = read(read(command[5 : 5 + command[4]])[0x7C])[0x81]
        if len(message) != 32:
            return b"\x6a\x80"
        return tlv(0x7C, tlv(0x82, key.sign(message))) + b"\x90\x00"

    card.fail({SIGN: free})
    asked = PinChallenge(secrets.token_bytes(32))
    assert cards_with().verify_pin(address(insert(card), card), PIN, asked) is None
    assert card.count(VERIFY) == 1


def test_a_pin_that_another_program_verified_does_not_matter(insert: Insert) -> None:
    card = FailingCard(card_of())
    seat = insert(card)
    select = bytes.fromhex("00a4040005a000000308")
    verify = bytes.fromhex("0020008008") + PIN.reveal().encode().ljust(8, b"\xff")
    assert card.transmit(select)[-2:] == card.transmit(verify)[-2:] == b"\x90\x00"
    asked = challenge()
    assert counts(cards_with().verify_pin(address(seat, card), PIN, asked), asked)


def test_a_wrong_and_a_blocked_pin_are_never_signed_for(insert: Insert) -> None:
    card = FailingCard(card_of())
    at = address(insert(card), card)
    cards = cards_with()
    for left in (2, 1):
        with pytest.raises(PinWrong) as wrong:
            cards.verify_pin(at, WRONG, challenge())
        assert wrong.value.tries_left == left
    for _ in range(2):
        with pytest.raises(PinBlocked):
            cards.verify_pin(at, WRONG, challenge())
    assert card.card.state.pin.left == 0


def after_verify(card: FailingCard, fault: object) -> None:
    """Have GENERAL AUTHENTICATE fail from the next VERIFY on."""

    def verify(_chip: object, command: bytes) -> bytes:
        answer = card.card.transmit(command)
        card.fail({SIGN: fault})  # type: ignore[dict-item]
        return answer

    card.fail({VERIFY: verify})


@pytest.mark.parametrize(
    "fault",
    [answers("6982"), answers("6f00"), answers("6300"), answers("63c0"), answers("6a80"),
     answers("7c00"), pulled_out(done=False)],
    ids=["6982", "6f00", "6300", "63c0", "6a80", "no status", "pulled out"],
)  # fmt: skip
def test_a_card_that_does_not_sign_has_verified_the_pin(insert: Insert, fault: object) -> None:
    card = FailingCard(card_of())
    seat = insert(card)
    after_verify(card, fault)
    assert cards_with(PATIENT).verify_pin(address(seat, card), PIN, challenge()) is None
    assert card.card.state.pin.left == 3


def test_a_card_that_hangs_over_the_signature_has_verified_the_pin(insert: Insert) -> None:
    card, hang = FailingCard(card_of()), Hang()
    seat = insert(card)
    after_verify(card, hang)
    assert cards_with(SOON).verify_pin(address(seat, card), PIN, challenge()) is None
    assert hang.reached.is_set()
    hang.release()


@pytest.mark.parametrize("answer", ["9000", "7c009000", "7c0282009000", "ff" * 40 + "9000"])
def test_an_answer_that_is_no_signature_proves_nothing(insert: Insert, answer: str) -> None:
    card = FailingCard(card_of())
    seat = insert(card)
    after_verify(card, answers(answer))
    asked = challenge()
    assert not counts(cards_with().verify_pin(address(seat, card), PIN, asked), asked)


def test_a_pin_on_the_readers_keys_is_proven_too(insert: Insert, pad: Pad) -> None:
    card = FailingCard(card_of())
    at = address(insert(card), card)
    pad.types(PIN.reveal())
    asked = challenge()
    assert counts(cards_with().verify_pin(at, ON_PAD, asked), asked)
