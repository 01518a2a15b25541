"""Before: `SSLKEYLOGFILE`, `PYTHONPATH` and, in the RA application, `KIOSK_*` were obeyed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from screens.terminal import lockdown

PROGRAM = Path(sys.executable).with_name("kiosk")
SHOW = """
import os, ssl, sys
from kiosk.__main__ import main
from kiosk.app.cli import main as command_line
command_line.run_command = lambda argv: print(
    sys.flags.isolated, sorted(n for n in os.environ if n.startswith(("PYTHON", "SSL", "OPENSSL"))),
    ssl.create_default_context().keylog_filename,
)
main()
"""


COMMANDS = ["run", "station", "authority", "admin", "caretaker", "setup"]


@pytest.mark.parametrize("command", COMMANDS)
def test_what_opens_tls_or_names_its_authorities_is_forgotten(tmp_path: Path, command: str) -> None:
    bad = {
        "SSLKEYLOGFILE": str(tmp_path / "keys.log"),
        "SSL_CERT_FILE": str(tmp_path / "rogue.pem"),
        "SSL_CERT_DIR": str(tmp_path),
        "OPENSSL_CONF": str(tmp_path / "rogue.cnf"),
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOW, command],
        env={"PATH": os.environ["PATH"], **bad},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split(maxsplit=1)[1] == "[] None\n"
    assert not (tmp_path / "keys.log").exists()


@pytest.mark.parametrize(
    "command", ["run", "station", "authority", "admin", "caretaker", "setup", "doctor"]
)
def test_no_code_is_loaded_from_the_environment(tmp_path: Path, command: str) -> None:
    mark = tmp_path / "was.here"
    for name in ("argparse", "textual", "kiosk_evil"):
        (tmp_path / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    done = subprocess.run(
        [PROGRAM, command, "--help"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path), "PYTHONINSPECT": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"usage: kiosk {command}" in done.stdout
    assert not mark.exists()


def test_what_the_terminal_is_not_asked_for_is_scrubbed() -> None:
    environment = {"SSLKEYLOGFILE": "x", "SSL_CERT_FILE": "x", "OPENSSL_CONF": "x", "TERM": "foot"}
    lockdown.remove_unsafe_variables(environment)
    assert environment == {"TERM": "foot"}


def test_the_ra_application_takes_its_settings_from_the_file_alone(tmp_path: Path) -> None:
    settings = tmp_path / "kiosk.toml"
    settings.write_text("")
    log = tmp_path / "log"
    other = tmp_path / "other.db"
    subprocess.run(
        [PROGRAM, "admin", "--config", settings, "--log", log],
        env={
            "PATH": os.environ["PATH"],
            "STATE_DIRECTORY": str(tmp_path / "state"),
            "KIOSK_STORE__URL": f"sqlite:///{other}",
            "KIOSK_NO_SUCH__SETTING": "x",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert "NO_SUCH" not in log.read_text(), "it read its environment"
    assert not other.exists()
