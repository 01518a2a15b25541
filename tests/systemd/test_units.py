"""The files for a station's machine, checked with systemd's own programs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.__main__ import main
from screens.terminal.pulse import LONGEST_S

FILES = Path(__file__).parents[2] / "systemd"
UNIT = FILES / "kiosk-station.service"
EXPOSURE_LIMIT = 15  # of 100; lower is better, and a bare service has 96


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"PATH": "/usr/bin:/usr/sbin:/bin:/sbin", "SYSTEMD_PAGER": "cat", "LANG": "C.UTF-8"},
    )


def setting(name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert found, name
    return found.group(1)


def command_of(exec_start: str) -> list[str]:
    """Return what the unit's shell becomes."""
    shell, option, script = shlex.split(exec_start)
    assert (shell, option) == ("/bin/sh", "-c")
    return shlex.split(script.rpartition("; exec ")[2])


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with an interpreter that is there."""
    text = UNIT.read_text().replace("/opt/unlock-kiosk/bin/python", sys.executable)
    (tmp_path / UNIT.name).write_text(text)
    return tmp_path / UNIT.name


def test_the_unit_has_no_mistake(unit: Path) -> None:
    done = run("systemd-analyze", "verify", "--man=no", unit)
    complaints = [line for line in done.stdout.splitlines() if UNIT.name in line]
    assert complaints == []


def test_a_mistake_would_be_seen(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
    assert "NoNewPrivilege" in run("systemd-analyze", "verify", "--man=no", unit).stdout


def test_the_unit_is_little_exposed(unit: Path) -> None:
    command = ("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_LIMIT}")
    done = run(*command, unit)
    assert done.returncode == 0, done.stdout


def test_the_command_it_starts_exists(capsys: pytest.CaptureFixture[str]) -> None:
    words = command_of(setting("ExecStart"))
    assert words[1:5] == ["-I", "-m", "kiosk", "run"]
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    offered = capsys.readouterr().out
    assert all(word in offered for word in words[5:] if word.startswith("--"))


def test_it_comes_back_whatever_happens_and_speaks_on_the_console() -> None:
    assert setting("Restart") == "always"
    assert setting("StartLimitIntervalSec") == "0"
    assert setting("TTYPath") == "/dev/tty1"
    assert setting("StandardInput") == setting("StandardError") == "tty"


def test_a_display_that_stands_still_is_ended_and_emptied() -> None:
    assert setting("Type") == "notify"
    assert int(setting("WatchdogSec")) >= 5 * LONGEST_S
    assert int(setting("TimeoutAbortSec")) <= 10, "stopped by SIGSTOP it hears no other signal"
    assert {setting(f"TTY{what}") for what in ("Reset", "VHangup", "VTDisallocate")} == {"yes"}


def test_the_account_is_made(tmp_path: Path) -> None:
    config = FILES / "sysusers.d" / "kiosk.conf"
    done = run("systemd-sysusers", "--dry-run", f"--root={tmp_path}", "--inline", *lines(config))
    assert done.returncode == 0, done.stdout
    assert f"Creating user '{setting('User')}'" in done.stdout


def lines(config: Path) -> list[str]:
    return [line for line in config.read_text().splitlines() if not line.startswith("#")]


def test_its_folders_are_made_for_it_alone(tmp_path: Path) -> None:
    folders = [line.split() for line in lines(FILES / "tmpfiles.d" / "kiosk.conf")]
    state = f"/var/lib/{setting('StateDirectory')}"
    assert {folder for _, folder, *_ in folders} == {
        "/etc/kiosk",
        state,
        f"{state}/imports",
        f"{state}/exports",
    }
    assert {tuple(rest) for _, _, *rest in folders} == {("0700", "kiosk", "kiosk", "-")}
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text("kiosk:x:995:995::/:/usr/sbin/nologin\n")
    (tmp_path / "etc" / "group").write_text("kiosk:x:995:\n")
    done = run(
        "systemd-tmpfiles",
        "--create",
        f"--root={tmp_path}",
        "--dry-run",
        FILES / "tmpfiles.d" / "kiosk.conf",
    )
    assert done.returncode == 0, done.stdout


def test_the_rule_names_the_account_and_what_the_reader_service_asks_for() -> None:
    rule = (FILES / "polkit" / "50-kiosk.rules").read_text()
    asked = Path("/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy").read_text()
    actions = set(re.findall(r'<action id="([^"]+)"', asked))
    assert set(re.findall(r'"(org\.[^"]+)"', rule)) == actions
    assert f'subject.user === "{setting("User")}"' in rule


def test_the_guide_installs_every_file() -> None:
    guide = (FILES / "README.md").read_text()
    for path in FILES.rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert f"systemd/{path.relative_to(FILES)} " in guide
