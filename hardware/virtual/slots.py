"""Where a card goes in: one slot of the virtual reader, reached through its porter."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

DIAL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot; any process of the same user can put a card in."""

    porter: Path
    number: int
    reader: str
    """The name under which PC/SC shows this slot."""

    def dial(self) -> socket.socket:
        """Return a connection to the reader; raises ``OSError`` while there is none."""
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(DIAL_SECONDS)
            caller.connect(str(self.porter))
            caller.sendall(bytes([self.number]))
            _, descriptors, _, _ = socket.recv_fds(caller, 1, 1)
        if not descriptors:
            raise ConnectionRefusedError("the reader does not take a card now")
        return socket.socket(fileno=descriptors[0])
