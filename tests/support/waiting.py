"""Waiting for something that another machine does."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 1200.0
"""What takes longer than any machine needs is a failure."""


def wait_for(
    ready: Callable[[], bool], what: str, shown: Callable[[], str] = lambda: "nothing"
) -> None:
    """Wait for a condition; ``shown`` says what there was instead."""
    end = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < end, f"waited in vain for {what}; there is:\n{shown()}"
        time.sleep(0.2)
