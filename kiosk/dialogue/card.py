"""A card, as a station reports it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CardId:
    """A card's stable name: the driver that read it and the identifier in lower-case hex."""

    driver: str
    identifier: str


@dataclass(frozen=True, slots=True)
class PinState:
    """Whether the PIN is blocked, and the tries left where the card says."""

    blocked: bool
    tries_left: int | None = None


@dataclass(frozen=True, slots=True)
class CardReport:
    """What a card tells without a PIN; ``expires_at`` is None where it does not say."""

    card: CardId
    pin: PinState
    expires_at: datetime | None = None
