"""Where a PIN comes from: from the station's glass, or from the reader's own keys.

A family says once how its commands carry a PIN; its commands are then the same for both.
A PIN on the reader's keys stays a blank in the body.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from hardware.pads import Asked, PadEntry
from kiosk.dialogue import OnPad, PinEntry
from kiosk.errors import PadRefused
from kiosk.sensitive import Sensitive

BLANK: Final = b"\xff"
"""What is left in a block of fixed size; the families that have one pad with the same."""


class PinBody(NamedTuple):
    """The body of a command that carries PINs; with ``pad`` the reader puts them in."""

    data: bytes
    pad: PadEntry | None = None


NO_PIN: Final = PinBody(b"")


@dataclass(frozen=True, slots=True)
class PinForm:
    """How a family's commands carry PINs: ASCII, joined, in blocks of fixed size or in none.

    ``known`` and ``chosen`` write one that was typed, and raise ``PinWrong`` and
    ``PinRefused`` where it cannot be right. ``block`` is 0 where a PIN is as long as it is.
    Without ``keys`` no reader could put it in.
    """

    known: Callable[[Sensitive], bytes]
    chosen: Callable[[Sensitive], bytes]
    shortest: int
    longest: int
    block: int = 0
    keys: bool = True

    def current(self, pin: PinEntry) -> PinBody:
        """Return a body with the PIN that the card knows."""
        if isinstance(pin, OnPad):
            return PinBody(BLANK * self.block, self._asks(Asked.CURRENT, pin))
        return PinBody(self.known(pin))

    def both(self, current: PinEntry, new: PinEntry) -> PinBody:
        """Return a body with the old PIN and the new one; both come from the same place."""
        if isinstance(current, OnPad) and isinstance(new, OnPad):
            return PinBody(BLANK * 2 * self.block, self._asks_both(new))
        chosen = self.chosen(typed(new))
        return PinBody(self.known(typed(current)) + chosen)

    def new(self, pin: PinEntry, behind: bytes = b"") -> PinBody:
        """Return a body with a new PIN, ``behind`` what opens it."""
        if isinstance(pin, OnPad):
            asks = self._asks(Asked.NEW, pin, len(behind))
            return PinBody(behind + BLANK * self.block, asks)
        return PinBody(behind + self.chosen(pin))

    def _asks_both(self, new: OnPad) -> PadEntry:
        """Refuse where a slip would set a PIN that nobody chose, or the old one cannot be entered.

        A reader joins both. Without blocks only the card knows where the old one ends, and a
        digit too many there becomes the first of the new one. And a reader is told one length
        for both: an old PIN from before a stricter rule would not go in.
        """
        asks = self._asks(Asked.BOTH, new, self.block)
        if not self.block or (asks.shortest, asks.longest) != (self.shortest, self.longest):
            raise PadRefused("no reader's keys can change the PIN of this card")
        return asks

    def _asks(self, asked: Asked, pin: OnPad, new_at: int = 0) -> PadEntry:
        shortest = max(pin.min_length, self.shortest)
        longest = min(pin.max_length, self.longest)
        if not self.keys or shortest > longest:
            raise PadRefused("no reader can put in a PIN as this card wants it")
        return PadEntry(asked, shortest, longest, self.block, new_at)


def typed(entry: PinEntry) -> Sensitive:
    """Return the PIN that was typed; raise ``PadRefused`` where the reader's keys are meant."""
    if isinstance(entry, OnPad):
        raise PadRefused("this PIN is not taken on a reader's keys")
    return entry
