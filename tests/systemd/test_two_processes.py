"""The units of a station and an authority with an account each, checked with systemd's programs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from kiosk.__main__ import main
from kiosk.app.config.settings import AuthoritySettings
from tests.systemd.test_units import EXPOSURE_LIMIT, FILES, UNIT, command_of, run

AUTHORITY = FILES / "kiosk-authority.service"
DROP_IN = FILES / f"{UNIT.name}.d" / "authority.conf"


def values(path: Path, name: str) -> list[str]:
    """Return what a file sets ``name`` to, in its order."""
    return re.findall(rf"^{name}=(.*)$", path.read_text(), re.MULTILINE)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Both units and the drop-in in a folder, with an interpreter that is there."""
    for path in (AUTHORITY, UNIT, DROP_IN):
        text = path.read_text().replace("/opt/unlock-kiosk/bin/python", sys.executable)
        copy = tmp_path / path.relative_to(FILES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", [AUTHORITY.name, UNIT.name])
def test_the_units_have_no_mistake(units: Path, name: str) -> None:
    done = run("systemd-analyze", "verify", "--man=no", units / name)
    said = [
        line for line in done.stdout.splitlines() if re.search("kiosk-(auth|station)|conf", line)
    ]
    assert said == []


@pytest.mark.parametrize("path", [AUTHORITY, DROP_IN])
def test_a_mistake_would_be_seen(units: Path, path: Path) -> None:
    copy = units / path.relative_to(FILES)
    copy.write_text(copy.read_text().replace("RestrictAddressFamilies", "RestrictAddressFamily"))
    name = AUTHORITY.name if path == AUTHORITY else UNIT.name
    said = run("systemd-analyze", "verify", "--man=no", units / name).stdout
    assert "RestrictAddressFamily" in said


def test_the_authority_is_little_exposed(units: Path) -> None:
    command = ("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}")
    done = run(*command, units / AUTHORITY.name)
    assert done.returncode == 0, done.stdout


def test_the_commands_that_they_start_exist(capsys: pytest.CaptureFixture[str]) -> None:
    [start] = values(AUTHORITY, "ExecStart")
    for words in (shlex.split(start), command_of(values(DROP_IN, "ExecStart")[-1])):
        assert words[1:4] == ["-I", "-m", "kiosk"]
        with pytest.raises(SystemExit):
            main([words[4], "--help"])
        assert "--config" in capsys.readouterr().out


def test_each_has_an_account_and_they_meet_at_the_socket_alone() -> None:
    defaults = AuthoritySettings()
    assert values(DROP_IN, "User") == [defaults.station_user]
    assert values(AUTHORITY, "User") == ["kiosk"]
    [folder] = values(AUTHORITY, "RuntimeDirectory")
    assert defaults.socket == f"/run/{folder}/authority.sock"
    assert values(AUTHORITY, "RuntimeDirectoryMode") == ["0750"]
    accounts = (FILES / "sysusers.d" / "kiosk.conf").read_text()
    assert f"m {defaults.station_user} kiosk" in accounts
    assert values(AUTHORITY, "UMask") == ["0077"], "the group opens nothing else"


def test_the_authority_sees_the_user_ids_of_others() -> None:
    """In a user namespace the kernel shows each of them as nobody's."""
    assert values(AUTHORITY, "PrivateUsers") == []
