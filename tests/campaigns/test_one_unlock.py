"""``docs/one-unlock.md`` is what an unlock does today."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.fresh_root import CHECKOUT

SECONDS = 300


@pytest.mark.hardware
def test_the_page_shows_an_unlock_as_it_is() -> None:
    """In a process of its own: the calls of all its threads are recorded."""
    done = subprocess.run(
        [sys.executable, "-m", "campaigns.one_unlock"],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = (CHECKOUT / "docs" / "one-unlock.md").read_text()
    assert done.stdout == page, "print it anew: make trace"
