from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.authority.administration.login import read_public_key
from kiosk.authority.errors import NotTaken
from tests.support.refusals import refused

POINT_OF_25519 = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
POINT_OF_P256 = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)


def made(folder: Path, *how: str) -> str:
    path = folder / "key"
    command = ["ssh-keygen", "-q", "-N", "", "-C", "jo@ward 7", "-f", str(path), *how]
    subprocess.run(command, check=True)
    return path.with_suffix(".pub").read_text()


@pytest.mark.parametrize(
    "how", [("-t", "ed25519"), ("-t", "ecdsa", "-b", "384"), ("-t", "rsa", "-b", "3072")]
)
def test_a_key_is_known_by_the_fingerprint_that_openssh_shows(
    tmp_path: Path, how: tuple[str, ...]
) -> None:
    key = read_public_key(made(tmp_path, *how))
    shown = subprocess.run(
        ["ssh-keygen", "-lf", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True
    )
    assert key.fingerprint == shown.stdout.split()[1]
    assert key.label == "jo@ward 7"
    assert key.line == " ".join((tmp_path / "key.pub").read_text().split()[:2])


def test_a_short_rsa_key_is_not_taken(tmp_path: Path) -> None:
    with refused(NotTaken, match="3072 bits"):
        read_public_key(made(tmp_path, "-t", "rsa", "-b", "2048"))


def test_a_private_key_is_sent_back(tmp_path: Path) -> None:
    made(tmp_path, "-t", "ed25519")
    with refused(NotTaken, match="private key") as caught:
        read_public_key((tmp_path / "key").read_text())
    assert caught.value.field == "public_key"


def test_a_mark_of_an_editor_before_the_key_counts_for_nothing(tmp_path: Path) -> None:
    text = made(tmp_path, "-t", "ed25519")
    assert read_public_key(f"\ufeff{text}\r\n").line in text


def test_options_before_a_key_are_not_taken(tmp_path: Path) -> None:
    with refused(NotTaken, match="begins with its kind"):
        read_public_key('command="sh" ' + made(tmp_path, "-t", "ed25519"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 not/base64!",
        "sk-ssh-ed25519@openssh.com AAAAC3NzaC1lZDI1NTE5",
        "ssh-dss AAAAB3NzaC1kc3MAAACBAP",
        "one\ntwo",
    ],
)
def test_what_is_no_key_is_not_taken(text: str) -> None:
    with pytest.raises(NotTaken):
        read_public_key(text)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("sk-ssh-ed25519@openssh.com", (POINT_OF_25519, b"ssh:")),
        ("sk-ecdsa-sha2-nistp256@openssh.com", (b"nistp256", POINT_OF_P256, b"ssh:")),
    ],
)
def test_a_key_in_a_hardware_token_is_taken_as_a_whole(kind: str, parts: tuple[bytes, ...]) -> None:
    strings = (kind.encode(), *parts)
    blob = b"".join(len(each).to_bytes(4, "big") + each for each in strings)
    body = base64.b64encode(blob).decode()
    assert read_public_key(f"{kind} {body} jo@ward 7").line == f"{kind} {body}"
    for damaged in (blob[:-5], blob[: 4 + len(kind)], blob[:-1]):
        with refused(NotTaken, match="damaged"):
            read_public_key(f"{kind} {base64.b64encode(damaged).decode()}")


@pytest.mark.parametrize(
    ("kind", "last"),
    [("ecdsa-sha2-nistp256", ()), ("sk-ecdsa-sha2-nistp256@openssh.com", (b"ssh:",))],
)
def test_a_key_with_half_a_point_is_not_taken(kind: str, last: tuple[bytes, ...]) -> None:
    strings = (kind.encode(), b"nistp256", b"\x02" + POINT_OF_P256[1:33], *last)
    blob = b"".join(len(each).to_bytes(4, "big") + each for each in strings)
    with refused(NotTaken, match="damaged"):
        read_public_key(f"{kind} {base64.b64encode(blob).decode()}")


def test_half_a_key_is_not_taken(tmp_path: Path) -> None:
    kind, body, _ = made(tmp_path, "-t", "ed25519").split(None, 2)
    with refused(NotTaken, match="damaged"):
        read_public_key(f"{kind} {body[:40]}")
