"""``kiosk`` with master keys in a token, as it is typed: set up, looked over, rotated."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.cli.estate import Estate
from tests.app.cli.samples import GOOD, Kiosk, people
from tests.authority.crypto.token.hsm import Hsm, workers
from tests.hardware.pkcs11.tokens import PIN, SOFTHSM

REASON = ("--reason", "personalised from the master key")


@pytest.fixture
def hsm(kiosk: Kiosk, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hsm]:
    """A token, for which the authority is set up from nothing."""
    for folder in ("etc", "state"):
        shutil.rmtree(place / folder)
    hsm = Hsm(place / "softhsm")
    (place / "pin").write_text(f"{PIN.reveal()}\n")
    for name, value in (
        ("KIOSK_SECRETS__SOURCE", "derived"),
        ("KIOSK_SECRETS__MODULE", str(SOFTHSM)),
        ("KIOSK_SECRETS__TOKEN", "kiosk"),
        ("KIOSK_SECRETS__PIN_FILE", str(place / "pin")),
        ("SOFTHSM2_CONF", hsm.environ["SOFTHSM2_CONF"]),
    ):
        monkeypatch.setenv(name, value)
    assert kiosk("setup", "authority") == 0
    yield hsm
    hsm.close()
    for worker in workers():  # of a command, which ends with its process elsewhere
        worker.kill()
        worker.wait()


def masters(capsys: pytest.CaptureFixture[str], kiosk: Kiosk) -> list[list[str]]:
    """Return id, state, secrets and place of each master key."""
    assert kiosk("keys", "list") == 0
    rows = [line.split(maxsplit=4) for line in capsys.readouterr().out.splitlines()]
    return [row[1:] for row in rows if row[0] == "derive"]


def test_cards_of_a_master_key_from_setup_to_its_rotation(
    hsm: Hsm, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((first, *told),) = masters(capsys, kiosk)
    assert told == ["current", "0", "token kiosk"]
    header, *lines = GOOD.splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0] + f",,{first}"
    file = people(place, "\n".join([f"{header},master_key", f"{lines[0]},", lines[1]]))
    assert kiosk("import", file) == 0
    jo = f"{1:032x}"
    assert kiosk("cards", "set-secret", "900000000001", jo, "--derived-from", first, *REASON) == 0
    new = (f"{9:032x}", "--derived-from", first)
    assert kiosk("cards", "add", "900000000001", *new, *REASON) == 0
    assert masters(capsys, kiosk) == [[first, "current", "3", "token kiosk"]]
    assert kiosk("setup", "authority") == 0
    assert f"✓ ok    master key  there; 3 secrets derive from {first}" in capsys.readouterr().out
    assert kiosk("keys", "rotate", "--purpose", "derive") == 0
    assert "secrets that were derived once more, and sealed: 3\n" in capsys.readouterr().out
    (older, (second, *told)) = masters(capsys, kiosk)
    assert (older, told) == (
        [first, "older", "0", "token kiosk"],
        ["current", "0", "token kiosk"],
    )
    assert kiosk("keys", "rotate", "--purpose", "derive") == 0
    said = capsys.readouterr().out
    assert f"continued the rotation to {second}" in said
    assert "--add-only adds one" in said
    hsm.destroy(f"unlock-kiosk-{first}")
    assert len(Estate().secret(Estate().cards()[jo])) == 8


def test_a_rotation_says_what_still_derives_from_an_older_key(
    hsm: Hsm, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ((gone, *_),) = masters(capsys, kiosk)
    assert kiosk("import", people(place, GOOD)) == 0
    words = ("900000000001", f"{1:032x}", "--derived-from", gone, *REASON)
    assert kiosk("cards", "set-secret", *words) == 0
    hsm.destroy(f"unlock-kiosk-{gone}")
    capsys.readouterr()
    assert kiosk("keys", "rotate", "--purpose", "derive") == 1
    said = capsys.readouterr()
    assert "its secret cannot be derived" in said.err
    assert "secrets that still derive from an older key: 1; run this again" in said.out


def test_every_command_says_that_a_token_is_away(
    hsm: Hsm, kiosk: Kiosk, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "pin").unlink()
    assert kiosk("keys", "list") == 1
    said = capsys.readouterr()
    assert "audit-sign" in said.out
    assert "the master keys cannot be shown: the token 'kiosk'" in said.err
    assert kiosk("keys", "rotate", "--purpose", "derive") == 1
    assert "No such file" in capsys.readouterr().err
    assert kiosk("setup", "authority") == 1


def test_a_master_key_in_the_key_file(kiosk: Kiosk, capsys: pytest.CaptureFixture[str]) -> None:
    assert masters(capsys, kiosk) == []
    assert kiosk("keys", "rotate", "--purpose", "derive", "--add-only") == 0
    said = capsys.readouterr().out
    assert "restart one whose unit loads the key file" in said
    ((_, *told),) = masters(capsys, kiosk)
    assert told == ["current", "0", "key file"]


def test_a_secret_is_given_in_one_way(kiosk: Kiosk, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("900000000001", f"{9:032x}", "--with-secret", "--derived-from", "derive-1", *REASON)
    with pytest.raises(SystemExit):
        kiosk("cards", "add", *words)
    assert "not allowed with" in capsys.readouterr().err
