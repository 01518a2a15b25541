"""The authentication key of an OpenPGP card: read, used after VERIFY, and never replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hardware.apdu import CommandApdu, ResponseApdu, encode
from hardware.card_access import PcscCards
from hardware.driver import PinKey, load_driver
from hardware.drivers.openpgp import OpenPgpSession, Secret
from hardware.tlv import make
from kiosk.authority.crypto.card_keys import certifies, verify_pin_proof
from kiosk.contract.errors import PinWrong
from kiosk.contract.messages import RSA_KINDS, KeyKind, PinChallenge
from kiosk.contract.ports import CardAddress
from kiosk.contract.sensitive import Sensitive
from tests.hardware import certificates
from tests.hardware.drivers.openpgp_cards import ED25519, RSA_2048, ForeignCard
from tests.hardware.fakes import Card, response
from tests.support.pcsc import Insert

PIN, WRONG = Sensitive("123456"), Sensitive("999999")
MESSAGE = b"this is my PIN" + bytes(range(100))
CHALLENGE = PinChallenge(MESSAGE)
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

OIDS = {
    KeyKind.P_256: "132a8648ce3d030107",
    KeyKind.P_384: "132b81040022",
    KeyKind.ED25519: "162b06010401da470f01",
}
SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SIZES = {kind: size for size, kind in RSA_KINDS.items()}


@cache
def made(kind: KeyKind) -> Private:
    if kind in SIZES:
        return rsa.generate_private_key(65537, SIZES[kind])
    if kind is KeyKind.ED25519:
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if kind is KeyKind.P_256 else ec.SECP384R1())


def template(key: Private) -> bytes:
    """What the card answers to the question for its public key."""
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.public_key().public_numbers().n.to_bytes(key.key_size // 8)
        return make(0x7F49, make(0x81, n) + make(0x82, b"\x01\x00\x01"))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return make(0x7F49, make(0x86, key.public_key().public_bytes_raw()))
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return make(0x7F49, make(0x86, point))


def attributes(kind: KeyKind) -> bytes:
    if kind in SIZES:
        return b"\x01" + SIZES[kind].to_bytes(2) + b"\x00\x20\x00"
    return bytes.fromhex(OIDS[kind])


@dataclass
class Application:
    """The part of an OpenPGP card that has to do with its authentication key."""

    key: Private
    attributes: bytes
    certificate: bytes = b""
    template: bytes | None = None
    verified: bool = False
    sent: list[str] = field(default_factory=list)

    def send(self, command: CommandApdu) -> ResponseApdu:
        self.sent.append(encode(command, t0=False).hex())
        answer = self._answer(command)
        return response(answer if isinstance(answer, str) else answer.hex() + "9000")

    def _answer(self, command: CommandApdu) -> bytes | str:
        header = bytes(command.header).hex()
        match header:
            case "00ca006e":
                inner = make(0xC0, bytes(10)) + make(0xC1, b"\x01") + make(0xC3, self.attributes)
                return make(0x6E, make(0x4F, bytes(16)) + make(0x73, inner))
            case "00ca00c4":
                return bytes.fromhex("017f7f7f030303")
            case "00ca7f21":
                return self.certificate
            case "00478100":
                assert command.body == b"\xa4\x00"
                return template(self.key) if self.template is None else self.template
            case "00200082":
                self.verified = True
                return b""
            case "00880000":
                return self._sign(command.body) if self.verified else "6982"
            case _:
                return "6a88"

    def _sign(self, data: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            assert data.startswith(SHA256_INFO)
            prehashed = utils.Prehashed(SHA256())
            return self.key.sign(data[len(SHA256_INFO) :], padding.PKCS1v15(), prehashed)
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(data)
        size = self.key.key_size // 8
        hashed = SHA256() if size == 32 else SHA384()
        der = self.key.sign(data, ec.ECDSA(utils.Prehashed(hashed)))
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(size) + s.to_bytes(size)


def session(card: Application | Card) -> OpenPgpSession:
    return OpenPgpSession(card, Secret.ADMIN_PIN)


@pytest.mark.parametrize("kind", KeyKind)
def test_kind_of_key_signs_after_verify(kind: KeyKind) -> None:
    card = Application(made(kind), attributes(kind))
    pgp = session(card)
    key = pgp.pin_key()
    assert key is not None
    assert key.kind is kind
    assert key.certificate is None
    assert pgp.sign_with_pin_key(key, CHALLENGE) is None, "not before VERIFY"
    pgp.verify_pin(PIN)
    signature = pgp.sign_with_pin_key(key, CHALLENGE)
    assert signature is not None
    assert verify_pin_proof(key.public_key, MESSAGE, signature)


def test_no_command_ever_makes_another_key() -> None:
    card = Application(made(KeyKind.P_256), attributes(KeyKind.P_256))
    session(card).pin_key()
    asked = [apdu for apdu in card.sent if apdu[2:4] == "47"]
    assert asked == ["0047810002a40000"]


@pytest.mark.parametrize("ending", ["", "ff", "00"])
@pytest.mark.parametrize("curve", ["162b06010401da470f01", "162b6570"])
def test_a_curve_is_known_by_each_of_its_names(curve: str, ending: str) -> None:
    card = Application(made(KeyKind.ED25519), bytes.fromhex(curve + ending))
    key = session(card).pin_key()
    assert key is not None
    assert key.kind is KeyKind.ED25519


def test_a_key_may_be_written_as_openpgp_does() -> None:
    private = made(KeyKind.ED25519)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    native = make(0x7F49, make(0x86, b"\x40" + private.public_key().public_bytes_raw()))
    card = Application(private, attributes(KeyKind.ED25519), template=native)
    plain = Application(private, attributes(KeyKind.ED25519))
    assert session(card).pin_key() == session(plain).pin_key()


def test_a_plain_key_that_begins_as_openpgp_writes_one_is_read_in_full() -> None:
    """One in 256 does."""
    plain, other = b"\x40" + bytes(range(31)), b"\x41" + bytes(range(32))
    card = Application(made(KeyKind.ED25519), attributes(KeyKind.ED25519))
    card.template = make(0x7F49, make(0x86, plain))
    key = session(card).pin_key()
    assert key is not None
    assert key.public_key.endswith(plain)
    card.template = make(0x7F49, make(0x86, other))
    assert session(card).pin_key() is None


def test_the_certificate_goes_along_where_it_is_of_this_key() -> None:
    certificate = certificates.der(7)
    mine = Application(certificates.key(7), attributes(KeyKind.P_256), certificate)
    key = session(mine).pin_key()
    assert key is not None
    assert key.certificate == certificate
    assert certifies(key.certificate, key.public_key)
    other = Application(certificates.key(7), attributes(KeyKind.P_256), certificates.der(8))
    assert session(other).pin_key() == PinKey(KeyKind.P_256, key.public_key)


@pytest.mark.parametrize(
    ("attributes", "template"),
    [
        (b"", None),
        (bytes.fromhex("132b8104000a"), None),
        (bytes.fromhex("122b060104019755010501"), None),
        (attributes(KeyKind.P_384), None),
        (attributes(KeyKind.ED25519), None),
        (attributes(KeyKind.RSA_2048), None),
        (attributes(KeyKind.P_256), b""),
        (attributes(KeyKind.P_256), make(0x7F49, b"")),
        (attributes(KeyKind.P_256), make(0x7F49, make(0x86, b"\x04" + bytes(64)))),
        (attributes(KeyKind.RSA_2048), make(0x7F49, make(0x81, bytes(256)) + make(0x82, b"\x03"))),
        (attributes(KeyKind.RSA_2048), make(0x7F49, make(0x81, b"\xff" * 65))),
    ],
)
def test_what_cannot_be_checked_is_no_key(attributes: bytes, template: bytes | None) -> None:
    card = Application(made(KeyKind.P_256), attributes, template=template)
    assert session(card).pin_key() is None


@pytest.mark.parametrize("answer", ["6a88", "6982", "6d00", "9000", "ff" * 63 + "9000"])
def test_an_answer_that_is_no_signature_is_none(answer: str) -> None:
    key = PinKey(KeyKind.P_256, b"")
    assert session(Card({"0088": answer})).sign_with_pin_key(key, CHALLENGE) is None


# --- a card that others wrote, through pcscd -------------------------------------------


@pytest.mark.hardware
@pytest.mark.parametrize("kind", [ED25519, RSA_2048])
def test_a_card_of_others_signs_after_verify(insert: Insert, tmp_path: Path, kind: str) -> None:
    card = ForeignCard(tmp_path)
    card.generate_authentication_key(kind)
    cards = PcscCards([load_driver("openpgp", Secret.RESETTING_CODE)])
    reader = insert(card).reader
    at = CardAddress(reader, cards.read(reader).card)
    proof = cards.verify_pin(at, PIN, CHALLENGE)
    assert proof is not None
    assert verify_pin_proof(proof.public_key, MESSAGE, proof.signature)
    assert cards.verify_pin(at, PIN, PinChallenge(b"another")) is not None
    with pytest.raises(PinWrong):
        cards.verify_pin(at, WRONG, CHALLENGE)


@pytest.mark.hardware
def test_a_card_of_others_without_a_key_verifies_the_pin(insert: Insert, tmp_path: Path) -> None:
    card = ForeignCard(tmp_path)
    cards = PcscCards([load_driver("openpgp", Secret.RESETTING_CODE)])
    reader = insert(card).reader
    at = CardAddress(reader, cards.read(reader).card)
    assert cards.verify_pin(at, PIN, CHALLENGE) is None
    assert len(card.spent()) == 1
