"""Two things at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from kiosk.contract.errors import KioskError


def both(one: Callable[[], object], two: Callable[[], object]) -> list[object]:
    """Let two threads begin together; return what each gave, or the error it raised."""
    gate = threading.Barrier(2)

    def run(act: Callable[[], object]) -> object:
        gate.wait()
        try:
            return act()
        except KioskError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, (one, two)))
