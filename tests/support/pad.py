"""Keys on the private reader, and the person at them.

Fixture (``pad``, in ``tests.support.pcsc``)::

    def test_something(insert: Insert, pad: Pad) -> None:
        pad.types("482915")          # what the person will enter, one text for each entry
        ...                          # a call that asks for the reader's keys
        pad.asked                    # [Asking(header="00200080", entries=1, ...)]

From the fixture on every slot of the reader has keys. Besides digits the person can do what
``EntryEnd`` names, or wait for an event first. Who types nothing runs out of time at once. The
keys themselves are C, in ``hotplug/pad.c``: what is typed goes from here to pcscd alone.
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

FEATURES: Final = "06044233000607044233000712044233" + "0012"
"""VERIFY_PIN_DIRECT, MODIFY_PIN_DIRECT and GET_TLV_PROPERTIES, each with its control code."""

PROPERTIES: Final = "0102100206010407010c"
"""A display of two lines; PINs of 4 to 12 digits."""

WAIT_S: Final = 30.0


class EntryEnd(StrEnum):
    """What becomes of an entry that is none."""

    CANCELS = "cancel"
    FORGETS = "timeout"
    PULLS_THE_CARD = "gone"
    """The reader's driver fails: nobody knows how far it came."""
    MEETS_AN_OLD_DRIVER = "unknown"
    MEETS_AN_OLD_READER = "refuse"


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """What the reader was asked: the command's header in hex, and how much to enter.

    ``whole`` is False where the structure was not as the standard has it.
    """

    header: str
    entries: int
    shortest: int
    longest: int
    whole: bool = True


class Pad:
    """The person's end of the keys; from ``start`` on the reader has them, until ``stop``."""

    def __init__(self, path: Path) -> None:
        self.features = FEATURES
        self.properties = PROPERTIES
        self.asked: list[EntryRequest] = []
        self.questions = 0
        self._path = path
        self._entries: deque[str | threading.Event] = deque()
        self._listener = socket.socket(socket.AF_UNIX)

    def start(self) -> None:
        """Put the keys on the reader."""
        self._listener.bind(str(self._path))
        self._listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        """Take them away."""
        self._path.unlink()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def types(self, *entries: str | threading.Event) -> None:
        """Enter these, each when it is asked for; an event is waited for before the next."""
        self._entries.extend(entries)

    def _serve(self) -> None:
        while True:
            try:
                reader, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(reader,), daemon=True).start()

    def _answer(self, reader: socket.socket) -> None:
        with reader, reader.makefile("r") as lines:
            for line in lines:
                reader.sendall(self._reply(line.split()).encode())

    def _reply(self, said: list[str]) -> str:
        match said:
            case ["features"]:
                self.questions += 1
                return self.features + "\n"
            case ["properties"]:
                return self.properties + "\n"
            case ["next"]:
                return self._next() + "\n"
            case [word, header, entries, shortest, longest]:
                asking = EntryRequest(
                    header, int(entries), int(shortest), int(longest), word == "ask"
                )
                self.asked.append(asking)
        return ""

    def _next(self) -> str:
        while self._entries:
            entry = self._entries.popleft()
            if isinstance(entry, str):
                return entry
            entry.wait(WAIT_S)
        return EntryEnd.FORGETS
