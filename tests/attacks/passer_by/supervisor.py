"""A service manager's side of the watchdog: the socket, and what came in on it."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping

LIMIT_S = 1.0
SILENCE_S = 3.0
"""Several times as long as the program may be silent."""
PATIENCE_S = 240.0


class Supervisor:
    """Listens at a socket of its own; ``environ`` is what it gives to the program."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = f"kiosk-test-{os.getpid()}-{id(self)}"
        self._socket.bind(f"\0{name}")
        self.environ: Mapping[str, str] = {
            "NOTIFY_SOCKET": f"@{name}",
            "WATCHDOG_USEC": str(int(LIMIT_S * 1_000_000)),
        }
        self.said: list[str] = []
        self._news = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                states = self._socket.recv(4096).decode().splitlines()
            except OSError:
                return
            with self._news:
                self.said += states
                self._news.notify_all()

    def close(self) -> None:
        """Be gone; the program does not mind."""
        self._socket.close()

    def wait_for_beats(self, count: int = 3) -> None:
        """Return after that many keep-alives more."""
        with self._news:
            wanted = self.said.count("WATCHDOG=1") + count
            came = self._news.wait_for(lambda: self.said.count("WATCHDOG=1") >= wanted, PATIENCE_S)
        assert came, f"no keep-alive came any more: {self.said[-3:]}"

    def wait_for_silence(self) -> None:
        """Return once nothing came for longer than the watchdog lets a program live."""
        end = time.monotonic() + PATIENCE_S
        with self._news:
            while time.monotonic() < end:
                before = len(self.said)
                if not self._news.wait_for(lambda b=before: len(self.said) > b, SILENCE_S):  # type: ignore[misc]
                    return
        raise AssertionError("the keep-alives go on")
