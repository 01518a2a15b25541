"""The records of unblock secrets beside the one that a card is known to have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kiosk.store.records import SealedSecret


class KeptKind(StrEnum):
    """Why a secret is kept: the card may have it by now, or it had or may have had it once."""

    PENDING = "pending"
    FORMER = "former"


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """One sealed secret of a card beside its current one.

    A card has at most one that is pending. ``entry_id`` names the unblock after which it
    was drawn, and ``presented`` says that the card was given it last, of the two that it
    may have. Former ones are never thrown away: a file may bring one back years later.
    A former one was ``refused`` where the card was to take it and is said not to have: it
    is what the card has where the current one turns out to be wrong.
    """

    id: str
    card_id: str
    kind: KeptKind
    sealed: SealedSecret
    kept_at: datetime
    entry_id: str = ""
    presented: bool = False
    refused: bool = False
