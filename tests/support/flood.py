"""Strangers who connect and say nothing, in numbers, and what that takes of a process's memory."""

from __future__ import annotations

import re
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_HELD = 800
"""How many this process keeps open: the other end has dropped those before."""

RECORD_BEGUN = bytes.fromhex("1603010200")
"""The head of a TLS record of 512 bytes that never comes."""


@contextmanager
def flood(
    ports: Sequence[int],
    many: int,
    *,
    sources: Sequence[str] = ("127.0.0.9",),
    says: bytes = b"",
    meanwhile: Callable[[], object] = lambda: None,
) -> Iterator[None]:
    """Make ``many`` connections to each port of loopback; call ``meanwhile`` after each hundred.

    In the block the last ones are open.
    """
    held: deque[socket.socket] = deque()
    try:
        for number in range(many):
            source = (sources[number % len(sources)], 0)
            for port in ports:
                made = socket.create_connection(("127.0.0.1", port), 60, source)
                held.append(made)
                with suppress(ConnectionError):
                    made.sendall(says)
            while len(held) > _HELD:
                held.popleft().close()
            if number % 100 == 99:
                meanwhile()
        yield
    finally:
        for each in held:
            each.close()


def resident(pid: int, which: str = "VmRSS") -> int:
    """Return the bytes that a process has resident, or had at most ("VmHWM"); see proc(5)."""
    status = Path("/proc", str(pid), "status").read_text()
    found = re.search(rf"{which}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) << 10
