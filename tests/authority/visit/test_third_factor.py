"""A further factor takes one module, its messages, and a row where pages and words are named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.third_factor import files_that_know, with_third_factor


def test_third_factor_needs_its_module_and_five_files() -> None:
    assert len(files_that_know()) == 6


def test_third_factor_unlocks_by_every_policy_that_has_it(tmp_path: Path) -> None:
    """Alone, with another before or after it, or as another way; see ``walks.txt``."""
    root = with_third_factor(tmp_path / "program")
    walks = "tests/authority/visit/test_it.py"
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", walks],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout
