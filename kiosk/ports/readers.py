"""What a reader says, and who listens to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class CardInserted:
    """A card answers in ``reader``; ``insertion`` grows by each card that goes in anywhere."""

    reader: str
    insertion: int


@dataclass(frozen=True, slots=True)
class CardMuteSeen:
    """Something is in ``reader`` that gives no answer to reset."""

    reader: str
    insertion: int


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """The card of ``insertion`` is out."""

    reader: str
    insertion: int


@dataclass(frozen=True, slots=True)
class ReadersChanged:
    """The readers that are plugged in now; empty when there is none."""

    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceLost:
    """The PC/SC service went away; the monitor keeps trying."""


@dataclass(frozen=True, slots=True)
class ServiceFound:
    """The PC/SC service answers (again)."""


ReaderEvent = (
    CardInserted | CardMuteSeen | CardRemoved | ReadersChanged | ServiceLost | ServiceFound
)

PostReaderEvent = Callable[[ReaderEvent], None]


class ReaderMonitor(Protocol):
    """Watches readers from a thread of its own, and only posts."""

    def start(self) -> None:
        """Begin to post; a card that is already in is posted as inserted."""

    def stop(self) -> None:
        """End the thread; returns once it has ended (within 2 s)."""
