"""The card held against programs that were not written for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256

from hardware.virtual.chip import read
from hardware.virtual.piv import CardProfile, new_card, padded
from kiosk.contract.messages import KeyKind
from tests.hardware.virtual.apdus import OTHER, PIN, PUK, WRONG, card
from tests.support.clients import Clients
from tests.support.pcsc import Insert

pytestmark = pytest.mark.hardware


def test_yubico_piv_tool_reads_the_card(insert: Insert, clients: Clients) -> None:
    made = card()
    shown = clients.yubico(insert(made).reader, "-a", "status")
    assert shown.returncode == 0
    assert made.state.guid.hex() in shown.stdout
    assert shown.stdout.count("Subject DN:\tCN=Ada Example") == 2
    assert "PIN tries left:\t3" in shown.stdout


def test_opensc_reads_the_card(insert: Insert, clients: Clients) -> None:
    made = card()
    reader = insert(made).reader
    name = clients.opensc("opensc-tool", reader, "--name")
    assert "Personal Identity Verification Card" in name.stdout
    shown = clients.opensc("pkcs15-tool", reader, "--dump")
    assert shown.returncode == 0
    assert "PKCS#15 Card [Ada Example]" in shown.stdout
    assert made.state.guid.hex() in shown.stdout
    serial = clients.opensc("piv-tool", reader, "--serial")
    assert made.state.guid.hex(" ").upper() in serial.stdout


@pytest.mark.parametrize("t0", [False, True])
def test_both_verify_the_pin(insert: Insert, clients: Clients, t0: bool) -> None:
    made = new_card(holder_name="Ada Example", pin=PIN, profile=CardProfile(t0=t0))
    reader = insert(made).reader
    assert clients.verifies(reader, PIN)
    assert not clients.verifies(reader, WRONG)
    assert made.state.pin.left == 1
    assert clients.verifies(reader, PIN)


@pytest.mark.parametrize("status_word", [0x6983, 0x63C0])
def test_both_see_that_it_is_blocked(insert: Insert, clients: Clients, status_word: int) -> None:
    made = new_card(
        blocked=True, holder_name="Ada Example", profile=CardProfile(blocked_status=status_word)
    )
    assert not clients.verifies(insert(made).reader, PIN)


def test_yubico_piv_tool_unblocks_and_changes(insert: Insert, clients: Clients) -> None:
    made = new_card(holder_name="Ada Example", pin=PIN, puk=PUK, blocked=True)
    reader = insert(made).reader
    wrong = clients.yubico(reader, "-a", "unblock-pin", "-P", WRONG, "-N", OTHER)
    assert "2 tries left" in wrong.stderr
    for action, old, new in (
        ("unblock-pin", PUK, OTHER),
        ("change-pin", OTHER, PIN),
        ("change-puk", PUK, "20417386"),
    ):
        done = clients.yubico(reader, "-a", action, "-P", old, "-N", new)
        assert done.returncode == 0, done.stderr
    assert made.state.puk.body == padded("20417386")
    assert clients.verifies(reader, PIN)


def test_opensc_unblocks(insert: Insert, clients: Clients) -> None:
    made = new_card(holder_name="Ada Example", pin=PIN, puk=PUK, blocked=True)
    reader = insert(made).reader
    unblock = ("--unblock-pin", "--puk", PUK, "--new-pin", OTHER)
    assert clients.opensc("pkcs15-tool", reader, *unblock).returncode == 0
    assert clients.verifies(reader, OTHER)


@pytest.mark.parametrize("t0", [False, True])
def test_opensc_signs_with_p256(insert: Insert, clients: Clients, tmp_path: Path, t0: bool) -> None:
    made = card(t0=t0)
    insert(made)
    message = tmp_path / "message"
    message.write_bytes(b"fresh")
    raw = clients.sign(PIN, message, "ECDSA-SHA256")
    signature = utils.encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )
    key = certificate(made.state.objects[0x5FC105]).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, b"fresh", ec.ECDSA(SHA256()))


@pytest.mark.parametrize("t0", [False, True])
def test_opensc_signs_with_rsa(insert: Insert, clients: Clients, tmp_path: Path, t0: bool) -> None:
    made = card(key=KeyKind.RSA_2048, t0=t0)
    insert(made)
    message = tmp_path / "message"
    message.write_bytes(b"fresh")
    signature = clients.sign(PIN, message, "SHA256-RSA-PKCS")
    key = certificate(made.state.objects[0x5FC105]).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, b"fresh", padding.PKCS1v15(), SHA256())


def certificate(container: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(read(container)[0x70])
