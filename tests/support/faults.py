"""Cards that fail on purpose, for tests: each wraps a good one.

A ``Fault`` stands in for the answer to one instruction. ``done`` says whether the card
did what was asked before it failed: the host cannot tell, which is the point.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from hardware.virtual.chip import GET_RESPONSE
from hardware.virtual.link import Chip, PulledOutError

Fault = Callable[[Chip, bytes], bytes]
"""Takes the good card and the command; returns the answer or raises ``PulledOutError``."""

HANG_SECONDS = 60.0


class MuteCard:
    """Gives no answer to reset (one longer than ISO 7816-3 allows, which pcscd drops)."""

    atr = bytes(34)

    def reset(self) -> None:
        """Nothing to forget."""

    def transmit(self, command: bytes) -> bytes:
        """Never asked by pcscd; answers "no such instruction"."""
        return b"\x6d\x00"


class FaultyCard:
    """A good card but for the given instructions, ``times`` over (None: always)."""

    def __init__(self, card: Chip, faults: dict[int, Fault], times: int | None = 1) -> None:
        self._card = card
        self._faults = faults
        self._left = times

    @property
    def atr(self) -> bytes:
        """The good card's."""
        return self._card.atr

    def reset(self) -> None:
        """Reset the good card; the faults stay."""
        self._card.reset()

    def transmit(self, command: bytes) -> bytes:
        """Answer, or fail as told."""
        fault = self._faults.get(command[1])
        if fault is None or self._left == 0:
            return self._card.transmit(command)
        if self._left is not None:
            self._left -= 1
        return fault(self._card, command)


class Hang:
    """Answer only when told (or after a minute); ``reached`` says that it hangs."""

    def __init__(self, *, done: bool = False) -> None:
        self.reached = threading.Event()
        self._go_on = threading.Event()
        self._done = done

    def release(self) -> None:
        """Let the card answer, late as it is."""
        self._go_on.set()

    def __call__(self, card: Chip, command: bytes) -> bytes:
        """Hang, then answer."""
        early = card.transmit(command) if self._done else None
        self.reached.set()
        self._go_on.wait(HANG_SECONDS)
        return card.transmit(command) if early is None else early


def torn(count: int, *, done: bool) -> Fault:
    """Send ``count`` bytes of the answer and leave the reader."""

    def fault(card: Chip, command: bytes) -> bytes:
        answer = card.transmit(command) if done else b"\x90\x00"
        raise PulledOutError(answer[:count])

    return fault


def pulled_out(*, done: bool) -> Fault:
    """Leave the reader without an answer."""

    def fault(card: Chip, command: bytes) -> bytes:
        if done:
            card.transmit(command)
        raise PulledOutError

    return fault


def answering(answer: bytes, *, done: bool = False) -> Fault:
    """Answer ``answer``, whatever it means: garbage, one byte, none at all."""

    def fault(card: Chip, command: bytes) -> bytes:
        if done:
            card.transmit(command)
        return answer

    return fault


def never_ending(instruction: int) -> dict[int, Fault]:
    """Promise more after each piece of the answer, for ever."""
    promise = answering(bytes(16) + b"\x61\xff")
    return {instruction: promise, GET_RESPONSE: promise}
