"""A token signs directly after C_Login, with a key that needs the login."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, AttributeTypeInvalid, Mechanism, ObjectClass

from hardware.pkcs11.signer import Signer
from kiosk.authority.crypto.card_keys import certifies, verify_pin_proof
from kiosk.contract.errors import PinWrong
from kiosk.contract.messages import PinChallenge, PinProof
from tests.hardware import certificates
from tests.hardware.pkcs11.keys import Private, TokenKey, put_keys
from tests.hardware.pkcs11.tokens import PIN, WRONG, Token, faulty_module, refusing_module

CHALLENGE = PinChallenge(b"this is my PIN" + bytes(range(100)))
KINDS = ["RSA-2048", "RSA-3072", "P-256", "P-384"]


@cache
def made(kind: str) -> Private:
    if kind.startswith("RSA"):
        return rsa.generate_private_key(65537, int(kind[4:]))
    return ec.generate_private_key(ec.SECP256R1() if kind == "P-256" else ec.SECP384R1())


def counts(proof: PinProof | None) -> bool:
    return proof is not None and verify_pin_proof(
        proof.public_key, CHALLENGE.message, proof.signature
    )


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_key_signs_after_the_login(token: Token, kind: str) -> None:
    put_keys(token, TokenKey(made(kind)))
    proof = token.cards().verify_pin(token.at, PIN, CHALLENGE)
    assert counts(proof)
    assert proof is not None
    assert proof.certificate is None


def test_the_certificate_of_the_key_goes_along(token: Token) -> None:
    certificate = certificates.der(7)
    key = TokenKey(certificates.key(7), certificate=certificate, public_object=False)
    put_keys(token, key)
    proof = token.cards().verify_pin(token.at, PIN, CHALLENGE)
    assert counts(proof)
    assert proof is not None
    assert proof.certificate == certificate
    assert certifies(certificate, proof.public_key)


def test_of_several_keys_it_is_always_the_same(token: Token) -> None:
    strange = TokenKey(made("P-256"), "00", public_object=False)
    put_keys(token, TokenKey(made("P-384"), "02"), strange, TokenKey(made("P-256"), "01"))
    proofs = [token.cards().verify_pin(token.at, PIN, CHALLENGE) for _ in range(2)]
    assert all(map(counts, proofs))
    assert len({proof.public_key for proof in proofs if proof}) == 1


KEY = TokenKey(made("P-256"))
USELESS: dict[str, Callable[[], TokenKey | None]] = {
    "none": lambda: None,
    "no public key": lambda: replace(KEY, public_object=False),
    "not private": lambda: replace(KEY, more={"PRIVATE": False}),
    "does not sign": lambda: replace(KEY, more={"SIGN": False}),
    "a PIN for each use": lambda: replace(KEY, more={"ALWAYS_AUTHENTICATE": True}),
    "an unknown size": lambda: TokenKey(rsa.generate_private_key(65537, 1024)),
}


@pytest.mark.parametrize("what", USELESS)
def test_a_token_without_such_a_key_verifies_the_pin(token: Token, what: str) -> None:
    key = USELESS[what]()
    if key is not None:
        put_keys(token, key)
    assert token.cards().verify_pin(token.at, PIN, CHALLENGE) is None
    with pytest.raises(PinWrong):
        token.cards().verify_pin(token.at, WRONG, CHALLENGE)


def test_nothing_is_signed_where_nothing_is_asked(token: Token) -> None:
    put_keys(token, KEY)
    assert token.cards().verify_pin(token.at, PIN) is None


def test_a_wrong_pin_is_never_signed_for(token: Token) -> None:
    put_keys(token, KEY)
    with pytest.raises(PinWrong):
        token.cards().verify_pin(token.at, WRONG, CHALLENGE)


@pytest.mark.parametrize("aborts", [False, True], ids=["sleeps", "aborts"])
def test_a_module_that_fails_over_the_signature_has_verified_the_pin(
    token: Token, tmp_path: Path, aborts: bool
) -> None:
    put_keys(token, KEY)
    module = faulty_module(tmp_path, "C_Sign", aborts=aborts)
    cards = token.cards(module, answer_s=20.0 if aborts else 2.5)
    assert cards.verify_pin(token.at, PIN, CHALLENGE) is None


def test_a_module_that_does_not_sign_has_verified_the_pin(token: Token, tmp_path: Path) -> None:
    put_keys(token, KEY)
    cards = token.cards(refusing_module(tmp_path, "C_Sign"))
    assert cards.verify_pin(token.at, PIN, CHALLENGE) is None


# --- a token that SoftHSM cannot play ----------------------------------------------------


class Object(dict[Any, Any]):
    """An object of a token; what it does not have, it does not reveal."""

    def __missing__(self, which: object) -> Any:
        raise AttributeTypeInvalid

    def sign(self, data: bytes, mechanism: Mechanism) -> bytes:
        assert mechanism is Mechanism.ECDSA
        signed = self["private"].sign(data, ec.ECDSA(Prehashed(SHA256())))
        return b"".join(number.to_bytes(32) for number in decode_dss_signature(signed))


@dataclass(frozen=True)
class Showing:
    """A token that shows some of its private keys before the login."""

    keys: Mapping[bytes, ec.EllipticCurvePrivateKey]
    shown: Collection[bytes]
    logged_in: bool = False

    def open(self, *, rw: bool, user_pin: str | None = None) -> Showing:
        return replace(self, logged_in=user_pin is not None)

    def close(self) -> None:
        """A session of it, too."""

    def get_objects(self, wanted: Mapping[Attribute, Any]) -> list[Object]:
        if wanted[Attribute.CLASS] is ObjectClass.PRIVATE_KEY:
            names = [name for name in self.keys if self.logged_in or name in self.shown]
            return [Object({Attribute.ID: name, "private": self.keys[name]}) for name in names]
        if wanted[Attribute.CLASS] is not ObjectClass.PUBLIC_KEY:
            return []
        public = self.keys[wanted[Attribute.ID]].public_key()
        point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        curve = bytes.fromhex("06082a8648ce3d030107")
        return [Object({Attribute.EC_PARAMS: curve, Attribute.EC_POINT: point})]


@pytest.mark.parametrize(("shown", "signs"), [(b"", b"1"), (b"1", b"2"), (b"12", None)])
def test_a_key_that_is_there_before_the_login_proves_no_pin(
    shown: bytes, signs: bytes | None
) -> None:
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in (b"1", b"2")}
    token, signer = Showing(keys, [bytes([one]) for one in shown]), Signer()
    request = {"old": "1", "message": CHALLENGE.message.hex()}
    assert signer.sign(token, request) is None, "nobody has logged in"
    signer.login(token, request)
    answer = signer.sign(token, request)
    if signs is None:
        assert answer is None
        return
    assert answer is not None
    public, signature = (bytes.fromhex(answer[name]) for name in ("public_key", "signature"))
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    assert public == keys[signs].public_key().public_bytes(*form)
    assert counts(PinProof(signature, public, None))
