"""Waiting for another process, which gives us no event to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

STEP_SECONDS = 0.01
_LISTEN = "0A"


def wait_until(ready: Callable[[], bool], seconds: float) -> bool:
    """Ask ``ready`` until it says yes (True) or ``seconds`` have passed (False)."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() >= deadline:
            return False
        time.sleep(STEP_SECONDS)
    return True


def listening(pid: int, port: int) -> bool:
    """Say whether anybody listens on the IPv4 TCP ``port`` in the network of ``pid``.

    Read from the kernel's table: to connect would be taken for a card going in.
    """
    try:
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()
    except OSError:
        return False  # the process has just gone
    for line in lines[1:]:
        fields = line.split()
        if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
            return True
    return False
