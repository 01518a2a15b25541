"""A card proves itself with its card-authentication key, whatever kind of key that is."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from hardware.apdu import CommandApdu, ResponseApdu, encode
from hardware.connection import Chaining
from hardware.driver import CardSession, load_driver
from hardware.drivers.piv import PivSession
from hardware.virtual.piv import CERT_CARD_AUTHENTICATION, CardProfile, VirtualCard, new_card
from kiosk.contract.errors import CardMute
from kiosk.contract.messages import CardChallenge, KeyKind
from tests.hardware.fakes import Script, response

MESSAGE = b"sign this"
CHALLENGE = CardChallenge(MESSAGE, KeyKind.P_256)


class Bare:
    """A card without a reader."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card

    def send(self, command: CommandApdu) -> ResponseApdu:
        t0 = self._card.state.profile.t0
        return response(self._card.transmit(encode(command, t0=t0)).hex())


def session(card: VirtualCard) -> CardSession:
    opened = load_driver("piv", "puk").open(Chaining(Bare(card)))
    assert opened is not None
    return opened


def verify(certificate: bytes, signature: bytes) -> None:
    """Raise ``InvalidSignature`` unless the card signed ``MESSAGE`` as it should."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, MESSAGE, padding.PKCS1v15(), SHA256())
        return
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, MESSAGE)
        return
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, MESSAGE, ec.ECDSA(SHA384() if key.key_size == 384 else SHA256()))


@pytest.mark.parametrize("t0", [False, True])
@pytest.mark.parametrize("kind", KeyKind)
def test_kind_of_key_signs_on_a_blocked_card_without_a_pin(kind: KeyKind, t0: bool) -> None:
    card = new_card(holder_name="Ada Example", profile=CardProfile(key=kind, t0=t0), blocked=True)
    piv = session(card)
    certificate = piv.certificate()
    assert certificate is not None
    proof = piv.prove(CardChallenge(MESSAGE, kind))
    assert proof is not None
    verify(certificate, proof.signature)
    assert (card.state.pin.left, card.state.puk.left) == (0, 3)


def test_a_key_of_another_kind_is_no_such_key() -> None:
    card = new_card(holder_name="Ada Example", blocked=True)
    assert session(card).prove(CardChallenge(MESSAGE, KeyKind.P_384)) is None


def test_a_card_without_a_key_offers_none() -> None:
    card = new_card(holder_name="Ada Example", blocked=True)
    card.state.keys.clear()
    del card.state.objects[CERT_CARD_AUTHENTICATION]
    piv = session(card)
    assert piv.certificate() is None
    assert piv.prove(CHALLENGE) is None


@pytest.mark.parametrize("status", ["6a88", "6a86", "6a80", "6d00", "6982", "6f00", "63c2"])
def test_a_refusal_is_no_proof(status: str) -> None:
    card = Script(status)
    assert PivSession(card).prove(CHALLENGE) is None
    assert len(card.sent) == 1


@pytest.mark.parametrize("answer", ["", "7c", "7c00", "7c028200", "7c0382", "820101", "ff" * 40])
def test_an_answer_without_a_signature_proves_nothing(answer: str) -> None:
    proof = PivSession(Script(answer + "9000")).prove(CHALLENGE)
    assert proof is not None
    assert proof.signature == b""


def test_asking_for_a_proof_changes_nothing_and_may_be_lost() -> None:
    card = Script(CardMute("torn"))
    with pytest.raises(CardMute):
        PivSession(card).prove(CHALLENGE)
    assert not card.commands[0].changes_card
