"""No secret and no holder comes through the redaction, whatever a card answers."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from hardware.connection import RawExchange
from hardware.drivers import gids, openpgp, piv
from hardware.public_keys import in_certificate, read_certificate
from kiosk.app.trial.recording import Names, RecordedCall
from kiosk.app.trial.redaction import Redaction
from kiosk.app.trial.stand_ins import PrivateKey, StandIns
from kiosk.app.trial.transcript import ANY, Call
from kiosk.contract.sensitive import Sensitive

FAMILIES = {
    "piv": (piv.APPLICATION_IDS[0], (0x20, 0x24, 0x2C), 8),
    "gids": (gids.APPLICATION_IDS[0], (0x20, 0x24, 0x2C), 0),
    "openpgp": (openpgp.APPLICATION, (0x20, 0x24, 0x2C), 0),
}
SECRETS = st.text("0123456789abcdefXYZ", min_size=6, max_size=8)


def apdu(header: bytes, body: bytes) -> bytes:
    return header + bytes((len(body),)) + body


def redacted(exchanges: list[RawExchange], names: Names) -> Call:
    recorded = RecordedCall("read", result="done", exchanges=exchanges)
    return Redaction(names).calls([recorded])[0]


def written(call: Call) -> str:
    return "".join(each.command + " " + each.answer + " " for each in call.exchanges)


@given(
    family=st.sampled_from(sorted(FAMILIES)),
    secrets=st.lists(SECRETS, min_size=2, max_size=2, unique=True),
    known=st.booleans(),
    instruction=st.sampled_from((0x20, 0x24, 0x2C, 0x87, 0x88, 0x2A, 0xDB, 0xDA)),
    echoed=st.binary(max_size=20),
)
def test_no_secret_is_written_of_any_command_that_a_driver_sends(
    family: str, secrets: list[str], known: bool, instruction: int, echoed: bytes
) -> None:
    """Also a secret that nobody named, and one that the card answers with."""
    aid, _, block = FAMILIES[family]
    names = Names()
    if known:
        names.add("pin", Sensitive(secrets[0]))
        names.add("secret", Sensitive(secrets[1]))
    body = b"".join(each.encode().ljust(block, b"\xff") for each in secrets)
    answer = echoed + secrets[0].encode() + b"\x90\x00"
    select = RawExchange(apdu(b"\x00\xa4\x04\x00", aid), b"\x90\x00", 0.0)
    sent = RawExchange(apdu(bytes((0, instruction, 0, 0x80)), body), answer, 0.0)
    call = redacted([select, sent], names)
    text = written(call)
    for secret in secrets:
        assert secret.encode().hex() not in text
    assert len(call.exchanges[1].command) == 2 * len(sent.command)
    assert len(call.exchanges[1].answer) == 2 * len(answer)


@given(
    family=st.sampled_from(sorted(FAMILIES)),
    header=st.sampled_from(("00cb3fff", "00ca0065", "00ca005e", "00cba012", "00f70080", "0047")),
    name=st.text("ABCDEFGHIJKLMNOP ", min_size=17, max_size=60),
    before=st.binary(max_size=10),
)
def test_no_name_is_written_of_any_object(
    family: str, header: str, name: str, before: bytes
) -> None:
    """A name of 17 letters or more: what is kept of an answer is at most 16 bytes long."""
    aid = FAMILIES[family][0]
    select = RawExchange(apdu(b"\x00\xa4\x04\x00", aid), b"\x90\x00", 0.0)
    asked = bytes.fromhex(header).ljust(4, b"\x00")
    sent = RawExchange(asked + b"\x00", before + name.encode() + b"\x90\x00", 0.0)
    assert name.encode().hex() not in written(redacted([select, sent], Names()))


@cache
def keys() -> dict[str, PrivateKey]:
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "p-256": ec.generate_private_key(ec.SECP256R1()),
        "p-384": ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }


@pytest.mark.parametrize("kind", ["rsa", "p-256", "p-384", "ed25519"])
@pytest.mark.parametrize("packed", [False, True])
def test_certificate_keeps_its_length_and_kind_and_nothing_of_its_holder(
    kind: str, packed: bool
) -> None:
    key, now = keys()[kind], datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Canary Holder")])
    mail = x509.SubjectAlternativeName([x509.RFC822Name("canary@example.org")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0x43414E41525943414E415259)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=900))
        .add_extension(mail, critical=False)
        .sign(key, None if kind == "ed25519" else SHA256())
    )
    der = made.public_bytes(Encoding.DER)
    given_to = gzip.compress(der) if packed else der
    stand_in = StandIns().certificate(given_to)
    assert len(stand_in) == len(given_to)
    plain = gzip.decompress(stand_in) if packed else stand_in
    for canary in (b"Canary", b"canary", bytes.fromhex("43414E415259"), b"260504"):
        assert canary not in plain
    was, now_is = in_certificate(read_certificate(der)), in_certificate(read_certificate(plain))
    assert was is not None
    assert now_is is not None
    assert now_is.kind is was.kind
    assert now_is.public_key != was.public_key


def test_same_identifier_has_the_same_stand_in_within_one_transcript_alone() -> None:
    first, second = StandIns(), StandIns()
    assert first.name(b"0123456789abcdef") == first.name(b"0123456789abcdef")
    assert first.name(b"0123456789abcdef") != second.name(b"0123456789abcdef")
    assert first.name(bytes(16)) == bytes(16)


def test_challenge_that_the_trial_did_not_draw_is_not_written() -> None:
    select = RawExchange(apdu(b"\x00\xa4\x04\x00", piv.APPLICATION_IDS[0]), b"\x90\x00", 0.0)
    body = bytes.fromhex("7c248200812061") + b"b" * 31
    sent = RawExchange(apdu(b"\x00\x87\x11\x9a", body), b"\x90\x00", 0.0)
    call = redacted([select, sent], Names())
    assert call.exchanges[1].command == "0087119a26" + "7c2482008120" + ANY * 32
