"""What `make demo` and `make test` install is found by whoever types them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.fresh_root import CHECKOUT

LOCKS = ("requirements/develop.lock", "requirements/build.lock", "pyproject.toml")


@pytest.mark.parametrize("purpose", ["run", "test"])
def test_somebody_without_sbin_in_their_path_has_all_that_is_installed(
    purpose: str, tmp_path: Path
) -> None:
    """Before: pcscd, which is in /usr/sbin, was still missing after its installation."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(CHECKOUT / ".ci" / "bootstrap", tmp_path / ".ci")
    (tmp_path / "requirements").mkdir()
    for name in LOCKS:
        (tmp_path / name).touch()
    version = f"Python {sys.version.split()[0]}\n"
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed-from").write_text(
        f"{sha256(version.encode()).hexdigest()}  -"
    )
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "apt-get").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "apt-get").chmod(0o755)
    said = subprocess.run(
        [tmp_path / ".ci" / "bootstrap", purpose],
        env={"PATH": f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.splitlines() == [
        "[setup] system packages: all there",
        "[setup] virtual environment: .venv is as locked",
    ], said.stderr
