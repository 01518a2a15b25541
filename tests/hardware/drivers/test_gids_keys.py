"""A GIDS card signs with a container's key directly after VERIFY, through pcscd."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from hardware.card_access import PcscCards
from hardware.driver import PinKey, load_driver
from hardware.drivers.gids import GidsSession
from kiosk.authority.crypto.card_keys import verify_pin_proof
from kiosk.contract.errors import PinBlocked, PinWrong
from kiosk.contract.messages import CardId, KeyKind, PinChallenge, PinProof
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from tests.hardware.fakes import Card
from tests.support.clients import Clients
from tests.support.gids_card import GidsCard, GidsProfile, new_gids_card
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware

PIN, WRONG = Sensitive("482915"), Sensitive("111111")
CHALLENGE = PinChallenge(b"this is my PIN" + bytes(range(100)))
VERIFY, CHOOSE, SIGN = 0x20, 0x22, 0x2A


@cache
def key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def card(*bits: int, t0: bool = False) -> GidsCard:
    containers = tuple(key(each) for each in bits)
    profile = GidsProfile(t0=t0)
    return new_gids_card(pin=PIN.reveal(), containers=containers, profile=profile)


def verify(
    insert: Insert,
    made: GidsCard,
    pin: Sensitive = PIN,
    challenge: PinChallenge | None = CHALLENGE,
    slot: int = 0,
) -> PinProof | None:
    at = CardAddress(insert(made, slot).reader, CardId("gids", made.state.card_id.hex()))
    return PcscCards([load_driver("gids", "admin-key")]).verify_pin(at, pin, challenge)


@pytest.mark.parametrize("t0", [False, True], ids=["T=1", "T=0"])
@pytest.mark.parametrize("bits", [2048, 3072])
def test_a_container_signs_after_verify(insert: Insert, bits: int, t0: bool) -> None:
    made = card(bits, t0=t0)
    proof = verify(insert, made)
    assert proof is not None
    assert verify_pin_proof(proof.public_key, CHALLENGE.message, proof.signature)
    assert proof.certificate is None
    done = [command.ins for command in made.received]
    assert done[done.index(VERIFY) :] == [VERIFY, CHOOSE, SIGN]


def test_the_first_key_that_can_be_checked_is_taken(insert: Insert) -> None:
    made = new_gids_card(pin=PIN.reveal(), containers=(key(1024), key(2048)))
    first = verify(insert, made)
    assert first is not None
    proof = verify(insert, card(2048), slot=1)
    assert proof is not None
    assert proof.public_key == first.public_key


def test_a_card_without_a_key_verifies_the_pin(insert: Insert) -> None:
    made = card()
    assert verify(insert, made) is None
    assert [command.ins for command in made.received].count(VERIFY) == 1


def test_nothing_is_signed_where_nothing_is_asked(insert: Insert) -> None:
    made = card(2048)
    assert verify(insert, made, challenge=None) is None
    assert SIGN not in [command.ins for command in made.received]


def test_a_wrong_pin_is_never_signed_for(insert: Insert) -> None:
    made = card(2048)
    with pytest.raises(PinWrong) as wrong:
        verify(insert, made, WRONG)
    assert wrong.value.tries_left == made.state.pin.left == 2
    blocked = card(2048)
    blocked.state.pin.left = 0
    with pytest.raises(PinBlocked):
        verify(insert, blocked, slot=1)


@pytest.mark.parametrize("status", ["6a80", "6a88", "6982", "6d00", "6f00"])
def test_a_card_that_does_not_sign_gives_no_signature(status: str) -> None:
    asked = PinKey(KeyKind.RSA_2048, b"", reference=0x81)
    for table in ({"0022": status}, {"0022": "9000", "002a": status}, {"0022": "9000"}):
        session = GidsSession(Card(table))
        assert session.sign_with_pin_key(asked, CHALLENGE) is None


def test_opensc_signs_with_the_same_key(insert: Insert, clients: Clients, tmp_path: Path) -> None:
    """OpenSC was not written for this card: what it asks for is what others ask for."""
    made = card(2048)
    reader = insert(made).reader
    digest, signed = tmp_path / "digest", tmp_path / "signed"
    digest.write_bytes(sha256(CHALLENGE.message).digest())
    done = clients.opensc(
        "pkcs15-crypt", reader, "--sign", "--pkcs1", "--sha-256", "--raw", "--pin", PIN.reveal(),
        "--input", str(digest), "--output", str(signed),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    key(2048).public_key().verify(
        signed.read_bytes(), CHALLENGE.message, padding.PKCS1v15(), SHA256()
    )
    mine = [command for command in made.received if command.ins == CHOOSE]
    verify(insert, other := card(2048), slot=1)
    others = [command for command in other.received if command.ins == CHOOSE]
    assert mine[0].data == others[0].data
